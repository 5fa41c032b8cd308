// int pthread_once(pthread_once_t *control, void (*routine)(void)), with a `struct __ptcb` (once.c) in
// the frame, whose address is in x19 while the routine runs.
//
// In assembly, because a compiler's table of the frame would need a library that reads it. Written by
// hand, the frame has the shortest one.

	.section .text.pthread_once, "ax", @progbits
	.globl pthread_once
	.type pthread_once, @function
pthread_once:
	.cfi_startproc
	.cfi_personality 3, pilotlight_once_personality
	// With acquire semantics: the caller reads what the routine wrote on another thread.
	ldar w2, [x0]
	cmp w2, #2
	b.eq 1f
	stp x29, x30, [sp, #-64]!
	.cfi_def_cfa_offset 64
	.cfi_offset x29, -64
	.cfi_offset x30, -56
	str x19, [sp, #16]
	.cfi_offset x19, -48
	mov x29, sp
	add x19, sp, #32
	mov x2, x19
	bl pilotlight_once_begin
	cbz x0, 2f
	blr x0
	mov x0, x19
	bl pilotlight_once_end
2:	ldr x19, [sp, #16]
	ldp x29, x30, [sp], #64
	.cfi_restore x19
	.cfi_restore x30
	.cfi_restore x29
	.cfi_def_cfa_offset 0
1:	mov w0, #0
	ret
	.cfi_endproc

	.section .note.GNU-stack, "", @progbits
