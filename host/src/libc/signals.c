/* Removes the signals of faults from signal masks. If a thread blocks SIGSEGV and then faults, the
 * kernel ends the process without running the handler that reports the crash. POSIX leaves such a
 * fault undefined, so no program can rely on it. A mask that is read back lacks these signals, too.
 *
 * In C, because `sigset_t` is musl's. */

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(number) (1UL << ((number) - 1))
#define FAULTS (BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGILL) | BIT(SIGFPE) | BIT(SIGTRAP) | BIT(SIGSYS))
/* The signals that musl reserves. */
#define OWN (BIT(32) | BIT(33) | BIT(34))

/* The mask without faults, in `copy`, of which the kernel reads one word; null for a null mask. */
const sigset_t *pilotlight_without_faults(const sigset_t *mask, sigset_t *copy)
{
	if (mask == NULL)
		return NULL;
	copy->__bits[0] = mask->__bits[0] & ~FAULTS;
	return copy;
}

/* Replaces musl's, which `sigprocmask` calls. */
int pthread_sigmask(int how, const sigset_t *mask, sigset_t *old)
{
	sigset_t copy;
	if (how != SIG_UNBLOCK)
		mask = pilotlight_without_faults(mask, &copy);
	if (syscall(SYS_rt_sigprocmask, how, mask, old, _NSIG / 8) != 0)
		return errno;
	if (old != NULL)
		old->__bits[0] &= ~OWN;
	return 0;
}

/* The caller's handler may fault, too. */
int pilotlight_sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
	struct sigaction copy;
	if (action != NULL) {
		action = memcpy(&copy, action, sizeof copy);
		pilotlight_without_faults(&copy.sa_mask, &copy.sa_mask);
	}
	return sigaction(number, action, old);
}

int pilotlight_ppoll(struct pollfd *polled, nfds_t count, const struct timespec *time,
		     const sigset_t *mask)
{
	sigset_t copy;
	return ppoll(polled, count, time, pilotlight_without_faults(mask, &copy));
}

int pilotlight_epoll_pwait(int epoll, struct epoll_event *events, int count, int time,
			   const sigset_t *mask)
{
	sigset_t copy;
	return epoll_pwait(epoll, events, count, time, pilotlight_without_faults(mask, &copy));
}
