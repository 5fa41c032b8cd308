/* The facts about the CPU that the C files in src/libc need. */

/* The DWARF number of the register in which `pthread_once` keeps its cleanup: x19 (once.s). */
#define ONCE_REGISTER 19

/* Smallest stack of a thread in bytes: glibc's PTHREAD_STACK_MIN. */
#define MIN_STACK_SIZE 131072

/* A system call, with the kernel's result: an error is a negative number. */
static inline long system_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long result __asm__("x0") = a;
	register long second __asm__("x1") = b, third __asm__("x2") = c, fourth __asm__("x3") = d,
			     fifth __asm__("x4") = e, sixth __asm__("x5") = f,
			     which __asm__("x8") = number;
	__asm__ volatile("svc 0"
			 : "+r"(result)
			 : "r"(second), "r"(third), "r"(fourth), "r"(fifth), "r"(sixth), "r"(which)
			 : "memory", "cc");
	return result;
}
