/*
 * Content security and risk (api_msgseccheck, api_mediacheckasync,
 * api_getuserriskrank).  The judge is a word: text that holds "sandbox-risky"
 * is risky, "sandbox-review" is for people to look at; of a medium its address
 * is read in the same way.
 */

#include "credential.h"
#include "pusher.h"
#include "random.h"
#include "user.h"

#include "base/clock.h"
#include "base/mem.h"

enum { CONTENT_TOP = 2500, SEEN_S = 2 * 3600, TRACE_LEN = 26 };

struct verdict {
	const char *suggest;
	int label;
};

static struct verdict
verdict_of(const char *text)
{
	if (strstr(text, "sandbox-risky"))
		return (struct verdict){"risky", 20001};
	if (strstr(text, "sandbox-review"))
		return (struct verdict){"review", 20003};
	return (struct verdict){"pass", 100};
}

static size_t
characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((uint8_t)*text & 0xc0) != 0x80;
	return n;
}

/* What the two checks have in common. */
static struct errcode
common_check(struct sandbox *s, struct mini *m, const json_t *body)
{
	json_int_t scene = json_integer_value(json_object_get(body, "scene"));
	struct user *u = user_find(s, m, slice_str(val_text(body, "openid")));

	if (json_integer_value(json_object_get(body, "version")) != 2)
		return (struct errcode){40097, "invalid args"};
	if (scene < 1 || scene > 4)
		return (struct errcode){40129, "invalid scene"};
	if (!u)
		return (struct errcode){40003, "invalid openid"};
	if (u->seen_s + SEEN_S <= clock_now_s())
		return (struct errcode){61010,
			"code is expired or user has not visited in 2 hours"};
	return (struct errcode){0, NULL};
}

void
api_msg_sec_check(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct mini *m = api_enter(s, x, a, "POST");
	_json_ json_t *body = m ? api_body(x, a) : NULL;
	_free_ char *trace = random_name("", TRACE_LEN, HEX);
	const char *content = val_text(body, "content");
	struct verdict v = verdict_of(content);
	struct errcode e;

	if (!body)
		return;
	e = common_check(s, m, body);
	if (e.code == 0 && (!*content || characters(content) > CONTENT_TOP))
		e = (struct errcode){47001, "data format error"};
	if (e.code != 0) {
		answer_errcode(a, e.code, e.text);
		return;
	}
	buf_printf(&a->body,
		"{\"errcode\":0,\"errmsg\":\"ok\",\"result\":{\"suggest\":"
		"\"%s\",\"label\":%d},\"detail\":[{\"strategy\":"
		"\"content_model\",\"errcode\":0,\"suggest\":\"%s\",\"label\":"
		"%d,\"prob\":90}],\"trace_id\":\"%s\"}",
		v.suggest, v.label, v.suggest, v.label, trace);
}

static void
media_push(struct sandbox *s, struct mini *m, const char *openid,
	const char *trace, struct verdict v)
{
	pusher_post(s, m,
		json_pack(
			"{s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:s,s:{s:s,s:i},s:[{s:s,"
			"s:i,s:s,s:i,s:i}]}",
			"FromUserName", openid, "MsgType", "event", "Event",
			"wxa_media_check", "appid", m->appid, "trace_id", trace,
			"version", 2, "errcode", 0, "errmsg", "ok", "result",
			"suggest", v.suggest, "label", v.label, "detail",
			"strategy", "content_model", "errcode", 0, "suggest",
			v.suggest, "label", v.label, "prob", 90));
}

void
api_media_check_async(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct mini *m = api_enter(s, x, a, "POST");
	_json_ json_t *body = m ? api_body(x, a) : NULL;
	_free_ char *trace = random_name("", TRACE_LEN, HEX);
	const char *url = val_text(body, "media_url");
	struct errcode e;

	if (!body)
		return;
	e = common_check(s, m, body);
	if (e.code == 0 && !slice_starts(slice_str(url), "http"))
		e = (struct errcode){40097, "invalid args"};
	if (e.code != 0) {
		answer_errcode(a, e.code, e.text);
		return;
	}
	buf_printf(&a->body,
		"{\"errcode\":0,\"errmsg\":\"ok\",\"trace_id\":\"%s\"}", trace);
	media_push(s, m, val_text(body, "openid"), trace, verdict_of(url));
}

/* The rank is 0, unless the address says otherwise: 203.0.113.N has rank N. */
void
api_riskrank(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct mini *m = api_enter(s, x, a, "POST");
	_json_ json_t *body = m ? api_body(x, a) : NULL;
	const char *ip = val_text(body, "client_ip");
	struct slice last = slice_str(ip);
	uint64_t rank = 0;

	if (!body)
		return;
	if (strcmp(val_text(body, "appid"), m->appid) != 0) {
		answer_errcode(a, 40013, "invalid appid");
		return;
	}
	if (!user_find(s, m, slice_str(val_text(body, "openid")))) {
		answer_errcode(a, 40003, "invalid openid");
		return;
	}
	if (slice_starts(last, "203.0.113.") &&
		slice_to_u64(slice_str(ip + 10), 4, &rank) < 0)
		rank = 0;
	buf_printf(&a->body,
		"{\"errcode\":0,\"errmsg\":\"getuserriskrank succ\","
		"\"unoin_id\":%u,\"risk_rank\":%llu}",
		(unsigned)(clock_now_s() % 1000000), (unsigned long long)rank);
}
