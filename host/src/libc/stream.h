/* musl's `FILE`, as streams.c and the layer's hosts.c use it. */

#include <stdio.h>

/* The first members of `struct _IO_FILE` in musl's src/internal/stdio_impl.h. */
struct stream {
	unsigned flags;
	unsigned char *read_position, *read_end;
	int (*close)(FILE *);
	unsigned char *write_end, *write_position, *always_zero, *write_start;
	size_t (*read)(FILE *, unsigned char *, size_t);
	size_t (*write)(FILE *, const unsigned char *, size_t);
	off_t (*seek)(FILE *, off_t, int);
	unsigned char *buffer;
	size_t buffer_size;
	struct stream *previous, *next;
	int descriptor, process;
	long lock_count;
	int mode;
	/* The id of the thread that holds the lock, 0 for none; negative while the process has one
	 * thread. */
	volatile int lock;
};
