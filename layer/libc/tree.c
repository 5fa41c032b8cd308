/* <search.h>'s trees, as AVL trees: the heights of siblings differ by at most one. A C++ caller's
 * comparison may throw through these functions; musl's own have no unwind tables.
 *
 * In C, because exceptions pass through frames compiled with -fexceptions. */

#define _GNU_SOURCE
#include <search.h>
#include <stddef.h>
#include <stdlib.h>

/* Callers read the key, which must come first. */
struct node {
	const void *key;
	struct node *children[2];
	int height;
};

typedef int compare(const void *, const void *);

/* An AVL tree of this height has more nodes than there is memory. */
#define MAX_HEIGHT 96

static int height(const struct node *node) { return node == NULL ? 0 : node->height; }

static void measure(struct node *node)
{
	int left = height(node->children[0]), right = height(node->children[1]);
	node->height = 1 + (left > right ? left : right);
}

/* Lifts a node's child on one side over the node. */
static struct node *rotate(struct node *node, int side)
{
	struct node *child = node->children[side];
	node->children[side] = child->children[!side];
	child->children[!side] = node;
	measure(node);
	measure(child);
	return child;
}

static struct node *balanced(struct node *node)
{
	int left = height(node->children[0]), right = height(node->children[1]);
	int side = right > left;
	if (abs(right - left) > 1) {
		struct node *child = node->children[side];
		if (height(child->children[!side]) > height(child->children[side]))
			node->children[side] = rotate(child, !side);
		return rotate(node, side);
	}
	measure(node);
	return node;
}

/* The path from the root to a node, as the links that point to each node on it. */
struct path {
	struct node **links[MAX_HEIGHT];
	int length;
};

/* Follows a key to the link to its node, or to the null link where its node belongs. */
static struct node **follow(const void *key, struct node **link, compare *order, struct path *path)
{
	for (path->length = 0; *link != NULL && path->length < MAX_HEIGHT;) {
		int side = order(key, (*link)->key);
		if (side == 0)
			break;
		path->links[path->length++] = link;
		link = &(*link)->children[side > 0];
	}
	return link;
}

static void balance(struct path *path)
{
	while (path->length-- > 0)
		*path->links[path->length] = balanced(*path->links[path->length]);
}

void *tsearch(const void *key, void **root, compare *order)
{
	struct path path;
	if (root == NULL)
		return NULL;
	struct node **link = follow(key, (struct node **)root, order, &path);
	if (*link != NULL)
		return *link;
	struct node *node = malloc(sizeof *node);
	if (node != NULL) {
		*node = (struct node){.key = key, .height = 1};
		*link = node;
		balance(&path);
	}
	return node;
}

void *tfind(const void *key, void *const *root, compare *order)
{
	struct node *node = root == NULL ? NULL : *root;
	int side;
	while (node != NULL && (side = order(key, node->key)) != 0)
		node = node->children[side > 0];
	return node;
}

/* Returns the parent of the deleted node; for the root, any pointer that is not null. */
void *tdelete(const void *restrict key, void **restrict root, compare *order)
{
	struct path path;
	if (root == NULL)
		return NULL;
	struct node **link = follow(key, (struct node **)root, order, &path), *node = *link;
	if (node == NULL)
		return NULL;
	struct node *parent = path.length == 0 ? NULL : *path.links[path.length - 1];
	if (node->children[0] == NULL || node->children[1] == NULL) {
		*link = node->children[node->children[0] == NULL];
	} else {
		/* The node with the next larger key replaces it. */
		int own = path.length;
		path.links[path.length++] = link;
		struct node **next = &node->children[1];
		for (; (*next)->children[0] != NULL; next = &(*next)->children[0])
			path.links[path.length++] = next;
		struct node *successor = *next;
		*next = successor->children[1];
		successor->children[0] = node->children[0];
		successor->children[1] = node->children[1];
		*link = successor;
		if (path.length > own + 1)
			path.links[own + 1] = &successor->children[1];
	}
	free(node);
	balance(&path);
	return parent == NULL ? (void *)root : parent;
}

static void walk(const struct node *node, void (*visit)(const void *, VISIT, void *),
		 void *argument)
{
	if (node == NULL)
		return;
	if (node->children[0] == NULL && node->children[1] == NULL)
		return visit(node, leaf, argument);
	visit(node, preorder, argument);
	walk(node->children[0], visit, argument);
	visit(node, postorder, argument);
	walk(node->children[1], visit, argument);
	visit(node, endorder, argument);
}

/* glibc's twalk_r. */
void pilotlight_twalk_r(const void *root, void (*visit)(const void *, VISIT, void *),
			void *argument)
{
	walk(root, visit, argument);
}

static void walk_levels(const struct node *node, void (*visit)(const void *, VISIT, int), int level)
{
	if (node == NULL)
		return;
	if (node->children[0] == NULL && node->children[1] == NULL)
		return visit(node, leaf, level);
	visit(node, preorder, level);
	walk_levels(node->children[0], visit, level + 1);
	visit(node, postorder, level);
	walk_levels(node->children[1], visit, level + 1);
	visit(node, endorder, level);
}

void twalk(const void *root, void (*visit)(const void *, VISIT, int))
{
	walk_levels(root, visit, 0);
}

void tdestroy(void *root, void (*destroy)(void *))
{
	struct node *node = root;
	if (node == NULL)
		return;
	tdestroy(node->children[0], destroy);
	tdestroy(node->children[1], destroy);
	destroy((void *)node->key);
	free(node);
}
