/* Reads `/etc/hosts` for musl's resolver in lower case and with a line feed at the end: musl
 * compares names case-sensitively, and finds a name only if white space follows it.
 *
 * In C, because it accesses musl's `FILE`. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../host/src/libc/stream.h"

#define INTERNAL __attribute__((visibility("hidden")))

/* Flags of musl's `FILE` (src/internal/stdio_impl.h). */
#define NOT_FREED 1
#define NOT_WRITTEN 8
#define AT_END 16
#define FAILED 32
/* Bytes that a stream keeps free before its buffer, for `ungetc`. */
#define UNREAD 8

INTERNAL size_t __stdio_read(FILE *, unsigned char *, size_t);
INTERNAL off_t __stdio_seek(FILE *, off_t, int);
INTERNAL int __stdio_close(FILE *);

/* musl calls this for one byte when the buffer is empty. */
static size_t read_hosts(FILE *file, unsigned char *byte, size_t length)
{
	struct stream *stream = (struct stream *)file;
	ssize_t count = read(stream->descriptor, stream->buffer, stream->buffer_size);
	if (count == 0 && !stream->lock_count) {
		stream->lock_count = 1;
		stream->buffer[0] = '\n';
		count = 1;
	}
	if (length == 0 || count <= 0) {
		stream->flags |= count < 0 ? FAILED : AT_END;
		return 0;
	}
	for (ssize_t index = 0; index < count; index++)
		if (stream->buffer[index] >= 'A' && stream->buffer[index] <= 'Z')
			stream->buffer[index] |= 0x20;
	stream->read_position = stream->buffer + 1;
	stream->read_end = stream->buffer + count;
	*byte = stream->buffer[0];
	return 1;
}

/* Replaces musl's, by which the resolver opens its files. */
INTERNAL FILE *__fopen_rb_ca(const char *path, FILE *file, unsigned char *buffer, size_t size)
{
	struct stream *stream = (struct stream *)file;
	memset(stream, 0, sizeof *stream);
	stream->descriptor = open(path, O_RDONLY | O_CLOEXEC);
	if (stream->descriptor < 0)
		return NULL;
	stream->flags = NOT_FREED | NOT_WRITTEN;
	stream->buffer = buffer + UNREAD;
	stream->buffer_size = size - UNREAD;
	stream->read = strcmp(path, "/etc/hosts") == 0 ? read_hosts : __stdio_read;
	stream->seek = __stdio_seek;
	stream->close = __stdio_close;
	stream->lock = -1;
	return file;
}
