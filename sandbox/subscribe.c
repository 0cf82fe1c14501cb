/*
 * cgi-bin/message/subscribe/send (api_sendmessage).  A user has so many
 * messages of a template as he allowed; the values are held against
 * subscribe.def, because 47003 is what a mini program's author meets first.
 */

#include "subscribe.h"

#include "control.h"
#include "credential.h"
#include "random.h"
#include "user.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>

enum {
	QUOTAS_TOP = 20000,
	SENT_TOP = 1000,
	TEMPLATE_LEN = 43,
	WORD_TOP = 256,
	COUNT_TOP = 1000000,
	PAGE_TOP = 1024,
};

/* How often a user may still be sent a template's message. */
struct quota {
	struct item item; /* openid, a space, template id */
	int64_t left;
};

struct sent {
	struct item item; /* msgid */
	json_t *what;
};

static void
quota_free(struct item *item)
{
	mem_free(container_of(item, struct quota, item));
}

static void
sent_free(struct item *item)
{
	struct sent *m = container_of(item, struct sent, item);

	json_decref(m->what);
	mem_free(m);
}

void
subscribe_init(struct sandbox *s)
{
	store_init(&s->quotas, QUOTAS_TOP, quota_free);
	store_init(&s->sent, SENT_TOP, sent_free);
}

void
subscribe_done(struct sandbox *s)
{
	store_done(&s->sent);
	store_done(&s->quotas);
}

/* ---- values ---- */

typedef bool rule_fn(struct slice v);

static bool
all_of(struct slice v, const char *letters)
{
	for (size_t i = 0; i < v.len; i++)
		if (!strchr(letters, v.ptr[i]))
			return false;
	return true;
}

static bool
rule_number(struct slice v)
{
	return all_of(v, DIGITS ".-");
}

static bool
rule_letters(struct slice v)
{
	return all_of(v, LETTERS);
}

static bool
rule_ascii(struct slice v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.ptr[i] < ' ' || v.ptr[i] > '~')
			return false;
	return true;
}

/* 15:01, 2019年10月1日 15:01, 2019-10-01 and ranges of them with ~ */
static bool
rule_time(struct slice v)
{
	size_t digits = 0;

	for (size_t i = 0; i < v.len; i++)
		digits += v.ptr[i] >= '0' && v.ptr[i] <= '9';
	return digits >= 3;
}

static bool
rule_amount(struct slice v)
{
	size_t digits = 0, from = 0;

	while (from < v.len && strchr(DIGITS, v.ptr[from]) == NULL)
		from++;
	for (size_t i = from; i < v.len && strchr(DIGITS ".,", v.ptr[i]); i++)
		digits++;
	return digits > 0 && digits <= 11 && from <= 4;
}

static bool
rule_phone(struct slice v)
{
	return all_of(v, DIGITS "+- ()");
}

static const struct {
	const char *name;
	size_t top;
	rule_fn *rule;
} kinds[] = {
#define X(name, top, rule) {name, top, rule},
#include "subscribe.def"
#undef X
};

static size_t
characters(struct slice v)
{
	size_t n = 0;

	while (v.len) {
		size_t len = slice_utf8(v);

		len = len ? len : 1;
		v = slice_of(v.ptr + len, v.len - len);
		n++;
	}
	return n;
}

/* thing1: thing and a number. */
static bool
value_is_good(const char *name, struct slice v)
{
	size_t len = strcspn(name, DIGITS);

	if (!name[len] || strspn(name + len, DIGITS) != strlen(name + len))
		return false;
	for (size_t i = 0; i < array_size(kinds); i++)
		if (slice_is(slice_of(name, len), kinds[i].name))
			return v.len > 0 && characters(v) <= kinds[i].top &&
			       (!kinds[i].rule || kinds[i].rule(v));
	return false;
}

/* True when all of `data` is good, else `a` has the 47003. */
static bool
data_check(json_t *data, struct answer *a)
{
	const char *name;
	json_t *member;

	if (!json_is_object(data) || json_object_size(data) == 0) {
		answer_errcode(a, 47003, "argument invalid! data is empty");
		return false;
	}
	json_object_foreach (data, name, member) {
		const json_t *v = json_object_get(member, "value");
		_free_ char *text = NULL;

		if (json_is_string(v) &&
			value_is_good(name, slice_str(json_string_value(v))))
			continue;
		text = str_printf(
			"argument invalid! data.%.64s.value invalid", name);
		answer_errcode(a, 47003, text);
		return false;
	}
	return true;
}

/* ---- sending ---- */

static char *
quota_name(const char *openid, const char *template_id)
{
	return str_printf("%s %s", openid, template_id);
}

