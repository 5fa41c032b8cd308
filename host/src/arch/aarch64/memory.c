/* memmove, which copies byte by byte in musl. Its memcpy and memset are Arm's own, in assembly. */

#include "../words.h"

/* More than 64 bytes from the front, which is right unless `to` lies inside the source. Two vectors
 * are read before they are written; the last 64 bytes before all. */
static void *move_forward(unsigned char *to, const unsigned char *from, size_t size)
{
	const unsigned char *tail = from + size - 64;
	unsigned char *end = to + size - 64, *next = to;
	vector16 a = V16(tail), b = V16(tail + 16), c = V16(tail + 32), d = V16(tail + 48);
	for (; next < end; next += 32, from += 32) {
		vector16 e = V16(from), f = V16(from + 16);
		V16(next) = e;
		V16(next + 16) = f;
	}
	V16(end) = a;
	V16(end + 16) = b;
	V16(end + 32) = c;
	V16(end + 48) = d;
	return to;
}

/* The same from the back. */
static void *move_backward(unsigned char *to, const unsigned char *from, size_t size)
{
	unsigned char *next = to + size;
	vector16 a = V16(from), b = V16(from + 16), c = V16(from + 32), d = V16(from + 48);
	for (from += size; next > to + 64; next -= 32, from -= 32) {
		vector16 e = V16(from - 16), f = V16(from - 32);
		V16(next - 16) = e;
		V16(next - 32) = f;
	}
	V16(to) = a;
	V16(to + 16) = b;
	V16(to + 32) = c;
	V16(to + 48) = d;
	return to;
}

void *memmove(void *target, const void *source, size_t size)
{
	unsigned char *to = target;
	const unsigned char *from = source;
	if (size < 16)
		return move_short(to, from, size);
	if (likely(size <= 64)) {
		vector16 first = V16(from), last = V16(from + size - 16);
		if (size > 32) {
			vector16 second = V16(from + 16), third = V16(from + size - 32);
			V16(to + 16) = second;
			V16(to + size - 32) = third;
		}
		V16(to) = first;
		V16(to + size - 16) = last;
		return to;
	}
	if ((size_t)to - (size_t)from < size)
		return move_backward(to, from, size);
	return move_forward(to, from, size);
}
