/* Named semaphores and shared memory. glibc keeps both in one folder and adds a prefix to
 * semaphores, so that a semaphore and shared memory can have the same name.
 *
 * In C, because `sem_open` is variadic.
 *
 * Source: glibc's sysdeps/posix/shm-directory.c. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

sem_t *pilotlight_musl_sem_open(const char *, int, ...);
int pilotlight_musl_sem_unlink(const char *);
int pilotlight_musl_shm_unlink(const char *);

#define PREFIX "/sem."

/* Writes the path to pass to musl's functions for this name. Returns an error number, or 0. */
static int semaphore_path(const char *name, char path[static NAME_MAX + 2])
{
	name += strspn(name, "/");
	size_t length = strlen(name);
	if (length == 0 || strchr(name, '/') != NULL)
		return EINVAL;
	if (sizeof PREFIX - 2 + length > NAME_MAX)
		return ENAMETOOLONG;
	memcpy(path, PREFIX, sizeof PREFIX - 1);
	memcpy(path + sizeof PREFIX - 1, name, length + 1);
	return 0;
}

sem_t *pilotlight_sem_open(const char *name, int flags, ...)
{
	char path[NAME_MAX + 2];
	int error = semaphore_path(name, path);
	if (error != 0) {
		errno = error;
		return SEM_FAILED;
	}
	va_list arguments;
	va_start(arguments, flags);
	/* Absent without O_CREAT, and then ignored. */
	mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
	unsigned value = flags & O_CREAT ? va_arg(arguments, unsigned) : 0;
	va_end(arguments);
	return pilotlight_musl_sem_open(path, flags, mode, value);
}

/* An invalid name is the name of no semaphore. */
int pilotlight_sem_unlink(const char *name)
{
	char path[NAME_MAX + 2];
	int error = semaphore_path(name, path);
	if (error != 0) {
		errno = error == EINVAL ? ENOENT : error;
		return -1;
	}
	return pilotlight_musl_sem_unlink(path);
}

int pilotlight_shm_unlink(const char *name)
{
	int result = pilotlight_musl_shm_unlink(name);
	if (result != 0 && errno == EINVAL)
		errno = ENOENT;
	return result;
}
