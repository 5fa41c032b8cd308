/* Between cancel.c and the functions in which a thread can be cancelled. */
#pragma once
#include <pthread.h>

/* The bootstrap's. */
_Noreturn void pilotlight_end_thread(void *result);
_Bool pilotlight_is_thread(pthread_t);

/* musl's own. */
int pilotlight_cancel(pthread_t);
__attribute__((visibility("hidden"))) long __syscall_cp(long number, long, long, long, long, long, long);

/* musl's third state, in which a cancelled system call fails with ECANCELED. */
#define MASKED 2

/* Around a function of musl's that such a call can end: the first returns the state to pass to
 * the second, which unwinds the caller if `code` is ECANCELED. */
int pilotlight_cancel_begin(void);
void pilotlight_cancel_end(int state, int code);
