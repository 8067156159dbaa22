/* The target of a case: echoes its input, with an argument in a new user namespace. The program is small, since starting
 * processes takes most of the time of a case. */
#define _GNU_SOURCE
#include <sched.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char byte;

	(void)argv;
	if (argc > 1 && unshare(CLONE_NEWUSER) != 0)
		return 1;
	while (read(0, &byte, 1) == 1)
		if (write(1, &byte, 1) != 1)
			return 1;
	return 0;
}
