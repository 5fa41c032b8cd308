/* Flushes C streams without waiting for one that another thread is reading from.
 *
 * musl's `fflush(NULL)` and `exit` lock every stream, and a thread that waits for input holds its
 * stream's lock meanwhile. This file locks only streams with unwritten output: musl writes that out
 * before it reads from a stream, so the lock of such a stream is held by a writer.
 *
 * In C, because it accesses musl's `FILE` and replaces functions of musl. */

#define _GNU_SOURCE
#include <poll.h>
#include <unistd.h>

#include "stream.h"

/* Set in `lock` if threads may be waiting for it. */
#define MAYBE_WAITERS 0x40000000

/* Milliseconds to wait for writers, in all streams together. */
#define MAX_WAITS 20

struct stream **__ofl_lock(void);
void __ofl_unlock(void);
void __unlockfile(struct stream *);

static int has_output(const volatile struct stream *stream)
{
	return stream->write_position != stream->write_start;
}

/* Locks a stream without waiting: 1 if the caller must unlock it, 0 if this thread already has it,
 * -1 if another thread has it. */
static int try_lock(struct stream *stream)
{
	int self = gettid(), owner = 0;
	if (stream->lock < 0 || (stream->lock & ~MAYBE_WAITERS) == self)
		return 0;
	return __atomic_compare_exchange_n(&stream->lock, &owner, self, 0, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST)
		       ? 1
		       : -1;
}

/* A process that exits also returns unread input, unless a thread is reading. */
static int flush(void *file, int exiting, int *waits)
{
	struct stream *stream = file;
	if (!has_output(stream) && !(exiting && stream->read_position != stream->read_end))
		return 0;
	int locked;
	while ((locked = try_lock(stream)) < 0) {
		if (!has_output(stream) || --*waits < 0)
			return 0;
		poll(NULL, 0, 1);
	}
	int result = fflush(file);
	if (locked)
		__unlockfile(stream);
	return result;
}

static int flush_all(int exiting)
{
	int waits = MAX_WAITS;
	FILE *standard[] = {stdin, stdout, stderr};
	int result = 0;
	for (int index = 0; index < 3; index++)
		result |= flush(standard[index], exiting, &waits);
	for (struct stream *stream = *__ofl_lock(); stream != NULL; stream = stream->next)
		result |= flush(stream, exiting, &waits);
	__ofl_unlock();
	return result;
}

/* `fflush`, for handlers, and for the runtime after each invocation. */
int pilotlight_fflush(FILE *stream) { return stream == NULL ? flush_all(0) : fflush(stream); }

/* Called by musl's `exit`, after the destructors. */
void __stdio_exit(void) { flush_all(1); }

/* musl's reading and writing functions refer to this, so that `exit` is linked with the above. */
void __stdio_exit_needed(void) {}
