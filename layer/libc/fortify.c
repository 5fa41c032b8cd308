/* The fortified functions (-D_FORTIFY_SOURCE): each checks the size of its destination, then calls
 * the plain function. `room` is that size, as far as the compiler knows it.
 *
 * In C, because many are variadic, and stable Rust cannot define variadic functions. */

#define _GNU_SOURCE
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>
#include <wchar.h>

static void check(size_t size, size_t room)
{
	if (size > room) {
		static const char line[] = "pilotlight: buffer overflow detected\n";
		write(2, line, sizeof line - 1);
		abort();
	}
}

void *pilotlight_memcpy_chk(void *to, const void *from, size_t size, size_t room)
{
	check(size, room);
	return memcpy(to, from, size);
}

void *pilotlight_memmove_chk(void *to, const void *from, size_t size, size_t room)
{
	check(size, room);
	return memmove(to, from, size);
}

void *pilotlight_mempcpy_chk(void *to, const void *from, size_t size, size_t room)
{
	check(size, room);
	return mempcpy(to, from, size);
}

void *pilotlight_memset_chk(void *to, int byte, size_t size, size_t room)
{
	check(size, room);
	return memset(to, byte, size);
}

void pilotlight_explicit_bzero_chk(void *to, size_t size, size_t room)
{
	check(size, room);
	explicit_bzero(to, size);
}

char *pilotlight_strcpy_chk(char *to, const char *from, size_t room)
{
	check(strlen(from) + 1, room);
	return strcpy(to, from);
}

char *pilotlight_stpcpy_chk(char *to, const char *from, size_t room)
{
	check(strlen(from) + 1, room);
	return stpcpy(to, from);
}

char *pilotlight_strncpy_chk(char *to, const char *from, size_t size, size_t room)
{
	check(size, room);
	return strncpy(to, from, size);
}

char *pilotlight_strcat_chk(char *to, const char *from, size_t room)
{
	check(strlen(to) + strlen(from) + 1, room);
	return strcat(to, from);
}

char *pilotlight_strncat_chk(char *to, const char *from, size_t size, size_t room)
{
	check(strlen(to) + strnlen(from, size) + 1, room);
	return strncat(to, from, size);
}

int pilotlight_vfprintf_chk(FILE *file, int flag, const char *format, va_list arguments)
{
	(void)flag;
	return vfprintf(file, format, arguments);
}

int pilotlight_vprintf_chk(int flag, const char *format, va_list arguments)
{
	(void)flag;
	return vfprintf(stdout, format, arguments);
}

int pilotlight_vasprintf_chk(char **to, int flag, const char *format, va_list arguments)
{
	(void)flag;
	return vasprintf(to, format, arguments);
}

int pilotlight_vsnprintf_chk(char *to, size_t size, int flag, size_t room, const char *format,
			     va_list arguments)
{
	(void)flag;
	check(size, room);
	return vsnprintf(to, size, format, arguments);
}

int pilotlight_vsprintf_chk(char *to, int flag, size_t room, const char *format, va_list arguments)
{
	(void)flag;
	int size = vsnprintf(to, room, format, arguments);
	check(size < 0 ? 0 : (size_t)size + 1, room);
	return size;
}

/* Calls the `va_list` form of a function with this function's variable arguments. */
#define FORWARD(last, call)                                                                        \
	va_list arguments;                                                                         \
	va_start(arguments, last);                                                                 \
	int result = call;                                                                         \
	va_end(arguments);                                                                         \
	return result

int pilotlight_printf_chk(int flag, const char *format, ...)
{
	FORWARD(format, pilotlight_vprintf_chk(flag, format, arguments));
}

int pilotlight_fprintf_chk(FILE *file, int flag, const char *format, ...)
{
	FORWARD(format, pilotlight_vfprintf_chk(file, flag, format, arguments));
}

int pilotlight_dprintf_chk(int file, int flag, const char *format, ...)
{
	(void)flag;
	FORWARD(format, vdprintf(file, format, arguments));
}

int pilotlight_sprintf_chk(char *to, int flag, size_t room, const char *format, ...)
{
	FORWARD(format, pilotlight_vsprintf_chk(to, flag, room, format, arguments));
}

int pilotlight_snprintf_chk(char *to, size_t size, int flag, size_t room, const char *format, ...)
{
	FORWARD(format, pilotlight_vsnprintf_chk(to, size, flag, room, format, arguments));
}

