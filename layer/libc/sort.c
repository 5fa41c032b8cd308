/* Sorting and searching. A C++ caller's comparison may throw through these functions; musl's own
 * have no unwind tables. The sort is a merge sort, which like glibc's keeps equal elements in
 * order.
 *
 * In C, because exceptions pass through frames compiled with -fexceptions. */

#define _GNU_SOURCE
#include <search.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int compare_with(const void *, const void *, void *);

struct sort {
	size_t size;
	compare_with *compare;
	void *argument;
	/* Copies one element. */
	void (*copy)(char *to, const char *from, size_t size);
};

static void copy_word(char *to, const char *from, size_t size)
{
	(void)size;
	*(uint64_t *)to = *(const uint64_t *)from;
}

static void copy_half(char *to, const char *from, size_t size)
{
	(void)size;
	*(uint32_t *)to = *(const uint32_t *)from;
}

static void copy_any(char *to, const char *from, size_t size) { memcpy(to, from, size); }

/* Insertion sort, for few elements, with room for one. */
static void insert(const struct sort *sort, char *first, size_t count, char *room)
{
	size_t size = sort->size;
	for (size_t sorted = 1; sorted < count; sorted++) {
		char *element = first + sorted * size;
		if (sort->compare(element - size, element, sort->argument) <= 0)
			continue;
		sort->copy(room, element, size);
		do {
			sort->copy(element, element - size, size);
			element -= size;
		} while (element > first &&
			 sort->compare(element - size, room, sort->argument) > 0);
		sort->copy(element, room, size);
	}
}

/* Merge sort, with room for half of the elements. */
static void merge(const struct sort *sort, char *first, size_t count, char *room)
{
	if (count <= 6)
		return insert(sort, first, count, room);
	size_t size = sort->size, half = count / 2;
	char *left = room, *left_end = room + half * size;
	char *right = first + half * size, *right_end = first + count * size;
	merge(sort, first, half, room);
	merge(sort, right, count - half, room);
	memcpy(room, first, half * size);
	for (char *to = first; left < left_end; to += size) {
		if (right < right_end && sort->compare(left, right, sort->argument) > 0) {
			sort->copy(to, right, size);
			right += size;
		} else {
			sort->copy(to, left, size);
			left += size;
		}
	}
}

static void swap(char *one, char *other, size_t size)
{
	for (; size > 0; size--, one++, other++) {
		char byte = *one;
		*one = *other;
		*other = byte;
	}
}

static void sink(const struct sort *sort, char *first, size_t index, size_t count)
{
	size_t size = sort->size;
	for (size_t child; (child = 2 * index + 1) < count; index = child) {
		char *larger = first + child * size;
		if (child + 1 < count && sort->compare(larger, larger + size, sort->argument) < 0)
			child++, larger += size;
		if (sort->compare(first + index * size, larger, sort->argument) >= 0)
			return;
		swap(first + index * size, larger, size);
	}
}

/* A heap sort, which needs no memory. */
static void sort_in_place(const struct sort *sort, char *first, size_t count)
{
	for (size_t index = count / 2; index-- > 0;)
		sink(sort, first, index, count);
	for (size_t left = count; left-- > 1;) {
		swap(first, first + left * sort->size, sort->size);
		sink(sort, first, 0, left);
	}
}

static void free_block(void *block) { free(*(void **)block); }

void qsort_r(void *elements, size_t count, size_t size, compare_with *compare, void *argument)
{
	struct sort sort = {size, compare, argument, copy_any};
	if (count < 2 || size == 0)
		return;
	if (size == 8 && (uintptr_t)elements % 8 == 0)
		sort.copy = copy_word;
	else if (size == 4 && (uintptr_t)elements % 4 == 0)
		sort.copy = copy_half;
	_Alignas(16) char small[1024];
	/* Room for half of the elements, and for the one that an insertion holds. */
	size_t needed = (count / 2 + 1) * size;
	__attribute__((cleanup(free_block))) void *large = NULL;
	if (needed <= sizeof small) {
		merge(&sort, elements, count, small);
	} else if ((large = malloc(needed)) != NULL) {
		merge(&sort, elements, count, large);
	} else {
		sort_in_place(&sort, elements, count);
	}
}

static int compare_without(const void *one, const void *other, void *compare)
{
	return (*(int (**)(const void *, const void *))compare)(one, other);
}

void qsort(void *elements, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	qsort_r(elements, count, size, compare_without, &compare);
}

void *bsearch(const void *key, const void *elements, size_t count, size_t size,
	      int (*compare)(const void *, const void *))
{
	const char *first = elements;
	while (count > 0) {
		const char *middle = first + count / 2 * size;
		int order = compare(key, middle);
		if (order == 0)
			return (void *)middle;
		if (order > 0) {
			first = middle + size;
			count--;
		}
		count /= 2;
	}
	return NULL;
}

void *lfind(const void *key, const void *elements, size_t *count, size_t size,
	    int (*compare)(const void *, const void *))
{
	const char *element = elements;
	for (size_t i = 0; i < *count; i++, element += size)
		if (compare(key, element) == 0)
			return (void *)element;
	return NULL;
}

void *lsearch(const void *key, void *elements, size_t *count, size_t size,
	      int (*compare)(const void *, const void *))
{
	void *found = lfind(key, elements, count, size, compare);
	if (found != NULL)
		return found;
	return memcpy((char *)elements + (*count)++ * size, key, size);
}
