# void pilotlight_walk(_Unwind_Trace_Fn visit, void *data, const size_t registers[3]): calls `visit` for
# the frames of a stack that begins with these registers (instruction, stack pointer, frame pointer),
# after one call for this function's own frame. If a fault interrupts it, it can be left at
# `pilotlight_walk_end` with the stack pointer in `pilotlight_walk_stack` (libc/walk.rs).
#
# In assembly, for a frame whose caller, as the table tells it, is that stack.

	.section .text.pilotlight_walk, "ax", @progbits
	.globl pilotlight_walk
	.globl pilotlight_walk_end
	.type pilotlight_walk, @function
pilotlight_walk:
	.cfi_startproc
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	sub $8, %rsp
	mov %rsp, pilotlight_walk_stack(%rip)
	mov %rdx, %rbx
	# The CFA is what rbx + 8 points to: DW_CFA_def_cfa_expression, DW_OP_breg3 8, DW_OP_deref.
	.cfi_escape 0x0f, 3, 0x73, 8, 0x06
	# The return address is at rbx, and rbp at rbx + 16: DW_CFA_expression, DW_OP_breg3.
	.cfi_escape 0x10, 16, 2, 0x73, 0
	.cfi_escape 0x10, 6, 2, 0x73, 16
	call _Unwind_Backtrace
pilotlight_walk_end:
	add $8, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
	.cfi_endproc

	.section .bss.pilotlight_walk_stack, "aw", @nobits
	.balign 8
	.globl pilotlight_walk_stack
pilotlight_walk_stack:
	.zero 8

	.section .note.GNU-stack, "", @progbits
