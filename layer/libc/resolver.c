/* Replaces src/network/res_msend.c of musl 1.2.3, which gives up if an answer does not fit in 512
 * bytes of UDP. This one repeats the query over TCP (RFC 7766). musl's callers have 512 bytes for
 * an answer, so a longer one is shortened to the canonical name and as many addresses as fit.
 *
 * In C, because it is called from inside musl, with musl's structures. */

#define _GNU_SOURCE
#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <resolv.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define INTERNAL __attribute__((visibility("hidden")))

#define DNS_PORT 53
#define MAX_SERVERS 3
/* One query for each family of a name's addresses. */
#define MAX_QUERIES 2
/* Bytes of a message's header: id, flags and four counts (RFC 1035, 4.1.1). */
#define HEADER_SIZE 12
#define TRUNCATED 2
/* Bytes. Some servers send more than 512 although the query does not allow it. */
#define MAX_DATAGRAM 4096

/* As in musl's src/network/lookup.h. */
struct address {
	int family;
	unsigned scope;
	uint8_t bytes[16];
	int sort_key;
};
struct resolvconf {
	struct address servers[MAX_SERVERS];
	unsigned count, attempts, dots, timeout;
};
INTERNAL int __get_resolv_conf(struct resolvconf *, char *search, size_t size);

union name {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct query {
	const unsigned char *text;
	int length;
	unsigned char *answer;
	int *answer_length; /* 0 until there is an answer */
};

struct resolver {
	struct query *queries;
	int count, room, shortens;
	union name servers[MAX_SERVERS];
	unsigned server_count;
	struct pollfd sockets[2]; /* for IPv4 and IPv6; -1 where no server needs one */
	int retries;              /* left after server failures, until all queries are repeated */
	int64_t end;              /* in milliseconds of CLOCK_MONOTONIC */
};

static int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * (int64_t)1000 + time.tv_nsec / 1000000;
}

static socklen_t size_of(const union name *name)
{
	return name->any.sa_family == AF_INET6 ? sizeof name->v6 : sizeof name->v4;
}

static int is_same(const union name *one, const union name *other)
{
	if (one->any.sa_family != other->any.sa_family)
		return 0;
	if (one->any.sa_family == AF_INET6)
		return one->v6.sin6_port == other->v6.sin6_port &&
		       memcmp(&one->v6.sin6_addr, &other->v6.sin6_addr, 16) == 0;
	return one->v4.sin_port == other->v4.sin_port &&
	       one->v4.sin_addr.s_addr == other->v4.sin_addr.s_addr;
}

/* Copies the servers' addresses, and opens a socket for each family. */
static int open_sockets(struct resolver *resolver, const struct resolvconf *settings)
{
	for (unsigned i = 0; i < settings->count && i < MAX_SERVERS; i++) {
		const struct address *server = &settings->servers[i];
		int is_v6 = server->family == AF_INET6;
		struct pollfd *file = &resolver->sockets[is_v6];
		if (file->fd < 0)
			file->fd = socket(server->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
					  0);
		if (file->fd < 0)
			continue;
		union name *name = &resolver->servers[resolver->server_count++];
		memset(name, 0, sizeof *name);
		name->any.sa_family = (sa_family_t)server->family;
		if (is_v6) {
			name->v6.sin6_port = htons(DNS_PORT);
			name->v6.sin6_scope_id = server->scope;
			memcpy(&name->v6.sin6_addr, server->bytes, 16);
		} else {
			name->v4.sin_port = htons(DNS_PORT);
			memcpy(&name->v4.sin_addr, server->bytes, 4);
		}
	}
	return resolver->server_count > 0;
}

/* Waits until a socket is ready; 0 if the time is over first. */
static int wait_for(int file, short events, int64_t end)
{
	struct pollfd poller = {.fd = file, .events = events};
	int64_t left;
	while ((left = end - now()) > 0) {
		int found = poll(&poller, 1, (int)left);
		if (found > 0)
			return 1;
		if (found < 0 && errno != EINTR)
			break;
	}
	return 0;
}

/* Sends or receives exactly `size` bytes. */
static int transfer(int file, unsigned char *bytes, size_t size, short event, int64_t end)
{
	while (size > 0) {
		ssize_t part = event == POLLIN ? recv(file, bytes, size, 0)
					       : send(file, bytes, size, MSG_NOSIGNAL);
		if (part > 0) {
			bytes += part;
			size -= (size_t)part;
		} else if (part == 0 || (errno != EAGAIN && errno != EINTR)) {
			return 0;
		} else if (!wait_for(file, event, end)) {
			return 0;
		}
	}
	return 1;
}