int pilotlight_asprintf_chk(char **to, int flag, const char *format, ...)
{
	FORWARD(format, pilotlight_vasprintf_chk(to, flag, format, arguments));
}

ssize_t pilotlight_read_chk(int file, void *to, size_t size, size_t room)
{
	check(size, room);
	return read(file, to, size);
}

ssize_t pilotlight_recv_chk(int file, void *to, size_t size, size_t room, int flags)
{
	check(size, room);
	return recv(file, to, size, flags);
}

char *pilotlight_fgets_chk(char *to, size_t room, int size, FILE *file)
{
	check(size < 0 ? 0 : (size_t)size, room);
	return fgets(to, size, file);
}

size_t pilotlight_fread_chk(void *to, size_t room, size_t size, size_t count, FILE *file)
{
	check(size != 0 && count > (size_t)-1 / size ? (size_t)-1 : size * count, room);
	return fread(to, size, count, file);
}

char *pilotlight_realpath_chk(const char *path, char *to, size_t room)
{
	check(4096, room); /* PATH_MAX: what realpath may write */
	return realpath(path, to);
}

char *pilotlight_getcwd_chk(char *to, size_t size, size_t room)
{
	check(size, room);
	return getcwd(to, size);
}

int pilotlight_poll_chk(struct pollfd *list, nfds_t count, int timeout, size_t room)
{
	check(count, room / sizeof *list);
	return poll(list, count, timeout);
}

long pilotlight_fdelt_chk(long file)
{
	check(file < 0 ? (size_t)-1 : (size_t)file + 1, 1024);
	return file / 64;
}

int pilotlight_vdprintf_chk(int file, int flag, const char *format, va_list arguments)
{
	(void)flag;
	return vdprintf(file, format, arguments);
}

ssize_t pilotlight_pread_chk(int file, void *to, size_t size, off_t offset, size_t room)
{
	check(size, room);
	return pread(file, to, size, offset);
}

ssize_t pilotlight_readlink_chk(const char *path, char *to, size_t size, size_t room)
{
	check(size, room);
	return readlink(path, to, size);
}

ssize_t pilotlight_readlinkat_chk(int folder, const char *path, char *to, size_t size, size_t room)
{
	check(size, room);
	return readlinkat(folder, path, to, size);
}

int pilotlight_gethostname_chk(char *to, size_t size, size_t room)
{
	check(size, room);
	return gethostname(to, size);
}

ssize_t pilotlight_recvfrom_chk(int file, void *to, size_t size, size_t room, int flags,
				struct sockaddr *from, socklen_t *length)
{
	check(size, room);
	return recvfrom(file, to, size, flags, from, length);
}

char *pilotlight_stpncpy_chk(char *to, const char *from, size_t size, size_t room)
{
	check(size, room);
	return stpncpy(to, from, size);
}

void pilotlight_syslog_chk(int priority, int flag, const char *format, ...)
{
	(void)flag;
	va_list arguments;
	va_start(arguments, format);
	vsyslog(priority, format, arguments);
	va_end(arguments);
}

size_t pilotlight_mbstowcs_chk(wchar_t *to, const char *from, size_t size, size_t room)
{
	check(size, room);
	return mbstowcs(to, from, size);
}

size_t pilotlight_wcstombs_chk(char *to, const wchar_t *from, size_t size, size_t room)
{
	check(size, room);
	return wcstombs(to, from, size);
}

wchar_t *pilotlight_wmemcpy_chk(wchar_t *to, const wchar_t *from, size_t size, size_t room)
{
	check(size, room);
	return wmemcpy(to, from, size);
}

wchar_t *pilotlight_wcscpy_chk(wchar_t *to, const wchar_t *from, size_t room)
{
	check(wcslen(from) + 1, room);
	return wcscpy(to, from);
}

int pilotlight_swprintf_chk(wchar_t *to, size_t size, int flag, size_t room, const wchar_t *format,
			    ...)
{
	(void)flag;
	check(size, room);
	FORWARD(format, vswprintf(to, size, format, arguments));
}

int pilotlight_ppoll_chk(struct pollfd *list, nfds_t count, const struct timespec *timeout,
			 const sigset_t *mask, size_t room)
{
	check(count, room / sizeof *list);
	return ppoll(list, count, timeout, mask);
}
