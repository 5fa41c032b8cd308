/* Signals, where glibc and musl answer differently. */

#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>

int pilotlight_musl_sigtimedwait(const sigset_t *, siginfo_t *, const struct timespec *);

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
	return sigsuspend(&mask);
}
