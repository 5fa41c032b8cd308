/* What glibc has and musl does not. */

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <unistd.h>

void pilotlight_arc4random_buf(void *to, size_t size)
{
	for (unsigned char *next = to; size > 0;) {
		size_t part = size < 256 ? size : 256;
		if (getentropy(next, part) != 0)
			abort(); /* as glibc: there is no way to say so */
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

/* With glibc's least size, which is larger than musl's. */
int pilotlight_attr_setstack(pthread_attr_t *attributes, void *start, size_t size)
{
	if (size < 16384)
		return EINVAL;
	/* `_a_stacksize` and `_a_stackaddr` of musl's src/internal/pthread_impl.h. */
	attributes->__u.__s[0] = size;
	attributes->__u.__s[2] = (size_t)start + size;
	return 0;
}

/* A hint of how many threads to keep. */
void pilotlight_aio_init(const void *hint) { (void)hint; }

/* Whom a lock prefers. It is remembered, and the lock admits them as they come: readers may keep a writer
 * waiting. */
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
