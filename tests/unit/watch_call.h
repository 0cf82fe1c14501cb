#pragma once

/*
 * A follower of a query: what a client makes of the engine's events, as the
 * SDK's virtual-websocket-client.js does, and whether that is what the query
 * finds.  Every rule that the SDK relies on is asserted at every event.
 */

#include "tests/unit/doc_call.h"
#include "watch/watch.h"

static struct watches *watches;

/* The engine's functions; tests of the relay put its own here. */
static struct {
	void (*start)(struct watch_sub *s, const struct watch_query *query);
	void (*resume)(struct watch_sub *s, const struct watch_query *query,
		uint64_t epoch, uint64_t seq);
	void (*stop)(struct watch_sub *s);
	uint64_t (*epoch)(const struct watch_sub *s);
} door;

static _unused_ void
engine_start(struct watch_sub *s, const struct watch_query *query)
{
	watch_start(watches, s, query);
}

static _unused_ void
engine_resume(struct watch_sub *s, const struct watch_query *query,
	uint64_t epoch, uint64_t seq)
{
	watch_resume(watches, s, query, epoch, seq);
}

struct follower {
	struct watch_sub sub;
	struct watch_query query;
	json_t *docs; /* by the JSON of their _id */
	uint64_t seq, first, epoch;
	unsigned results, changes, resumed, ended;
	bool is_known;
	int err;
	struct fault why;
	char last[200]; /* "add/enqueue" … of the last change */
};

static const char *const data_words[] = {
#define WATCH_DATA(name, word) [name] = word,
#include "watch/watch_change.def"
};
static const char *const queue_words[] = {
#define WATCH_QUEUE(name, word) [name] = word,
#include "watch/watch_change.def"
};

static _unused_ json_t *
json_of(struct slice s)
{
	json_error_t error;
	json_t *v = json_loadb(s.ptr, s.len, JSON_DECODE_ANY, &error);

	if (!v)
		print_error("%.*s: %s\n", SLICE_ARG(s), error.text);
	assert_non_null(v);
	return v;
}

/* The JSON of an _id as Jansson writes it. */
static _unused_ void
name_of(struct slice id, char to[1200])
{
	_json_ json_t *v = json_of(id);
	char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);

	(void)snprintf(to, 1200, "%s", text);
	free(text);
}

static _unused_ struct follower *
follower_of(struct watch_sub *s)
{
	return container_of(s, struct follower, sub);
}

static _unused_ void
follower_result(struct watch_sub *s, uint64_t seq,
	const struct watch_change *changes, size_t count)
{
	struct follower *f = follower_of(s);

	loop_stop(&loop);
	json_object_clear(f->docs);
	f->results++;
	f->is_known = true;
	f->seq = seq;
	f->epoch = door.epoch(s);
	if (f->results == 1)
		f->first = seq;
	for (size_t i = 0; i < count; i++) {
		char id[1200];

		assert_int_equal(changes[i].data, WATCH_INIT);
		assert_int_equal(changes[i].queue, WATCH_QUEUE_INIT);
		name_of(changes[i].id, id);
		assert_null(json_object_get(f->docs, id));
		json_object_set_new(f->docs, id, json_of(changes[i].doc));
	}
}

/* lodash's set and unset, for the paths that we write. */
static _unused_ void
put_path(json_t *doc, const char *path, json_t *value)
{
	const char *dot = strchr(path, '.');
	char step[500];

	(void)snprintf(step, sizeof(step), "%.*s",
		(int)(dot ? dot - path : (long)strlen(path)), path);
	if (dot) {
		json_t *inner = json_object_get(doc, step);

		assert_true(json_is_object(inner));
		put_path(inner, dot + 1, value);
	} else if (value) {
		json_object_set(doc, step, value);
	} else {
		assert_int_equal(json_object_del(doc, step), 0);
	}
}

