# int pthread_once(pthread_once_t *control, void (*routine)(void)), with a `struct __ptcb` (once.c) at
# the stack pointer, whose address is in rbx while the routine runs.
#
# In assembly, because a compiler's table of the frame would need a library that reads it. Written by
# hand, the frame has the shortest one.

	.section .text.pthread_once, "ax", @progbits
	.globl pthread_once
	.type pthread_once, @function
pthread_once:
	.cfi_startproc
	.cfi_personality 3, pilotlight_once_personality
	cmpl $2, (%rdi)
	je 1f
	push %rbx
	.cfi_def_cfa_offset 16
	.cfi_offset rbx, -16
	sub $32, %rsp
	.cfi_def_cfa_offset 48
	mov %rsp, %rbx
	mov %rsp, %rdx
	call pilotlight_once_begin
	test %rax, %rax
	jz 2f
	call *%rax
	mov %rbx, %rdi
	call pilotlight_once_end
2:	add $32, %rsp
	.cfi_def_cfa_offset 16
	pop %rbx
	.cfi_def_cfa_offset 8
1:	xor %eax, %eax
	ret
	.cfi_endproc

	.section .note.GNU-stack, "", @progbits