/* Sends a query over TCP, where the size of each message precedes it in two bytes. Returns the
 * answer, which the caller frees, or null. */
static unsigned char *ask_by_stream(const union name *server, const struct query *query,
				    int *length, int64_t end)
{
	unsigned char head[2] = {(unsigned char)(query->length >> 8), (unsigned char)query->length};
	unsigned char *answer = NULL;
	int file = socket(server->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (file < 0)
		return NULL;
	int is_there = connect(file, &server->any, size_of(server)) == 0 ||
		       (errno == EINPROGRESS && wait_for(file, POLLOUT, end));
	if (is_there && transfer(file, head, 2, POLLOUT, end) &&
	    transfer(file, (unsigned char *)query->text, (size_t)query->length, POLLOUT, end) &&
	    transfer(file, head, 2, POLLIN, end)) {
		*length = head[0] << 8 | head[1];
		answer = *length < HEADER_SIZE ? NULL : malloc((size_t)*length);
	}
	if (answer != NULL && (!transfer(file, answer, (size_t)*length, POLLIN, end) ||
			       memcmp(answer, query->text, 2) != 0)) {
		free(answer);
		answer = NULL;
	}
	close(file);
	return answer;
}

/* Appends a record whose owner is the root, a name of one byte. Returns 0 if it does not fit. */
static int append(struct query *query, int room, const unsigned char *fixed,
		  const unsigned char *data, int size)
{
	unsigned char *to = query->answer + *query->answer_length;
	if (*query->answer_length + 11 + size > room)
		return 0;
	*to++ = 0;
	memcpy(to, fixed, 8); /* type, class and time to live */
	to[8] = (unsigned char)(size >> 8);
	to[9] = (unsigned char)size;
	memcpy(to + 10, data, (size_t)size);
	*query->answer_length += 11 + size;
	query->answer[7]++;
	return 1;
}

/* Shortens an answer to its last alias, which is the canonical name, and the addresses that fit. */
static void shorten(struct query *query, int room, const unsigned char *text, int length)
{
	const unsigned char *end = text + length, *next = text + HEADER_SIZE, *alias = NULL;
	int questions = text[4] << 8 | text[5], records = text[6] << 8 | text[7];
	memcpy(query->answer, text, 4);
	memset(query->answer + 4, 0, HEADER_SIZE - 4);
	query->answer[2] &= (unsigned char)~TRUNCATED;
	*query->answer_length = HEADER_SIZE;
	for (int skipped; questions > 0; questions--, next += skipped + 4)
		if ((skipped = dn_skipname(next, end)) < 0 || end - next < skipped + 4)
			return;
	const unsigned char *first = next;
	for (int pass = 0; pass < 2; pass++) {
		next = first;
		for (int left = records; left > 0; left--) {
			int skipped = dn_skipname(next, end);
			if (skipped < 0 || end - next < skipped + 10)
				break;
			const unsigned char *fixed = next + skipped, *data = fixed + 10;
			int type = fixed[0] << 8 | fixed[1], size = fixed[8] << 8 | fixed[9];
			if (end - data < size)
				break;
			if (pass == 0 && type == ns_t_cname)
				alias = fixed;
			if (pass == 1 && (type == ns_t_a || type == ns_t_aaaa) &&
			    !append(query, room, fixed, data, size))
				break;
			next = data + size;
		}
		char name[256];
		unsigned char plain[256];
		if (pass == 0 && alias != NULL &&
		    dn_expand(text, end, alias + 10, name, sizeof name) > 0) {
			int size = dn_comp(name, plain, sizeof plain, NULL, NULL);
			if (size > 0)
				append(query, room, alias, plain, size);
		}
	}
}

static void keep(const struct resolver *resolver, struct query *query, const unsigned char *text,
		 int length)
{
	if (length > resolver->room && resolver->shortens) {
		shorten(query, resolver->room, text, length);
		return;
	}
	*query->answer_length = length < resolver->room ? length : resolver->room;
	memcpy(query->answer, text, (size_t)*query->answer_length);
	if (length > resolver->room)
		query->answer[2] |= TRUNCATED;
}

static void send_query(const struct resolver *resolver, const struct query *query,
		       const union name *server)
{
	sendto(resolver->sockets[server->any.sa_family == AF_INET6].fd, query->text,
	       (size_t)query->length, MSG_NOSIGNAL, &server->any, size_of(server));
}

/* Handles one datagram, if it answers a query. */
static void take(struct resolver *resolver, const unsigned char *text, int length,
		 const union name *server)
{
	struct query *query = resolver->queries, *last = query + resolver->count;
	while (query < last && (*query->answer_length != 0 || memcmp(query->text, text, 2) != 0))
		query++;
	if (query == last)
		return;
	int code = text[3] & 15;
	if (code == ns_r_servfail && resolver->retries > 0) {
		resolver->retries--;
		send_query(resolver, query, server);
	}
	/* With any other code the server refuses the query; another server may answer it. */
	if (code != ns_r_noerror && code != ns_r_nxdomain)
		return;
	int whole_length = 0;
	unsigned char *whole = NULL;
	if (text[2] & TRUNCATED)
		whole = ask_by_stream(server, query, &whole_length, resolver->end);
	/* Without TCP, the truncated answer is better than none. */
	if (whole == NULL)
		keep(resolver, query, text, length);
	else
		keep(resolver, query, whole, whole_length);
	free(whole);
}

static void receive(struct resolver *resolver, int file)
{
	unsigned char text[MAX_DATAGRAM];
	union name from;
	socklen_t size = sizeof from;
	ssize_t length;
	while ((length = recvfrom(file, text, sizeof text, 0, &from.any, &size)) >= 0) {
		for (unsigned i = 0; length >= HEADER_SIZE && i < resolver->server_count; i++)
			if (is_same(&from, &resolver->servers[i])) {
				take(resolver, text, (int)length, &from);
				break;
			}
		size = sizeof from;
	}
}

static int is_done(const struct resolver *resolver)
{
	for (int i = 0; i < resolver->count; i++)
		if (*resolver->queries[i].answer_length == 0)
			return 0;
	return 1;
}

/* Sends each query to all servers at once, and repeats it until it is answered or the time is
 * over. */
static void run(struct resolver *resolver, const struct resolvconf *settings)
{
	int64_t timeout = settings->timeout * (int64_t)1000, next = now();
	int64_t interval = timeout / (settings->attempts > 0 ? settings->attempts : 1);
	resolver->end = next + timeout;
	for (int64_t time = next; time < resolver->end && !is_done(resolver); time = now()) {
		if (time >= next) {
			for (int i = 0; i < resolver->count; i++)
				for (unsigned j = 0; j < resolver->server_count; j++)
					if (*resolver->queries[i].answer_length == 0)
						send_query(resolver, &resolver->queries[i],
							   &resolver->servers[j]);
			next = time + interval;
			resolver->retries = 2 * resolver->count;
		}
		int64_t until = next < resolver->end ? next : resolver->end;
		if (poll(resolver->sockets, 2, (int)(until - time)) <= 0)
			continue;
		for (int i = 0; i < 2; i++)
			if (resolver->sockets[i].revents != 0)
				receive(resolver, resolver->sockets[i].fd);
	}
}

static int ask(int count, const unsigned char *const *texts, const int *lengths,
	       unsigned char *const *answers, int *answer_lengths, int room,
	       const struct resolvconf *settings, int shortens)
{
	struct query queries[MAX_QUERIES];
	struct resolver resolver = {.queries = queries,
				    .count = count < MAX_QUERIES ? count : MAX_QUERIES,
				    .room = room,
				    .shortens = shortens,
				    .sockets = {{-1, POLLIN, 0}, {-1, POLLIN, 0}}};
	for (int i = 0; i < resolver.count; i++) {
		queries[i] = (struct query){texts[i], lengths[i], answers[i], &answer_lengths[i]};
		answer_lengths[i] = 0;
	}
	int state, result = -1;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	if (open_sockets(&resolver, settings)) {
		run(&resolver, settings);
		result = 0;
	}
	for (int i = 0; i < 2; i++)
		if (resolver.sockets[i].fd >= 0)
			close(resolver.sockets[i].fd);
	pthread_setcancelstate(state, NULL);
	return result;
}

/* Called by musl's `getaddrinfo` and `gethostbyname`. */
INTERNAL int __res_msend_rc(int count, const unsigned char *const *texts, const int *lengths,
			    unsigned char *const *answers, int *answer_lengths, int room,
			    const struct resolvconf *settings)
{
	return ask(count, texts, lengths, answers, answer_lengths, room, settings, 1);
}

/* Called by `res_send` and `res_query`, whose callers parse the answer themselves. */
INTERNAL int __res_msend(int count, const unsigned char *const *texts, const int *lengths,
			 unsigned char *const *answers, int *answer_lengths, int room)
{
	struct resolvconf settings;
	if (__get_resolv_conf(&settings, NULL, 0) < 0)
		return -1;
	return ask(count, texts, lengths, answers, answer_lengths, room, &settings, 0);
}