static _unused_ void
apply_paths(json_t *doc, const struct watch_change *c)
{
	if (c->updated.len) {
		_json_ json_t *set = json_of(c->updated);
		const char *path;
		json_t *value;

		assert_true(json_object_size(set) > 0);
		json_object_foreach (set, path, value)
			put_path(doc, path, value);
	}
	if (c->removed.len) {
		_json_ json_t *gone = json_of(c->removed);
		size_t i;
		json_t *path;

		assert_true(json_array_size(gone) > 0);
		json_array_foreach (gone, i, path)
			put_path(doc, json_string_value(path), NULL);
	}
}

static _unused_ void
same(const char *what, json_t *a, json_t *b)
{
	if (json_equal(a, b))
		return;
	print_error("%s: %s\n!= %s\n", what, json_dumps(a, JSON_SORT_KEYS),
		json_dumps(b, JSON_SORT_KEYS));
	fail();
}

static _unused_ void
follow_one(struct follower *f, const struct watch_change *c)
{
	json_t *old;
	char id[1200];

	name_of(c->id, id);
	old = json_object_get(f->docs, id);
	switch (c->queue) {
	case WATCH_ENQUEUE:
		assert_true(c->data == WATCH_ADD || c->data == WATCH_UPDATE ||
			    c->data == WATCH_LIMIT);
		assert_null(old);
		json_object_set_new(f->docs, id, json_of(c->doc));
		break;
	case WATCH_DEQUEUE:
		assert_true(c->data == WATCH_REMOVE ||
			    c->data == WATCH_UPDATE || c->data == WATCH_LIMIT);
		assert_non_null(old);
		json_object_del(f->docs, id);
		break;
	case WATCH_QUEUE_UPDATE: {
		_json_ json_t *doc = json_of(c->doc);

		assert_non_null(old);
		if (c->data == WATCH_UPDATE) {
			assert_true(c->updated.len + c->removed.len > 0);
			apply_paths(old, c);
			same("paths", old, doc);
		} else {
			assert_int_equal(c->data, WATCH_REPLACE);
			assert_false(json_equal(old, doc));
		}
		json_object_set(f->docs, id, doc);
		break;
	}
	default:
		fail();
	}
}

static _unused_ void
follower_change(struct watch_sub *s, uint64_t seq,
	const struct watch_change *changes, size_t count)
{
	struct follower *f = follower_of(s);

	loop_stop(&loop);
	assert_true(f->is_known);
	assert_int_equal(seq, f->seq + 1);
	assert_true(count > 0);
	f->seq = seq;
	f->changes++;
	for (size_t i = 0; i < count; i++)
		follow_one(f, &changes[i]);
	(void)snprintf(f->last, sizeof(f->last), "%s/%s",
		data_words[changes[0].data], queue_words[changes[0].queue]);
}

static _unused_ void
follower_resumed(struct watch_sub *s, uint64_t seq)
{
	struct follower *f = follower_of(s);

	loop_stop(&loop);
	assert_int_equal(seq, f->seq);
	f->resumed++;
}

static _unused_ void
follower_end(struct watch_sub *s, int err, const struct fault *why)
{
	struct follower *f = follower_of(s);

	loop_stop(&loop);
	f->ended++;
	f->err = err;
	f->why = *why;
}

static const struct watch_ops follower_ops = {
	.on_result = follower_result,
	.on_change = follower_change,
	.on_resumed = follower_resumed,
	.on_end = follower_end,
};

static _unused_ void
follow_prepare(struct follower *f, const char *coll, const char *query,
	const char *order, int64_t limit, const char *user)
{
	*f = (struct follower){.sub = {.ops = &follower_ops}};
	f->docs = json_object();
	f->query = (struct watch_query){
		.collection = slice_str(coll),
		.query = slice_str(query),
		.order = slice_str(order ? order : ""),
		.limit = limit,
		.scope = {.admin = !user, .openid = user},
	};
}

static _unused_ void
follow(struct follower *f, const char *coll, const char *query,
	const char *order, int64_t limit, const char *user)
{
	follow_prepare(f, coll, query, order, limit, user);
	door.start(&f->sub, &f->query);
	assert_false(f->is_known); /* never inside */
}

