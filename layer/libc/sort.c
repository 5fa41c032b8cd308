/* Sorting and searching: musl's own have no unwind tables, and a C++ caller's function may
 * throw. The sort is a merge sort, which keeps equal elements in order as glibc's does. */

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

/* Sorts few elements where they are, with room for one. */
static void insert(const struct sort *sort, char *first, size_t count, char *room)
{
	size_t size = sort->size;
	for (size_t sorted = 1; sorted < count; sorted++) {
		char *place = first + sorted * size;
		if (sort->compare(place - size, place, sort->argument) <= 0)
			continue;
		sort->copy(room, place, size);
		do {
			sort->copy(place, place - size, size);
			place -= size;
		} while (place > first && sort->compare(place - size, room, sort->argument) > 0);
		sort->copy(place, room, size);
	}
}

/* Sorts elements, with room for half of them. */
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

static void sink(const struct sort *sort, char *first, size_t place, size_t count)
{
	size_t size = sort->size;
	for (size_t child; (child = 2 * place + 1) < count; place = child) {
		char *larger = first + child * size;
		if (child + 1 < count && sort->compare(larger, larger + size, sort->argument) < 0)
			child++, larger += size;
		if (sort->compare(first + place * size, larger, sort->argument) >= 0)
			return;
		swap(first + place * size, larger, size);
	}
}

/* A heap sort, which needs no memory. */
static void sort_in_place(const struct sort *sort, char *first, size_t count)
{
	for (size_t place = count / 2; place-- > 0;)
		sink(sort, first, place, count);
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
	/* Room for a half, and for the one element that an insertion holds. */
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
