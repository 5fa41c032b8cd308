/* `setenv` and its kin, for handlers and for the trace id that the runtime sets (environment.rs).
 *
 * Any thread may read the list at any time, and C has no lock for that. So a string is replaced
 * atomically, and no string and no list that a reader may have found is ever freed, as in glibc;
 * musl's own functions free both immediately. Writers exclude each other by a lock.
 *
 * In C, because these replace functions of musl. */

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

/* Milliseconds to wait for another writer, which does not exist in a child of `fork`. */
#define MAX_WAITS 100

static char is_locked;

static void lock(void)
{
	for (int left = MAX_WAITS; __atomic_exchange_n(&is_locked, 1, __ATOMIC_ACQUIRE) && left > 0;
	     left--)
		poll(NULL, 0, 1);
}

static void unlock(void) { __atomic_store_n(&is_locked, 0, __ATOMIC_RELEASE); }

static void store(char **entry, char *text) { __atomic_store_n(entry, text, __ATOMIC_RELEASE); }

/* The entry with this name, or the end of the list; null if there is no list. A string without `=`
 * is a name alone, and keeps the entry of a variable that is not set. */
static char **find(const char *name, size_t length)
{
	char **entry = environ;
	while (entry != NULL && *entry != NULL &&
	       (strncmp(*entry, name, length) != 0 ||
		((*entry)[length] != '=' && (*entry)[length] != 0)))
		entry++;
	return entry;
}

/* The list with room for one more string, and all others at their index. */
static char **grow(size_t count)
{
	static char **list;
	static size_t room;
	if (environ == NULL || environ != list || count + 2 > room) {
		room = 2 * count + 8;
		list = calloc(room, sizeof *list);
		if (list == NULL)
			return NULL;
		if (count > 0)
			memcpy(list, environ, count * sizeof *list);
		__atomic_store_n(&environ, list, __ATOMIC_RELEASE);
	}
	return list;
}

/* Replaces the entry of the string's name. If there is none, appends a string that has a `=`. */
static int put(char *text, size_t length)
{
	char **entry = find(text, length);
	if (entry == NULL || *entry == NULL) {
		size_t count = entry == NULL ? 0 : (size_t)(entry - environ);
		if (text[length] == 0)
			return 0;
		if ((entry = grow(count)) == NULL)
			return -1;
		entry += count;
	}
	store(entry, text);
	return 0;
}

int pilotlight_put_variable(char *text)
{
	lock();
	int result = put(text, strchrnul(text, '=') - text);
	unlock();
	return result;
}

/* The length of a name; 0 and EINVAL if it is invalid. */
static size_t name_length(const char *name)
{
	size_t length = name == NULL ? 0 : strchrnul(name, '=') - name;
	if (length > 0 && name[length] == 0)
		return length;
	errno = EINVAL;
	return 0;
}

int setenv(const char *name, const char *value, int overwrite)
{
	size_t length = name_length(name), size = strlen(value) + 1;
	if (length == 0)
		return -1;
	lock();
	char **entry = find(name, length);
	int result = 0, is_set = entry != NULL && *entry != NULL && (*entry)[length] == '=';
	/* An unchanged value needs no memory. */
	if (!is_set || (overwrite && strcmp(*entry + length + 1, value) != 0)) {
		char *text = malloc(length + 1 + size);
		result = -1;
		if (text != NULL) {
			memcpy(text, name, length);
			text[length] = '=';
			memcpy(text + length + 1, value, size);
			result = put(text, length);
		}
	}
	unlock();
	return result;
}

int unsetenv(const char *name)
{
	size_t length = name_length(name);
	if (length == 0)
		return -1;
	lock();
	for (char **entry; (entry = find(name, length)) != NULL && *entry != NULL;)
		do
			store(entry, entry[1]);
		while (*entry++ != NULL);
	unlock();
	return 0;
}

int putenv(char *text)
{
	const char *end = strchr(text, '=');
	return end == NULL || end == text ? unsetenv(text) : pilotlight_put_variable(text);
}