static struct quota *
quota_find(struct sandbox *s, const char *openid, const char *template_id)
{
	_free_ char *name = quota_name(openid, template_id);
	struct item *i = store_find(&s->quotas, slice_str(name));

	return i ? container_of(i, struct quota, item) : NULL;
}

/* Templates' ids are 43 letters; which there are nobody tells the sandbox. */
static struct errcode
message_check(struct sandbox *s, struct mini *m, const json_t *body)
{
	const char *openid = val_text(body, "touser");
	const char *template_id = val_text(body, "template_id");
	struct slice state = slice_str(val_text(body, "miniprogram_state"));
	const char *page = val_text(body, "page");
	struct quota *q;

	if (!user_find(s, m, slice_str(openid)))
		return (struct errcode){40003, "invalid openid"};
	if (strlen(template_id) != TEMPLATE_LEN ||
		!all_of(slice_str(template_id), URL_SAFE))
		return (struct errcode){40037, "invalid template_id"};
	if (state.len && !slice_is(state, "developer") &&
		!slice_is(state, "trial") && !slice_is(state, "formal"))
		return (struct errcode){
			47003, "argument invalid! miniprogram_state invalid"};
	if (*page == '/' || strlen(page) > PAGE_TOP)
		return (struct errcode){41030, "invalid page"};
	q = quota_find(s, openid, template_id);
	if (!q || q->left == 0)
		return (struct errcode){43101, "user refuse to accept the msg"};
	return (struct errcode){0, NULL};
}

static void
message_keep(struct sandbox *s, const struct mini *m, const json_t *body,
	const char *id)
{
	struct sent *keep = mem_new(struct sent);

	keep->what =
		json_pack("{s:s,s:s,s:I,s:O}", "msgid", id, "appid", m->appid,
			"sentAt", (json_int_t)clock_now_ms(), "message", body);
	store_add(&s->sent, &keep->item, slice_str(id));
}

void
api_subscribe_send(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct mini *m = api_enter(s, x, a, "POST");
	_json_ json_t *body = m ? api_body(x, a) : NULL;
	struct errcode e;
	char id[20] = "3";

	if (!body)
		return;
	e = message_check(s, m, body);
	if (e.code != 0) {
		answer_errcode(a, e.code, e.text);
		return;
	}
	if (!data_check(json_object_get(body, "data"), a))
		return;
	quota_find(s, val_text(body, "touser"), val_text(body, "template_id"))
		->left--;
	random_letters(id + 1, sizeof(id) - 2, DIGITS);
	message_keep(s, m, body, id);
	buf_printf(
		&a->body, "{\"errcode\":0,\"errmsg\":\"ok\",\"msgid\":%s}", id);
}

/* ---- POST /sandbox/subscribe, GET /sandbox/messages ---- */

void
control_subscribe(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL;
	_free_ char *made = random_name("", TEMPLATE_LEN, URL_SAFE);
	_free_ char *template_id = NULL, *name = NULL;
	struct slice chosen;
	struct fault why = {0};
	struct quota *q;
	struct user *u;
	int64_t count;
	int r = control_parse(x, &ask, &why);

	if (r == 0)
		r = val_str_or(ask, "templateId", WORD_TOP, slice_str(made),
			&chosen, &why);
	if (r == 0)
		r = val_int_or(ask, "count", 0, COUNT_TOP, 1, &count, &why);
	if (r == 0 && (chosen.len != TEMPLATE_LEN || !all_of(chosen, URL_SAFE)))
		r = fault_set(&why, ERR_PARAM,
			"templateId: %d letters, digits, - and _, as WeChat's "
			"are; without one it is made",
			TEMPLATE_LEN);
	if (r < 0) {
		control_refuse(a, &why);
		return;
	}
	u = user_named(s, ask, a);
	if (!u)
		return;
	template_id = str_ndup(chosen.ptr, chosen.len);
	q = quota_find(s, u->item.name, template_id);
	if (!q) {
		q = mem_new(struct quota);
		name = quota_name(u->item.name, template_id);
		store_add(&s->quotas, &q->item, slice_str(name));
	}
	q->left = count;
	buf_str(&a->body, "{\"templateId\":");
	buf_json(&a->body, slice_str(template_id));
	buf_char(&a->body, '}');
}

void
control_messages(struct sandbox *s, struct exchange *x, struct answer *a)
{
	bool first = true;

	(void)x;
	buf_str(&a->body, "{\"messages\":[");
	list_for_each (at, &s->sent.age) {
		struct item *i = container_of(at, struct item, in_age);

		buf_str(&a->body, first ? "" : ",");
		val_put(&a->body, container_of(i, struct sent, item)->what);
		first = false;
	}
	buf_str(&a->body, "]}");
}
