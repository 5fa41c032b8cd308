/* <threads.h>, whose types and results have the same values in glibc and in musl. It calls the
 * POSIX functions, because threads and keys are the bootstrap's.
 *
 * In C, because the types are those of <threads.h>. */

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>

static int result_of(int code)
{
	switch (code) {
	case 0:
		return thrd_success;
	case EBUSY:
		return thrd_busy;
	case ENOMEM:
		return thrd_nomem;
	case ETIMEDOUT:
		return thrd_timedout;
	default:
		return thrd_error;
	}
}

struct start {
	thrd_start_t function;
	void *argument;
};

static void *run(void *argument)
{
	struct start start = *(struct start *)argument;
	free(argument);
	return (void *)(intptr_t)start.function(start.argument);
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *argument)
{
	struct start *start = malloc(sizeof *start);
	if (start == NULL)
		return thrd_nomem;
	*start = (struct start){function, argument};
	int code = pthread_create(thread, NULL, run, start);
	if (code != 0)
		free(start);
	return result_of(code == EAGAIN ? ENOMEM : code);
}

_Noreturn void thrd_exit(int result) { pthread_exit((void *)(intptr_t)result); }

int thrd_join(thrd_t thread, int *result)
{
	void *value;
	int code = pthread_join(thread, &value);
	if (code == 0 && result != NULL)
		*result = (int)(intptr_t)value;
	return result_of(code);
}

int thrd_detach(thrd_t thread) { return result_of(pthread_detach(thread)); }
thrd_t thrd_current(void) { return pthread_self(); }
int(thrd_equal)(thrd_t one, thrd_t other) { return one == other; }
void thrd_yield(void) { sched_yield(); }

int thrd_sleep(const struct timespec *time, struct timespec *left)
{
	int code = clock_nanosleep(CLOCK_REALTIME, 0, time, left);
	return code == 0 ? 0 : code == EINTR ? -1 : -2;
}

void call_once(once_flag *flag, void (*function)(void)) { pthread_once(flag, function); }

static pthread_mutex_t *mutex(mtx_t *mutex) { return (pthread_mutex_t *)mutex; }
static pthread_cond_t *condition(cnd_t *condition) { return (pthread_cond_t *)condition; }

int mtx_init(mtx_t *it, int kind)
{
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	if (kind & mtx_recursive)
		pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	return result_of(pthread_mutex_init(mutex(it), &attributes));
}

int mtx_lock(mtx_t *it) { return result_of(pthread_mutex_lock(mutex(it))); }
int mtx_trylock(mtx_t *it) { return result_of(pthread_mutex_trylock(mutex(it))); }
int mtx_unlock(mtx_t *it) { return result_of(pthread_mutex_unlock(mutex(it))); }
void mtx_destroy(mtx_t *it) { pthread_mutex_destroy(mutex(it)); }

int mtx_timedlock(mtx_t *restrict it, const struct timespec *restrict until)
{
	return result_of(pthread_mutex_timedlock(mutex(it), until));
}

int cnd_init(cnd_t *it) { return result_of(pthread_cond_init(condition(it), NULL)); }
int cnd_signal(cnd_t *it) { return result_of(pthread_cond_signal(condition(it))); }
int cnd_broadcast(cnd_t *it) { return result_of(pthread_cond_broadcast(condition(it))); }
void cnd_destroy(cnd_t *it) { pthread_cond_destroy(condition(it)); }
int cnd_wait(cnd_t *it, mtx_t *lock)
{
	return result_of(pthread_cond_wait(condition(it), mutex(lock)));
}

int cnd_timedwait(cnd_t *restrict it, mtx_t *restrict lock, const struct timespec *restrict until)
{
	return result_of(pthread_cond_timedwait(condition(it), mutex(lock), until));
}

int tss_create(tss_t *key, tss_dtor_t destructor)
{
	return result_of(pthread_key_create(key, destructor));
}
void tss_delete(tss_t key) { pthread_key_delete(key); }
void *tss_get(tss_t key) { return pthread_getspecific(key); }
int tss_set(tss_t key, void *value) { return result_of(pthread_setspecific(key, value)); }
