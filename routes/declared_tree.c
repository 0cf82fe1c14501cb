/*
 * Paths by their segments.  A node is a path's beginning; one hash table has
 * all edges, (node, segment) → node, so that a path costs as many looks as it
 * has segments, however many routes there are.  The first edge is the host.
 *
 * Each kind of path is one walk: the whole path along literal segments, then
 * with parameters, then the longest prefix; at last the expressions, which are
 * few (DECLARED_PATTERNS_TOP) and tried one after the other.
 */
#include "base/crypto.h"
#include "base/mem.h"
#include "base/sip.h"
#include "routes/declared_inside.h"

#include <stdlib.h>
#include <string.h>

enum { ROOTS = 12, NOWHERE = 0 };

struct node {
	unsigned param;             /* the node behind a parameter */
	struct declared_full *ends; /* routes whose path ends here */
	struct declared_full *prefixes;
};

struct edge {
	unsigned from, to;
	uint64_t hash;
	struct slice text; /* a route's */
};

struct declared_tree {
	uint64_t key[2];
	size_t nnodes, nodes_room;
	struct node *nodes;        /* 0: nowhere */
	size_t nedges, edges_room; /* room: a power of two */
	struct edge *edges;
	struct declared_full *patterns;
	bool has_hosts;
};

static unsigned
node_new(struct declared_tree *t)
{
	if (t->nnodes == t->nodes_room) {
		t->nodes_room = t->nodes_room * 2 + 16;
		t->nodes =
			mem_resize(t->nodes, t->nodes_room * sizeof(*t->nodes));
	}
	t->nodes[t->nnodes] = (struct node){0};
	return (unsigned)t->nnodes++;
}

struct declared_tree *
declared_tree_new(void)
{
	struct declared_tree *t = mem_new(struct declared_tree);

	crypto_random(t->key, sizeof(t->key));
	(void)node_new(t); /* nowhere */
	t->edges_room = 64;
	t->edges = mem_array(t->edges_room, struct edge);
	return t;
}

struct declared_tree *
declared_tree_free(struct declared_tree *t)
{
	if (!t)
		return NULL;
	free(t->nodes);
	free(t->edges);
	return mem_free(t);
}

static uint64_t
edge_hash(const struct declared_tree *t, unsigned from, struct slice text)
{
	return sip_hash(t->key, text.ptr, text.len) ^
	       from * 0x9e3779b97f4a7c15ULL;
}

/* The edge, or the free place where it belongs. */
static struct edge *
edge_at(const struct declared_tree *t, unsigned from, struct slice text)
{
	uint64_t hash = edge_hash(t, from, text);
	size_t i = hash & (t->edges_room - 1);

	for (;; i = (i + 1) & (t->edges_room - 1)) {
		struct edge *e = &t->edges[i];

		if (!e->to || (e->hash == hash && e->from == from &&
				      slice_eq(e->text, text)))
			return e;
	}
}

static void
edges_grow(struct declared_tree *t)
{
	struct edge *old = t->edges;
	size_t room = t->edges_room;

	t->edges_room *= 2;
	t->edges = mem_array(t->edges_room, struct edge);
	for (size_t i = 0; i < room; i++)
		if (old[i].to)
			*edge_at(t, old[i].from, old[i].text) = old[i];
	free(old);
}

static unsigned
follow(const struct declared_tree *t, unsigned from, struct slice text)
{
	return edge_at(t, from, text)->to;
}

static unsigned
make(struct declared_tree *t, unsigned from, struct slice text)
{
	struct edge *e = edge_at(t, from, text);

	if (e->to)
		return e->to;
	if (++t->nedges * 2 > t->edges_room)
		edges_grow(t);
	e = edge_at(t, from, text);
	*e = (struct edge){from, node_new(t), edge_hash(t, from, text), text};
	return e->to;
}

static unsigned
make_param(struct declared_tree *t, unsigned from)
{
	unsigned to = t->nodes[from].param;

	if (!to) {
		to = node_new(t);
		t->nodes[from].param = to;
	}
	return to;
}

/* In the order in which they are tried. */
static const struct declared_full *
list_put(struct declared_full **list, struct declared_full *f)
{
	const struct declared_full *first = NULL;

	while (*list && declared_compare(*list, f) <= 0) {
		if (!first && declared_covers(*list, f))
			first = *list;
		list = &(*list)->next;
	}
	f->next = *list;
	*list = f;
	return first;
}

/* The next segment; *path moves on.  Of a path that begins with a slash. */
static bool
cut(struct slice *path, struct slice *ret)
{
	const char *end;
	size_t n;

	if (!path->len)
		return false;
	end = memchr(path->ptr + 1, '/', path->len - 1);
	n = end ? (size_t)(end - path->ptr) : path->len;
	*ret = slice_of(path->ptr + 1, n - 1);
	*path = slice_of(path->ptr + n, path->len - n);
	return true;
}

