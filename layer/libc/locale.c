/* Locales. There is only the C locale, in glibc's layout, because libstdc++ and other existing code
 * read its tables directly. musl's functions read the first words, where zeros mean the C locale.
 *
 * In C, because it fills in structures of C headers. */

#define _GNU_SOURCE
#include <errno.h>
#include <locale.h>
#include <stddef.h>
#include <string.h>

const unsigned short **__ctype_b_loc(void);
const int **__ctype_tolower_loc(void);
const int **__ctype_toupper_loc(void);

/* `struct __locale_struct` of glibc's <bits/types/__locale_t.h>. */
static struct {
	const void *data[13];
	const unsigned short *ctype_b;
	const int *ctype_tolower;
	const int *ctype_toupper;
	const char *names[13];
} c_locale = {.names = {"C", "C", "C", "C", "C", "C", "C", "C", "C", "C", "C", "C", "C"}};

static int is_c(const char *name)
{
	return *name == 0 || strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0;
}

char *pilotlight_setlocale(int category, const char *name)
{
	(void)category;
	return name == NULL || is_c(name) ? (char *)"C" : NULL;
}

locale_t pilotlight_newlocale(int mask, const char *name, locale_t base)
{
	(void)mask;
	(void)base;
	if (name == NULL || !is_c(name)) {
		errno = name == NULL ? EINVAL : ENOENT;
		return NULL;
	}
	/* Any thread may write these: all write the same values. */
	c_locale.ctype_b = *__ctype_b_loc();
	c_locale.ctype_tolower = *__ctype_tolower_loc();
	c_locale.ctype_toupper = *__ctype_toupper_loc();
	return (locale_t)(void *)&c_locale;
}

locale_t pilotlight_duplocale(locale_t locale)
{
	(void)locale;
	return pilotlight_newlocale(LC_ALL_MASK, "C", NULL);
}

void pilotlight_freelocale(locale_t locale) { (void)locale; }
