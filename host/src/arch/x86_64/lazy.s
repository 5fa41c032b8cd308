# Lazy binding, as in the procedure linkage table of the psABI (libc/lazy.rs).

	.section .data.pilotlight_lazy_slots, "aw", @progbits
	.balign 8
	.globl pilotlight_lazy_slots
pilotlight_lazy_slots:

# The stub of a function, and the slot of its number, counted from 0 without gaps. The slot first holds
# the address of the stub's second half.
.macro lazy name, number
	.section .data.pilotlight_lazy_slots
	.quad pilotlight_unresolved_\name
	.section .text.pilotlight_lazy
	.globl pilotlight_lazy_\name
pilotlight_lazy_\name:
	jmp *pilotlight_lazy_slots + 8 * \number(%rip)
pilotlight_unresolved_\name:
	push $\number
	jmp pilotlight_resolve_lazy
.endm

# The target of a function's first call. The stack holds the function's number, then the return address;
# the registers hold the function's arguments (psABI 3.2.3), which are kept.
	.section .text.pilotlight_lazy, "ax", @progbits
pilotlight_resolve_lazy:
	push %rax
	push %rdi
	push %rsi
	push %rdx
	push %rcx
	push %r8
	push %r9
	sub $136, %rsp
	movups %xmm0, (%rsp)
	movups %xmm1, 16(%rsp)
	movups %xmm2, 32(%rsp)
	movups %xmm3, 48(%rsp)
	movups %xmm4, 64(%rsp)
	movups %xmm5, 80(%rsp)
	movups %xmm6, 96(%rsp)
	movups %xmm7, 112(%rsp)
	mov 192(%rsp), %rdi
	call pilotlight_bind_lazy
	mov %rax, %r11
	movups (%rsp), %xmm0
	movups 16(%rsp), %xmm1
	movups 32(%rsp), %xmm2
	movups 48(%rsp), %xmm3
	movups 64(%rsp), %xmm4
	movups 80(%rsp), %xmm5
	movups 96(%rsp), %xmm6
	movups 112(%rsp), %xmm7
	add $136, %rsp
	pop %r9
	pop %r8
	pop %rcx
	pop %rdx
	pop %rsi
	pop %rdi
	pop %rax
	# Drops the function's number.
	add $8, %rsp
	jmp *%r11

	.section .note.GNU-stack, "", @progbits
