/* Functions of signals in which glibc and musl differ, and those that wait with another mask, from
 * which the signals of faults are removed (host/src/libc/signals.c). They make system calls,
 * because inside the module the names of musl's functions lead here.
 *
 * In C, because `sigset_t` and `siginfo_t` are musl's. */

#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

const sigset_t *pilotlight_without_faults(const sigset_t *mask, sigset_t *copy);
int pilotlight_musl_sigtimedwait(const sigset_t *, siginfo_t *, const struct timespec *);

int pilotlight_sigsuspend(const sigset_t *mask)
{
	sigset_t copy;
	return (int)syscall(SYS_rt_sigsuspend, pilotlight_without_faults(mask, &copy), _NSIG / 8);
}

int pilotlight_pselect(int count, fd_set *reading, fd_set *writing, fd_set *other,
		       const struct timespec *time, const sigset_t *mask)
{
	sigset_t copy;
	struct {
		const sigset_t *mask;
		size_t size;
	} masked = {pilotlight_without_faults(mask, &copy), _NSIG / 8};
	/* The kernel writes the remaining time to it. */
	struct timespec left = time == NULL ? (struct timespec){0} : *time;
	return (int)syscall(SYS_pselect6, count, reading, writing, other,
			    time == NULL ? NULL : &left, &masked);
}

/* For a signal from `raise` or `pthread_kill`, the kernel reports SI_TKILL, and glibc SI_USER. */
int pilotlight_sigtimedwait(const sigset_t *signals, siginfo_t *information,
			    const struct timespec *timeout)
{
	int number = pilotlight_musl_sigtimedwait(signals, information, timeout);
	if (number != -1 && information != NULL && information->si_code == SI_TKILL)
		information->si_code = SI_USER;
	return number;
}

int pilotlight_sigwaitinfo(const sigset_t *signals, siginfo_t *information)
{
	return pilotlight_sigtimedwait(signals, information, NULL);
}

/* musl's waits forever if the number is invalid. */
int pilotlight_xpg_sigpause(int number)
{
	sigset_t mask;
	if (sigprocmask(SIG_BLOCK, NULL, &mask) != 0 || sigdelset(&mask, number) != 0)
		return -1;
	return pilotlight_sigsuspend(&mask);
}
