/* aarch64: system calls, copies, and the first instruction. */

static long call(long number, long a, long b, long c, long d, long e, long f)
{
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b, x2 __asm__("x2") = c, x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e, x5 __asm__("x5") = f, x8 __asm__("x8") = number;
	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x8)
			 : "memory");
	return x0;
}

/* The compiler may call these for copies that it does not expand itself. */
void *memcpy(void *to, const void *from, size count)
{
	const unsigned char *source = from;
	unsigned char *target = to;
	for (; count >= 16; count -= 16, source += 16, target += 16)
		__asm__ volatile("ldr q0, [%0]\n\tstr q0, [%1]"
				 :
				 : "r"(source), "r"(target)
				 : "v0", "memory");
	while (count--)
		((volatile unsigned char *)target++)[0] = *source++;
	return to;
}

void *memset(void *to, int byte, size count)
{
	volatile unsigned char *target = to;
	while (count--)
		*target++ = (unsigned char)byte;
	return to;
}

__asm__(".globl _start\n_start:\n\tmov x0, sp\n\tb begin\n");
