/* The C ABI between the Pilotlight runtime and a handler library. Version 1.2.
 *
 *   static int32_t greet(const pilotlight_invocation *invocation, pilotlight_outcome *outcome);
 *
 *   PILOTLIGHT_HANDLERS(NULL, {"greet", greet})
 *
 * A handler library is a shared object (cc -shared -fPIC) that exports one symbol,
 * `pilotlight_library`, which PILOTLIGHT_HANDLERS defines. The crate `pilotlight-abi` is the same
 * ABI for Rust; a test compares every size and offset.
 *
 * Rules
 *
 * Ownership. All bytes have one owner, and only the owner frees them. The runtime owns the bytes of
 * an invocation, which live until the outcome has been released and `after` has returned. The
 * handler owns the bytes of an outcome: they must stay valid until `release` is called (or forever,
 * if `release` is null), and may be the invocation's own bytes.
 *
 * Absence. Bytes whose `data` is null are absent; bytes of length 0 are present and empty. Texts
 * are UTF-8, have a length, and do not end with NUL.
 *
 * Calls. The runtime calls `attach` and then `init` once, and then a handler once for each
 * invocation. It passes the outcome zeroed. A handler returns PILOTLIGHT_RESPONSE or
 * PILOTLIGHT_FAILURE; it must not unwind (throw, longjmp) into its caller. After the runtime has
 * posted the bytes, it calls `release` with `owner`, on the same thread, exactly once, also for a
 * failure.
 *
 * After. The runtime calls `after` once for each invocation that reached a handler, also for a
 * failed one: on the same thread, when the caller has its response and the outcome has been
 * released, and before it asks for the next invocation. The environment is not frozen meanwhile,
 * and the time counts as part of the invocation: for its deadline, and on the bill. Nothing that
 * `after` does changes the response. It must not unwind, and logs its own failures.
 *
 * Snapshots. If the platform takes a snapshot of the process after the init phase, the runtime
 * calls `before_snapshot` after `init`, and `after_restore` in every process that the snapshot is
 * restored to, before its first invocation; both on the process's first thread. The clock has then
 * jumped, connections are dead, and all of these processes have the same state, also that of random
 * number generators. A failure of either is reported and ends the process.
 *
 * Threads. All of these calls happen on the process's first thread, one invocation at a time,
 * unless the function allows several at once (AWS_LAMBDA_MAX_CONCURRENCY) and the handler is
 * declared thread-safe (PILOTLIGHT_CONCURRENT): then the runtime calls it on several threads.
 *
 * Streaming. A handler may write its response piece by piece with pilotlight_stream_write, from one
 * thread at a time, until it returns. PILOTLIGHT_RESPONSE then ends the response (with
 * `outcome.response` as its last piece), and PILOTLIGHT_FAILURE breaks it off with the failure.
 *
 * Shutdown. The runtime calls `shutdown` at most once, when the execution environment ends, on a
 * thread of its own and perhaps while a handler runs. The platform allows about 150 ms without
 * external extensions, about 600 ms with one. Lambda sends SIGTERM only to functions with an
 * extension, so a library that has this function makes the runtime register as one.
 *
 * Failure. The runtime posts a handler's failure to the caller, writes it to the function's log,
 * and takes the next invocation. A handler that has logged its failure itself, with
 * pilotlight_log_error, returns PILOTLIGHT_LOGGED_FAILURE. A failure of `init` is reported and ends
 * the process; no handler is called. A library that has to end the process says why with
 * pilotlight_last_words.
 *
 * Versions. `abi_version` is the version of the header that the library was built with. A runtime
 * loads every library of its own major version whose minor version is not newer than its own; it
 * reads no field that the library's minor version does not have. Fields are only ever appended.
 */
#ifndef PILOTLIGHT_H
#define PILOTLIGHT_H

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PILOTLIGHT_ABI_MAJOR 1u
#define PILOTLIGHT_ABI_MINOR 2u
/* Major in the upper 16 bits, minor in the lower. */
#define PILOTLIGHT_ABI_VERSION ((PILOTLIGHT_ABI_MAJOR << 16) | PILOTLIGHT_ABI_MINOR)

/* Borrowed bytes. */
typedef struct pilotlight_bytes {
	const uint8_t *data; /* null: absent */
	size_t length;
} pilotlight_bytes;

