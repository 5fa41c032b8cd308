/* The physical limit: a static program without any libc that answers events like hello, with the
 * same requests and the fewest system calls that will do. Everything is stated as a ratio to it.
 *
 *   cc -static -nostdlib -nostartfiles -ffreestanding -O2 -fno-stack-protector -o limit limit.c
 *
 * AWS_LAMBDA_RUNTIME_API must be an IPv4 address and a port. With LIMIT_ECHO set it returns the
 * event unchanged instead.
 */

#include <asm/unistd.h>

typedef unsigned long size;

#ifdef __aarch64__
#include "aarch64.h"
#else
#include "x86_64.h"
#endif

static void leave(int code) { call(__NR_exit, code, 0, 0, 0, 0, 0); }

static size length(const char *text)
{
	size count = 0;
	while (text[count])
		count++;
	return count;
}

static char *append(char *to, const char *from, size count)
{
	memcpy(to, from, count);
	return to + count;
}

static char *append_number(char *to, size number)
{
	char digits[20];
	int count = 0;
	do
		digits[count++] = (char)('0' + number % 10);
	while (number /= 10);
	while (count)
		*to++ = digits[--count];
	return to;
}

/* Finds `text` (in lower case) in the head, whose letters may be in any case; returns its end. */
static const char *find(const char *from, const char *end, const char *text)
{
	for (; from < end; from++) {
		size i = 0;
		while (text[i] && from + i < end &&
		       (from[i] == text[i] || (from[i] | 32) == text[i]))
			i++;
		if (!text[i])
			return from + i;
	}
	return 0;
}

/* The rest of `text` after `prefix`, or a null pointer if it does not begin with it. */
static const char *after(const char *text, const char *prefix)
{
	while (*prefix)
		if (*text++ != *prefix++)
			return 0;
	return text;
}

static char first_buffer[16384];
static char *buffer = first_buffer;
static size room = sizeof first_buffer, filled;
static char head[1024];
static int connection;

static void more(size wanted)
{
	if (room - filled < wanted) {
		size larger = filled + wanted + (room << 1);
		char *fresh = (char *)call(__NR_mmap, 0, (long)larger, 3, 0x22, -1, 0);
		memcpy(fresh, buffer, filled);
		buffer = fresh;
		room = larger;
	}
	long got = call(__NR_read, connection, (long)(buffer + filled), (long)(room - filled), 0, 0,
			0);
	if (got <= 0)
		leave(1);
	filled += (size)got;
}

/* Reads one answer: its body is *body, its length *count. Chunked bodies are one chunk. */
static void answer(size *body, size *count)
{
	const char *end = 0;
	filled = 0;
	while (!end) {
		more(4096);
		end = find(buffer, buffer + filled, "\r\n\r\n");
	}
	*body = (size)(end - buffer);
	*count = 0;
	const char *value = find(buffer, end, "\r\ncontent-length: ");
	if (value) {
		while (*value >= '0' && *value <= '9')
			*count = *count * 10 + (size)(*value++ - '0');
		while (filled < *body + *count)
			more(*body + *count - filled);
		return;
	}
	const char *line;
	while (!(line = find(buffer + *body, buffer + filled, "\r\n")))
		more(4096);
	for (value = buffer + *body; *value != '\r'; value++)
		*count = *count * 16 +
			 (size)(*value <= '9' ? *value - '0' : (*value | 32) - 'a' + 10);
	*body = (size)(line - buffer);
	while (filled < *body + *count + 7)
		more(*body + *count + 7 - filled);
}

static void send(const char *request, size request_size, const char *data, size data_size)
{
	while (request_size + data_size) {
		struct {
			const void *at;
			size count;
		} parts[2] = {{request, request_size}, {data, data_size}};
		struct {
			void *name;
			size name_size;
			void *parts;
			size part_count;
			void *control;
			size control_size;
			size flags;
		} message = {0, 0, parts, 2, 0, 0, 0};
		long sent = call(__NR_sendmsg, connection, (long)&message, 0x4000, 0, 0, 0);
		if (sent <= 0)
			leave(1);
		size of_request = (size)sent < request_size ? (size)sent : request_size;
		request += of_request;
		request_size -= of_request;
		data += (size)sent - of_request;
		data_size -= (size)sent - of_request;
	}
}

static void connect_to(const char *address)
{
	unsigned char name[16] = {2};
	for (int i = 0; i < 4; i++) {
		int part = 0;
		while (*address >= '0' && *address <= '9')
			part = part * 10 + (*address++ - '0');
		name[4 + i] = (unsigned char)part;
		address++;
	}
	int port = 0;
	while (*address >= '0' && *address <= '9')
		port = port * 10 + (*address++ - '0');
	name[2] = (unsigned char)(port >> 8);
	name[3] = (unsigned char)port;
	connection = (int)call(__NR_socket, 2, 1, 0, 0, 0, 0);
	if (call(__NR_connect, connection, (long)name, sizeof name, 0, 0, 0) != 0)
		leave(1);
	int on = 1;
	call(__NR_setsockopt, connection, 6, 1, (long)&on, sizeof on, 0);
}

#define TEXT(to, text) append(to, text, sizeof text - 1)

static void serve(const char *host, int echo)
{
	char next[256], response[256];
	char *end = TEXT(next, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: ");
	end = TEXT(append(end, host, length(host)), "\r\nUser-Agent: limit\r\n\r\n");
	for (;;) {
		size body, count;
		send(next, (size)(end - next), 0, 0);
		answer(&body, &count);
		const char *id = find(buffer, buffer + body, "\r\nlambda-runtime-aws-request-id: ");
		const char *id_end = find(id, buffer + body, "\r\n") - 2;
		const char *data = buffer + body;
		if (!echo) {
			const char *name = find(data, data + count, "\"name\":\"");
			const char *name_end = find(name, data + count, "\"") - 1;
			char *to = TEXT(response, "{\"message\":\"Hello, ");
			to = TEXT(append(to, name, (size)(name_end - name)), "!\"}");
			data = response;
			count = (size)(to - response);
		}
		char *to = TEXT(head, "POST /2018-06-01/runtime/invocation/");
		to = append(to, id, (size)(id_end - id));
		to = TEXT(to, "/response HTTP/1.1\r\nHost: ");
		to = append(to, host, length(host));
		to = TEXT(
			to,
			"\r\nUser-Agent: limit\r\nContent-Type: application/json\r\nContent-Length: ");
		to = TEXT(append_number(to, count), "\r\n\r\n");
		send(head, (size)(to - head), data, count);
		answer(&body, &count);
	}
}

__attribute__((used)) static void begin(long *stack) /* called by _start */
{
	char **environment = (char **)(stack + stack[0] + 2);
	const char *address = 0;
	int echo = 0;
	for (; *environment; environment++) {
		const char *value = after(*environment, "AWS_LAMBDA_RUNTIME_API=");
		if (value)
			address = value;
		echo |= after(*environment, "LIMIT_ECHO=") != 0;
	}
	if (!address)
		leave(1);
	connect_to(address);
	serve(address, echo);
}
