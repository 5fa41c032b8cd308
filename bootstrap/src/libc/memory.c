/* memcpy, memmove, memset and memcmp. musl's are small: copies of a few bytes by a string instruction,
 * moves and comparisons byte by byte. Handlers live in these four.
 *
 * From 16 bytes on, each has two ways: a short loop over vectors of 16 bytes, which every x86-64 CPU
 * has, and one with vectors of 32 (AVX2). CPUID, which says whether those are there, traps in a virtual
 * machine and costs a microsecond or more: it is asked when this many calls have shown that it pays,
 * which no cold start does. From LONG bytes on, the CPU's own string instructions are as fast as any.
 *
 * Most calls are of so few bytes that what they cost is their branches and what surrounds them. So the
 * likely side of each test is in line, and what needs more registers than the arguments', or a call,
 * is a function of its own.
 *
 * Compiled with -fno-builtin, so that no loop here becomes a call of itself. */

#include <cpuid.h>
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LONG 32768
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
static unsigned calls; /* of 16 bytes and more, while there were no wide vectors */
static int has_wide; /* CPUID has said that there are wide vectors */

static inline int is_wide(void)
{
	return likely(__atomic_load_n(&has_wide, __ATOMIC_RELAXED));
}

NARROW void ask(void)
{
	unsigned a, b, c, d, low;
	__cpuid(1, a, b, c, d);
	if (c & bit_OSXSAVE) {
		/* The system keeps both halves of the registers (XCR0). Who has XSAVE has leaf 7. */
		__asm__("xgetbv" : "=a"(low), "=d"(d) : "c"(0));
		__cpuid_count(7, 0, a, b, c, d);
		if ((low & 6) == 6 && (b & bit_AVX2))
			__atomic_store_n(&has_wide, 1, __ATOMIC_RELAXED);
	}
}

static inline void count(void)
{
	unsigned now = __atomic_load_n(&calls, __ATOMIC_RELAXED);
	if (unlikely(now > CALLS_BEFORE_ASKING))
		return;
	__atomic_store_n(&calls, now + 1, __ATOMIC_RELAXED);
	if (unlikely(now == CALLS_BEFORE_ASKING))
		ask();
}

/* String instructions, which are fastest where the target begins on a line: the rest of the first line
 * is moved before. `to` does not lie less than 64 bytes in front of `from`, nor inside. */
NARROW void *move_long(unsigned char *to, const unsigned char *from, size_t size)
{
	size_t skip = 64 - ((uintptr_t)to & 63);
	unsigned char *next = to + skip;
	for (int at = 0; at < 64; at += 16)
		V16(to + at) = V16(from + at);
	from += skip, size -= skip;
	__asm__ volatile("rep movsb" : "+D"(next), "+S"(from), "+c"(size) : : "memory");
	return to;
}

/* 16 bytes and more. What the last step moves is read before the first. */
NARROW void *move_narrow(unsigned char *to, const unsigned char *from, size_t size)
{
	count();
	size_t distance = (size_t)to - (size_t)from;
	if (distance < size) {
		vector16 first = V16(from);
		for (size_t at = size - 16; (ptrdiff_t)at > 0; at -= 16)
			V16(to + at) = V16(from + at);
		V16(to) = first;
	} else if (size >= LONG && -distance >= 64) {
		return move_long(to, from, size);
	} else {
		vector16 last = V16(from + size - 16);
		for (size_t at = 0; at < size - 16; at += 16)
			V16(to + at) = V16(from + at);
		V16(to + size - 16) = last;
	}
	return to;
}

/* More than 256 bytes from the front, which is right unless `to` lies inside what is still to be read.
 * The stores of the loop are aligned; what lies at both ends is read before it begins. */
__attribute__((target("avx2"))) static inline void *move_forward(unsigned char *to, const unsigned char *from, size_t size)
{
	const unsigned char *tail = from + size;
	vector32 first = V32(from), a = V32(tail - 128), b = V32(tail - 96), c = V32(tail - 64), d = V32(tail - 32);
	unsigned char *end = to + size, *next = to + 32 - ((uintptr_t)to & 31);
	for (from += next - to; next < end - 128; next += 128, from += 128) {
		vector32 e = V32(from), f = V32(from + 32), g = V32(from + 64), h = V32(from + 96);
		L32(next) = e;
		L32(next + 32) = f;
		L32(next + 64) = g;
		L32(next + 96) = h;
	}
	V32(to) = first;
	V32(end - 128) = a;
	V32(end - 96) = b;
	V32(end - 64) = c;
	V32(end - 32) = d;
	return to;
}

