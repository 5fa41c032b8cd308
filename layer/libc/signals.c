/* Signals, where glibc and musl answer differently, and functions that wait with another mask: it never
 * has those signals in it that a fault raises (bootstrap/src/libc/signals.c). By system calls, because
 * musl's own functions have these names here. */

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
	/* The kernel writes to it how much is left. */
	struct timespec left = time == NULL ? (struct timespec){0} : *time;
	return (int)syscall(SYS_pselect6, count, reading, writing, other, time == NULL ? NULL : &left, &masked);
}

/* The kernel says SI_TKILL of what `raise` and `pthread_kill` send; glibc says SI_USER. */
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

/* musl's waits forever if there is no such signal. */
int pilotlight_xpg_sigpause(int number)
{
	sigset_t mask;
	if (sigprocmask(SIG_BLOCK, NULL, &mask) != 0 || sigdelset(&mask, number) != 0)
		return -1;
	return pilotlight_sigsuspend(&mask);
}
