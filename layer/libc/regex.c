/* <regex.h> as glibc's headers declare it, on top of musl's functions: an offset is an `int`, the
 * count of subexpressions has another offset in a pattern, and REG_STARTEND is supported.
 *
 * In C, because it converts between structures of two C headers. */

#define _GNU_SOURCE
#include <regex.h>
#include <stdlib.h>
#include <string.h>

int pilotlight_musl_regcomp(regex_t *, const char *, int);
int pilotlight_musl_regexec(const regex_t *, const char *, size_t, regmatch_t *, int);

/* glibc's `regmatch_t`. */
struct match {
	int start, end;
};

/* glibc's `regex_t`, which is as large as musl's. musl does not use the bytes of `re_nsub`. */
struct pattern {
	size_t musls_count;
	char musls[40];
	size_t re_nsub;
	size_t last;
};
_Static_assert(sizeof(struct pattern) == sizeof(regex_t), "one is as large as the other");

#define REG_STARTEND 4

/* Most matches that are kept on the stack. */
#define MAX_ON_STACK 32

int pilotlight_regcomp(struct pattern *pattern, const char *text, int flags)
{
	int code = pilotlight_musl_regcomp((regex_t *)pattern, text, flags);
	if (code == 0)
		pattern->re_nsub = pattern->musls_count;
	else
		memset(pattern, 0, sizeof *pattern); /* `regfree` may follow */
	return code;
}

/* Searches `text`, or only the `part` of it. */
static int search(const struct pattern *pattern, const char *text, size_t count, regmatch_t *found,
		  const struct match *part, int flags)
{
	if (part == NULL)
		return pilotlight_musl_regexec((const regex_t *)pattern, text, count, found, flags);
	char *copy = strndup(text + part->start, (size_t)(part->end - part->start));
	if (copy == NULL)
		return REG_ESPACE;
	/* The start of a part is not the start of a line. */
	if (part->start > 0)
		flags |= REG_NOTBOL;
	int code = pilotlight_musl_regexec((const regex_t *)pattern, copy, count, found, flags);
	free(copy);
	for (size_t i = 0; code == 0 && i < count; i++)
		if (found[i].rm_so >= 0) {
			found[i].rm_so += part->start;
			found[i].rm_eo += part->start;
		}
	return code;
}

int pilotlight_regexec(const struct pattern *pattern, const char *text, size_t count,
		       struct match *matches, int flags)
{
	regmatch_t few[MAX_ON_STACK], *found = few;
	size_t known = count < pattern->re_nsub + 1 ? count : pattern->re_nsub + 1;
	if (known > MAX_ON_STACK && (found = calloc(known, sizeof *found)) == NULL)
		return REG_ESPACE;
	/* A pattern with REG_NOSUB leaves the matches unchanged. */
	for (size_t i = 0; i < known; i++)
		found[i] = (regmatch_t){matches[i].start, matches[i].end};
	const struct match *part = flags & REG_STARTEND ? matches : NULL;
	int code = search(pattern, text, known, found, part, flags & ~REG_STARTEND);
	for (size_t i = 0; code == 0 && i < count; i++)
		matches[i] = i < known ? (struct match){(int)found[i].rm_so, (int)found[i].rm_eo}
				       : (struct match){-1, -1};
	if (found != few)
		free(found);
	return code;
}
