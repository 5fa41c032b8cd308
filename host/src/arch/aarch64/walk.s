// void pilotlight_walk(_Unwind_Trace_Fn visit, void *data, const size_t registers[3]): calls `visit` for
// the frames of a stack that begins with these registers (instruction, stack pointer, frame pointer),
// after one call for this function's own frame. If a fault interrupts it, it can be left at
// `pilotlight_walk_end` with the stack pointer in `pilotlight_walk_stack` (libc/walk.rs).
//
// In assembly, for a frame whose caller, as the table tells it, is that stack.

	.section .text.pilotlight_walk, "ax", @progbits
	.globl pilotlight_walk
	.globl pilotlight_walk_end
	.type pilotlight_walk, @function
pilotlight_walk:
	.cfi_startproc
	stp x29, x30, [sp, #-96]!
	stp x19, x20, [sp, #16]
	stp x21, x22, [sp, #32]
	stp x23, x24, [sp, #48]
	stp x25, x26, [sp, #64]
	stp x27, x28, [sp, #80]
	adrp x3, pilotlight_walk_stack
	mov x4, sp
	str x4, [x3, :lo12:pilotlight_walk_stack]
	mov x19, x2
	// The CFA is what x19 + 8 points to: DW_CFA_def_cfa_expression, DW_OP_breg19 8, DW_OP_deref.
	.cfi_escape 0x0f, 3, 0x83, 8, 0x06
	// The return address is at x19, and x29 at x19 + 16: DW_CFA_expression, DW_OP_breg19.
	.cfi_escape 0x10, 30, 2, 0x83, 0
	.cfi_escape 0x10, 29, 2, 0x83, 16
	bl _Unwind_Backtrace
pilotlight_walk_end:
	ldp x19, x20, [sp, #16]
	ldp x21, x22, [sp, #32]
	ldp x23, x24, [sp, #48]
	ldp x25, x26, [sp, #64]
	ldp x27, x28, [sp, #80]
	ldp x29, x30, [sp], #96
	ret
	.cfi_endproc

	.section .bss.pilotlight_walk_stack, "aw", @nobits
	.balign 8
	.globl pilotlight_walk_stack
pilotlight_walk_stack:
	.zero 8

	.section .note.GNU-stack, "", @progbits
