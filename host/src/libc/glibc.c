/* Functions that glibc has and musl lacks.
 *
 * In C, because some of their state is thread-local (Rust's `#[thread_local]` is unstable), and the
 * rest needs musl's headers. */

#define _GNU_SOURCE
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Room for the thread-locals of every library mapped, in every thread's static block. Untouched
 * pages of it cost address space alone. (build.rs defines the sizes, from loader/src/tls.rs.) */
static _Thread_local char reserve[TLS_RESERVE] __attribute__((aligned(TLS_ALIGN)));

char *pilotlight_tls_reserve(void) { return reserve; }

char *pilotlight_thread_pointer(void) { return __builtin_thread_pointer(); }

/* Thread-locals of libraries that do not fit into the reserve, by library (tls_descriptor.s). */
_Thread_local void *pilotlight_thread_blocks[MAX_TLS_LIBRARIES];

void **pilotlight_tls_blocks(void) { return pilotlight_thread_blocks; }

/* The number of libraries whose initial values the thread has. */
static _Thread_local size_t initialised;

size_t *pilotlight_tls_initialised(void) { return &initialised; }

/* `__tls_get_addr`, which compiled code calls for every access to a handler's thread-locals, with
 * two words that relocations have filled in: the first as tls.rs says, the second an offset. */
char *pilotlight_tls_block(size_t library);

char *pilotlight_tls_get_addr(const size_t index[2])
{
	if (__builtin_expect(index[0] >= MAX_TLS_LIBRARIES, 1))
		return (char *)__builtin_thread_pointer() + index[0] + index[1];
	return pilotlight_tls_block(index[0]) + index[1];
}

/* 0 means that there may be other threads: always correct, but never the fast path. */
char pilotlight_single_threaded = 0;

const char *pilotlight_libc_version(void) { return "2.17"; }

/* The reason why the thread's last `dlopen` or `dlsym` failed, until `dlerror` has returned it. */
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

/* Libraries linked against glibc before 2.33 pass a version of the structure. Each CPU
 * has one version. */
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
