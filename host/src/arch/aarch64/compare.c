/* memcmp and bcmp. musl's compare byte by byte. */

#include "../words.h"

int memcmp(const void *left, const void *right, size_t size)
{
	const unsigned char *a = left, *b = right;
	if (size < 16)
		return compare_short(a, b, size);
	const unsigned char *last = a + size - 16;
	for (ptrdiff_t distance = b - a;; a = last - a > 16 ? a + 16 : last) {
		uint64_t x = W8(a), y = W8(a + 8), z = W8(a + distance), w = W8(a + distance + 8);
		if (unlikely(x != z || y != w))
			return x != z ? order(x, z) : order(y, w);
		if (a == last)
			return 0;
	}
}

int bcmp(const void *left, const void *right, size_t size) __attribute__((alias("memcmp")));
