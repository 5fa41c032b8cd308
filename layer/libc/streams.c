/* The functions that use a standard stream by its name: musl's own use their own streams, of which
 * there would then be two. */

#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int pilotlight_printf(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int result = vfprintf(stdout, format, arguments);
	va_end(arguments);
	return result;
}

int pilotlight_vprintf(const char *format, va_list arguments)
{
	return vfprintf(stdout, format, arguments);
}

int pilotlight_scanf(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int result = vfscanf(stdin, format, arguments);
	va_end(arguments);
	return result;
}

int pilotlight_vscanf(const char *format, va_list arguments)
{
	return vfscanf(stdin, format, arguments);
}

int pilotlight_getchar(void) { return fgetc(stdin); }
int pilotlight_putchar(int byte) { return fputc(byte, stdout); }

/* A colon belongs behind what the caller says, if that is anything. */
static void say(const char *what, const char *why)
{
	int named = what != NULL && *what != 0;
	fprintf(stderr, "%s%s%s\n", named ? what : "", named ? ": " : "", why);
}

void pilotlight_perror(const char *what) { say(what, strerror(errno)); }
void pilotlight_psignal(int signal, const char *what) { say(what, strsignal(signal)); }

_Noreturn void pilotlight_assert_fail(const char *what, const char *file, int line, const char *where)
{
	fprintf(stderr, "Assertion failed: %s (%s: %s: %d)\n", what, file, where, line);
	abort();
}

/* What getopt says of an argument that it does not know. */
__attribute__((visibility("hidden"))) void __getopt_msg(const char *program, const char *what,
							 const char *option, size_t length)
{
	fprintf(stderr, "%s%s%.*s\n", program, what, (int)length, option);
}

/* <err.h> */
void pilotlight_vwarnx(const char *format, va_list arguments)
{
	fputs("handler: ", stderr);
	if (format != NULL)
		vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

void pilotlight_vwarn(const char *format, va_list arguments)
{
	const char *why = strerror(errno);
	fputs("handler: ", stderr);
	if (format != NULL) {
		vfprintf(stderr, format, arguments);
		fputs(": ", stderr);
	}
	fprintf(stderr, "%s\n", why);
}

_Noreturn void pilotlight_verr(int code, const char *format, va_list arguments)
{
	pilotlight_vwarn(format, arguments);
	exit(code);
}

_Noreturn void pilotlight_verrx(int code, const char *format, va_list arguments)
{
	pilotlight_vwarnx(format, arguments);
	exit(code);
}

#define WITH_LIST(call)                                                                            \
	va_list arguments;                                                                         \
	va_start(arguments, format);                                                               \
	call;                                                                                      \
	va_end(arguments)

void pilotlight_warn(const char *format, ...) { WITH_LIST(pilotlight_vwarn(format, arguments)); }
void pilotlight_warnx(const char *format, ...) { WITH_LIST(pilotlight_vwarnx(format, arguments)); }

_Noreturn void pilotlight_err(int code, const char *format, ...)
{
	WITH_LIST(pilotlight_verr(code, format, arguments));
}

_Noreturn void pilotlight_errx(int code, const char *format, ...)
{
	WITH_LIST(pilotlight_verrx(code, format, arguments));
}
