/* Shared by memory.c and compare.c: vector types, and the test for AVX2.
 *
 * From 16 bytes on, each function has two variants: a short loop over vectors of 16 bytes, which
 * every x86-64 CPU has, and one over vectors of 32 bytes (AVX2). CPUID, which tells whether the CPU
 * has AVX2, traps in a virtual machine and costs a microsecond or more. So it is executed only
 * after enough calls to repay that; a cold start makes fewer. */

#include <immintrin.h>

#include "../words.h"

/* Calls of at least 16 bytes before CPUID is executed. */
#define CALLS_BEFORE_CPUID 2000

/* For the exported functions, which test `is_wide` before they use AVX2. */
#define WIDE __attribute__((target("avx2")))
/* For code that runs on any CPU, and so must not be inlined into a function compiled for AVX2. */
#define NARROW __attribute__((noinline, cold)) static

/* As vector16. */
typedef char vector32 __attribute__((vector_size(32), may_alias, aligned(1)));
/* An aligned vector. */
typedef char line32 __attribute__((vector_size(32), may_alias));

#define V32(address) (*(vector32 *)(address))
#define L32(address) (*(line32 *)(address))

/* Initially 0, so that they lie in .bss on a page that every start writes to. Threads may lose a
 * call, or execute CPUID twice. */
extern unsigned pilotlight_calls; /* of 16 bytes and more, before AVX2 was found */
extern int pilotlight_has_wide;   /* CPUID has reported AVX2 */

void pilotlight_execute_cpuid(void);

static inline int is_wide(void)
{
	return likely(__atomic_load_n(&pilotlight_has_wide, __ATOMIC_RELAXED));
}

static inline void count(void)
{
	unsigned now = __atomic_load_n(&pilotlight_calls, __ATOMIC_RELAXED);
	if (unlikely(now > CALLS_BEFORE_CPUID))
		return;
	__atomic_store_n(&pilotlight_calls, now + 1, __ATOMIC_RELAXED);
	if (unlikely(now == CALLS_BEFORE_CPUID))
		pilotlight_execute_cpuid();
}