/* One invocation. Only the request id is always present. */
typedef struct pilotlight_invocation {
	pilotlight_bytes event; /* byte for byte as it was delivered; may be empty */
	pilotlight_bytes request_id;
	uint64_t deadline_ms; /* milliseconds since the Unix epoch; 0: absent */
	pilotlight_bytes invoked_function_arn;
	pilotlight_bytes trace_id;         /* the X-Ray header */
	pilotlight_bytes client_context;   /* JSON */
	pilotlight_bytes cognito_identity; /* JSON */
	pilotlight_bytes tenant_id;
	pilotlight_bytes function_name;
	pilotlight_bytes function_version;
	uint64_t memory_size_mb; /* 0: absent */
	struct pilotlight_stream *stream; /* for pilotlight_stream_*; null in `after` */
	uint64_t warm_count; /* the warming pings that this environment has answered */
} pilotlight_invocation;

/* The result of a handler, of `init` or of a hook for snapshots. */
typedef struct pilotlight_outcome {
	pilotlight_bytes response; /* with PILOTLIGHT_RESPONSE: all of it, or its last piece */
	pilotlight_bytes error_type; /* with PILOTLIGHT_FAILURE: errorType; absent: Error */
	pilotlight_bytes error_message; /* with PILOTLIGHT_FAILURE: errorMessage */
	pilotlight_bytes stack_trace; /* with PILOTLIGHT_FAILURE: lines, each ended by \n */
	void *owner; /* passed to release */
	void (*release)(void *owner); /* may be null */
} pilotlight_outcome;

#define PILOTLIGHT_RESPONSE 0
#define PILOTLIGHT_FAILURE 1
#define PILOTLIGHT_LOGGED_FAILURE 2 /* since 1.1 */

typedef int32_t (*pilotlight_call)(const pilotlight_invocation *invocation,
				   pilotlight_outcome *outcome);
typedef int32_t (*pilotlight_init)(pilotlight_outcome *outcome);
typedef void (*pilotlight_shutdown)(void);
typedef void (*pilotlight_after)(const pilotlight_invocation *invocation); /* since 1.2 */
typedef int32_t (*pilotlight_snapshot_hook)(pilotlight_outcome *outcome); /* since 1.2 */

#define PILOTLIGHT_CONCURRENT 1u

typedef struct pilotlight_handler {
	const char *name; /* the part of the function's handler after the dot; ends with NUL */
	pilotlight_call call;
	uint32_t flags; /* PILOTLIGHT_CONCURRENT: may be called on several threads at once */
} pilotlight_handler;

#define PILOTLIGHT_LOG_TEXT 0u
#define PILOTLIGHT_LOG_JSON 1u

/* The levels of a log record, least severe first. */
#define PILOTLIGHT_TRACE 0u
#define PILOTLIGHT_DEBUG 1u
#define PILOTLIGHT_INFO 2u
#define PILOTLIGHT_WARN 3u
#define PILOTLIGHT_ERROR 4u
#define PILOTLIGHT_FATAL 5u

/* The flags of a configuration value. */
#define PILOTLIGHT_CONFIG_STALE 1u /* its interval has passed, or it is from before a restart */
#define PILOTLIGHT_CONFIG_SECRET 2u /* it must not reach a log or an error */

/* A text in each library that reads configuration, which tells `pilotlight build` that the function
 * needs the module that fetches it. */
#define PILOTLIGHT_CONFIG_MARK "pilotlight: reads configuration"

/* A configuration value as it was when it was read. Its bytes live until it is released. */
typedef struct pilotlight_config_value {
	pilotlight_bytes bytes; /* the content, as the source has it */
	pilotlight_bytes content_type; /* may be absent */
	pilotlight_bytes version; /* the source's name for this version; may be absent */
	uint64_t generation; /* 1 for the first value of a name; each change adds 1 */
	uint64_t fetched_ms; /* last confirmed by the source; ms since Unix epoch */
	uint32_t flags;
	const void *owner; /* belongs to the runtime */
} pilotlight_config_value;

/* The runtime's functions, for any thread. Call them through the inline functions below. */
typedef struct pilotlight_runtime {
	uint32_t abi_version; /* the runtime's; fields are appended with minor versions */
	uint32_t log_format; /* PILOTLIGHT_LOG_TEXT or PILOTLIGHT_LOG_JSON */
	uint32_t log_level; /* the least severe level that is logged */
	void (*log)(uint32_t level, pilotlight_bytes target, pilotlight_bytes message);
	int32_t (*stream_begin)(struct pilotlight_stream *stream, pilotlight_bytes content_type,
				pilotlight_bytes prelude);
	int32_t (*stream_write)(struct pilotlight_stream *stream, pilotlight_bytes data);
	int32_t (*config_declare)(pilotlight_bytes declaration, pilotlight_bytes *reason);
	int32_t (*config_read)(pilotlight_bytes name, uint64_t deadline_ms,
			       pilotlight_config_value *value);
	void (*config_release)(const pilotlight_config_value *value);
	void (*log_error)(pilotlight_bytes error_type, pilotlight_bytes message,
			  pilotlight_bytes stack_trace); /* since 1.1 */
	void (*last_words)(const pilotlight_bytes *message); /* since 1.1 */
} pilotlight_runtime;

