/* Functions that musl lacks, or that differ in glibc.
 *
 * In C, because most use types and macros of musl's headers. */

#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <unistd.h>

#include "minstack.h"

void pilotlight_arc4random_buf(void *to, size_t size)
{
	for (unsigned char *next = to; size > 0;) {
		size_t part = size < 256 ? size : 256;
		if (getentropy(next, part) != 0)
			abort(); /* as in glibc: there is no way to report it */
		next += part;
		size -= part;
	}
}

uint32_t pilotlight_arc4random(void)
{
	uint32_t number;
	pilotlight_arc4random_buf(&number, sizeof number);
	return number;
}

uint32_t pilotlight_arc4random_uniform(uint32_t bound)
{
	/* Numbers below this one would make the small remainders more likely. */
	uint32_t least = bound < 2 ? 0 : -bound % bound, number;
	do
		number = pilotlight_arc4random();
	while (number < least);
	return bound < 2 ? 0 : number % bound;
}

unsigned pilotlight_dev_major(dev_t device) { return major(device); }
unsigned pilotlight_dev_minor(dev_t device) { return minor(device); }
dev_t pilotlight_dev_makedev(unsigned first, unsigned second) { return makedev(first, second); }

void *pilotlight_cpualloc(size_t count) { return calloc((count + 63) / 64, 8); }
void pilotlight_cpufree(void *set) { free(set); }

/* With glibc's smallest size, which is larger than musl's. */
int pilotlight_attr_setstack(pthread_attr_t *attributes, void *start, size_t size)
{
	if (size < __pthread_get_minstack(NULL))
		return EINVAL;
	/* `_a_stacksize` and `_a_stackaddr` of musl's src/internal/pthread_impl.h. */
	attributes->__u.__s[0] = size;
	attributes->__u.__s[2] = (size_t)start + size;
	return 0;
}

/* A hint for the number of threads, which is ignored. */
void pilotlight_aio_init(const void *hint) { (void)hint; }

/* The preference of a lock for readers or writers. It is stored, and has no effect: readers may
 * keep a writer waiting. */
int pilotlight_rwlockattr_setkind(pthread_rwlockattr_t *attributes, int kind)
{
	if (kind < 0 || kind > 2)
		return EINVAL;
	attributes->__attr[1] = (unsigned)kind;
	return 0;
}

int pilotlight_rwlockattr_getkind(const pthread_rwlockattr_t *attributes, int *kind)
{
	*kind = (int)attributes->__attr[1];
	return 0;
}

int pilotlight_thread_yield(void) { return sched_yield(); }

int pilotlight_renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
	return (int)syscall(SYS_renameat2, from, old, to, new, flags);
}

/* <string.h>'s, which does not change its argument; <libgen.h>'s is `__xpg_basename`. */
char *pilotlight_basename(const char *path)
{
	const char *slash = strrchr(path, '/');
	return (char *)(slash == NULL ? path : slash + 1);
}

/* glibc's also finds options after other arguments; POSIX's is `__posix_getopt`. */
int pilotlight_musl_getopt(int, char *const *, const char *);
int pilotlight_getopt(int count, char *const *arguments, const char *options)
{
	if (getenv("POSIXLY_CORRECT") != NULL)
		return pilotlight_musl_getopt(count, arguments, options);
	return getopt_long(count, arguments, options, NULL, NULL);
}

/* BSD's, which takes a mask of the first 32 signals; POSIX's is `__xpg_sigpause`. */
int pilotlight_sigpause(int mask)
{
	sigset_t set;
	sigemptyset(&set);
	for (int i = 0; i < 32; i++)
		if ((unsigned)mask >> i & 1)
			sigaddset(&set, i + 1);
	return sigsuspend(&set);
}

/* glibc's `L_cuserid` is 9 and musl's is 20: callers have room for 9 bytes. */
char *pilotlight_cuserid(char *to)
{
	static char own[9];
	const struct passwd *user = getpwuid(geteuid());
	char *result = to == NULL ? own : to;
	if (user == NULL) {
		*result = 0;
		return to == NULL ? NULL : to;
	}
	strncpy(result, user->pw_name, sizeof own - 1);
	result[sizeof own - 1] = 0;
	return result;
}

/* `valloc` with the size rounded up to whole pages. */
void *pilotlight_pvalloc(size_t size)
{
	size_t page = 4096;
	return memalign(page, (size + page - 1) / page * page);
}