const struct declared_full *
declared_tree_add(struct declared_tree *t, struct declared_full *f)
{
	struct slice path = slice_str(f->path), s;
	unsigned at;

	t->has_hosts |= f->host != NULL;
	if (f->kind == PATH_PATTERN)
		return list_put(&t->patterns, f);
	at = make(t, NOWHERE, slice_str(f->host ? f->host : ""));
	for (size_t i = 0; i < f->depth && cut(&path, &s); i++)
		at = s.len && s.ptr[0] == '{' ? make_param(t, at)
					      : make(t, at, s);
	return list_put(f->kind == PATH_PREFIX ? &t->nodes[at].prefixes
					       : &t->nodes[at].ends,
		f);
}

/* A request on its way through the tree. */
struct walk {
	const struct declared_tree *t;
	struct declared_ask *ask;
	struct slice host;
	size_t nsegments; /* at most one more than a route can have */
	struct slice segment[DECLARED_SEGMENTS + 1];
	size_t nroots;
	unsigned root[ROOTS];
	/* the longest prefix so far */
	const struct declared_full *best;
};

static const struct declared_full *
pick(struct walk *w, const struct declared_full *list, enum declared_kind kind)
{
	for (; list; list = list->next) {
		enum declared_why why;

		if (list->kind != kind)
			continue;
		w->ask->steps++;
		why = declared_check(list, w->ask, w->host, NULL);
		if (why == FITS)
			return list;
		if (why == WHY_METHOD)
			w->ask->allowed |= list->methods;
	}
	return NULL;
}

static const struct declared_full *
walk_exact(struct walk *w, unsigned at)
{
	for (size_t i = 0; i < w->nsegments && at; i++) {
		w->ask->steps++;
		at = follow(w->t, at, w->segment[i]);
	}
	return at ? pick(w, w->t->nodes[at].ends, PATH_EXACT) : NULL;
}

static const struct declared_full *
walk_params(struct walk *w, unsigned at, size_t i)
{
	const struct declared_full *f = NULL;
	unsigned to;

	w->ask->steps++;
	if (i == w->nsegments)
		return pick(w, w->t->nodes[at].ends, PATH_PARAMS);
	to = follow(w->t, at, w->segment[i]);
	if (to)
		f = walk_params(w, to, i + 1);
	to = w->t->nodes[at].param;
	if (!f && to && w->segment[i].len)
		f = walk_params(w, to, i + 1);
	return f;
}

static void
walk_prefix(struct walk *w, unsigned at, size_t i)
{
	const struct declared_full *f = NULL;
	unsigned to;

	w->ask->steps++;
	if (i < w->nsegments) {
		to = follow(w->t, at, w->segment[i]);
		if (to)
			walk_prefix(w, to, i + 1);
		to = w->t->nodes[at].param;
		if (to && w->segment[i].len)
			walk_prefix(w, to, i + 1);
	}
	if (!w->best || w->best->depth < i)
		f = pick(w, w->t->nodes[at].prefixes, PATH_PREFIX);
	if (f)
		w->best = f;
}

static const struct declared_full *
walk_patterns(struct walk *w)
{
	for (const struct declared_full *f = w->t->patterns; f; f = f->next) {
		struct slice begin = pattern_prefix(f->pattern);
		enum declared_why why;

		w->ask->steps++;
		if (w->ask->path.len < begin.len ||
			memcmp(w->ask->path.ptr, begin.ptr, begin.len) != 0)
			continue;
		why = declared_check(f, w->ask, w->host, NULL);
		if ((why != FITS && why != WHY_METHOD) ||
			pattern_match(f->pattern, w->ask->path, NULL) < 0)
			continue;
		if (why == FITS)
			return f;
		w->ask->allowed |= f->methods;
	}
	return NULL;
}

static void
add_root(struct walk *w, struct slice host)
{
	unsigned at = follow(w->t, NOWHERE, host);

	w->ask->steps++;
	/* the last place is for any host */
	if (at && w->nroots < (host.len ? ROOTS - 1 : ROOTS))
		w->root[w->nroots++] = at;
}

/* "a.b.c": itself, "*.b.c", "*.c", then any. */
static void
find_roots(struct walk *w)
{
	char wild[260];

	if (w->t->has_hosts && w->host.len && w->host.len < sizeof(wild) - 1) {
		add_root(w, w->host);
		wild[0] = '*';
		for (size_t i = 1; i < w->host.len; i++) {
			size_t n = w->host.len - i;

			if (w->host.ptr[i] != '.')
				continue;
			memcpy(wild + 1, w->host.ptr + i, n);
			add_root(w, slice_of(wild, n + 1));
		}
	}
	add_root(w, SLICE(""));
}

const struct declared_full *
declared_tree_find(const struct declared_tree *t, struct declared_ask *ask,
	struct slice host)
{
	struct walk w = {.t = t, .ask = ask, .host = host};
	struct slice path = ask->path;
	const struct declared_full *f = NULL;

	find_roots(&w);
	while (w.nsegments <= DECLARED_SEGMENTS &&
		cut(&path, &w.segment[w.nsegments]))
		w.nsegments++;
	for (size_t i = 0; !f && i < w.nroots; i++)
		f = walk_exact(&w, w.root[i]);
	for (size_t i = 0; !f && i < w.nroots; i++)
		f = walk_params(&w, w.root[i], 0);
	for (size_t i = 0; !f && i < w.nroots; i++) {
		walk_prefix(&w, w.root[i], 0);
		f = w.best;
	}
	return f ? f : walk_patterns(&w);
}
