/* The handler ABI of the Pilotlight runtime, for C. Version 1.1.
 *
 * A handler library is a shared object (cc -shared -fPIC) that exports one symbol,
 * `pilotlight_library`; PILOTLIGHT_HANDLERS at the end of this file makes it. The Rust side of the
 * same ABI is the crate `pilotlight-abi`; a test compares every size and offset.
 *
 * Rules
 *
 * Ownership. All bytes have one owner, and nobody frees another's. What an invocation points to is
 * the runtime's, and lives until the outcome has been released. What an outcome points to is the
 * handler's: it must stay valid until `release` is called (or for ever, if `release` is null), and
 * may be the invocation's own bytes.
 *
 * Absence. Bytes whose `data` is null are absent; bytes of length 0 are there and empty. Texts are
 * UTF-8, have a length, and end without a NUL.
 *
 * Calls. The runtime calls `attach` and then `init` once, then a handler once for each invocation. The
 * outcome is passed in zeroed. A handler returns PILOTLIGHT_RESPONSE or PILOTLIGHT_FAILURE; it must not
 * unwind (throw, longjmp) into its caller. After the bytes were posted, `release` is called with
 * `owner`, on the same thread, exactly once, also for a failure.
 *
 * Threads. All of that happens on the process's first thread, one invocation at a time, unless the
 * function allows several at once (AWS_LAMBDA_MAX_CONCURRENCY) and the handler says that it is
 * thread-safe (PILOTLIGHT_CONCURRENT): then it is called on several threads.
 *
 * Streaming. A handler may write its response piece by piece with pilotlight_stream_write, from one
 * thread at a time, until it returns. PILOTLIGHT_RESPONSE then ends the response (with
 * `outcome.response` as its last piece), and PILOTLIGHT_FAILURE breaks it off with the failure.
 *
 * The end. `shutdown` is called at most once, when the execution environment ends, on a thread of its
 * own and perhaps while a handler runs. It has what the platform gives: some 150 ms without other
 * extensions, some 600 ms with one. Its presence has the runtime register for that signal.
 *
 * Failure. A failure of a handler is posted to the caller and written to the function's log, and
 * the next invocation comes. A handler that has logged its failure itself, with
 * pilotlight_log_error, returns PILOTLIGHT_LOGGED_FAILURE. A failure of `init` is reported and
 * ends the process; no handler is called. A library that has to end the process says why with
 * pilotlight_last_words.
 *
 * Versions. `abi_version` is the header's version at the time of building. A runtime loads every
 * library of its own major version with a minor version up to its own; it reads no field that the
 * library's minor version does not have. Fields are only ever appended.
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
#define PILOTLIGHT_ABI_MINOR 1u
/* Major in the upper 16 bits, minor in the lower. */
#define PILOTLIGHT_ABI_VERSION ((PILOTLIGHT_ABI_MAJOR << 16) | PILOTLIGHT_ABI_MINOR)

/* Bytes that somebody else owns. */
typedef struct pilotlight_bytes {
	const uint8_t *data; /* null: absent */
	size_t length;
} pilotlight_bytes;

/* One invocation. Only the request id is always there. */
typedef struct pilotlight_invocation {
	pilotlight_bytes event; /* byte for byte as it came; may be empty */
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
	struct pilotlight_stream *stream; /* for pilotlight_stream_begin and pilotlight_stream_write */
	uint64_t warm_count; /* pings that this environment has answered to be kept warm */
} pilotlight_invocation;

/* What a handler answers. */
typedef struct pilotlight_outcome {
	pilotlight_bytes response;      /* with PILOTLIGHT_RESPONSE: posted as it is, or written last */
	pilotlight_bytes error_type;    /* with PILOTLIGHT_FAILURE: errorType; absent: Error */
	pilotlight_bytes error_message; /* with PILOTLIGHT_FAILURE: errorMessage */
	pilotlight_bytes stack_trace;   /* with PILOTLIGHT_FAILURE: lines, each ended by \n */
	void *owner;                    /* passed to release */
	void (*release)(void *owner);   /* may be null */
} pilotlight_outcome;

