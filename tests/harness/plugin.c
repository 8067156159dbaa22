/* A subid plugin for tests, configured by macros. BEHAVIOUR is the returned status: 0 success, 1 unknown user, 2 connection
 * error, 3 error, 9 undefined. FOUND is the answer of has_range; by default, the plugin delegates one range to alice. */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef BEHAVIOUR
#define BEHAVIOUR 0
#endif
#ifndef FOUND
#define FOUND (within ? 1 : 0)
#endif
/* A plugin with shadow_subid_free returns pointers inside an allocation, so that a call of free(3) instead would abort. */
#ifdef OWN_FREE
#define OFFSET 16
#else
#define OFFSET 0
#endif
#ifndef LIST
#define LIST list
#endif
#ifndef COUNT
#define COUNT 2
#endif

struct subid_range { unsigned long start, count; };

void shadow_subid_free(void *);

static inline int nothing_effective(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	return syscall(SYS_capget, &header, data) == 0 && data[0].effective == 0 && data[1].effective == 0
		&& geteuid() == getuid();
}

/* True for the second call of has_range, which the explanation makes; the decision makes the first one. */
static inline int is_second_call(void)
{
	static int calls_so_far;
	return ++calls_so_far == 2;
}

static inline int permits_setfcap(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	return syscall(SYS_capget, &header, data) != 0 || (data[0].permitted >> CAP_SETFCAP & 1);
}

#ifndef WITHOUT_HAS_RANGE
int shadow_subid_has_range(const char *owner, unsigned long start, unsigned long count, int type, unsigned char *result)
{
	unsigned long first = type == 1 ? 500000 : 600000;
	int within = strcmp(owner, "alice") == 0 && start >= first && start + count <= first + 100;
	*result = FOUND;
	return BEHAVIOUR;
}
#endif

int shadow_subid_list_owner_ranges(const char *owner, int type, struct subid_range **ranges, int *count)
{
	struct subid_range *list = (struct subid_range *)((char *)calloc(1, OFFSET + 2 * sizeof *list) + OFFSET);
	list[0].start = type == 1 ? 500000 : 600000;
	list[0].count = 60;
	list[1].start = list[0].start + 60;
	list[1].count = 40;
	*ranges = LIST;
	*count = strcmp(owner, "alice") == 0 ? COUNT : 0;
	return BEHAVIOUR;
}

int shadow_subid_find_subid_owners(unsigned long id, int type, uid_t **uids, int *count)
{
	*uids = NULL;
	*count = 0;
	return BEHAVIOUR;
}

#ifdef OWN_FREE
void shadow_subid_free(void *pointer)
{
	free((char *)pointer - OFFSET);
}
#endif
