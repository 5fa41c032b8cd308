/* memcpy, memmove, memset and memcmp. musl's are small: copies of a few bytes by a string instruction,
 * moves and comparisons byte by byte. Handlers live in these four.
 *
 * Up to 128 bytes they use vectors of 16 bytes, which every x86-64 CPU has. For more, the wider
 * vectors of AVX2 are worth having, but CPUID, which says whether they are there, traps in a virtual
 * machine and costs microseconds: it is asked when this many calls have shown that it pays, which no
 * cold start does. From LONG bytes on, the CPU's own string instructions are as fast as any.
 *
 * Compiled with -fno-builtin, so that no loop here becomes a call of itself. */

#include <cpuid.h>
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LONG 32768
#define CALLS_BEFORE_ASKING 2000

/* Words that may lie anywhere, and overlap anything. */
typedef uint64_t word8 __attribute__((may_alias, aligned(1)));
typedef uint32_t word4 __attribute__((may_alias, aligned(1)));
typedef uint16_t word2 __attribute__((may_alias, aligned(1)));

/* Fewer than 16 bytes: two words that overlap where they have to, both read before either is written. */
static inline void move_few(unsigned char *to, const unsigned char *from, size_t size)
{
	if (size >= 8) {
		uint64_t first = *(const word8 *)from, last = *(const word8 *)(from + size - 8);
		*(word8 *)to = first;
		*(word8 *)(to + size - 8) = last;
	} else if (size >= 4) {
		uint32_t first = *(const word4 *)from, last = *(const word4 *)(from + size - 4);
		*(word4 *)to = first;
		*(word4 *)(to + size - 4) = last;
	} else if (size >= 2) {
		uint16_t first = *(const word2 *)from, last = *(const word2 *)(from + size - 2);
		*(word2 *)to = first;
		*(word2 *)(to + size - 2) = last;
	} else if (size == 1) {
		*to = *from;
	}
}

#define WIDTH 16
#define NAME(name) name##_16
#define TARGET
#define ALL 0xffffu
#define MASK(vector) _mm_movemask_epi8((__m128i)(vector))
#include "memory_vector.h"

#define WIDTH 32
#define NAME(name) name##_32
#define TARGET __attribute__((target("avx2")))
#define ALL 0xffffffffu
#define MASK(vector) _mm256_movemask_epi8((__m256i)(vector))
#include "memory_vector.h"

/* How many calls there were before CPUID was asked; then one of the other two. Threads may lose a call,
 * or ask twice. (Begins as 0, so that it lies among the zeros that a start writes to in any case.) */
static int state;
enum { NARROW = -1, WIDE = -2 };

__attribute__((noinline, cold)) static int ask(void)
{
	unsigned a, b, c, d, low, high;
	int wide = 0;
	if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE)) {
		/* The system keeps both halves of the registers (XCR0). */
		__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
		wide = (low & 6) == 6 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2);
	}
	__atomic_store_n(&state, wide ? WIDE : NARROW, __ATOMIC_RELAXED);
	return wide;
}

static inline int is_wide(void)
{
	int now = __atomic_load_n(&state, __ATOMIC_RELAXED);
	if (now < 0)
		return now == WIDE;
	if (now == CALLS_BEFORE_ASKING)
		return ask();
	__atomic_store_n(&state, now + 1, __ATOMIC_RELAXED);
	return 0;
}

/* String instructions, which are fastest where the target begins on a line: the rest of the first line
 * is moved before. `to` does not lie less than 64 bytes in front of `from`, nor inside. */
static void move_long(unsigned char *to, const unsigned char *from, size_t size)
{
	move_some_16(to, from, 64);
	size_t skip = 64 - ((uintptr_t)to & 63);
	to += skip, from += skip, size -= skip;
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}

void *memmove(void *to, const void *from, size_t size)
{
	size_t distance = (size_t)to - (size_t)from;
	if (size < 16)
		move_few(to, from, size);
	else if (size <= 128)
		move_some_16(to, from, size);
	else if (size >= LONG && distance >= size && -distance >= 64)
		move_long(to, from, size);
	else if (is_wide())
		move_many_32(to, from, size);
	else
		move_many_16(to, from, size);
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
	__attribute__((alias("memmove")));

/* Kept apart, so that shorter fills need not end with `vzeroupper`. */
__attribute__((target("avx2"), noinline)) static void fill_many(unsigned char *to, int byte, size_t size) { fill_32(to, byte, size); }

void *memset(void *to, int byte, size_t size)
{
	unsigned char *next = to, *end = next + size;
	uint64_t word = 0x0101010101010101u * (unsigned char)byte;
	if (size < 16) {
		if (size >= 8) {
			*(word8 *)next = word;
			*(word8 *)(end - 8) = word;
		} else if (size >= 4) {
			*(word4 *)next = (uint32_t)word;
			*(word4 *)(end - 4) = (uint32_t)word;
		} else if (size >= 2) {
			*(word2 *)next = (uint16_t)word;
			*(word2 *)(end - 2) = (uint16_t)word;
		} else if (size == 1) {
			*next = (unsigned char)word;
		}
		return to;
	}
	if (size >= LONG) {
		fill_16(next, byte, 64);
		next += 64 - ((uintptr_t)next & 63);
		size = (size_t)(end - next);
		__asm__ volatile("rep stosb" : "+D"(next), "+c"(size) : "a"(byte) : "memory");
	} else if (size > 128 && is_wide()) {
		fill_many(next, byte, size);
	} else {
		fill_16(next, byte, size);
	}
	return to;
}

__attribute__((target("avx2"), noinline)) static int compare_many(const unsigned char *a, const unsigned char *b, size_t size)
{
	return compare_32(a, b, size);
}

int memcmp(const void *left, const void *right, size_t size)
{
	const unsigned char *a = left, *b = right;
	if (size < 16) {
		/* The first of the bytes is the most significant one of a number. */
		uint64_t x = 0, y = 0;
		if (size >= 8) {
			x = __builtin_bswap64(*(const word8 *)a), y = __builtin_bswap64(*(const word8 *)b);
			if (x == y) {
				x = __builtin_bswap64(*(const word8 *)(a + size - 8));
				y = __builtin_bswap64(*(const word8 *)(b + size - 8));
			}
		} else if (size >= 4) {
			x = (uint64_t)__builtin_bswap32(*(const word4 *)a) << 32 |
			    __builtin_bswap32(*(const word4 *)(a + size - 4));
			y = (uint64_t)__builtin_bswap32(*(const word4 *)b) << 32 |
			    __builtin_bswap32(*(const word4 *)(b + size - 4));
		} else if (size > 0) {
			x = (uint64_t)a[0] << 16 | (uint64_t)a[size / 2] << 8 | a[size - 1];
			y = (uint64_t)b[0] << 16 | (uint64_t)b[size / 2] << 8 | b[size - 1];
		}
		return (x > y) - (x < y);
	}
	if (size > 128 && is_wide())
		return compare_many(a, b, size);
	return compare_16(a, b, size);
}

int bcmp(const void *left, const void *right, size_t size) __attribute__((alias("memcmp")));
