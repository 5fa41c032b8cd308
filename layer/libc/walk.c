/* <ftw.h> with glibc's numbers, and with flags that musl lacks: FTW_CHDIR and FTW_ACTIONRETVAL. A
 * folder is read completely and closed before its entries are visited, so that only one descriptor
 * is open at a time, however many the caller allows.
 *
 * In C, because a C++ caller's function may throw through frames compiled with -fexceptions. */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* glibc's <ftw.h>. */
enum { FTW_F, FTW_D, FTW_DNR, FTW_NS, FTW_SL, FTW_DP, FTW_SLN };
enum { FTW_PHYS = 1, FTW_MOUNT = 2, FTW_CHDIR = 4, FTW_DEPTH = 8, FTW_ACTIONRETVAL = 16 };
enum { FTW_SKIP_SUBTREE = 2, FTW_SKIP_SIBLINGS = 3 };
struct FTW {
	int base, level;
};
typedef int visit_file(const char *path, const struct stat *status, int kind);
typedef int visit_any(const char *path, const struct stat *status, int kind, struct FTW *position);

struct walk {
	visit_file *visit_file; /* of `ftw`, or null */
	visit_any *visit_any;   /* of `nftw` */
	int flags;
	int start; /* descriptor of the folder that paths are relative to */
	dev_t device;
	void *visited; /* tree of visited folders, if links are followed */
};

struct folder {
	dev_t device;
	ino_t inode;
};

static int compare(const void *one, const void *other)
{
	const struct folder *a = one, *b = other;
	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	return (a->inode > b->inode) - (a->inode < b->inode);
}

/* 1 if a folder is visited for the first time, 0 if not, -1 without memory. */
static int is_new(struct walk *walk, const struct stat *status)
{
	if (walk->flags & FTW_PHYS)
		return 1;
	struct folder *folder = malloc(sizeof *folder);
	if (folder == NULL)
		return -1;
	*folder = (struct folder){status->st_dev, status->st_ino};
	struct folder **found = tsearch(folder, &walk->visited, compare);
	if (found == NULL || *found != folder)
		free(folder);
	return found == NULL ? -1 : *found == folder;
}

static int visit(struct walk *walk, const char *path, const struct stat *status, int kind,
		 struct FTW position)
{
	/* `ftw` distinguishes only files, folders and entries without status. */
	static const int kinds_of_ftw[] = {FTW_F, FTW_D, FTW_DNR, FTW_NS, FTW_F, FTW_D, FTW_NS};
	if (walk->visit_file != NULL)
		return walk->visit_file(path, status, kinds_of_ftw[kind]);
	return walk->visit_any(path, status, kind, &position);
}