typedef void (*pilotlight_attach)(const pilotlight_runtime *runtime);

/* The table that a library exports. */
typedef struct pilotlight_library {
	uint32_t abi_version; /* PILOTLIGHT_ABI_VERSION; always the first field */
	uint32_t handler_count; /* at least 1 */
	const pilotlight_handler *handlers;
	pilotlight_init init; /* may be null */
	pilotlight_shutdown shutdown; /* may be null */
	pilotlight_attach attach; /* may be null */
	pilotlight_after after; /* may be null; since 1.2 */
	pilotlight_snapshot_hook before_snapshot; /* may be null; since 1.2 */
	pilotlight_snapshot_hook after_restore; /* may be null; since 1.2 */
} pilotlight_library_v1;

#if defined(__GNUC__)
#define PILOTLIGHT_EXPORT __attribute__((visibility("default")))
#define PILOTLIGHT_HIDDEN __attribute__((visibility("hidden")))
#define PILOTLIGHT_FORMAT __attribute__((format(printf, 2, 3), unused))
#define PILOTLIGHT_THREAD __thread
#else
#define PILOTLIGHT_EXPORT
#define PILOTLIGHT_HIDDEN
#define PILOTLIGHT_FORMAT
#define PILOTLIGHT_THREAD
#endif

/* The attached runtime; null if another program has loaded the library, as a unit test does. */
extern PILOTLIGHT_HIDDEN const pilotlight_runtime *pilotlight_attached;

/* Exports handlers. Use it once in a library, at file scope:
 *
 *   PILOTLIGHT_HANDLERS(NULL, {"greet", greet}, {"part", part, PILOTLIGHT_CONCURRENT})
 *
 * The first argument is the library's pilotlight_init, or NULL. */
#define PILOTLIGHT_HANDLERS(init_function, ...) PILOTLIGHT_LIBRARY(init_function, NULL, __VA_ARGS__)

/* Like PILOTLIGHT_HANDLERS, with the library's pilotlight_shutdown as the second argument. */
#define PILOTLIGHT_LIBRARY(init_function, shutdown_function, ...)                                  \
	PILOTLIGHT_LIBRARY_WITH_HOOKS(init_function, shutdown_function, NULL, NULL, NULL,          \
				      __VA_ARGS__)

/* With every function that a library may have, each of them or NULL. */
#define PILOTLIGHT_LIBRARY_WITH_HOOKS(init_function, shutdown_function, after_function,            \
				      before_snapshot_function, after_restore_function, ...)       \
	PILOTLIGHT_HIDDEN const pilotlight_runtime *pilotlight_attached;                           \
	static void pilotlight_set_runtime(const pilotlight_runtime *runtime)                      \
	{                                                                                          \
		pilotlight_attached = runtime;                                                     \
	}                                                                                          \
	_Pragma("GCC diagnostic push")                                                             \
		_Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"") /* flags: 0 */  \
		static const pilotlight_handler pilotlight_handlers[] = {__VA_ARGS__};             \
	_Pragma("GCC diagnostic pop") extern PILOTLIGHT_EXPORT const pilotlight_library_v1         \
		pilotlight_library;                                                                \
	const pilotlight_library_v1 pilotlight_library = {                                         \
		PILOTLIGHT_ABI_VERSION,                                                            \
		(uint32_t)(sizeof pilotlight_handlers / sizeof pilotlight_handlers[0]),            \
		pilotlight_handlers,                                                               \
		init_function,                                                                     \
		shutdown_function,                                                                 \
		pilotlight_set_runtime,                                                            \
		after_function,                                                                    \
		before_snapshot_function,                                                          \
		after_restore_function,                                                            \
	};

/* Begins a streamed response, before its first piece. `content_type` may be null
 * (application/octet-stream). `prelude` may be null, or the JSON that a function URL or API Gateway
 * reads first: {"statusCode":200,"headers":{...},"cookies":[...]}. Returns 0 or an error number:
 * EINVAL if the response has begun or ended or `content_type` is not printable ASCII, ENOSYS if no
 * runtime is attached. */
