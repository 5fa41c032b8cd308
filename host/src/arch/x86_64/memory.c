/* memcpy, memmove and memset. musl's are small and slow: its memcpy uses a string instruction even
 * for a few bytes, and its memmove copies byte by byte. Handlers spend much of their time in these
 * and in memcmp (compare.c).
 *
 * From MIN_LONG bytes on, the CPU's string instructions are as fast as any code. Copies from 512
 * bytes on have a third variant, with vectors of 64 bytes (AVX-512).
 *
 * In C, because rustc can only be told for a whole crate not to turn loops into calls of memcpy,
 * which here would be calls of the function itself (-fno-builtin). */

#include <cpuid.h>

#include "memory.h"

/* Bytes from which on string instructions are used. */
#define MIN_LONG 32768

unsigned pilotlight_calls;
int pilotlight_has_wide;
static int has_wider; /* CPUID has reported vectors of 64 bytes as well */

__attribute__((cold)) void pilotlight_execute_cpuid(void)
{
	unsigned a, b, c, d, low;
	__cpuid(1, a, b, c, d);
	if (c & bit_OSXSAVE) {
		/* XCR0: the kernel saves both halves of the registers. XSAVE implies leaf 7. */
		__asm__("xgetbv" : "=a"(low), "=d"(d) : "c"(0));
		__cpuid_count(7, 0, a, b, c, d);
		if ((low & 6) == 6 && (b & bit_AVX2))
			__atomic_store_n(&pilotlight_has_wide, 1, __ATOMIC_RELAXED);
		/* CPUs without VBMI2 lower their clock for a while when they use such vectors. */
		if ((low & 0xe6) == 0xe6 && (b & bit_AVX512F) && (c & bit_AVX512VBMI2))
			__atomic_store_n(&has_wider, 1, __ATOMIC_RELAXED);
	}
}

/* By string instructions, which are fastest if the target starts on a cache line: the bytes before
 * that are moved first. `to` must be at least 64 bytes below `from`, or past the end of the
 * source. */
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

/* For 16 bytes and more. The bytes of the last step are read before the first step writes. */
NARROW void *move_narrow(unsigned char *to, const unsigned char *from, size_t size)
{
	count();
	size_t distance = (size_t)to - (size_t)from;
	if (distance < size) {
		vector16 first = V16(from);
		for (size_t at = size - 16; (ptrdiff_t)at > 0; at -= 16)
			V16(to + at) = V16(from + at);
		V16(to) = first;
	} else if (size >= MIN_LONG && -distance >= 64) {
		return move_long(to, from, size);
	} else {
		vector16 last = V16(from + size - 16);
		for (size_t at = 0; at < size - 16; at += 16)
			V16(to + at) = V16(from + at);
		V16(to + size - 16) = last;
	}
	return to;
}

/* Moves more than 256 bytes from the front, which is right unless `to` lies inside the source. The
 * loop's stores are aligned; the bytes at both ends are read before it starts. */
__attribute__((target("avx2"))) static inline void *
move_forward(unsigned char *to, const unsigned char *from, size_t size)
{
	const unsigned char *tail = from + size;
	vector32 first = V32(from), a = V32(tail - 128), b = V32(tail - 96), c = V32(tail - 64),
		 d = V32(tail - 32);
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

/* The same with vectors of 64 bytes, for 512 bytes and more: 1 KB takes three quarters of the time.
 * In assembly, because the registers from 16 on need no vzeroupper afterwards, and the compiler
 * would use others. */
__attribute__((target("avx512f"), noinline)) static void *
move_forward_wider(unsigned char *to, const unsigned char *from, size_t size)
{
	size_t skip = 64 - ((uintptr_t)to & 63);
	const unsigned char *end = to + size;
	unsigned char *next = to + skip;
	const unsigned char *source = from + skip;
	__asm__ volatile(
		"vmovdqu64 (%[from]), %%zmm16\n\t"
		"vmovdqu64 -256(%[from], %[size]), %%zmm17; vmovdqu64 -192(%[from], %[size]), %%zmm18\n\t"
		"vmovdqu64 -128(%[from], %[size]), %%zmm19; vmovdqu64 -64(%[from], %[size]), %%zmm20\n\t"
		"1:\t"
		"vmovdqu64 (%[source]), %%zmm21; vmovdqu64 64(%[source]), %%zmm22\n\t"
		"vmovdqu64 128(%[source]), %%zmm23; vmovdqu64 192(%[source]), %%zmm24\n\t"
		"vmovdqa64 %%zmm21, (%[next]); vmovdqa64 %%zmm22, 64(%[next])\n\t"
		"vmovdqa64 %%zmm23, 128(%[next]); vmovdqa64 %%zmm24, 192(%[next])\n\t"
		"add $256, %[source]; add $256, %[next]; cmp %[last], %[next]; jb 1b\n\t"
		"vmovdqu64 %%zmm16, (%[to])\n\t"
		"vmovdqu64 %%zmm17, (%[last]); vmovdqu64 %%zmm18, 64(%[last])\n\t"
		"vmovdqu64 %%zmm19, 128(%[last]); vmovdqu64 %%zmm20, 192(%[last])"
		: [next] "+r"(next), [source] "+r"(source)
		: [to] "r"(to), [from] "r"(from), [size] "r"(size), [last] "r"(end - 256)
		: "memory", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23",
		  "xmm24");
	return to;
}

/* The same from the back. */
__attribute__((target("avx2"))) static inline void *
move_backward(unsigned char *to, const unsigned char *from, size_t size)
{
	vector32 last = V32(from + size - 32), a = V32(from), b = V32(from + 32),
		 c = V32(from + 64), d = V32(from + 96);
	unsigned char *end = to + size, *next = end - 1 - ((uintptr_t)(end - 1) & 31);
	for (from += next - to; next > to + 128; next -= 128, from -= 128) {
		vector32 e = V32(from - 32), f = V32(from - 64), g = V32(from - 96),
			 h = V32(from - 128);
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

/* Up to 256 bytes are moved from both ends, by words and vectors that may overlap; all are read
 * before any is written. */
WIDE void *memmove(void *target, const void *source, size_t size)
{
	unsigned char *to = target;
	const unsigned char *from = source;
	if (unlikely(size < 16))
		return move_short(to, from, size);
	if (!is_wide())
		return move_narrow(to, from, size);
	if (likely(size <= 64)) {
		if (unlikely(size <= 32)) {
			vector16 first = V16(from), last = V16(from + size - 16);
			V16(to) = first;
			V16(to + size - 16) = last;
			return to;
		}
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
	if (size >= MIN_LONG && -distance >= 64)
		return move_long(to, from, size);
	if (size >= 512 && __atomic_load_n(&has_wider, __ATOMIC_RELAXED))
		return move_forward_wider(to, from, size);
	return move_forward(to, from, size);
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
	__attribute__((alias("memmove")));

/* For a target whose first cache line is already filled. */
NARROW void *fill_long(unsigned char *to, int byte, size_t size)
{
	unsigned char *next = to + 64 - ((uintptr_t)to & 63);
	size -= (size_t)(next - to);
	__asm__ volatile("rep stosb" : "+D"(next), "+c"(size) : "a"(byte) : "memory");
	return to;
}

/* For 16 bytes and more. */
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
	if (size >= MIN_LONG)
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
