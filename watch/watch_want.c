/*
 * What a subscriber asks outlives his call, and is made a statement many times:
 * so it is copied, parsed, once.
 */
#include "base/mem.h"
#include "watch/watch_inside.h"

enum { WANT_TOP = 4 << 20 };

static int
parse(json_t **ret, struct slice text, const char *what, struct fault *why)
{
	int r;

	*ret = NULL;
	if (slice_trim(text).len == 0)
		return 0;
	r = val_parse(ret, text, why);
	if (r < 0)
		return fault_prefix(why, ERR_DB_PARAM, "%s: ", what);
	if (json_is_null(*ret)) {
		json_decref(*ret);
		*ret = NULL;
	}
	return 0;
}

static const char *
copy(struct watch_want *want, const char *text)
{
	return arena_str(&want->arena, slice_str(text ? text : ""));
}

static void
copy_scope(struct watch_want *want, const struct doc_scope *from)
{
	struct doc_scope *to = &want->req.scope;

	*to = (struct doc_scope){
		.admin = from->admin,
		.openid = copy(want, from->openid),
		.uid = copy(want, from->uid),
		.login_type = copy(want, from->login_type),
	};
	want->custom = json_incref((json_t *)(uintptr_t)from->custom);
	to->custom = want->custom;
}

static bool
is_empty(const json_t *v)
{
	return !v || json_object_size(v) + json_array_size(v) == 0;
}

static int
fill(struct watch_want *want, const struct watches *w,
	const struct watch_query *query, struct fault *why)
{
	int r = parse(&want->query, query->query, "query", why);

	if (r == 0)
		r = parse(&want->order, query->order, "orderBy", why);
	if (r == 0 && want->query && !json_is_object(want->query))
		r = fault_set(why, ERR_DB_PARAM, "query: must be an object");
	if (r < 0)
		return r;
	want->bounded = query->limit > 0 && query->limit <= WATCH_DOCS_TOP;
	want->ordered = !is_empty(want->order);
	want->req = (struct doc_request){
		.verb = DOC_FIND,
		.env = w->env,
		.query = want->query,
		.order = want->order,
		.limit = want->bounded ? query->limit : WATCH_DOCS_TOP + 1,
	};
	want->req.collection =
		slice_of(arena_str(&want->arena, query->collection),
			query->collection.len);
	copy_scope(want, &query->scope);
	return 0;
}

int
watch_want_new(struct watch_want **ret, const struct watches *w,
	const struct watch_query *query, struct fault *why)
{
	struct watch_want *want = mem_new(struct watch_want);
	int r;

	want->refs = 1;
	arena_init(&want->arena, WANT_TOP);
	if (query->query.len + query->order.len + query->collection.len >
		WANT_TOP / 4)
		r = fault_set(why, ERR_TOO_BIG, "query: %d bytes at most",
			WANT_TOP / 4);
	else
		r = fill(want, w, query, why);
	if (r < 0) {
		(void)watch_want_free(want);
		return r;
	}
	*ret = want;
	return 0;
}

struct watch_want *
watch_want_free(struct watch_want *want)
{
	if (!want || --want->refs)
		return NULL;
	json_decref(want->query);
	json_decref(want->order);
	json_decref(want->custom);
	arena_done(&want->arena);
	return mem_free(want);
}
