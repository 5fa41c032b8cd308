/* State of threads that musl keeps otherwise than code compiled for glibc expects.
 *
 * In C, because most of it is thread-local, and Rust's `#[thread_local]` is unstable. */

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cpu.h"

/* The stack on which a thread reports its crash. It lies beside the other thread-locals, so that a
 * thread's own stack is as large as its creator asked for. */
static _Thread_local char report_stack[16384] __attribute__((aligned(16)));

void pilotlight_use_report_stack(void)
{
	stack_t stack = {.ss_sp = report_stack, .ss_size = sizeof report_stack};
	sigaltstack(&stack, NULL);
}

/* Whether the runtime started the thread. */
static _Thread_local _Bool is_runtimes;

void pilotlight_adopt_thread(void) { is_runtimes = 1; }
_Bool pilotlight_is_runtimes_thread(void) { return is_runtimes; }

/* Keys of thread-specific values: PTHREAD_KEYS_MAX of glibc's <limits.h>, and one for mimalloc.
 * musl has 128. */
#define MAX_KEYS (1024 + 1)
/* PTHREAD_DESTRUCTOR_ITERATIONS */
#define MAX_ROUNDS 4

/* The generation is odd while the key is in use. */
static struct {
	size_t generation;
	void (*destructor)(void *);
} keys[MAX_KEYS];

/* A value of an earlier generation counts as unset. */
struct value {
	size_t generation;
	void *pointer;
};
static _Thread_local struct value values[MAX_KEYS];
/* The thread has values only for keys below this one. */
static _Thread_local unsigned value_count;

/* The first keys' values lie last, next to thread-locals that every thread uses (layout.ld). */
static struct value *value_of(unsigned key) { return &values[MAX_KEYS - 1 - key]; }

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
	for (unsigned i = 0; i < MAX_KEYS; i++) {
		size_t generation = keys[i].generation;
		if (generation % 2 == 0 &&
		    __sync_bool_compare_and_swap(&keys[i].generation, generation, generation + 1)) {
			keys[i].destructor = destructor;
			*key = i;
			return 0;
		}
	}
	return EAGAIN;
}

int pthread_key_delete(pthread_key_t key)
{
	if (key < MAX_KEYS) {
		size_t generation = keys[key].generation;
		if (generation % 2 != 0 &&
		    __sync_bool_compare_and_swap(&keys[key].generation, generation, generation + 1))
			return 0;
	}
	return EINVAL;
}

void *pthread_getspecific(pthread_key_t key)
{
	if (key >= MAX_KEYS || value_of(key)->generation != keys[key].generation)
		return NULL;
	return value_of(key)->pointer;
}

int pthread_setspecific(pthread_key_t key, const void *pointer)
{
	if (key >= MAX_KEYS || keys[key].generation % 2 == 0)
		return EINVAL;
	*value_of(key) = (struct value){keys[key].generation, (void *)pointer};
	if (value_count <= key)
		value_count = key + 1;
	return 0;
}

/* List of the destructors of the thread's thread-locals (threads.rs). */
static _Thread_local void *destructors;

void **pilotlight_thread_destructors(void) { return &destructors; }

void pilotlight_destroy_thread_locals(void); /* threads.rs */

/* musl calls this when a thread ends. As in glibc, thread-locals are destroyed before
 * thread-specific values. */
void __pthread_tsd_run_dtors(void)
{
	pilotlight_destroy_thread_locals();
	for (int round = 0; round < MAX_ROUNDS && value_count != 0; round++) {
		unsigned count = value_count;
		value_count = 0;
		for (unsigned key = 0; key < count; key++) {
			void *pointer = pthread_getspecific(key);
			value_of(key)->pointer = NULL;
			if (pointer != NULL && keys[key].destructor != NULL)
				keys[key].destructor(pointer);
		}
	}
}

