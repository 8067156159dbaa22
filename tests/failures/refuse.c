/* Runs a command under a seccomp filter that refuses with EPERM: "write", a write(2) to other descriptors than 0 to 2; "open", an
 * openat(2) for writing; "nothing", nothing. Without CAP_SYS_ADMIN the kernel wants no_new_privs to be set before. */
#include <errno.h>
#include <fcntl.h>
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
	int number = strcmp(argv[1], "write") == 0 ? SYS_write : strcmp(argv[1], "open") == 0 ? SYS_openat : -1;
	/* The low half of an argument comes first on the machines that Debian has, but for s390x. */
	struct sock_filter program[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 5),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 2),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 2, 3, 2),
		LOAD(args[2]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_WRONLY | O_RDWR, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog filter = { sizeof program / sizeof *program, program };
	if (argc < 3 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
		return 125;
	execvp(argv[2], argv + 2);
	return 126;
}
