/*
 * routes.json, and which route answers.  What begins with a brace is a file;
 * anything else makes routes and a request out of few segments, and the tree
 * must come to the same route as trying all of them one by one.
 */
#include "base/val.h"
#include "routes/declared_inside.h"
#include "tests/fuzz/fuzz.h"

enum { ROUTES = 12, DEPTH = 4 };

struct input {
	const uint8_t *at, *end;
};

static unsigned
next(struct input *in, unsigned below)
{
	return in->at < in->end ? *in->at++ % below : 0;
}

static void
put_path(struct buf *to, struct input *in, bool pattern)
{
	static const char *const words[] = {"a", "b", "c", "", "{x}", "*"};
	unsigned n = next(in, DEPTH);

	for (unsigned i = 0; i <= n; i++) {
		unsigned word = next(in, pattern ? 6 : 3);

		if (word == 5 && i < n)
			word = 0;
		if (word == 4)
			buf_printf(to, "/{p%u}", i);
		else if (word == 3 && i < n)
			buf_str(to, "/b");
		else
			buf_printf(to, "/%s", words[word]);
	}
}

static const char *const hosts[] = {"", "h.com", "*.h.com", "a.h.com"};
static const char *const methods[] = {"", "GET", "POST"};

/* Two of the same conditions would be refused. */
static bool
is_new(json_t *seen, const json_t *route)
{
	struct buf key _buf_ = {0};
	bool fresh;

	buf_init(&key, 512);
	val_put(&key, route);
	fresh = !json_object_get(seen, key.ptr);
	(void)json_object_set_new(seen, key.ptr, json_true());
	return fresh;
}

static json_t *
make_file(struct input *in)
{
	json_t *routes = json_array();
	_json_ json_t *seen = json_object();
	unsigned count = 1 + next(in, ROUTES);

	for (unsigned i = 0; i < count; i++) {
		struct buf path _buf_ = {0};
		const char *host = hosts[next(in, 4)];
		const char *method = methods[next(in, 3)];
		json_t *r;

		buf_init(&path, 256);
		put_path(&path, in, true);
		r = json_pack("{s:s, s:{s:s}}", "path", path.ptr, "to",
			"function", "f");
		if (*host)
			(void)json_object_set_new(r, "host", json_string(host));
		if (*method)
			(void)json_object_set_new(
				r, "method", json_string(method));
		if (next(in, 4) == 0)
			(void)json_object_set_new(
				r, "headers", json_pack("{s:b}", "X-A", 1));
		if (is_new(seen, r))
			(void)json_array_append(routes, r);
		json_decref(r);
	}
	return json_pack("{s:o}", "routes", routes);
}

static struct slice
header(const void *request, const char *name)
{
	(void)name;
	return *(const bool *)request ? SLICE("1") : (struct slice){NULL, 0};
}

static const struct declared_full *
best_of(const struct declared_table *t, const struct declared_ask *ask)
{
	const struct declared_full *best = NULL;
	struct slice host = declared_host_of(ask->arena, ask->host);

	for (size_t i = 0; i < t->count; i++) {
		const struct declared_full *f = t->routes[i];

		if (declared_path_fits(f, ask->path, NULL, NULL) &&
			declared_check(f, ask, host, NULL) == FITS &&
			(!best || declared_compare(f, best) < 0))
			best = f;
	}
	return best;
}

static void
try(const struct declared_table *t, struct declared_ask *ask)
{
	const struct declared_full *want;
	int e = declared_find(t, ask);

	if (e == ERR_BAD_REQUEST)
		return;
	want = best_of(t, ask);
	if (want ? e != 0 || ask->route != &want->pub
		 : e != ERR_NOT_FOUND && e != ERR_METHOD)
		__builtin_trap();
	json_decref(declared_explain(t, ask));
}

static void
ask_all(const struct declared_table *t, struct input *in)
{
	struct arena arena;
	bool has = next(in, 2);

	arena_init(&arena, 1 << 20);
	for (int i = 0; i < 8; i++) {
		struct buf path _buf_ = {0};
		struct declared_ask ask = {
			.host = slice_str(hosts[next(in, 4)]),
			.method = slice_str(methods[1 + next(in, 2)]),
			.header = header,
			.request = &has,
			.arena = &arena};

		buf_init(&path, 256);
		put_path(&path, in, false);
		if (next(in, 3) == 0)
			buf_char(&path, '/');
		ask.path = buf_all(&path);
		try(t, &ask);
	}
	arena_done(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};
	_json_ json_t *file = NULL;
	struct declared_table *t = NULL;
	struct declared_source source = {
		.name = "routes.json", .check_only = true};
	struct fault why;

	if (!size || size > 1 << 14)
		return 0;
	if (data[0] == '{') {
		if (val_parse(&file, slice_of(data, size), &why) < 0)
			return 0;
		in = (struct input){data, data + min(size, (size_t)64)};
	} else {
		file = make_file(&in);
	}
	source.file = file;
	if (declared_table_new(&t, &source, 1, NULL, &why) == 0) {
		json_decref(declared_list(t));
		ask_all(t, &in);
	}
	(void)declared_unref(t);
	return 0;
}
