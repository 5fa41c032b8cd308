/* Scheduling, and the clocks of threads. musl refuses the calls for processes, because Linux
 * applies them to threads; glibc passes them on, and refuses invalid attributes.
 *
 * In C, because the types and constants are those of musl's headers. */

#define _GNU_SOURCE
#include "cancel.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

int pilotlight_musl_pthread_attr_setschedpolicy(pthread_attr_t *, int);
int pilotlight_musl_pthread_attr_setschedparam(pthread_attr_t *, const struct sched_param *);

int pilotlight_musl_pthread_getcpuclockid(pthread_t, clockid_t *);

int pilotlight_sched_getparam(pid_t process, struct sched_param *parameter)
{
	return (int)syscall(SYS_sched_getparam, process, parameter);
}

int pilotlight_sched_setparam(pid_t process, const struct sched_param *parameter)
{
	return (int)syscall(SYS_sched_setparam, process, parameter);
}

int pilotlight_sched_getscheduler(pid_t process)
{
	return (int)syscall(SYS_sched_getscheduler, process);
}

int pilotlight_sched_setscheduler(pid_t process, int policy, const struct sched_param *parameter)
{
	return (int)syscall(SYS_sched_setscheduler, process, policy, parameter);
}

int pilotlight_attr_setschedpolicy(pthread_attr_t *attributes, int policy)
{
	if (policy != SCHED_OTHER && policy != SCHED_FIFO && policy != SCHED_RR)
		return EINVAL;
	return pilotlight_musl_pthread_attr_setschedpolicy(attributes, policy);
}

int pilotlight_attr_setschedparam(pthread_attr_t *attributes, const struct sched_param *parameter)
{
	int policy = SCHED_OTHER;
	pthread_attr_getschedpolicy(attributes, &policy);
	if (parameter->sched_priority < sched_get_priority_min(policy) ||
	    parameter->sched_priority > sched_get_priority_max(policy))
		return EINVAL;
	return pilotlight_musl_pthread_attr_setschedparam(attributes, parameter);
}

/* A thread that has ended has no clock. */
int pilotlight_getcpuclockid(pthread_t thread, clockid_t *clock)
{
	return pilotlight_is_thread(thread) ? pilotlight_musl_pthread_getcpuclockid(thread, clock)
					    : ESRCH;
}

/* musl has no mutexes with priority ceilings. Every attribute has glibc's initial ceiling. */
int pilotlight_mutexattr_getprioceiling(const pthread_mutexattr_t *attributes, int *ceiling)
{
	(void)attributes;
	*ceiling = sched_get_priority_min(SCHED_FIFO);
	return 0;
}

int pilotlight_mutexattr_setprioceiling(pthread_mutexattr_t *attributes, int ceiling)
{
	(void)attributes;
	int is_priority = ceiling >= sched_get_priority_min(SCHED_FIFO) &&
			  ceiling <= sched_get_priority_max(SCHED_FIFO);
	return is_priority ? ENOTSUP : EINVAL;
}
