/* The same handler library on the system's C library: a program that opens it by dlopen, binds it
 * at once, calls its init function and serves it the Runtime API with as little else as possible:
 * the least that a bootstrap of the usual kind needs.
 *
 *   cc -O2 -I sdk/include -o dlopen tests/peers/dlopen/dlopen.c
 *   dlopen LIBRARY      AWS_LAMBDA_RUNTIME_API must be an IPv4 address and a port
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pilotlight.h"

static char buffer[65536];
static int connection;

static void fail(const char *what)
{
	fprintf(stderr, "dlopen: %s\n", what);
	exit(1);
}

static void connect_to(const char *api)
{
	char host[32];
	const char *colon = strchr(api, ':');
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)atoi(colon + 1))};
	snprintf(host, sizeof host, "%.*s", (int)(colon - api), api);
	inet_pton(AF_INET, host, &address.sin_addr);
	connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(connection, (struct sockaddr *)&address, sizeof address) != 0)
		fail("cannot connect");
	setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

static void send_all(const char *data, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(connection, data, size, MSG_NOSIGNAL);
		if (sent <= 0)
			exit(1);
		data += sent;
		size -= (size_t)sent;
	}
}

/* Reads one answer; returns its body, and its length in *size. */
static char *answer(size_t *size)
{
	size_t filled = 0;
	char *end = NULL;
	for (;;) {
		ssize_t got = read(connection, buffer + filled, sizeof buffer - 1 - filled);
		if (got <= 0)
			exit(1);
		buffer[filled += (size_t)got] = 0;
		end = end ? end : strstr(buffer, "\r\n\r\n");
		if (!end)
			continue;
		char *length = strcasestr(buffer, "\r\ncontent-length: ");
		*size = length && length < end ? (size_t)atol(length + 18) : 0;
		if (filled >= (size_t)(end + 4 - buffer) + *size)
			return end + 4;
	}
}

int main(int count, char **arguments)
{
	const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
	char request[512];
	if (count != 2 || !api)
		fail("usage: dlopen LIBRARY");
	void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
	if (!library)
		fail(dlerror());
	const pilotlight_library_v1 *exported = dlsym(library, "pilotlight_library");
	pilotlight_outcome outcome = {0};
	if (!exported || (exported->init && exported->init(&outcome) != PILOTLIGHT_RESPONSE))
		fail("cannot be initialised");
	connect_to(api);
	for (;;) {
		size_t size;
		int length = snprintf(
			request, sizeof request,
			"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: %s\r\n\r\n",
			api);
		send_all(request, (size_t)length);
		char *body = answer(&size);
		char *id = strcasestr(buffer, "\r\nlambda-runtime-aws-request-id: ") + 33;
		pilotlight_invocation invocation = {
			.event = {(uint8_t *)body, size},
			.request_id = {(uint8_t *)id, (size_t)(strstr(id, "\r\n") - id)},
		};
		memset(&outcome, 0, sizeof outcome);
		int failed =
			exported->handlers[0].call(&invocation, &outcome) != PILOTLIGHT_RESPONSE;
		length = snprintf(
			request, sizeof request,
			"POST /2018-06-01/runtime/invocation/%.*s/%s HTTP/1.1\r\nHost: %s\r\n"
			"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
			(int)invocation.request_id.length, id, failed ? "error" : "response", api,
			failed ? 0 : outcome.response.length);
		send_all(request, (size_t)length);
		if (!failed)
			send_all((const char *)outcome.response.data, outcome.response.length);
		if (outcome.release)
			outcome.release(outcome.owner);
		answer(&size);
	}
}
