/* The loops of memory.c, for vectors of WIDTH bytes. Included once for each width that is used. */

typedef char NAME(vector) __attribute__((vector_size(WIDTH), aligned(1), may_alias));
typedef char NAME(line) __attribute__((vector_size(WIDTH), may_alias));

#define V(place) (*(NAME(vector) *)(place))
#define L(place) (*(NAME(line) *)(place))

/* From WIDTH to eight times as many bytes: from both ends, all read before any is written. */
TARGET static inline void NAME(move_some)(unsigned char *to, const unsigned char *from, size_t size)
{
	NAME(vector) first = V(from), last = V(from + size - WIDTH);
	if (size > 2 * WIDTH) {
		NAME(vector) second = V(from + WIDTH), third = V(from + size - 2 * WIDTH);
		if (size > 4 * WIDTH) {
			NAME(vector) a = V(from + 2 * WIDTH), b = V(from + 3 * WIDTH);
			NAME(vector) c = V(from + size - 4 * WIDTH), d = V(from + size - 3 * WIDTH);
			V(to + 2 * WIDTH) = a;
			V(to + 3 * WIDTH) = b;
			V(to + size - 4 * WIDTH) = c;
			V(to + size - 3 * WIDTH) = d;
		}
		V(to + WIDTH) = second;
		V(to + size - 2 * WIDTH) = third;
	}
	V(to) = first;
	V(to + size - WIDTH) = last;
}

/* From the front, which is right unless `to` lies inside what is still to be read. The stores of the
 * loop are aligned; what lies at both ends is read before it begins. */
TARGET static inline void NAME(move_forward)(unsigned char *to, const unsigned char *from, size_t size)
{
	const unsigned char *tail = from + size;
	NAME(vector) first = V(from);
	NAME(vector) a = V(tail - 4 * WIDTH), b = V(tail - 3 * WIDTH);
	NAME(vector) c = V(tail - 2 * WIDTH), d = V(tail - WIDTH);
	unsigned char *end = to + size, *next = to + WIDTH - ((uintptr_t)to & (WIDTH - 1));
	for (from += next - to; next < end - 4 * WIDTH; next += 4 * WIDTH, from += 4 * WIDTH) {
		NAME(vector) e = V(from), f = V(from + WIDTH);
		NAME(vector) g = V(from + 2 * WIDTH), h = V(from + 3 * WIDTH);
		L(next) = e;
		L(next + WIDTH) = f;
		L(next + 2 * WIDTH) = g;
		L(next + 3 * WIDTH) = h;
	}
	V(to) = first;
	V(end - 4 * WIDTH) = a;
	V(end - 3 * WIDTH) = b;
	V(end - 2 * WIDTH) = c;
	V(end - WIDTH) = d;
}

/* From the back, in the same way. */
TARGET static inline void NAME(move_backward)(unsigned char *to, const unsigned char *from, size_t size)
{
	NAME(vector) last = V(from + size - WIDTH);
	NAME(vector) a = V(from), b = V(from + WIDTH);
	NAME(vector) c = V(from + 2 * WIDTH), d = V(from + 3 * WIDTH);
	unsigned char *end = to + size;
	unsigned char *next = end - 1 - ((uintptr_t)(end - 1) & (WIDTH - 1));
	for (from += next - to; next > to + 4 * WIDTH; next -= 4 * WIDTH, from -= 4 * WIDTH) {
		NAME(vector) e = V(from - WIDTH), f = V(from - 2 * WIDTH);
		NAME(vector) g = V(from - 3 * WIDTH), h = V(from - 4 * WIDTH);
		L(next - WIDTH) = e;
		L(next - 2 * WIDTH) = f;
		L(next - 3 * WIDTH) = g;
		L(next - 4 * WIDTH) = h;
	}
	V(end - WIDTH) = last;
	V(to) = a;
	V(to + WIDTH) = b;
	V(to + 2 * WIDTH) = c;
	V(to + 3 * WIDTH) = d;
}

/* More than 128 bytes, in any direction. */
TARGET static void NAME(move_many)(unsigned char *to, const unsigned char *from, size_t size)
{
	if (size <= 8 * WIDTH)
		NAME(move_some)(to, from, size);
	else if ((size_t)(to - from) < size)
		NAME(move_backward)(to, from, size);
	else
		NAME(move_forward)(to, from, size);
}

/* WIDTH bytes and more. */
TARGET static inline void NAME(fill)(unsigned char *to, int byte, size_t size)
{
	NAME(vector) bytes = (NAME(vector)){} + (char)byte;
	unsigned char *end = to + size;
	V(to) = bytes;
	V(end - WIDTH) = bytes;
	if (size <= 2 * WIDTH)
		return;
	V(to + WIDTH) = bytes;
	V(end - 2 * WIDTH) = bytes;
	if (size <= 4 * WIDTH)
		return;
	V(to + 2 * WIDTH) = bytes;
	V(to + 3 * WIDTH) = bytes;
	V(end - 3 * WIDTH) = bytes;
	V(end - 4 * WIDTH) = bytes;
	unsigned char *next = to + 4 * WIDTH - ((uintptr_t)to & (WIDTH - 1));
	for (; next < end - 4 * WIDTH; next += 4 * WIDTH) {
		L(next) = bytes;
		L(next + WIDTH) = bytes;
		L(next + 2 * WIDTH) = bytes;
		L(next + 3 * WIDTH) = bytes;
	}
}

/* One bit for each byte that differs. */
TARGET static inline unsigned NAME(differ)(const unsigned char *a, const unsigned char *b)
{
	return ALL ^ (unsigned)MASK(V(a) == V(b));
}

/* WIDTH bytes and more. */
TARGET static inline int NAME(compare)(const unsigned char *a, const unsigned char *b, size_t size)
{
	const unsigned char *last = a + size - WIDTH;
	unsigned differences;
	for (; a + 3 * WIDTH <= last; a += 4 * WIDTH, b += 4 * WIDTH) {
		NAME(vector) same = (V(a) == V(b)) & (V(a + WIDTH) == V(b + WIDTH)) &
				    (V(a + 2 * WIDTH) == V(b + 2 * WIDTH)) &
				    (V(a + 3 * WIDTH) == V(b + 3 * WIDTH));
		if ((unsigned)MASK(same) != ALL)
			break;
	}
	for (; a < last; a += WIDTH, b += WIDTH)
		if ((differences = NAME(differ)(a, b)) != 0)
			goto found;
	if (a == last + WIDTH)
		return 0;
	b -= a - last, a = last;
	if ((differences = NAME(differ)(a, b)) == 0)
		return 0;
found:;
	int place = __builtin_ctz(differences);
	return a[place] - b[place];
}

#undef V
#undef L
#undef WIDTH
#undef NAME
#undef TARGET
#undef ALL
#undef MASK
