// Lazy binding, as with a procedure linkage table (libc/lazy.rs).

	.section .data.pilotlight_lazy_slots, "aw", @progbits
	.balign 8
	.globl pilotlight_lazy_slots
pilotlight_lazy_slots:

// The stub of a function, and the slot of its number, counted from 0 without gaps. The slot first holds
// the address of the stub's second half. x16 and x17 are a stub's own (AAPCS64 6.1.1).
.macro lazy name, number
	.section .data.pilotlight_lazy_slots
	.quad pilotlight_unresolved_\name
	.section .text.pilotlight_lazy
	.globl pilotlight_lazy_\name
pilotlight_lazy_\name:
	adrp x16, pilotlight_lazy_slots + 8 * \number
	ldr x16, [x16, :lo12:pilotlight_lazy_slots + 8 * \number]
	br x16
pilotlight_unresolved_\name:
	mov x17, #\number
	b pilotlight_resolve_lazy
.endm

// The target of a function's first call. x17 holds the function's number; the registers hold the
// function's arguments (AAPCS64 6.8.2) and the address for its result, x8, which are kept.
	.section .text.pilotlight_lazy, "ax", @progbits
	.balign 4
pilotlight_resolve_lazy:
	stp x29, x30, [sp, #-224]!
	mov x29, sp
	stp x0, x1, [sp, #16]
	stp x2, x3, [sp, #32]
	stp x4, x5, [sp, #48]
	stp x6, x7, [sp, #64]
	str x8, [sp, #80]
	stp q0, q1, [sp, #96]
	stp q2, q3, [sp, #128]
	stp q4, q5, [sp, #160]
	stp q6, q7, [sp, #192]
	mov x0, x17
	bl pilotlight_bind_lazy
	mov x16, x0
	ldp q6, q7, [sp, #192]
	ldp q4, q5, [sp, #160]
	ldp q2, q3, [sp, #128]
	ldp q0, q1, [sp, #96]
	ldr x8, [sp, #80]
	ldp x6, x7, [sp, #64]
	ldp x4, x5, [sp, #48]
	ldp x2, x3, [sp, #32]
	ldp x0, x1, [sp, #16]
	ldp x29, x30, [sp], #224
	br x16

	.section .note.GNU-stack, "", @progbits
