/* Timers. Like glibc's, a timer with a function calls it on a new thread each time: a thread of
 * this file waits for the timers' signal and starts that thread. musl's own timers reuse one thread
 * for all calls, and would reset the handler's thread-locals.
 *
 * In C, because `sigevent` and `timer_t` are musl's. */

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "minstack.h"

/* The signal that musl reserves for timers, and the one that must reach every thread. */
#define SIGTIMER 32
#define SIGSYNCCALL 34
#define NOTIFY_THREAD_ID 4

struct timer {
	int id;
	void (*function)(union sigval);
	union sigval value;
	pthread_attr_t attributes;
	struct timer *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct timer *timers;
/* The thread that waits for the signal, and its process: a forked child has no such thread. */
static pid_t waiter, waiter_process;

/* A `timer_t` is the kernel's number, or else half the address of a structure, with the highest bit
 * set. */
static struct timer *structure(timer_t timer)
{
	return (intptr_t)timer < 0 ? (struct timer *)((uintptr_t)timer << 1) : NULL;
}

static long number(timer_t timer)
{
	struct timer *found = structure(timer);
	return found == NULL ? (int)(intptr_t)timer : found->id;
}

struct call {
	void (*function)(union sigval);
	union sigval value;
};

static void *run(void *argument)
{
	struct call call = *(struct call *)argument;
	sigset_t none;
	free(argument);
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	call.function(call.value);
	return NULL;
}

/* Starts the thread of an expired timer, unless the timer has been deleted meanwhile. */
static void start_thread(const struct timer *expired)
{
	struct call *call = malloc(sizeof *call);
	pthread_attr_t attributes;
	pthread_t thread;
	pthread_mutex_lock(&lock);
	const struct timer *timer = timers;
	while (timer != NULL && timer != expired)
		timer = timer->next;
	if (timer != NULL && call != NULL) {
		*call = (struct call){timer->function, timer->value};
		attributes = timer->attributes;
	}
	pthread_mutex_unlock(&lock);
	if (timer == NULL || call == NULL || pthread_create(&thread, &attributes, run, call) != 0)
		free(call);
}

static void *wait_for_signals(void *started)
{
	sigset_t timer;
	sigemptyset(&timer);
	timer.__bits[0] = 1UL << (SIGTIMER - 1);
	waiter = (pid_t)syscall(SYS_gettid);
	sem_post(started);
	for (;;) {
		siginfo_t info;
		if (sigwaitinfo(&timer, &info) == SIGTIMER && info.si_code == SI_TIMER)
			start_thread(info.si_value.sival_ptr);
	}
	return NULL;
}

/* The caller holds the lock. Returns 0 or an error number. */
static int start_waiter(void)
{
	if (waiter_process == getpid())
		return 0;
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, old;
	sem_t started;
	memset(&all, -1, sizeof all);
	all.__bits[0] &= ~(1UL << (SIGSYNCCALL - 1));
	sem_init(&started, 0, 0);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, __pthread_get_minstack(NULL));
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int code = pthread_create(&thread, &attributes, wait_for_signals, &started);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (code == 0) {
		while (sem_trywait(&started) != 0)
			sched_yield();
		waiter_process = getpid();
	}
	return code;
}

static int create_with_thread(clockid_t clock, const struct sigevent *event, timer_t *result)
{
	struct timer *timer = malloc(sizeof *timer);
	if (timer == NULL)
		return EAGAIN;
	*timer = (struct timer){.function = event->sigev_notify_function,
				.value = event->sigev_value};
	if (event->sigev_notify_attributes != NULL)
		timer->attributes = *event->sigev_notify_attributes;
	else
		pthread_attr_init(&timer->attributes);
	pthread_attr_setdetachstate(&timer->attributes, PTHREAD_CREATE_DETACHED);

	pthread_mutex_lock(&lock);
	int code = start_waiter();
	struct {
		void *value;
		int signal, notify, thread;
		char unused[44];
	} kernel = {timer, SIGTIMER, NOTIFY_THREAD_ID, waiter, {0}};
	if (code == 0 && syscall(SYS_timer_create, clock, &kernel, &timer->id) != 0)
		code = errno;
	if (code == 0) {
		timer->next = timers;
		timers = timer;
		*result = (timer_t)(INTPTR_MIN | (intptr_t)((uintptr_t)timer >> 1));
	} else {
		free(timer);
	}
	pthread_mutex_unlock(&lock);
	return code;
}

int timer_create(clockid_t clock, struct sigevent *restrict event, timer_t *restrict result)
{
	int id, code;
	if (event != NULL && event->sigev_notify == SIGEV_THREAD) {
		code = create_with_thread(clock, event, result);
		if (code != 0)
			errno = code;
		return code == 0 ? 0 : -1;
	}
	code = (int)syscall(SYS_timer_create, clock, event, &id);
	if (code == 0)
		*result = (timer_t)(intptr_t)id;
	return code;
}

int timer_delete(timer_t timer)
{
	int code = (int)syscall(SYS_timer_delete, number(timer));
	struct timer *gone = structure(timer);
	if (gone != NULL) {
		pthread_mutex_lock(&lock);
		struct timer **link = &timers;
		while (*link != NULL && *link != gone)
			link = &(*link)->next;
		if (*link != NULL)
			*link = gone->next;
		pthread_mutex_unlock(&lock);
		free(gone);
	}
	return code;
}

int timer_settime(timer_t timer, int flags, const struct itimerspec *restrict value,
		  struct itimerspec *restrict old)
{
	return (int)syscall(SYS_timer_settime, number(timer), flags, value, old);
}

int timer_gettime(timer_t timer, struct itimerspec *value)
{
	return (int)syscall(SYS_timer_gettime, number(timer), value);
}

int timer_getoverrun(timer_t timer) { return (int)syscall(SYS_timer_getoverrun, number(timer)); }
