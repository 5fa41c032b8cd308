/* The handler ABI of the Pilotlight runtime, for C. Version 1.0.
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
 * Calls. The runtime calls `init` once, then a handler once for each invocation, on the process's
 * first thread. The outcome is passed in zeroed. A handler returns PILOTLIGHT_RESPONSE or
 * PILOTLIGHT_FAILURE; it must not unwind (throw, longjmp) into its caller. After the bytes were
 * posted, `release` is called with `owner`, on the same thread, exactly once, also for a failure.
 *
 * Failure. A failure of a handler is posted to the caller, and the next invocation comes. A failure
 * of `init` is reported and ends the process; no handler is called.
 *
 * Versions. `abi_version` is the header's version at the time of building. A runtime loads every
 * library of its own major version with a minor version up to its own; it reads no field that the
 * library's minor version does not have. Fields are only ever appended.
 */
#ifndef PILOTLIGHT_H
#define PILOTLIGHT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PILOTLIGHT_ABI_MAJOR 1u
#define PILOTLIGHT_ABI_MINOR 0u
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
} pilotlight_invocation;

/* What a handler answers. */
typedef struct pilotlight_outcome {
	pilotlight_bytes response;      /* with PILOTLIGHT_RESPONSE: posted as it is */
	pilotlight_bytes error_type;    /* with PILOTLIGHT_FAILURE: errorType; absent: Error */
	pilotlight_bytes error_message; /* with PILOTLIGHT_FAILURE: errorMessage */
	pilotlight_bytes stack_trace;   /* with PILOTLIGHT_FAILURE: lines, each ended by \n */
	void *owner;                    /* passed to release */
	void (*release)(void *owner);   /* may be null */
} pilotlight_outcome;

#define PILOTLIGHT_RESPONSE 0
#define PILOTLIGHT_FAILURE 1

typedef int32_t (*pilotlight_call)(const pilotlight_invocation *invocation,
				   pilotlight_outcome *outcome);
typedef int32_t (*pilotlight_init)(pilotlight_outcome *outcome);

typedef struct pilotlight_handler {
	const char *name; /* what the function's handler names behind the dot; ends with NUL */
	pilotlight_call call;
} pilotlight_handler;

/* What a library exports. */
typedef struct pilotlight_library {
	uint32_t abi_version;   /* PILOTLIGHT_ABI_VERSION; first for ever */
	uint32_t handler_count; /* at least 1 */
	const pilotlight_handler *handlers;
	pilotlight_init init; /* may be null */
} pilotlight_library_v1;

#if defined(__GNUC__)
#define PILOTLIGHT_EXPORT __attribute__((visibility("default")))
#else
#define PILOTLIGHT_EXPORT
#endif

/* Exports handlers; once in a library, at file scope:
 *
 *   PILOTLIGHT_HANDLERS(NULL, {"greet", greet}, {"part", part})
 *
 * The first argument is the library's pilotlight_init, or NULL. */
#define PILOTLIGHT_HANDLERS(init_function, ...)                                                    \
	static const pilotlight_handler pilotlight_handlers[] = {__VA_ARGS__};                     \
	extern PILOTLIGHT_EXPORT const pilotlight_library_v1 pilotlight_library;                   \
	const pilotlight_library_v1 pilotlight_library = {                                         \
	    PILOTLIGHT_ABI_VERSION,                                                                \
	    (uint32_t)(sizeof pilotlight_handlers / sizeof pilotlight_handlers[0]),                \
	    pilotlight_handlers,                                                                   \
	    init_function,                                                                         \
	};

#ifdef __cplusplus
}
#endif

#endif