#define PILOTLIGHT_RESPONSE 0
#define PILOTLIGHT_FAILURE 1
#define PILOTLIGHT_LOGGED_FAILURE 2 /* since 1.1 */

typedef int32_t (*pilotlight_call)(const pilotlight_invocation *invocation,
				   pilotlight_outcome *outcome);
typedef int32_t (*pilotlight_init)(pilotlight_outcome *outcome);
typedef void (*pilotlight_shutdown)(void);

#define PILOTLIGHT_CONCURRENT 1u

typedef struct pilotlight_handler {
	const char *name; /* what the function's handler names behind the dot; ends with NUL */
	pilotlight_call call;
	uint32_t flags; /* PILOTLIGHT_CONCURRENT: may be called on several threads at once */
} pilotlight_handler;

#define PILOTLIGHT_LOG_TEXT 0u
#define PILOTLIGHT_LOG_JSON 1u

/* The levels of a log record. */
#define PILOTLIGHT_TRACE 0u
#define PILOTLIGHT_DEBUG 1u
#define PILOTLIGHT_INFO 2u
#define PILOTLIGHT_WARN 3u
#define PILOTLIGHT_ERROR 4u
#define PILOTLIGHT_FATAL 5u

/* In the flags of a configuration value. */
#define PILOTLIGHT_CONFIG_STALE 1u  /* its interval has passed, or it is from before a restart */
#define PILOTLIGHT_CONFIG_SECRET 2u /* it must not reach a log or an error */

/* A configuration value as it was when it was read; what it borrows lives until it is released. */
typedef struct pilotlight_config_value {
	pilotlight_bytes bytes;        /* as its source has it */
	pilotlight_bytes content_type; /* may be absent */
	pilotlight_bytes version;      /* what its source calls this version; may be absent */
	uint64_t generation;           /* the first of this name in this process is 1; each change adds 1 */
	uint64_t fetched_ms;           /* when its source last confirmed it, since the Unix epoch */
	uint32_t flags;
	const void *owner; /* the runtime's */
} pilotlight_config_value;

/* What the runtime offers, on any thread; the functions below call these. */
typedef struct pilotlight_runtime {
	uint32_t abi_version; /* the runtime's; fields are appended with minor versions */
	uint32_t log_format;  /* PILOTLIGHT_LOG_TEXT or PILOTLIGHT_LOG_JSON */
	uint32_t log_level;   /* the least severe level that is logged */
	void (*log)(uint32_t level, pilotlight_bytes target, pilotlight_bytes message);
	int32_t (*stream_begin)(struct pilotlight_stream *stream, pilotlight_bytes content_type,
				pilotlight_bytes prelude);
	int32_t (*stream_write)(struct pilotlight_stream *stream, pilotlight_bytes data);
	int32_t (*config_declare)(pilotlight_bytes declaration, pilotlight_bytes *mistake);
	int32_t (*config_read)(pilotlight_bytes name, uint64_t deadline_ms,
			       pilotlight_config_value *value);
	void (*config_release)(const pilotlight_config_value *value);
	void (*log_error)(pilotlight_bytes error_type, pilotlight_bytes message,
			  pilotlight_bytes stack_trace);       /* since 1.1 */
	void (*last_words)(const pilotlight_bytes *message); /* since 1.1 */
} pilotlight_runtime;

typedef void (*pilotlight_attach)(const pilotlight_runtime *runtime);

