/* The system's loader and C library as a judge of ours: opens a handler library by dlopen, calls
 * its init function and one handler, and writes the answer to a file.
 *
 *   oracle LIBRARY EVENT ANSWER [HANDLER]     without HANDLER the first one is called
 *
 * Exit codes: 0 a response; 1 a failure, whose type is the answer; 2 anything else, in words on
 * standard error.
 */

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pilotlight.h"

/* Without it, glibc has no room for a library's aligned thread-locals on some CPUs. */
_Thread_local char aligned[64] __attribute__((aligned(64)));

static void fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(2);
}

static void write_answer(const char *path, pilotlight_bytes bytes)
{
	FILE *file = fopen(path, "w");
	if (!file || fwrite(bytes.data, 1, bytes.length, file) != bytes.length || fclose(file) != 0)
		fail("the answer cannot be written");
}

static const pilotlight_handler *find(const pilotlight_library_v1 *library, const char *name)
{
	for (uint32_t i = 0; i < library->handler_count; i++)
		if (!name || strcmp(library->handlers[i].name, name) == 0)
			return &library->handlers[i];
	fail("there is no such handler");
	return NULL;
}

int main(int count, char **arguments)
{
	if (count != 4 && count != 5)
		fail("usage: oracle LIBRARY EVENT ANSWER [HANDLER]");
	/* As every Rust program has it, and the bootstrap. */
	signal(SIGPIPE, SIG_IGN);
	void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
	if (!library)
		fail(dlerror());
	const pilotlight_library_v1 *exported = dlsym(library, "pilotlight_library");
	if (!exported || exported->abi_version >> 16 != PILOTLIGHT_ABI_MAJOR)
		fail("it exports nothing of this ABI");
	const pilotlight_handler *handler = find(exported, arguments[4]);
	pilotlight_outcome outcome = {0};
	if (exported->init && exported->init(&outcome) != PILOTLIGHT_RESPONSE)
		fail("init failed");
	pilotlight_invocation invocation = {
		.event = {(const uint8_t *)arguments[2], strlen(arguments[2])},
		.request_id = {(const uint8_t *)"request", strlen("request")},
	};
	int failed = handler->call(&invocation, &outcome) != PILOTLIGHT_RESPONSE;
	write_answer(arguments[3], failed ? outcome.error_type : outcome.response);
	if (outcome.release)
		outcome.release(outcome.owner);
	return failed;
}