/* The names in a folder, each with its NUL, and an empty one at the end. */
static char *read_names(struct walk *walk, const char *path)
{
	int file = openat(walk->start, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = file < 0 ? NULL : fdopendir(file);
	if (stream == NULL) {
		if (file >= 0)
			close(file);
		return NULL;
	}
	size_t used = 0, room = 0;
	char *names = NULL;
	for (struct dirent *entry = readdir(stream);; entry = readdir(stream)) {
		const char *name = entry == NULL ? "" : entry->d_name;
		size_t size = strlen(name) + 1;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (used + size > room) {
			char *larger = realloc(names, room = 2 * (room + size));
			if (larger == NULL) {
				free(names);
				names = NULL;
				break;
			}
			names = larger;
		}
		memcpy(names + used, name, size);
		used += size;
		if (entry == NULL)
			break;
	}
	closedir(stream);
	return names;
}

/* Changes to the folder `path` if the caller has asked for FTW_CHDIR; "" is the initial folder. */
static int enter(struct walk *walk, const char *path)
{
	if (!(walk->flags & FTW_CHDIR))
		return 0;
	return fchdir(walk->start) != 0 || (*path != 0 && chdir(path) != 0) ? -1 : 0;
}

static int walk_entry(struct walk *walk, const char *path, struct FTW position);

/* Visits the entries of a folder with these names. */
static int walk_names(struct walk *walk, const char *path, const char *names, struct FTW position)
{
	size_t length = strlen(path), slash = length > 0 && path[length - 1] != '/';
	int result = 0;
	for (; *names != 0 && result == 0; names += strlen(names) + 1) {
		char *whole = malloc(length + slash + strlen(names) + 1);
		if (whole == NULL)
			return -1;
		memcpy(whole, path, length);
		whole[length] = '/';
		strcpy(whole + length + slash, names);
		struct FTW inside = {(int)(length + slash), position.level + 1};
		result = enter(walk, path);
		if (result == 0)
			result = walk_entry(walk, whole, inside);
		free(whole);
	}
	return walk->flags & FTW_ACTIONRETVAL && result == FTW_SKIP_SIBLINGS ? 0 : result;
}

static int walk_folder(struct walk *walk, const char *path, const struct stat *status,
		       struct FTW position)
{
	char *names = read_names(walk, path);
	if (names == NULL)
		return errno == EACCES ? visit(walk, path, status, FTW_DNR, position) : -1;
	int result = walk->flags & FTW_DEPTH ? 0 : visit(walk, path, status, FTW_D, position);
	if (result == 0)
		result = walk_names(walk, path, names, position);
	free(names);
	if (result == 0 && walk->flags & FTW_DEPTH)
		result = enter(walk, path) != 0 ? -1 : visit(walk, path, status, FTW_DP, position);
	return result;
}

static int walk_entry(struct walk *walk, const char *path, struct FTW position)
{
	struct stat status = {0};
	int kind, is_link = walk->flags & FTW_PHYS ? AT_SYMLINK_NOFOLLOW : 0;
	if (fstatat(walk->start, path, &status, is_link) != 0) {
		if (errno != EACCES && errno != ENOENT)
			return -1;
		/* A broken link is reported with its own status. */
		int found = fstatat(walk->start, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
		if (!found && position.level == 0)
			return -1;
		kind = !is_link && found && S_ISLNK(status.st_mode) ? FTW_SLN : FTW_NS;
	} else {
		kind = S_ISDIR(status.st_mode) ? FTW_D : S_ISLNK(status.st_mode) ? FTW_SL : FTW_F;
	}
	if (position.level == 0)
		walk->device = status.st_dev;
	else if (walk->flags & FTW_MOUNT && kind != FTW_NS && status.st_dev != walk->device)
		return 0;
	int result, first = kind == FTW_D ? is_new(walk, &status) : 1;
	if (first <= 0)
		return first;
	if (kind == FTW_D)
		result = walk_folder(walk, path, &status, position);
	else
		result = visit(walk, path, &status, kind, position);
	return walk->flags & FTW_ACTIONRETVAL && result == FTW_SKIP_SUBTREE ? 0 : result;
}

static int run(struct walk *walk, const char *path)
{
	size_t length = strlen(path);
	if (length == 0) {
		errno = ENOENT;
		return -1;
	}
	while (length > 1 && path[length - 1] == '/')
		length--;
	size_t base = length;
	while (base > 0 && path[base - 1] != '/')
		base--;
	char *root = strndup(path, length), *parent = strndup(path, base);
	int result = -1;
	if (root != NULL && parent != NULL && enter(walk, parent) == 0)
		result = walk_entry(walk, root, (struct FTW){(int)base, 0});
	int error = errno;
	free(root);
	free(parent);
	tdestroy(walk->visited, free);
	errno = error;
	return walk->flags & FTW_ACTIONRETVAL && result == FTW_SKIP_SIBLINGS ? 0 : result;
}

int pilotlight_ftw(const char *path, visit_file *visit, int descriptors)
{
	(void)descriptors;
	return run(&(struct walk){.visit_file = visit, .start = AT_FDCWD}, path);
}

int pilotlight_nftw(const char *path, visit_any *visit, int descriptors, int flags)
{
	(void)descriptors;
	struct walk walk = {.visit_any = visit, .flags = flags, .start = AT_FDCWD};
	if (!(flags & FTW_CHDIR))
		return run(&walk, path);
	walk.start = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (walk.start < 0)
		return -1;
	int result = run(&walk, path), error = errno;
	int is_back = fchdir(walk.start) == 0;
	if (is_back || result != 0)
		errno = error;
	close(walk.start);
	return is_back ? result : -1;
}