/* What a library exports. */
typedef struct pilotlight_library {
	uint32_t abi_version;   /* PILOTLIGHT_ABI_VERSION; first for ever */
	uint32_t handler_count; /* at least 1 */
	const pilotlight_handler *handlers;
	pilotlight_init init;         /* may be null */
	pilotlight_shutdown shutdown; /* may be null */
	pilotlight_attach attach;     /* may be null */
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

/* What was attached; null where something else than the runtime has loaded the library. */
extern PILOTLIGHT_HIDDEN const pilotlight_runtime *pilotlight_attached;

/* Exports handlers; once in a library, at file scope:
 *
 *   PILOTLIGHT_HANDLERS(NULL, {"greet", greet}, {"part", part, PILOTLIGHT_CONCURRENT})
 *
 * The first argument is the library's pilotlight_init, or NULL. */
#define PILOTLIGHT_HANDLERS(init_function, ...)                                                    \
	PILOTLIGHT_LIBRARY(init_function, NULL, __VA_ARGS__)

/* The same with a pilotlight_shutdown as the second argument. */
#define PILOTLIGHT_LIBRARY(init_function, shutdown_function, ...)                                  \
	PILOTLIGHT_HIDDEN const pilotlight_runtime *pilotlight_attached;                           \
	static void pilotlight_take(const pilotlight_runtime *runtime)                             \
	{                                                                                          \
		pilotlight_attached = runtime;                                                     \
	}                                                                                          \
	_Pragma("GCC diagnostic push")                                                             \
	_Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"") /* flags: 0 */          \
	static const pilotlight_handler pilotlight_handlers[] = {__VA_ARGS__};                     \
	_Pragma("GCC diagnostic pop")                                                              \
	extern PILOTLIGHT_EXPORT const pilotlight_library_v1 pilotlight_library;                   \
	const pilotlight_library_v1 pilotlight_library = {                                         \
	    PILOTLIGHT_ABI_VERSION,                                                                \
	    (uint32_t)(sizeof pilotlight_handlers / sizeof pilotlight_handlers[0]),                \
	    pilotlight_handlers,                                                                   \
	    init_function,                                                                         \
	    shutdown_function,                                                                     \
	    pilotlight_take,                                                                       \
	};

/* Begins a streamed response, before its first piece. `content_type` may be null
 * (application/octet-stream); `prelude` may be null, or JSON for a function URL or API Gateway:
 * {"statusCode":200,"headers":{...},"cookies":[...]}. 0, or an error number: EINVAL when it has begun. */
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

/* Writes a piece of the response and waits for the reader. 0, or an error number: the reader has gone. */
static inline int32_t pilotlight_stream_write(const pilotlight_invocation *invocation,
					      const void *data, size_t length)
{
	pilotlight_bytes bytes = {(const uint8_t *)data, length};
	return pilotlight_attached ? pilotlight_attached->stream_write(invocation->stream, bytes)
				   : ENOSYS;
}

/* Declares a configuration value, "name=source" as in PILOTLIGHT_CONFIG, from `init`. 0, or EINVAL, and
 * `mistake` (unless null) says what is wrong. */
static inline int32_t pilotlight_config_declare(const char *declaration, pilotlight_bytes *mistake)
{
	pilotlight_bytes text = {(const uint8_t *)declaration, strlen(declaration)};
	return pilotlight_attached ? pilotlight_attached->config_declare(text, mistake) : ENOSYS;
}

/* Reads a configuration value, to be given back with pilotlight_config_release. 0, or an error number:
 * ENOENT, nobody has declared it; EAGAIN, no value has arrived yet. Never waits, but once for each
 * `required` value that has never arrived, until the deadline of `invocation` (which may be null) at the
 * latest. */
static inline int32_t pilotlight_config_get(const char *name,
					    const pilotlight_invocation *invocation,
					    pilotlight_config_value *value)
{
	pilotlight_bytes text = {(const uint8_t *)name, strlen(name)};
	uint64_t deadline = invocation ? invocation->deadline_ms : 0;
	return pilotlight_attached ? pilotlight_attached->config_read(text, deadline, value)
				   : ENOSYS;
}

static inline void pilotlight_config_release(const pilotlight_config_value *value)
{
	pilotlight_attached->config_release(value);
}

/* Writes one record, up to 4 KB, to the function's log, unless its level is too low. */
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

/* Writes an error to the function's log, in the form of failed invocations. `stack_trace` is
 * lines, each ended by \n, or null. */
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

/* Says why this thread is about to end the process, by abort or exit: the report to the caller,
 * and its line in the log, end with the first 1,024 bytes of it. `message` must stay as it is to
 * the end. */
static inline void pilotlight_last_words(const char *message)
{
	static PILOTLIGHT_THREAD pilotlight_bytes words;
	words.data = (const uint8_t *)message;
	words.length = strlen(message);
	if (pilotlight_attached)
		pilotlight_attached->last_words(&words);
}

#ifdef __cplusplus
}
#endif

#endif
