/*
 * wxa/business/getuserphonenumber (api_getphonenumber): a code of the phone
 * button is another kind than wx.login's, good once, for five minutes, in the
 * body only.
 */

#include "phone.h"

#include "control.h"
#include "credential.h"
#include "random.h"
#include "user.h"

#include "base/clock.h"
#include "base/mem.h"

enum { CODES_TOP = 20000, CODE_LEN = 64, CODE_TTL_S = 5 * 60, PHONE_TOP = 32 };

struct phone_code {
	struct item item;
	const struct mini *mini;
	char *phone, *country;
	int64_t ends_s;
	bool used;
};

static void
phone_free(struct item *item)
{
	struct phone_code *c = container_of(item, struct phone_code, item);

	mem_free(c->phone);
	mem_free(c->country);
	mem_free(c);
}

void
phone_init(struct sandbox *s)
{
	store_init(&s->phones, CODES_TOP, phone_free);
}

void
phone_done(struct sandbox *s)
{
	store_done(&s->phones);
}

static bool
is_digits(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
	return s.len > 0;
}

/* POST /sandbox/phone-code {phone?, countryCode?, appid?} */
void
control_phone_code(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL;
	struct slice phone, country;
	struct fault why = {0};
	struct phone_code *c;
	char name[CODE_LEN + 1];
	struct mini *m;
	int r = control_parse(x, &ask, &why);

	if (r == 0)
		r = val_str_or(ask, "phone", PHONE_TOP, SLICE("13580006666"),
			&phone, &why);
	if (r == 0)
		r = val_str_or(ask, "countryCode", PHONE_TOP, SLICE("86"),
			&country, &why);
	if (r == 0 && (!is_digits(phone) || !is_digits(country)))
		r = fault_set(
			&why, ERR_PARAM, "phone and countryCode: digits only");
	if (r < 0) {
		control_refuse(a, &why);
		return;
	}
	m = mini_named(s, ask, a);
	if (!m)
		return;
	c = mem_new(struct phone_code);
	c->mini = m;
	c->phone = str_ndup(phone.ptr, phone.len);
	c->country = str_ndup(country.ptr, country.len);
	c->ends_s = clock_now_s() + CODE_TTL_S;
	random_letters(name, CODE_LEN, HEX);
	store_add(&s->phones, &c->item, slice_str(name));
	buf_printf(&a->body, "{\"code\":\"%s\"}", name);
}

/* phoneNumber has the country's code when it is a foreign one. */
static void
phone_give(struct phone_code *c, struct answer *a)
{
	const char *head = strcmp(c->country, "86") == 0 ? "" : c->country;

	c->used = true;
	buf_printf(&a->body,
		"{\"errcode\":0,\"errmsg\":\"ok\",\"phone_info\":{"
		"\"phoneNumber\":\"%s%s%s\",\"purePhoneNumber\":\"%s\","
		"\"countryCode\":\"%s\",\"watermark\":{\"timestamp\":%lld,"
		"\"appid\":\"%s\"}}}",
		*head ? "+" : "", head, c->phone, c->phone, c->country,
		(long long)clock_now_s(), c->mini->appid);
}

void
api_phone(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct mini *m = api_enter(s, x, a, "POST");
	_json_ json_t *body = NULL;
	struct phone_code *c;
	struct item *found;
	const char *code;

	if (!m)
		return;
	/* asked with the code in the query and no body: 40029 it is */
	if (exchange_body(x).len && !(body = api_body(x, a)))
		return;
	code = json_string_value(json_object_get(body, "code"));
	found = store_find(&s->phones, slice_str(code));
	c = found ? container_of(found, struct phone_code, item) : NULL;
	if (!c || c->used || c->ends_s <= clock_now_s())
		answer_errcode(a, 40029, "invalid code");
	else if (c->mini != m)
		answer_errcode(a, 40013, "invalid appid");
	else
		phone_give(c, a);
}