/* From the back, in the same way. */
__attribute__((target("avx2"))) static inline void *move_backward(unsigned char *to, const unsigned char *from, size_t size)
{
	vector32 last = V32(from + size - 32), a = V32(from), b = V32(from + 32), c = V32(from + 64), d = V32(from + 96);
	unsigned char *end = to + size, *next = end - 1 - ((uintptr_t)(end - 1) & 31);
	for (from += next - to; next > to + 128; next -= 128, from -= 128) {
		vector32 e = V32(from - 32), f = V32(from - 64), g = V32(from - 96), h = V32(from - 128);
		L32(next - 32) = e;
		L32(next - 64) = f;
		L32(next - 96) = g;
		L32(next - 128) = h;
	}
	V32(end - 32) = last;
	V32(to) = a;
	V32(to + 32) = b;
	V32(to + 64) = c;
	V32(to + 96) = d;
	return to;
}

/* Up to 256 bytes from both ends, all read before any is written: words and vectors that overlap where
 * they have to. */
WIDE void *memmove(void *target, const void *source, size_t size)
{
	unsigned char *to = target;
	const unsigned char *from = source;
	if (unlikely(size < 16)) {
		if (likely(size >= 8)) {
			uint64_t first = W8(from), last = W8(from + size - 8);
			W8(to) = first;
			W8(to + size - 8) = last;
		} else if (size >= 4) {
			uint32_t first = W4(from), last = W4(from + size - 4);
			W4(to) = first;
			W4(to + size - 4) = last;
		} else if (size > 0) {
			unsigned char first = from[0], middle = from[size / 2], last = from[size - 1];
			to[0] = first;
			to[size / 2] = middle;
			to[size - 1] = last;
		}
		return to;
	}
	if (!is_wide())
		return move_narrow(to, from, size);
	if (unlikely(size <= 32)) {
		vector16 first = V16(from), last = V16(from + size - 16);
		V16(to) = first;
		V16(to + size - 16) = last;
		return to;
	}
	if (likely(size <= 64)) {
		vector32 first = V32(from), last = V32(from + size - 32);
		V32(to) = first;
		V32(to + size - 32) = last;
		return to;
	}
	if (likely(size <= 256)) {
		vector32 first = V32(from), second = V32(from + 32);
		vector32 third = V32(from + size - 64), last = V32(from + size - 32);
		if (unlikely(size > 128)) {
			vector32 a = V32(from + 64), b = V32(from + 96);
			vector32 c = V32(from + size - 128), d = V32(from + size - 96);
			V32(to + 64) = a;
			V32(to + 96) = b;
			V32(to + size - 128) = c;
			V32(to + size - 96) = d;
		}
		V32(to) = first;
		V32(to + 32) = second;
		V32(to + size - 64) = third;
		V32(to + size - 32) = last;
		return to;
	}
	size_t distance = (size_t)to - (size_t)from;
	if (distance < size)
		return move_backward(to, from, size);
	if (size >= LONG && -distance >= 64)
		return move_long(to, from, size);
	return move_forward(to, from, size);
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) __attribute__((alias("memmove")));

/* Whose first line is filled already. */
NARROW void *fill_long(unsigned char *to, int byte, size_t size)
{
	unsigned char *next = to + 64 - ((uintptr_t)to & 63);
	size -= (size_t)(next - to);
	__asm__ volatile("rep stosb" : "+D"(next), "+c"(size) : "a"(byte) : "memory");
	return to;
}

/* 16 bytes and more. */
NARROW void *fill_narrow(unsigned char *to, int byte, size_t size)
{
	count();
	vector16 bytes = (vector16){} + (char)byte;
	for (size_t at = 0; at < size - 16; at += 16)
		V16(to + at) = bytes;
	V16(to + size - 16) = bytes;
	return to;
}

WIDE void *memset(void *target, int byte, size_t size)
{
	unsigned char *to = target;
	if (unlikely(size < 16)) {
		uint64_t word = 0x0101010101010101u * (unsigned char)byte;
		if (likely(size >= 8)) {
			W8(to) = word;
			W8(to + size - 8) = word;
		} else if (size >= 4) {
			W4(to) = (uint32_t)word;
			W4(to + size - 4) = (uint32_t)word;
		} else if (size > 0) {
			to[0] = (unsigned char)byte;
			to[size / 2] = (unsigned char)byte;
			to[size - 1] = (unsigned char)byte;
		}
		return to;
	}
	if (!is_wide())
		return fill_narrow(to, byte, size);
	if (unlikely(size <= 32)) {
		vector16 bytes = (vector16){} + (char)byte;
		V16(to) = bytes;
		V16(to + size - 16) = bytes;
		return to;
	}
	vector32 bytes = (vector32){} + (char)byte;
	V32(to) = bytes;
	V32(to + size - 32) = bytes;
	if (likely(size <= 64))
		return to;
	V32(to + 32) = bytes;
	V32(to + size - 64) = bytes;
	if (likely(size <= 128))
		return to;
	V32(to + 64) = bytes;
	V32(to + 96) = bytes;
	V32(to + size - 128) = bytes;
	V32(to + size - 96) = bytes;
	if (likely(size <= 256))
		return to;
	if (size >= LONG)
		return fill_long(to, byte, size);
	unsigned char *last = to + size - 128;
	for (unsigned char *next = to + 128 - ((uintptr_t)to & 31); next < last; next += 128) {
		L32(next) = bytes;
		L32(next + 32) = bytes;
		L32(next + 64) = bytes;
		L32(next + 96) = bytes;
	}
	return to;
}

