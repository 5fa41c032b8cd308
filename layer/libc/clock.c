/* Waits until a time of either clock, which C++ uses (`wait_for`, `try_lock_for`), and waits as
 * cancellation points. musl's functions support one clock each.
 *
 * In C, because cancellation unwinds these frames, compiled with -fexceptions. */

#define _GNU_SOURCE
#include "cancel.h"
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <time.h>

#define NANOSECONDS 1000000000

static int is_invalid(clockid_t clock, const struct timespec *until)
{
	return (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) ||
	       (unsigned long)until->tv_nsec >= NANOSECONDS;
}

/* Converts a time of one clock to the other. */
static struct timespec convert(clockid_t from, const struct timespec *until, clockid_t to)
{
	struct timespec now, result = *until;
	if (from == to)
		return result;
	clock_gettime(from, &now);
	if (__builtin_sub_overflow(until->tv_sec, now.tv_sec, &result.tv_sec))
		result.tv_sec = INT64_MIN;
	result.tv_nsec -= now.tv_nsec;
	clock_gettime(to, &now);
	result.tv_nsec += now.tv_nsec;
	if (result.tv_nsec < 0)
		result.tv_nsec += NANOSECONDS, now.tv_sec--;
	if (result.tv_nsec >= NANOSECONDS)
		result.tv_nsec -= NANOSECONDS, now.tv_sec++;
	if (__builtin_add_overflow(result.tv_sec, now.tv_sec, &result.tv_sec))
		result.tv_sec = INT64_MAX;
	return result;
}

static int has_passed(clockid_t clock, const struct timespec *until)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return now.tv_sec > until->tv_sec ||
	       (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec);
}

/* Waits until the caller's clock has reached the time: the other clock may be set meanwhile. */
#define WAIT(try, wait)                                                                            \
	int code = try;                                                                            \
	if (code != EBUSY)                                                                         \
		return code;                                                                       \
	if (is_invalid(clock, until))                                                              \
		return EINVAL;                                                                     \
	do {                                                                                       \
		struct timespec time = convert(clock, until, CLOCK_REALTIME);                      \
		code = wait;                                                                       \
	} while (code == ETIMEDOUT && !has_passed(clock, until));                                  \
	return code

int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until)
{
	WAIT(pthread_mutex_trylock(mutex), pthread_mutex_timedlock(mutex, &time));
}

int pthread_rwlock_clockrdlock(pthread_rwlock_t *lock, clockid_t clock,
			       const struct timespec *until)
{
	WAIT(pthread_rwlock_tryrdlock(lock), pthread_rwlock_timedrdlock(lock, &time));
}

int pthread_rwlock_clockwrlock(pthread_rwlock_t *lock, clockid_t clock,
			       const struct timespec *until)
{
	WAIT(pthread_rwlock_trywrlock(lock), pthread_rwlock_timedwrlock(lock, &time));
}

int pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock,
			 const struct timespec *until)
{
	WAIT(pthread_tryjoin_np(thread, result), pthread_timedjoin_np(thread, result, &time));
}

/* Defined in musl. */
__attribute__((visibility("hidden"))) int
__pthread_cond_timedwait(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
int pilotlight_sem_timedwait(sem_t *, const struct timespec *);

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
			   const struct timespec *until)
{
	int state = pilotlight_cancel_begin();
	int code = __pthread_cond_timedwait(condition, mutex, until);
	pilotlight_cancel_end(state, code);
	return code;
}

int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
	return pthread_cond_timedwait(condition, mutex, NULL);
}

int pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock,
			   const struct timespec *until)
{
	if (is_invalid(clock, until))
		return EINVAL;
	/* `_c_clock` of musl's src/internal/pthread_impl.h. */
	clockid_t own = ((const int *)condition)[4];
	struct timespec time = convert(clock, until, own);
	int code = pthread_cond_timedwait(condition, mutex, &time);
	/* Waiting again could miss a signal sent meanwhile; waking early is allowed. */
	return code == ETIMEDOUT && !has_passed(clock, until) ? 0 : code;
}

int sem_timedwait(sem_t *semaphore, const struct timespec *until)
{
	pthread_testcancel();
	int state = pilotlight_cancel_begin();
	int code = pilotlight_sem_timedwait(semaphore, until);
	pilotlight_cancel_end(state, code == 0 ? 0 : errno);
	return code;
}

int sem_wait(sem_t *semaphore) { return sem_timedwait(semaphore, NULL); }

static int sem_try(sem_t *semaphore) { return sem_trywait(semaphore) == 0 ? 0 : EBUSY; }

static int sem_clock(sem_t *semaphore, clockid_t clock, const struct timespec *until)
{
	WAIT(sem_try(semaphore), sem_timedwait(semaphore, &time) == 0 ? 0 : errno);
}

int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until)
{
	int code = is_invalid(clock, until) ? EINVAL : sem_clock(semaphore, clock, until);
	if (code != 0)
		errno = code;
	return code == 0 ? 0 : -1;
}
