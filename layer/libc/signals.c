/* Functions that wait with another mask of signals, which never has those that a fault raises in it
 * (bootstrap/src/libc/signals.c). By system calls, because musl's own functions have these names here. */

#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

const sigset_t *pilotlight_without_faults(const sigset_t *mask, sigset_t *copy);

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
