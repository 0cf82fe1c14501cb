/*
 * POST /sandbox/answer: what a path of the platform's API says next, so that
 * any errcode of any API can be had, also of those the sandbox only echoes.  It
 * comes after the check of the access_token, as WeChat's own order is.
 */

#include "scripted.h"

#include "control.h"
#include "credential.h"

#include "base/mem.h"

enum { PATH_TOP = 256, COUNT_TOP = 1000000, PATHS_TOP = 256 };

struct scripted {
	struct item item; /* by path */
	int64_t left, status;
	json_t *say; /* an object */
};

static void
scripted_free(struct item *item)
{
	struct scripted *p = container_of(item, struct scripted, item);

	json_decref(p->say);
	mem_free(p);
}

void
scripted_init(struct sandbox *s)
{
	store_init(&s->scripted, PATHS_TOP, scripted_free);
}

void
scripted_done(struct sandbox *s)
{
	store_done(&s->scripted);
}

bool
api_armed(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct item *found =
		store_find(&s->scripted, slice_str(exchange_path(x)));
	struct scripted *p =
		found ? container_of(found, struct scripted, item) : NULL;
	const char *words;
	json_t *code;

	if (!p)
		return false;
	code = json_object_get(p->say, "errcode");
	words = json_string_value(json_object_get(p->say, "errmsg"));
	if (json_object_size(p->say) <= 2 && json_integer_value(code) != 0)
		answer_errcode(a, (int)json_integer_value(code),
			words ? words : "as the test said");
	else
		val_put(&a->body, p->say);
	if (p->status)
		a->status = (int)p->status;
	if (--p->left == 0)
		store_del(&s->scripted, found);
	return true;
}

static int
scripted_parse(const json_t *ask, struct slice *ret_path, int64_t *ret_count,
	json_t **ret_say, struct fault *why)
{
	json_t *say = json_object_get(ask, "answer");
	int64_t code = 0;
	struct slice words;
	int r = val_str(ask, "path", PATH_TOP, ret_path, why);

	if (r == 0)
		r = val_int_or(ask, "count", 0, COUNT_TOP, 1, ret_count, why);
	if (r == 0)
		r = val_int_or(
			ask, "errcode", INT32_MIN, INT32_MAX, 0, &code, why);
	if (r == 0)
		r = val_str_or(ask, "errmsg", PATH_TOP,
			SLICE("as the test said"), &words, why);
	if (r == 0 && say && !json_is_object(say))
		r = fault_set(why, ERR_PARAM, "answer: an object");
	if (r == 0 && !say && !json_object_get(ask, "errcode") && *ret_count)
		r = fault_set(why, ERR_PARAM,
			"errcode or answer is needed, or count 0 to take it "
			"back");
	if (r == 0)
		*ret_say = say ? json_incref(say)
			       : json_pack("{s:I,s:s%}", "errcode",
					 (json_int_t)code, "errmsg", words.ptr,
					 words.len);
	return r;
}

void
control_answer(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL, *say = NULL;
	struct slice path;
	struct fault why = {0};
	struct scripted *p;
	struct item *had;
	int64_t count, status;
	int r = control_parse(x, &ask, &why);

	if (r == 0)
		r = scripted_parse(ask, &path, &count, &say, &why);
	if (r == 0)
		r = val_int_or(ask, "status", 200, 599, 0, &status, &why);
	if (r < 0) {
		control_refuse(a, &why);
		return;
	}
	had = store_find(&s->scripted, path);
	if (had)
		store_del(&s->scripted, had);
	if (count > 0) {
		p = mem_new(struct scripted);
		p->left = count;
		p->status = status;
		p->say = take(say);
		store_add(&s->scripted, &p->item, path);
	}
	buf_str(&a->body, "{}");
}
