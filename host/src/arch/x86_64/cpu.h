/* The facts about the CPU that the C files in src/libc need. */

/* The DWARF number of the register in which `pthread_once` keeps its cleanup: rbx (once.s). */
#define ONCE_REGISTER 3

/* Smallest stack of a thread in bytes: glibc's PTHREAD_STACK_MIN. */
#define MIN_STACK_SIZE 16384

/* A system call, with the kernel's result: an error is a negative number. */
static inline long system_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long fourth __asm__("r10") = d, fifth __asm__("r8") = e, sixth __asm__("r9") = f;
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth), "r"(sixth)
			 : "rcx", "r11", "memory");
	return result;
}
