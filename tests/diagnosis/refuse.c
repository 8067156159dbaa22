/* Runs a command under a seccomp filter. "write" refuses write(2) to descriptors above 2 with EPERM, "open" refuses openat2(2)
 * with EPERM, "old" refuses openat2(2) with ENOSYS, and "nothing" allows all calls. Without CAP_SYS_ADMIN, the kernel requires
 * that no_new_privs is set. */
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
	int is_old = argc > 1 && strcmp(argv[1], "old") == 0;
	int is_open = is_old || (argc > 1 && strcmp(argv[1], "open") == 0);
	int number = is_open ? SYS_openat2 : argc > 1 && strcmp(argv[1], "write") == 0 ? SYS_write : -1;
	/* The offset is that of the low 32 bits of the argument on a little-endian machine. */
	struct sock_filter program[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 3),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 3),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 2, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (is_old ? ENOSYS : EPERM)),
	};
	struct sock_fprog filter = { sizeof program / sizeof *program, program };
	if (argc < 3 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
		return 125;
	execvp(argv[2], argv + 2);
	return 126;
}