/* glibc's static initialisers of mutexes store the kind at byte 16, which musl does not use; musl
 * reads it at byte 0. The kinds have the same numbers, except that musl lacks the adaptive kind,
 * which is a normal mutex that spins. */
#define ADAPTIVE 3

static pthread_mutex_t *adopted(pthread_mutex_t *mutex)
{
	int *words = (int *)mutex;
	if (__builtin_expect(words[4] != 0, 0)) {
		words[0] = words[4] == ADAPTIVE ? PTHREAD_MUTEX_NORMAL : words[4];
		words[4] = 0;
	}
	return mutex;
}

int pilotlight_mutexattr_settype(pthread_mutexattr_t *attributes, int kind)
{
	return pthread_mutexattr_settype(attributes,
					 kind == ADAPTIVE ? PTHREAD_MUTEX_NORMAL : kind);
}

int pilotlight_mutex_lock(pthread_mutex_t *mutex) { return pthread_mutex_lock(adopted(mutex)); }
int pilotlight_mutex_trylock(pthread_mutex_t *mutex)
{
	return pthread_mutex_trylock(adopted(mutex));
}
int pilotlight_mutex_unlock(pthread_mutex_t *mutex) { return pthread_mutex_unlock(adopted(mutex)); }

int pilotlight_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until)
{
	return pthread_mutex_timedlock(adopted(mutex), until);
}

/* Makes the system calls in which a thread can be cancelled. The rest of musl's cancellation is in
 * libc.so; when that is mapped, its function for these calls is stored here (libc_module.rs). */
typedef long word;
word (*pilotlight_cancellable)(word, word, word, word, word, word, word);

word __syscall_cp(word number, word a, word b, word c, word d, word e, word f)
{
	if (pilotlight_cancellable != NULL)
		return pilotlight_cancellable(number, a, b, c, d, e, f);
	return system_call(number, a, b, c, d, e, f);
}

size_t pilotlight_minimal_stack(const void *attributes)
{
	(void)attributes;
	return MIN_STACK_SIZE;
}

/* glibc's rules for a thread's stack: changing the size keeps the upper end, and asking for the
 * stack of attributes that set none is no error. (`_a_stacksize` and `_a_stackaddr`, the upper end,
 * of musl's src/internal/pthread_impl.h.) */
int pilotlight_attr_setstacksize(pthread_attr_t *attributes, size_t size)
{
	if (size < MIN_STACK_SIZE)
		return EINVAL;
	attributes->__u.__s[0] = size;
	return 0;
}

int pilotlight_attr_getstack(const pthread_attr_t *attributes, void **start, size_t *size)
{
	*size = attributes->__u.__s[0];
	*start = (void *)(attributes->__u.__s[2] - *size);
	return 0;
}

/* Whether a thread still exists: musl's structure starts with a pointer to itself, and its memory
 * is unmapped with the thread. */
_Bool pilotlight_is_thread(pthread_t thread)
{
	char resident;
	size_t page = (size_t)thread & -4096UL;
	return syscall(SYS_mincore, page, 1, &resident) == 0 && *(pthread_t *)thread == thread;
}

/* The error of joining or detaching a thread, or 0. musl would read memory that may be unmapped,
 * and would end the process if a detached thread is joined. */
static int why_unjoinable(pthread_t thread)
{
	pthread_attr_t attributes;
	int is_detached;
	if (!pilotlight_is_thread(thread))
		return ESRCH;
	pthread_getattr_np(thread, &attributes);
	pthread_attr_getdetachstate(&attributes, &is_detached);
	return is_detached ? EINVAL : 0;
}

int pilotlight_join(pthread_t thread, void **result)
{
	int code = thread == pthread_self() ? EDEADLK : why_unjoinable(thread);
	return code != 0 ? code : pthread_join(thread, result);
}

int pilotlight_detach(pthread_t thread)
{
	int code = why_unjoinable(thread);
	return code != 0 ? code : pthread_detach(thread);
}
