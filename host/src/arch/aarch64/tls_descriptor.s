// The functions of thread-local descriptors (libc/tls.rs). Code calls them with the address of a descriptor
// in x0. They return an offset from the thread pointer in x0, and keep every other register but x30; flags
// are free. (ELF for the Arm 64-bit Architecture, "Thread Local Storage".)

	.section .text.pilotlight_tls_descriptor, "ax", @progbits
	.balign 4

// The second word is the offset.
	.globl pilotlight_tls_in_reserve
pilotlight_tls_in_reserve:
	ldr x0, [x0, #8]
	ret

// The second word is the offset in one of the thread's blocks, times 8, and the block's number.
	.globl pilotlight_tls_in_block
pilotlight_tls_in_block:
	stp x1, x2, [sp, #-16]!
	ldr x1, [x0, #8]
	mrs x0, tpidr_el0
	and x2, x1, #7
	add x2, x0, x2, lsl #3
	add x2, x2, #:tprel_hi12:pilotlight_thread_blocks
	ldr x2, [x2, #:tprel_lo12_nc:pilotlight_thread_blocks]
	add x1, x2, x1, asr #3
	sub x0, x1, x0
	ldp x1, x2, [sp], #16
	ret

	.section .note.GNU-stack, "", @progbits