/* 16 bytes and more, one vector after the other: also finds the difference where the wide vectors have
 * shown that there is one. */
__attribute__((noinline)) static int compare(const unsigned char *a, const unsigned char *b, size_t size)
{
	const unsigned char *last = a + size - 16;
	for (ptrdiff_t distance = b - a;; a = last - a > 16 ? a + 16 : last) {
		unsigned same = (unsigned)_mm_movemask_epi8((__m128i)(V16(a) == V16(a + distance)));
		if (same != 0xffff) {
			a += __builtin_ctz(~same);
			return a[0] - a[distance];
		}
		if (a == last)
			return 0;
	}
}

NARROW int compare_narrow(const unsigned char *a, const unsigned char *b, size_t size)
{
	count();
	return compare(a, b, size);
}

/* Of two words whose first byte in memory is the most significant one of a number. */
static inline int order(uint64_t x, uint64_t y)
{
	if (likely(x == y))
		return 0;
	return __builtin_bswap64(x) < __builtin_bswap64(y) ? -1 : 1;
}

#define SAME16(a, b) (V16(a) == V16(b))
#define SAME32(a, b) (V32(a) == V32(b))
#define IS_ALL(same) likely(_mm256_movemask_epi8((__m256i)(same)) == -1)

/* The same, behind wide vectors: GCC does not clear their upper halves on every way to a call in tail
 * position, and what follows would be slow on some CPUs. */
WIDE static inline int compare_on(const unsigned char *a, const unsigned char *b, size_t size)
{
	_mm256_zeroupper();
	return compare(a, b, size);
}

WIDE int memcmp(const void *left, const void *right, size_t size)
{
	const unsigned char *a = left, *b = right;
	if (unlikely(size < 16)) {
		if (likely(size >= 8)) {
			int first = order(W8(a), W8(b));
			return unlikely(first != 0) ? first : order(W8(a + size - 8), W8(b + size - 8));
		}
		if (size >= 4)
			return order(W4(a) | (uint64_t)W4(a + size - 4) << 32,
				     W4(b) | (uint64_t)W4(b + size - 4) << 32);
		if (size >= 2)
			return order(W2(a) | (uint32_t)W2(a + size - 2) << 16,
				     W2(b) | (uint32_t)W2(b + size - 2) << 16);
		return size == 0 ? 0 : a[0] - b[0];
	}
	if (!is_wide())
		return compare_narrow(a, b, size);
	if (likely(size <= 32)) {
		vector16 same = SAME16(a, b) & SAME16(a + size - 16, b + size - 16);
		return likely(_mm_movemask_epi8((__m128i)same) == 0xffff) ? 0 : compare(a, b, size);
	}
	vector32 same = SAME32(a, b) & SAME32(a + size - 32, b + size - 32);
	if (likely(size <= 64))
		return IS_ALL(same) ? 0 : compare_on(a, b, size);
	same &= SAME32(a + 32, b + 32) & SAME32(a + size - 64, b + size - 64);
	if (likely(size <= 128))
		return IS_ALL(same) ? 0 : compare_on(a, b, size);
	same &= SAME32(a + 64, b + 64) & SAME32(a + 96, b + 96) &
		SAME32(a + size - 128, b + size - 128) & SAME32(a + size - 96, b + size - 96);
	if (!IS_ALL(same))
		return compare_on(a, b, size);
	if (size > 256) {
		const unsigned char *last = a + size - 128;
		/* So that the loads from `a` are aligned. */
		size_t skip = 128 - ((uintptr_t)a & 31);
		for (a += skip, b += skip; a < last; a += 128, b += 128) {
			same = SAME32(a, b) & SAME32(a + 32, b + 32) & SAME32(a + 64, b + 64) &
			       SAME32(a + 96, b + 96);
			if (!IS_ALL(same))
				return compare_on(a, b, 128);
		}
	}
	return 0;
}

int bcmp(const void *left, const void *right, size_t size) __attribute__((alias("memcmp")));
