/* `pthread_once`: as in musl, except that an exception may pass through it, as C++'s
 * `std::call_once` needs. musl's has no unwind tables.
 *
 * In C and assembly, because tables made by a compiler would need a library that reads them. The
 * frame that an exception passes is written by hand, which keeps its table shortest. */

#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

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

/* The unwinder calls this for the frame of `pthread_once` below. */
_Unwind_Reason_Code pilotlight_once_personality(int version, _Unwind_Action actions,
						_Unwind_Exception_Class class,
						struct _Unwind_Exception *exception,
						struct _Unwind_Context *context)
{
	(void)version, (void)class, (void)exception;
	enum { RBX = 3 }; /* the psABI's DWARF register number */
	if (actions & _UA_CLEANUP_PHASE)
		_pthread_cleanup_pop((struct __ptcb *)_Unwind_GetGR(context, RBX), 1);
	return _URC_CONTINUE_UNWIND;
}

/* int pthread_once(pthread_once_t *control, void (*routine)(void)), with a `struct __ptcb` at
 * the stack pointer, whose address is in rbx while the routine runs. */
__asm__(".pushsection .text.pthread_once, \"ax\", @progbits\n"
	".globl pthread_once\n"
	".type pthread_once, @function\n"
	"pthread_once:\n"
	"	.cfi_startproc\n"
	"	.cfi_personality 3, pilotlight_once_personality\n"
	"	cmpl $2, (%rdi)\n"
	"	je 1f\n"
	"	push %rbx\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset rbx, -16\n"
	"	sub $32, %rsp\n"
	"	.cfi_def_cfa_offset 48\n"
	"	mov %rsp, %rbx\n"
	"	mov %rsp, %rdx\n"
	"	call pilotlight_once_begin\n"
	"	test %rax, %rax\n"
	"	jz 2f\n"
	"	call *%rax\n"
	"	mov %rbx, %rdi\n"
	"	call pilotlight_once_end\n"
	"2:	add $32, %rsp\n"
	"	.cfi_def_cfa_offset 16\n"
	"	pop %rbx\n"
	"	.cfi_def_cfa_offset 8\n"
	"1:	xor %eax, %eax\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".popsection\n");
