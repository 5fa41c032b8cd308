/* What glibc has and musl does not, where C is the shorter way to say it. */

#define _GNU_SOURCE
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Room for the thread-locals of every library mapped, in every thread's static block. Untouched
 * pages of it cost address space alone. Kept equal to loader/src/tls.rs. */
#define RESERVE_SIZE 16384
static _Thread_local char reserve[RESERVE_SIZE] __attribute__((aligned(64)));

char *pilotlight_tls_reserve(void) { return reserve; }

/* Where the thread-locals are of libraries for which it is too small. Kept equal to tls.rs. */
static _Thread_local void *blocks[8];

void **pilotlight_tls_blocks(void) { return blocks; }

/* How many libraries' initial values the thread has. */
static _Thread_local size_t initialised;

size_t *pilotlight_tls_initialised(void) { return &initialised; }

/* `__tls_get_addr`: compilers pass two words that relocations have filled in (tls.rs says with what),
 * and call it for every thread-local of a handler. */
char *pilotlight_tls_block(size_t library);

char *pilotlight_tls_get_addr(const ptrdiff_t index[2])
{
	if (__builtin_expect(index[0] < 0, 1))
		return (char *)__builtin_thread_pointer() + index[0] + index[1];
	return pilotlight_tls_block((size_t)index[0]) + index[1];
}

char pilotlight_single_threaded = 0; /* "there may be threads": always right, never fast */

const char *pilotlight_libc_version(void) { return "2.17"; }

/* Why the thread's last `dlopen` or `dlsym` failed, until `dlerror` has said it. */
static _Thread_local const char *failure;

void pilotlight_dl_failed(void)
{
	failure = "not found: libraries are linked statically into the handler";
}

const char *pilotlight_dlerror(void)
{
	const char *result = failure;
	failure = NULL;
	return result;
}

/* Libraries that were linked on a glibc before 2.33 ask for a version of the structure. There is one
 * on x86-64. */
int pilotlight_xstat(int version, const char *path, struct stat *status)
{
	(void)version;
	return stat(path, status);
}

int pilotlight_lxstat(int version, const char *path, struct stat *status)
{
	(void)version;
	return lstat(path, status);
}

int pilotlight_fxstat(int version, int file, struct stat *status)
{
	(void)version;
	return fstat(file, status);
}

int pilotlight_fxstatat(int version, int folder, const char *path, struct stat *status, int flags)
{
	(void)version;
	return fstatat(folder, path, status, flags);
}

/* System calls that musl 1.2.3 has no function for. */
int pilotlight_statx(int folder, const char *path, int flags, unsigned mask, void *status)
{
	return (int)syscall(SYS_statx, folder, path, flags, mask, status);
}

int pilotlight_close_range(unsigned first, unsigned last, int flags)
{
	return (int)syscall(436 /* SYS_close_range */, first, last, flags);
}
