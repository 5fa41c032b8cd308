/* The interface of cancel.c for functions in which a thread can be cancelled. */
#pragma once
#include <pthread.h>

/* Defined in the bootstrap. */
_Noreturn void pilotlight_end_thread(void *result);
_Bool pilotlight_is_thread(pthread_t);

/* Defined in musl. */
int pilotlight_cancel(pthread_t);
__attribute__((visibility("hidden"))) long __syscall_cp(long number, long, long, long, long, long,
							long);

/* musl's third state, in which a cancelled system call fails with ECANCELED. */
#define MASKED 2

/* For use around a function of musl that fails with ECANCELED when the thread is cancelled:
 * `pilotlight_cancel_begin` returns the state to pass to `pilotlight_cancel_end`, which unwinds the
 * caller if `code` is ECANCELED. */
int pilotlight_cancel_begin(void);
void pilotlight_cancel_end(int state, int code);
