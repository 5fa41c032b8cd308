/* `sysconf` with glibc's values: musl 1.2.3 knows fewer names, and has smaller limits.
 *
 * In C, because the names and limits are macros of C headers.
 *
 * Source: glibc's sysdeps/posix/sysconf.c, sysdeps/unix/sysv/linux/sysconf.c, and its
 * <limits.h>. */

#define _GNU_SOURCE
#include <elf.h>
#include <limits.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

#include "minstack.h"

long pilotlight_musl_sysconf(int);

/* Names in glibc's <bits/confname.h> that musl 1.2.3 lacks. */
#define GLIBC_SC_MINSIGSTKSZ 249
#define GLIBC_SC_SIGSTKSZ 250

/* glibc's <limits.h> and <bits/local_lim.h>. */
#define GLIBC_PTHREAD_KEYS_MAX 1024
#define GLIBC_SIGSTKSZ 8192
#define GLIBC_NSS_BUFLEN 1024
#define LINUX_NGROUPS_MAX 65536
#define LINUX_ARG_MAX 131072

static long limit(int resource)
{
	struct rlimit limit;
	if (getrlimit(resource, &limit) != 0 || limit.rlim_cur > LONG_MAX)
		return -1;
	return (long)limit.rlim_cur;
}

/* The size of a signal handler's frame on this CPU: the kernel knows the size of its registers. */
static long min_signal_stack(void)
{
	long size = (long)getauxval(AT_MINSIGSTKSZ);
	return size > MINSIGSTKSZ ? size : MINSIGSTKSZ;
}

long pilotlight_sysconf(int name)
{
	long value;
	switch (name) {
	case _SC_ARG_MAX:
		value = limit(RLIMIT_STACK) / 4;
		return value > LINUX_ARG_MAX ? value : LINUX_ARG_MAX;
	case _SC_NGROUPS_MAX:
		return LINUX_NGROUPS_MAX;
	case _SC_SIGQUEUE_MAX:
		return limit(RLIMIT_SIGPENDING);
	case _SC_THREAD_STACK_MIN:
		return (long)__pthread_get_minstack(NULL);
	case _SC_THREAD_KEYS_MAX:
		return GLIBC_PTHREAD_KEYS_MAX;
	case _SC_GETGR_R_SIZE_MAX:
	case _SC_GETPW_R_SIZE_MAX:
		return GLIBC_NSS_BUFLEN;
	case GLIBC_SC_MINSIGSTKSZ:
		return min_signal_stack();
	case GLIBC_SC_SIGSTKSZ:
		value = 4 * min_signal_stack();
		return value > GLIBC_SIGSTKSZ ? value : GLIBC_SIGSTKSZ;
	default:
		return pilotlight_musl_sysconf(name);
	}
}