static _unused_ void
unfollow(struct follower *f)
{
	door.stop(&f->sub);
	json_decref(f->docs);
	f->docs = NULL;
}

enum { PATIENCE = 4000 }; /* turns of 10 ms at the most */

static _unused_ void
on_nap(struct timer *timer)
{
	(void)timer;
}

/* One turn that does not sleep for long. */
static _unused_ void
turn(void)
{
	struct timer nap = {0};

	timer_set(&nap, &loop, 10, on_nap);
	loop_turn(&loop, true);
	timer_clear(&nap);
}

#define until(condition) \
	do { \
		int left_ = PATIENCE; \
		while (!(condition) && left_--) \
			turn(); \
		if (left_ < 0) \
			print_error("never: %s\n", #condition); \
		assert_true(condition); \
	} while (0)

static _unused_ void
known(struct follower *f)
{
	until(f->is_known || f->ended);
	if (f->ended)
		print_error("%.*s: %s\n", SLICE_ARG(f->query.query),
			fault_text(&f->why, f->err));
	assert_true(f->is_known);
}

/* What the query finds now, by id. */
static _unused_ json_t *
asked(const struct follower *f)
{
	static char coll[100], query[2000], order[200];
	struct call c = {.limit = f->query.limit > 0 ? f->query.limit : 5000};
	json_t *all = json_object();
	int r;

	(void)snprintf(
		coll, sizeof(coll), "%.*s", SLICE_ARG(f->query.collection));
	(void)snprintf(query, sizeof(query), "%.*s", SLICE_ARG(f->query.query));
	(void)snprintf(order, sizeof(order), "%.*s", SLICE_ARG(f->query.order));
	c.order = order[0] ? order : NULL;
	c.user = f->query.scope.admin ? NULL : f->query.scope.openid;
	r = run(&c, DOC_FIND, coll, query[0] ? query : NULL, NULL);
	if (r < 0)
		print_error("%s: %s\n", query, fault_text(&c.op.job.why, r));
	assert_int_equal(r, 0);
	for (size_t i = 0; i < c.op.count; i++) {
		json_t *doc = json_of(c.op.list[i]);
		char *id = json_dumps(json_object_get(doc, "_id"),
			JSON_ENCODE_ANY | JSON_COMPACT);

		json_object_set_new(all, id, doc);
		free(id);
	}
	end(&c);
	return all;
}

static _unused_ bool
agrees(const struct follower *f)
{
	_json_ json_t *now = asked(f);

	return json_equal(now, f->docs);
}

static _unused_ void
settled(struct follower *f)
{
	int left = PATIENCE;

	while (!agrees(f) && left--)
		turn();
	if (left < 0) {
		_json_ json_t *now = asked(f);

		print_error("%.*s ended %u %s\n", SLICE_ARG(f->query.query),
			f->ended, f->why.text);
		same("followed and asked", f->docs, now);
	}
}

static _unused_ void
start_watches(struct watches_conf conf)
{
	conf.url = testpg_url(server);
	conf.env = "test";
	conf.docs = &docs;
	conf.queries_top = conf.queries_top ? conf.queries_top : 2000;
	conf.memory_top = conf.memory_top ? conf.memory_top : 256 << 20;
	conf.linger_ms = conf.linger_ms ? conf.linger_ms : 60000;
	assert_int_equal(watches_new(&watches, &loop, &conf, NULL), 0);
	door.start = engine_start;
	door.resume = engine_resume;
	door.stop = watch_stop;
	door.epoch = watch_epoch;
}

static _unused_ int
watch_group_start(void **state)
{
	int r = group_start(state);

	docs.limits.limit_top = WATCH_DOCS_TOP;
	if (r == 0)
		start_watches((struct watches_conf){0});
	return r;
}

static _unused_ int
watch_group_stop(void **state)
{
	watches = watches_free(watches);
	return group_stop(state);
}
