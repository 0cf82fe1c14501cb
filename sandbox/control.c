/*
 * What WeChat has no door for: a login code without a telephone, faults on
 * request, and a count of who asked what, so that a test can say "one question
 * to WeChat, not two".
 */

#include "control.h"

enum {
	PATH_TOP = 256,
	DELAY_TOP_MS = 600000,
	COUNT_TOP = 1000000,
	PRESET_DELAY_MS = 1000
};

void
control_refuse(struct answer *a, const struct fault *why)
{
	a->status = 400;
	buf_str(&a->body, "{\"error\":");
	buf_json(&a->body, slice_str(fault_text(why, why->code)));
	buf_char(&a->body, '}');
}

/* An empty body is an empty object. */
int
control_parse(struct exchange *x, json_t **ret, struct fault *why)
{
	struct slice body = exchange_body(x);
	_json_ json_t *all = NULL;
	int r = 0;

	if (body.len == 0)
		body = SLICE("{}");
	r = val_parse(&all, body, why);
	if (r == 0 && !json_is_object(all))
		r = fault_set(why, ERR_JSON, "an object is needed");
	if (r == 0)
		*ret = take(all);
	return r;
}

#define X(name, word, executed) " " word
static const char kinds[] =
#include "fault.def"
	;
#undef X

struct wish {
	struct slice path;
	enum fault_kind kind;
	int64_t count, delay_ms, percent, seed;
};

static int
wish_parse(struct wish *ret, const json_t *ask, struct fault *why)
{
	struct slice word;
	int r = val_str_or(ask, "path", PATH_TOP, SLICE(""), &ret->path, why);

	if (r == 0)
		r = val_str(ask, "kind", PATH_TOP, &word, why);
	if (r == 0)
		r = val_int_or(ask, "percent", 1, 100, 100, &ret->percent, why);
	if (r == 0)
		r = val_int_or(ask, "seed", 0, INT64_MAX, 1, &ret->seed, why);
	if (r == 0) /* by percent: until it is taken back */
		r = val_int_or(ask, "count", 1, COUNT_TOP,
			ret->percent < 100 ? 0 : 1, &ret->count, why);
	if (r == 0)
		r = val_int_or(ask, "delay", 0, DELAY_TOP_MS, PRESET_DELAY_MS,
			&ret->delay_ms, why);
	if (r < 0)
		return r;
	ret->kind = fault_kind_find(word);
	if (ret->kind == FAULT_KINDS)
		return fault_set(why, ERR_PARAM,
			"kind: requests have these troubles:%s", kinds);
	if (ret->kind != FAULT_NONE && ret->path.len == 0)
		return fault_set(why, ERR_PARAM, "path: needed");
	return 0;
}

void
control_fault(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL;
	struct fault why = {0};
	struct wish w;
	struct armed armed = {0};
	int r = control_parse(x, &ask, &why);

	if (r == 0)
		r = wish_parse(&w, ask, &why);
	if (r == 0)
		armed = (struct armed){
			.kind = w.kind,
			.left = (unsigned)w.count,
			.delay_ms = (unsigned)w.delay_ms,
			.percent = (unsigned)w.percent,
			.dice = (uint64_t)w.seed,
		};
	if (r == 0 && w.kind == FAULT_NONE)
		faults_clear(&s->faults, w.path);
	else if (r == 0 && !faults_add(&s->faults, w.path, &armed))
		r = fault_set(&why, ERR_TOO_BIG, "too many faults wait");
	if (r < 0)
		control_refuse(a, &why);
	else
		buf_str(&a->body, "{}");
}

void
control_counts(struct sandbox *s, struct exchange *x, struct answer *a)
{
	static const char *const paths[] = {
#define X(method, path, family, fn) path,
#include "route.def"
#undef X
	};

	(void)x;
	buf_char(&a->body, '{');
	for (size_t i = 0; i < array_size(paths); i++) {
		size_t first = 0; /* of the rows with this path */

		while (strcmp(paths[first], paths[i]) != 0)
			first++;
		if (first == i)
			buf_printf(&a->body, "%s\"%s\":%llu", i ? "," : "",
				paths[i], (unsigned long long)s->counts[i]);
	}
	buf_char(&a->body, '}');
}

void
control_keys(struct sandbox *s, struct exchange *x, struct answer *a)
{
	const struct keys *k = &s->keys;
	const struct {
		const char *member, *value;
	} list[] = {
		{"appid", k->appid},
		{"mchid", k->mchid},
		{"serial", k->serial},
		{"publicKeyId", k->public_key_id},
		{"merchantPublicKey", k->merchant_pem},
		{"platformPublicKey", k->platform_pem},
	};

	(void)x;
	buf_char(&a->body, '{');
	for (size_t i = 0; i < array_size(list); i++) {
		buf_printf(&a->body, "%s\"%s\":", i ? "," : "", list[i].member);
		buf_json(&a->body, slice_str(list[i].value));
	}
	buf_char(&a->body, '}');
}
