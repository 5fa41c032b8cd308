/* Shared by the CPUs' memory functions: words without alignment, and the branches for the few bytes
 * that most calls are for.
 *
 * For so few bytes, branches and call overhead dominate. So the likely side of each test is inline,
 * and code that needs a call, or more registers than the arguments', is a function of its own. */

#include <stddef.h>
#include <stdint.h>

#define likely(condition) __builtin_expect(condition, 1)
#define unlikely(condition) __builtin_expect(condition, 0)

/* Words and vectors without alignment, which may alias anything. */
typedef uint64_t word8 __attribute__((may_alias, aligned(1)));
typedef uint32_t word4 __attribute__((may_alias, aligned(1)));
typedef uint16_t word2 __attribute__((may_alias, aligned(1)));
typedef char vector16 __attribute__((vector_size(16), may_alias, aligned(1)));

#define W2(address) (*(word2 *)(address))
#define W4(address) (*(word4 *)(address))
#define W8(address) (*(word8 *)(address))
#define V16(address) (*(vector16 *)(address))

/* For functions that are compiled for a CPU with more than the least. */
#define INLINE __attribute__((always_inline)) static inline

/* memmove of less than 16 bytes. All are read before any is written. */
INLINE void *move_short(unsigned char *to, const unsigned char *from, size_t size)
{
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

/* Compares two words as big-endian numbers: the first byte in memory is the most significant. */
INLINE int order(uint64_t x, uint64_t y)
{
	if (likely(x == y))
		return 0;
	return __builtin_bswap64(x) < __builtin_bswap64(y) ? -1 : 1;
}

/* memcmp of less than 16 bytes. */
INLINE int compare_short(const unsigned char *a, const unsigned char *b, size_t size)
{
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
