/* Cancellation, and the end of a thread before its function returns. As in glibc, the thread's
 * frames are unwound, so that C++ destructors and cleanup handlers run.
 *
 * musl's frames have no unwind tables. So a thread that is cancelled inside a system call jumps to
 * its last registered cleanup handler of plain C, and unwinds from that handler's frame.
 *
 * In C, because it calls `longjmp` and unwinds through its own frames, compiled with
 * -fexceptions. */

#define _GNU_SOURCE
#include "cancel.h"
#include "frame.h"
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unwind.h>

/* `__pthread_unwind_buf_t` of glibc's <pthread.h>, in which pthread_cleanup_push saves its
 * frame. */
struct buffer {
	struct frame registers;
	int type;
	struct __ptcb cleanup; /* glibc's padding */
	void *result;
};
_Static_assert(sizeof(struct buffer) == sizeof(struct frame) + 40, "glibc's size");

static void jump(void *buffer) { longjmp(buffer, 1); }

/* This thread's last registered buffer, unless another cleanup handler was registered after it. */
static struct buffer *last_buffer(void)
{
	struct __ptcb top;
	_pthread_cleanup_push(&top, jump, NULL);
	_pthread_cleanup_pop(&top, 0);
	return top.__next != NULL && top.__next->__f == jump ? top.__next->__x : NULL;
}

/* Stores the thread's result in every registered buffer: each passes it on to the next. */
static void set_results(void *result)
{
	struct __ptcb top;
	_pthread_cleanup_push(&top, jump, NULL);
	_pthread_cleanup_pop(&top, 0);
	for (struct __ptcb *entry = top.__next; entry != NULL; entry = entry->__next)
		if (entry->__f == jump)
			((struct buffer *)entry->__x)->result = result;
}

struct ending {
	struct _Unwind_Exception exception;
	void *result;
};

/* The unwinder calls this for each frame before it unwinds it. */
static _Unwind_Reason_Code leave_frame(int version, _Unwind_Action actions,
				       _Unwind_Exception_Class class,
				       struct _Unwind_Exception *exception,
				       struct _Unwind_Context *context, void *argument)
{
	(void)version, (void)class, (void)exception;
	struct ending *ending = argument;
	struct buffer *buffer = last_buffer();
	int is_last = (actions & _UA_END_OF_STACK) != 0;
	if (buffer != NULL &&
	    (is_last || _Unwind_GetCFA(context) >= (_Unwind_Word)buffer->registers.stack_pointer)) {
		free(ending);
		_pthread_cleanup_pop(&buffer->cleanup, 0);
		jump(buffer);
	}
	if (is_last) {
		void *result = ending->result;
		free(ending);
		pilotlight_end_thread(result);
	}
	return _URC_NO_REASON;
}

/* Called if a C++ `catch (...)` has ended without rethrowing. */
static void refuse_end(_Unwind_Reason_Code reason, struct _Unwind_Exception *exception)
{
	(void)reason, (void)exception;
	fputs("FATAL: exception not rethrown\n", stderr);
	abort();
}

_Noreturn static void unwind(void *result)
{
	set_results(result);
	struct ending *ending = malloc(sizeof *ending);
	if (ending != NULL) {
		*ending = (struct ending){.exception = {.exception_cleanup = refuse_end},
					  .result = result};
		/* Returns only if a frame cannot be unwound. */
		_Unwind_ForcedUnwind(&ending->exception, leave_frame, ending);
	}
	pilotlight_end_thread(result);
}

/* musl's cancellation ends here as well, and then the stack may be misaligned, on a CPU whose stack
 * can be. */
#if __has_attribute(force_align_arg_pointer)
__attribute__((force_align_arg_pointer))
#endif
_Noreturn void pthread_exit(void *result)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
	unwind(result);
}

/* The bootstrap makes the system calls in which a thread can be cancelled through this function
 * (threads.c). */
__attribute__((visibility("hidden"))) long __syscall_cp_c(long, long, long, long, long, long, long);

long pilotlight_syscall_cp(long number, long a, long b, long c, long d, long e, long f)
{
	return __syscall_cp_c(number, a, b, c, d, e, f);
}

static volatile int has_cancelled;

int pthread_cancel(pthread_t thread)
{
	/* As in glibc for a thread that has ended. */
	if (!pilotlight_is_thread(thread))
		return 0;
	has_cancelled = 1;
	int code = pilotlight_cancel(thread);
	/* Too many signals are pending: but musl has already stored the request. */
	return code == EAGAIN ? 0 : code;
}

int pilotlight_cancel_begin(void)
{
	int state;
	pthread_setcancelstate(MASKED, &state);
	if (state != PTHREAD_CANCEL_ENABLE)
		pthread_setcancelstate(state, NULL);
	return state;
}

void pilotlight_cancel_end(int state, int code)
{
	pthread_setcancelstate(state, NULL);
	if (code == ECANCELED && state == PTHREAD_CANCEL_ENABLE)
		pthread_exit(PTHREAD_CANCELED);
}

void pthread_testcancel(void)
{
	if (!has_cancelled)
		return;
	/* A system call without effect. musl checks for a request to cancel before it makes the
	 * call. */
	int state = pilotlight_cancel_begin();
	pilotlight_cancel_end(state, -(int)__syscall_cp(SYS_gettid, 0, 0, 0, 0, 0, 0));
}

/* <pthread.h>'s pthread_cleanup_push expands to this in C without -fexceptions. */
void __pthread_register_cancel(struct buffer *buffer)
{
	buffer->result = PTHREAD_CANCELED;
	_pthread_cleanup_push(&buffer->cleanup, jump, buffer);
}

void __pthread_unregister_cancel(struct buffer *buffer)
{
	_pthread_cleanup_pop(&buffer->cleanup, 0);
}

_Noreturn void __pthread_unwind_next(struct buffer *buffer) { unwind(buffer->result); }

/* pthread_cleanup_push_defer_np */
void __pthread_register_cancel_defer(struct buffer *buffer)
{
	__pthread_register_cancel(buffer);
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &buffer->type);
}

void __pthread_unregister_cancel_restore(struct buffer *buffer)
{
	__pthread_unregister_cancel(buffer);
	pthread_setcanceltype(buffer->type, NULL);
}
