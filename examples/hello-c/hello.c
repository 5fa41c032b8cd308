/* A handler in C, with the header alone: the response to `{"name":"Ada"}` is
 * `{"message":"Hello, Ada!"}`, and an event without a name is a failure.
 *
 *   cc -shared -fPIC -O2 -I sdk/include -o libhello-c.so examples/hello-c/hello.c
 */

#include <pilotlight.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pilotlight_bytes text(const char *string)
{
	pilotlight_bytes bytes = {(const uint8_t *)string, strlen(string)};
	return bytes;
}

/* Finds the name's first character and its length. A real handler would use a JSON library; this
 * one does not read names with a backslash. */
static const char *find_name(const char *event, size_t *length)
{
	const char *key = strstr(event, "\"name\"");
	const char *start = key == NULL ? NULL : strchr(key + strlen("\"name\""), '"');
	const char *end = start == NULL ? NULL : strchr(start + 1, '"');
	if (end == NULL || memchr(start, '\\', (size_t)(end - start)) != NULL)
		return NULL;
	*length = (size_t)(end - start - 1);
	return start + 1;
}

static int32_t greet(const pilotlight_invocation *invocation, pilotlight_outcome *outcome)
{
	size_t size = invocation->event.length;
	char *event = malloc(size + 1);
	if (event == NULL)
		abort();
	memcpy(event, invocation->event.data, size);
	event[size] = '\0';

	size_t length = 0;
	const char *name = find_name(event, &length);
	if (name == NULL) {
		free(event);
		outcome->error_type = text("InvalidEvent");
		outcome->error_message = text("expected {\"name\":\"…\"}");
		return PILOTLIGHT_FAILURE;
	}

	size_t capacity = length + 64;
	char *response = malloc(capacity);
	if (response == NULL)
		abort();
	snprintf(response, capacity, "{\"message\":\"Hello, %.*s!\"}", (int)length, name);
	free(event);
	outcome->response = text(response);
	outcome->owner = response;
	outcome->release = free;
	return PILOTLIGHT_RESPONSE;
}

PILOTLIGHT_HANDLERS(NULL, {"greet", greet})
