/* <glob.h> with glibc's flags that musl ignores: GLOB_BRACE, GLOB_NOMAGIC, and GLOB_ALTDIRFUNC,
 * which is refused.
 *
 * In C, because a C++ caller's function may throw through frames compiled with -fexceptions. */

#define _GNU_SOURCE
#include <glob.h>
#include <stdlib.h>
#include <string.h>

/* glibc's <glob.h>. */
#define GLOB_MAGCHAR (1 << 8)
#define GLOB_ALTDIRFUNC (1 << 9)
#define GLOB_BRACE (1 << 10)
#define GLOB_NOMAGIC (1 << 11)

typedef int on_error(const char *path, int error);

int pilotlight_musl_glob(const char *, int, on_error *, glob_t *);
int pilotlight_glob(const char *, int, on_error *, glob_t *);

/* The end of an alternative: its comma or closing brace, or null if there is none. */
static const char *end_of_part(const char *next, int flags)
{
	for (int depth = 0; *next != 0; next++) {
		if (*next == '\\' && !(flags & GLOB_NOESCAPE) && next[1] != 0)
			next++;
		else if (*next == '{')
			depth++;
		else if ((*next == '}' && depth-- == 0) || (*next == ',' && depth == 0))
			return next;
	}
	return NULL;
}

/* The brace that opens the first list of alternatives, and in `last` the closing one; null without
 * a list. */
static const char *find_list(const char *pattern, int flags, const char **last)
{
	for (const char *next = pattern; *next != 0; next++) {
		if (*next == '\\' && !(flags & GLOB_NOESCAPE) && next[1] != 0) {
			next++;
		} else if (*next == '{' && next[1] != '}') {
			const char *end = end_of_part(next + 1, flags);
			while (end != NULL && *end == ',')
				end = end_of_part(end + 1, flags);
			*last = end;
			return end == NULL ? NULL : next;
		}
	}
	return NULL;
}

/* Adds the matches of each alternative, in the pattern's order. */
static int glob_list(const char *pattern, const char *first, const char *last, int flags,
		     on_error *on_failure, glob_t *found)
{
	size_t before = (size_t)(first - pattern),
	       count = flags & GLOB_APPEND ? found->gl_pathc : 0;
	char *one = malloc(strlen(pattern) + 1);
	int result = one == NULL ? GLOB_NOSPACE : 0;
	for (const char *part = first + 1; part <= last && result == 0;) {
		const char *end = end_of_part(part, flags);
		memcpy(one, pattern, before);
		memcpy(one + before, part, (size_t)(end - part));
		strcpy(one + before + (end - part), last + 1);
		result = pilotlight_glob(one, flags & ~(GLOB_NOCHECK | GLOB_NOMAGIC), on_failure,
					 found);
		flags |= GLOB_APPEND;
		if (result == GLOB_NOMATCH)
			result = 0;
		part = end + 1;
	}
	free(one);
	if (result != 0 || found->gl_pathc != count)
		return result;
	return flags & (GLOB_NOCHECK | GLOB_NOMAGIC)
		       ? pilotlight_musl_glob(pattern, flags | GLOB_NOCHECK, on_failure, found)
		       : GLOB_NOMATCH;
}

int pilotlight_glob(const char *pattern, int flags, on_error *on_failure, glob_t *found)
{
	const char *last, *first = flags & GLOB_BRACE ? find_list(pattern, flags, &last) : NULL;
	if (flags & GLOB_ALTDIRFUNC)
		return GLOB_NOSYS;
	if (first != NULL)
		return glob_list(pattern, first, last, flags, on_failure, found);
	int has_magic = strpbrk(pattern, "*?[") != NULL;
	if (flags & GLOB_NOMAGIC && !has_magic)
		flags |= GLOB_NOCHECK;
	int result = pilotlight_musl_glob(pattern, flags, on_failure, found);
	/* glibc's `gl_flags` is at this offset. */
	found->__dummy1 = flags | (has_magic ? GLOB_MAGCHAR : 0);
	return result;
}
