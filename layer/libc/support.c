/* Internals of musl that the functions in `libc.so` call: the bootstrap's heap in place of a second
 * one, and locks that hold however many threads the bootstrap has started.
 *
 * In C, because these replace internals of musl, which its headers and structures define. */

#define _GNU_SOURCE
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define INTERNAL __attribute__((visibility("hidden")))

INTERNAL void *__libc_malloc(size_t size) { return malloc(size); }
INTERNAL void *__libc_calloc(size_t count, size_t size) { return calloc(count, size); }
INTERNAL void *__libc_realloc(void *block, size_t size) { return realloc(block, size); }
INTERNAL void __libc_free(void *block) { free(block); }

/* The state of the process that musl's functions read: there may be threads, and the size of a
 * page. (`struct __libc` of musl's src/internal/libc.h; the bootstrap has the real one.) */
INTERNAL struct {
	char can_do_threads, threaded, secure;
	volatile signed char need_locks;
	int others;
	size_t unused[5], page_size;
	const void *locale[6];
} __libc = {.can_do_threads = 1, .threaded = 1, .need_locks = 1, .others = 1, .page_size = 4096};

/* musl's own locks do nothing while there is one thread, by a count that only the bootstrap
 * updates. The representation is musl's (src/thread/__lock.c), because the bootstrap takes the
 * locks inside threads, too: a negative value means locked, and the rest counts the holder and the
 * waiters. The locks are held briefly. */
INTERNAL void __lock(volatile int *lock)
{
	for (;;) {
		int free = __atomic_load_n(lock, __ATOMIC_RELAXED);
		if (free >= 0 && __atomic_compare_exchange_n(lock, &free, INT_MIN + free + 1, 0,
							     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return;
		sched_yield();
	}
}

/* <linux/futex.h> */
#define FUTEX_WAKE_PRIVATE 129

INTERNAL void __unlock(volatile int *lock)
{
	const int held = INT_MIN + 1;
	if (__atomic_fetch_sub(lock, held, __ATOMIC_RELEASE) != held)
		syscall(SYS_futex, lock, FUTEX_WAKE_PRIVATE, 1);
}

/* The kernel returns EINTR only after a signal handler has run, as it has since Linux 2.6.22.
 * musl's own flag is set by `sigaction`, which is the bootstrap's. */
INTERNAL volatile int __eintr_valid_flag = 1;

/* musl's own reads the time through the vDSO, by a table that only the bootstrap has. */
INTERNAL int __clock_gettime(clockid_t clock, struct timespec *time)
{
	return clock_gettime(clock, time);
}

/* The auxiliary vector is also in musl's own state, which only the bootstrap has. */
INTERNAL unsigned long __getauxval(unsigned long type) { return getauxval(type); }

/* The bootstrap alone flushes streams at exit. */
INTERNAL void __stdio_exit_needed(void) {}

/* There is one list of open streams, the bootstrap's. */
FILE *pilotlight_ofl_add(FILE *);
FILE **pilotlight_ofl_lock(void);
void pilotlight_ofl_unlock(void);
INTERNAL FILE *__ofl_add(FILE *file) { return pilotlight_ofl_add(file); }
INTERNAL FILE **__ofl_lock(void) { return pilotlight_ofl_lock(); }
INTERNAL void __ofl_unlock(void) { pilotlight_ofl_unlock(); }

/* There is one lock, the bootstrap's, that keeps shared memory mapped while a thread waits in
 * it. */
void pilotlight_vm_lock(void);
void pilotlight_vm_unlock(void);
void pilotlight_vm_wait(void);
INTERNAL void __vm_lock(void) { pilotlight_vm_lock(); }
INTERNAL void __vm_unlock(void) { pilotlight_vm_unlock(); }
INTERNAL void __vm_wait(void) { pilotlight_vm_wait(); }

/* The kernel keeps a user and groups for each thread; the bootstrap changes those of all
 * threads. */
int pilotlight_setxid(int number, int first, int second, int third);
INTERNAL int __setxid(int number, int first, int second, int third)
{
	return pilotlight_setxid(number, first, second, third);
}

/* For cancellation, which uses a signal that musl reserves and `sigaction` refuses. */
INTERNAL int __libc_sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
	INTERNAL void __restore_rt(void);
	(void)old;
	struct {
		void (*handler)(int);
		unsigned long flags;
		void (*restorer)(void);
		unsigned long mask;
	} kernel = {action->sa_handler,
		    (unsigned long)action->sa_flags | 0x04000000 /* SA_RESTORER */, __restore_rt,
		    action->sa_mask.__bits[0]};
	return (int)syscall(SYS_rt_sigaction, signal, &kernel, NULL, sizeof kernel.mask);
}
