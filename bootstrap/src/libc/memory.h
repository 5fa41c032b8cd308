/* What memory.c and compare.c share: vectors, and whether there are wide ones.
 *
 * From 16 bytes on, each function has two ways: a short loop over vectors of 16 bytes, which every x86-64
 * CPU has, and one with vectors of 32 (AVX2). CPUID, which says whether those are there, traps in a virtual
 * machine and costs a microsecond or more: it is asked when some calls have shown that it pays, which no
 * cold start does.
 *
 * Most calls are of so few bytes that what they cost is their branches and what surrounds them. So the
 * likely side of each test is in line, and what needs more registers than the arguments', or a call,
 * is a function of its own. */

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define CALLS_BEFORE_ASKING 2000

#define likely(condition) __builtin_expect(condition, 1)
#define unlikely(condition) __builtin_expect(condition, 0)

/* What the exported functions are compiled for: they test `is_wide` before they use it. */
#define WIDE __attribute__((target("avx2")))
/* What runs on any CPU, so it must not become part of a function that is compiled for AVX2. */
#define NARROW __attribute__((noinline, cold)) static

/* Words and vectors that may lie anywhere, and overlap anything. */
typedef uint64_t word8 __attribute__((may_alias, aligned(1)));
typedef uint32_t word4 __attribute__((may_alias, aligned(1)));
typedef uint16_t word2 __attribute__((may_alias, aligned(1)));
typedef char vector16 __attribute__((vector_size(16), may_alias, aligned(1)));
typedef char vector32 __attribute__((vector_size(32), may_alias, aligned(1)));
/* A vector on a boundary of its own size. */
typedef char line32 __attribute__((vector_size(32), may_alias));

#define W2(place) (*(word2 *)(place))
#define W4(place) (*(word4 *)(place))
#define W8(place) (*(word8 *)(place))
#define V16(place) (*(vector16 *)(place))
#define V32(place) (*(vector32 *)(place))
#define L32(place) (*(line32 *)(place))

/* Begin as 0, so that they lie among the zeros that a start writes to in any case. Threads may lose a
 * call, or ask twice. */
extern unsigned pilotlight_calls; /* of 16 bytes and more, while there were no wide vectors */
extern int pilotlight_has_wide;	  /* CPUID has said that there are wide vectors */

/* Asks CPUID. */
void pilotlight_ask(void);

static inline int is_wide(void)
{
	return likely(__atomic_load_n(&pilotlight_has_wide, __ATOMIC_RELAXED));
}

static inline void count(void)
{
	unsigned now = __atomic_load_n(&pilotlight_calls, __ATOMIC_RELAXED);
	if (unlikely(now > CALLS_BEFORE_ASKING))
		return;
	__atomic_store_n(&pilotlight_calls, now + 1, __ATOMIC_RELAXED);
	if (unlikely(now == CALLS_BEFORE_ASKING))
		pilotlight_ask();
}
