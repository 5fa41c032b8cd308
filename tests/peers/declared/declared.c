/* Starts BOOTSTRAP as it was started itself, with PILOTLIGHT_CONFIG set to CONFIG unless that is
 * empty: a declaration costs the difference between two of these.
 *
 * cc -static -nostdlib -nostartfiles -ffreestanding -DBOOTSTRAP='"…"' -DCONFIG='"…"' */

static long call(long number, long one, long two, long three)
{
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(one), "S"(two), "d"(three)
			 : "rcx", "r11", "memory");
	return result;
}

__attribute__((used)) static void run(long *stack)
{
	static char config[] = "PILOTLIGHT_CONFIG=" CONFIG;
	char *variables[256];
	char **arguments = (char **)(stack + 1);
	char **given = arguments + stack[0] + 1;
	int count = 0;
	while (*given && count < 254)
		variables[count++] = *given++;
	if (sizeof CONFIG > 1)
		variables[count++] = config;
	variables[count] = 0;
	call(59, (long)BOOTSTRAP, (long)arguments, (long)variables);
	call(60, 127, 0, 0);
}

__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall run\n");
