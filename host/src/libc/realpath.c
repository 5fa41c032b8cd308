/* `realpath`, by the kernel's own resolution of the path.
 *
 * Rust's std refers to it in every library, so it belongs to the bootstrap, and has to be small:
 * musl's is five times as long. In libc.so, every function in one file would carry that module.
 *
 * In C, because it is made of the C library's functions. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *pilotlight_realpath(const char *path, char *to)
{
	static const char folder[] = "/proc/self/fd/";
	char name[PATH_MAX], link[sizeof folder + 10], *start = link + sizeof link;
	int file = path == NULL ? -1 : open(path, O_PATH | O_CLOEXEC);
	if (file < 0) {
		if (path == NULL)
			errno = EINVAL;
		return NULL;
	}
	unsigned rest = (unsigned)file;
	*--start = '\0';
	do
		*--start = (char)('0' + rest % 10);
	while ((rest /= 10) != 0);
	start -= sizeof folder - 1;
	memcpy(start, folder, sizeof folder - 1);
	ssize_t length = readlink(start, name, sizeof name - 1);
	close(file);
	if (length < 0)
		return NULL;
	name[length] = '\0';
	/* The kernel's name of a removed file ends with " (deleted)". */
	if (access(name, F_OK) != 0)
		return NULL;
	return to == NULL ? strdup(name) : strcpy(to, name);
}
