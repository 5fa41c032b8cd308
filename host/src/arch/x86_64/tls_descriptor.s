# The functions of thread-local descriptors (libc/tls.rs). Code calls them with the address of a descriptor
# in rax. They return an offset from the thread pointer in rax, and keep every other register; flags are
# free. (Alexandre Oliva, "Thread-Local Storage Descriptors for IA32 and AMD64/EM64T".)

	.section .text.pilotlight_tls_descriptor, "ax", @progbits

# The second word is the offset.
	.globl pilotlight_tls_in_reserve
pilotlight_tls_in_reserve:
	mov 8(%rax), %rax
	ret

# The second word is the offset in one of the thread's blocks, times 8, and the block's number.
	.globl pilotlight_tls_in_block
pilotlight_tls_in_block:
	push %rcx
	mov 8(%rax), %rcx
	mov %ecx, %eax
	and $7, %eax
	sar $3, %rcx
	add %fs:pilotlight_thread_blocks@tpoff(,%rax,8), %rcx
	sub %fs:0, %rcx
	mov %rcx, %rax
	pop %rcx
	ret

	.section .note.GNU-stack, "", @progbits
