/* Runs a command under a seccomp filter. "write" refuses write(2) to descriptors above 2 with EPERM, "open" refuses openat2(2)
 * with EPERM, "unshare", "mount" and "prctl" refuse the calls of these names with EPERM, "old" refuses openat2(2) with ENOSYS,
 * "trap" answers with SIGSYS to getxattr(2), and "nothing" allows all calls. Without CAP_SYS_ADMIN, the kernel requires that
 * no_new_privs is set. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))

int main(int argc, char **argv)
{
	static const struct { const char *name; int number; unsigned answer; } calls[] = {
		{ "write", SYS_write, SECCOMP_RET_ERRNO | EPERM }, { "open", SYS_openat2, SECCOMP_RET_ERRNO | EPERM },
		{ "old", SYS_openat2, SECCOMP_RET_ERRNO | ENOSYS }, { "unshare", SYS_unshare, SECCOMP_RET_ERRNO | EPERM },
		{ "mount", SYS_mount, SECCOMP_RET_ERRNO | EPERM }, { "prctl", SYS_prctl, SECCOMP_RET_ERRNO | EPERM },
		{ "trap", SYS_getxattr, SECCOMP_RET_TRAP },
	};
	const char *name = argc > 1 ? argv[1] : "";
	int number = -1;
	unsigned answer = SECCOMP_RET_ALLOW;
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (strcmp(name, calls[i].name) == 0) {
			number = calls[i].number;
			answer = calls[i].answer;
		}
	/* The offset is that of the low 32 bits of the argument on a little-endian machine. */
	struct sock_filter program[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 3),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 3),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 2, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, answer),
	};
	struct sock_fprog filter = { sizeof program / sizeof *program, program };
	if (argc < 3 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
		return 125;
	execvp(argv[2], argv + 2);
	return 126;
}
