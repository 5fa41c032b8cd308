/* `pthread_once`: as in musl, except that an exception may pass through it, as C++'s
 * `std::call_once` needs. musl's has no unwind tables.
 *
 * In C, because it is made of musl's and libgcc's structures. The frame that an exception passes,
 * `pthread_once` itself, is in assembly (once.s in src/arch). */

#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#include "cpu.h"

enum { UNTRIED, RUNNING, DONE, AWAITED };

#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

static void leave(int *control, int state)
{
	if (__atomic_exchange_n(control, state, __ATOMIC_SEQ_CST) == AWAITED)
		syscall(SYS_futex, control, FUTEX_WAKE_PRIVATE, INT_MAX);
}

/* Runs if the routine is cancelled, ends its thread or throws: the next caller runs it again. */
static void undo(void *control) { leave(control, UNTRIED); }

/* Returns the routine if the calling thread is to run it, with `cleanup` registered; else null,
 * once the routine is done. */
void (*pilotlight_once_begin(int *control, void (*routine)(void), struct __ptcb *cleanup))(void)
{
	for (;;) {
		int state = __sync_val_compare_and_swap(control, UNTRIED, RUNNING);
		if (state == UNTRIED) {
			_pthread_cleanup_push(cleanup, undo, control);
			return routine;
		}
		if (state == DONE)
			return NULL;
		__sync_bool_compare_and_swap(control, RUNNING, AWAITED);
		syscall(SYS_futex, control, FUTEX_WAIT_PRIVATE, AWAITED, NULL);
	}
}

void pilotlight_once_end(struct __ptcb *cleanup)
{
	_pthread_cleanup_pop(cleanup, 0);
	leave(cleanup->__x, DONE);
}

/* The unwinder calls this for the frame of `pthread_once`. */
_Unwind_Reason_Code pilotlight_once_personality(int version, _Unwind_Action actions,
						_Unwind_Exception_Class class,
						struct _Unwind_Exception *exception,
						struct _Unwind_Context *context)
{
	(void)version, (void)class, (void)exception;
	if (actions & _UA_CLEANUP_PHASE)
		_pthread_cleanup_pop((struct __ptcb *)_Unwind_GetGR(context, ONCE_REGISTER), 1);
	return _URC_CONTINUE_UNWIND;
}
