/* Scheduling. musl refuses these calls, because POSIX means processes where Linux means threads;
 * glibc passes them on to the kernel, and refuses attributes that make no sense. */

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

int pilotlight_musl_pthread_attr_setschedpolicy(pthread_attr_t *, int);
int pilotlight_musl_pthread_attr_setschedparam(pthread_attr_t *, const struct sched_param *);

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
