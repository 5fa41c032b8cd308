/* The functions that use a standard stream implicitly. musl's own would use the module's copy of
 * the stream.
 *
 * In C, because most are variadic, and stable Rust cannot define variadic functions. */

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

/* Prints a message after the caller's prefix and a colon, if there is a prefix. */
static void print(const char *prefix, const char *message)
{
	int has_prefix = prefix != NULL && *prefix != 0;
	fprintf(stderr, "%s%s%s\n", has_prefix ? prefix : "", has_prefix ? ": " : "", message);
}

void pilotlight_perror(const char *prefix) { print(prefix, strerror(errno)); }
void pilotlight_psignal(int signal, const char *prefix) { print(prefix, strsignal(signal)); }

_Noreturn void pilotlight_assert_fail(const char *condition, const char *file, int line,
				      const char *function)
{
	fprintf(stderr, "Assertion failed: %s (%s: %s: %d)\n", condition, file, function, line);
	abort();
}

/* getopt's message about an unknown argument. */
__attribute__((visibility("hidden"))) void __getopt_msg(const char *program, const char *message,
							const char *option, size_t length)
{
	fprintf(stderr, "%s%s%.*s\n", program, message, (int)length, option);
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
	const char *reason = strerror(errno);
	fputs("handler: ", stderr);
	if (format != NULL) {
		vfprintf(stderr, format, arguments);
		fputs(": ", stderr);
	}
	fprintf(stderr, "%s\n", reason);
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
