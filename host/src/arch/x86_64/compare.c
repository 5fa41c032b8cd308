/* memcmp and bcmp. musl's compare byte by byte.
 *
 * In C for the same reason as memory.c: no loop here may become a call of the function itself. */

#include "memory.h"

/* For 16 bytes and more, one vector at a time. Also finds the difference after the wide vectors
 * have shown that there is one. */
__attribute__((noinline)) static int compare(const unsigned char *a, const unsigned char *b,
					     size_t size)
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

#define SAME16(a, b) (V16(a) == V16(b))
#define SAME32(a, b) (V32(a) == V32(b))
#define IS_ALL(same) likely(_mm256_movemask_epi8((__m256i)(same)) == -1)

/* `compare` after wide vectors: GCC does not clear their upper halves before every tail call, which
 * would make the code that follows slow on some CPUs. */
WIDE static inline int compare_on(const unsigned char *a, const unsigned char *b, size_t size)
{
	_mm256_zeroupper();
	return compare(a, b, size);
}

WIDE int memcmp(const void *left, const void *right, size_t size)
{
	const unsigned char *a = left, *b = right;
	if (unlikely(size < 16))
		return compare_short(a, b, size);
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
		/* Aligns the loads from `a`. */
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