static inline int32_t pilotlight_stream_begin(const pilotlight_invocation *invocation,
					      const char *content_type, const char *prelude)
{
	pilotlight_bytes type = {(const uint8_t *)content_type,
				 content_type ? strlen(content_type) : 0};
	pilotlight_bytes json = {(const uint8_t *)prelude, prelude ? strlen(prelude) : 0};
	return pilotlight_attached
		       ? pilotlight_attached->stream_begin(invocation->stream, type, json)
		       : ENOSYS;
}

/* Sends a piece of the response, and waits while the reader is slow. Returns 0, or an error number:
 * EPIPE if the reader has gone or the response has ended, ENOSYS if no runtime is attached. */
static inline int32_t pilotlight_stream_write(const pilotlight_invocation *invocation,
					      const void *data, size_t length)
{
	pilotlight_bytes bytes = {(const uint8_t *)data, length};
	return pilotlight_attached ? pilotlight_attached->stream_write(invocation->stream, bytes)
				   : ENOSYS;
}

/* Declares a configuration value, "name=source" as in PILOTLIGHT_CONFIG. Only `init` may call this.
 * Returns 0 or an error number: EINVAL, which `reason` explains unless it is null; ENOSYS
 * if no runtime is attached. */
static inline int32_t pilotlight_config_declare(const char *declaration, pilotlight_bytes *reason)
{
	pilotlight_bytes text = {(const uint8_t *)declaration, strlen(declaration)};
	return pilotlight_attached ? pilotlight_attached->config_declare(text, reason) : ENOSYS;
}

/* Reads a configuration value, which the caller must release with pilotlight_config_release.
 * Returns 0 or an error number: ENOENT if the name is not declared, EAGAIN if no value has arrived
 * yet, ENOSYS if no runtime is attached. Only the first read of a `required` value waits, if no
 * value has arrived: at the latest until the deadline of `invocation`, which may be null. */
static inline int32_t pilotlight_config_get(const char *name,
					    const pilotlight_invocation *invocation,
					    pilotlight_config_value *value)
{
	__asm__ volatile("" : : "r"(PILOTLIGHT_CONFIG_MARK));
	pilotlight_bytes text = {(const uint8_t *)name, strlen(name)};
	uint64_t deadline = invocation ? invocation->deadline_ms : 0;
	return pilotlight_attached ? pilotlight_attached->config_read(text, deadline, value)
				   : ENOSYS;
}

/* Releases a value that pilotlight_config_get has read, on any thread. */
static inline void pilotlight_config_release(const pilotlight_config_value *value)
{
	pilotlight_attached->config_release(value);
}

/* Writes one record to the function's log, unless its level is below the function's. A message of
 * more than 4,095 bytes is cut off. */
PILOTLIGHT_FORMAT static inline void pilotlight_log(uint32_t level, const char *format, ...)
{
	char text[4096];
	pilotlight_bytes target = {NULL, 0};
	pilotlight_bytes message = {(const uint8_t *)text, 0};
	va_list arguments;
	int length;
	if (!pilotlight_attached || level < pilotlight_attached->log_level)
		return;
	va_start(arguments, format);
	length = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	message.length = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
	pilotlight_attached->log(level, target, message);
}

/* Writes an error to the function's log, in the form of failed invocations. `stack_trace` consists
 * of lines, each ended by \n, or is null. */
static inline void pilotlight_log_error(const char *error_type, const char *message,
					const char *stack_trace)
{
	pilotlight_bytes type = {(const uint8_t *)error_type, strlen(error_type)};
	pilotlight_bytes text = {(const uint8_t *)message, strlen(message)};
	pilotlight_bytes lines = {(const uint8_t *)stack_trace,
				  stack_trace ? strlen(stack_trace) : 0};
	if (pilotlight_attached)
		pilotlight_attached->log_error(type, text, lines);
}

/* Records why this thread is about to end the process, by abort or exit. The report to the caller,
 * and its line in the log, end with the first 1,024 bytes of `message`, which must stay valid and
 * unchanged until then. */
static inline void pilotlight_last_words(const char *message)
{
	static PILOTLIGHT_THREAD pilotlight_bytes text;
	text.data = (const uint8_t *)message;
	text.length = strlen(message);
	if (pilotlight_attached)
		pilotlight_attached->last_words(&text);
}

#ifdef __cplusplus
}
#endif

#endif
