/* What musl's functions take from inside musl, for those that `libc.so` holds: the bootstrap's heap
 * in place of a second one, and locks that hold however many threads the bootstrap has begun. */

#define _GNU_SOURCE
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#define INTERNAL __attribute__((visibility("hidden")))

INTERNAL void *__libc_malloc(size_t size) { return malloc(size); }
INTERNAL void *__libc_calloc(size_t count, size_t size) { return calloc(count, size); }
INTERNAL void *__libc_realloc(void *block, size_t size) { return realloc(block, size); }
INTERNAL void __libc_free(void *block) { free(block); }

/* musl's own skip locking while there is one thread, by a count that the bootstrap keeps. These
 * are held for moments (reading the time zone, opening a stream). */
INTERNAL void __lock(volatile int *lock)
{
	while (__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE) != 0)
		sched_yield();
}

INTERNAL void __unlock(volatile int *lock) { __atomic_store_n(lock, 0, __ATOMIC_RELEASE); }

/* musl's own asks the kernel's shared page for the time, by a table that the bootstrap has. */
INTERNAL int __clock_gettime(clockid_t clock, struct timespec *time)
{
	return clock_gettime(clock, time);
}

/* Streams are opened, listed and flushed at exit by the bootstrap alone. */
INTERNAL void __stdio_exit_needed(void) {}
