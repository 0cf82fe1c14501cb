/*
 * `host`, the one object that C gives to main.js.  Each of its functions is a
 * row; one callback finds the row again from the function object and sees to
 * the number of arguments, so that the rows can take them for granted.
 */
#include "functions/script_inside.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	TEXT_TOP = 256 * 1024 * 1024,
	NAME_TOP = 64,
	RANDOM_TOP = 16 * 1024 * 1024
};

/* What a function object of ours carries. */
struct slot {
	struct script *script;
	const struct script_host_row *row;
};

static JSValueRef
on_call(JSContextRef js, JSObjectRef function, JSObjectRef this, size_t n,
	const JSValueRef *v, JSValueRef *exc)
{
	const struct slot *slot = JSObjectGetPrivate(function);

	(void)this;
	if (n < slot->row->args)
		return js_throw(js, exc, NULL, "host.%s: %u arguments",
			slot->row->name, slot->row->args);
	return slot->row->call(slot->script, v, exc);
}

static JSValueRef
undefined(const struct script *s)
{
	return JSValueMakeUndefined(s->js);
}

static JSValueRef
host_compile(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	struct buf source _buf_ = {0}, path _buf_ = {0}, names _buf_ = {0};
	JSObjectRef f;

	buf_init(&source, TEXT_TOP);
	buf_init(&path, 64 * 1024);
	buf_init(&names, 64 * 1024);
	/* An array as a string has commas between. */
	if (!js_utf8(s->js, v[0], &source) || !js_utf8(s->js, v[1], &path) ||
		!js_utf8(s->js, v[2], &names))
		return js_throw(s->js, exc, "EFBIG", "the source is too large");
	f = js_compile(s->js, buf_all(&source), path.ptr, buf_all(&names), exc);
	return f ? f : undefined(s);
}

static JSValueRef
host_utf8(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	struct buf text _buf_ = {0};

	buf_init(&text, TEXT_TOP * 3L);
	if (!js_utf8(s->js, v[0], &text))
		return js_throw(s->js, exc, NULL, "the string is too large");
	return js_bytes(s->js, buf_all(&text), exc);
}

static JSValueRef
host_text(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	struct slice bytes;

	if (!js_slice(s->js, v[0], &bytes))
		return js_throw(s->js, exc, NULL, "host.text: bytes");
	return js_text(s->js, bytes);
}

static JSValueRef
host_random(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	double n = js_double(s->js, v[0]);
	_free_ char *bytes = NULL;

	if (n < 0 || n > RANDOM_TOP)
		return js_throw(s->js, exc, NULL,
			"random bytes: %d at the most", (int)RANDOM_TOP);
	bytes = mem_alloc((size_t)n + 1);
	crypto_random(bytes, (size_t)n);
	return js_bytes(s->js, slice_of(bytes, (size_t)n), exc);
}

static JSValueRef
host_now(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	(void)v;
	(void)exc;
	return js_number(s->js, (double)clock_now() / CLOCK_MS);
}

static JSValueRef
host_mono(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	(void)v;
	(void)exc;
	return js_number(s->js, (double)clock_mono() / CLOCK_MS);
}

static JSValueRef
host_hash(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	struct slice key = SLICE(""), in;
	uint8_t sum[DIGEST_TOP];
	struct buf name _buf_ = {0};
	bool keyed = !JSValueIsNull(s->js, v[1]);
	int n;

	buf_init(&name, 4L * NAME_TOP);
	if (!js_utf8(s->js, v[0], &name) || !js_slice(s->js, v[2], &in) ||
		(keyed && !js_slice(s->js, v[1], &key)))
		return js_throw(s->js, exc, NULL, "host.hash: arguments");
	n = keyed ? crypto_hmac(name.ptr, key, in, sum)
		  : crypto_digest(name.ptr, in, sum);
	if (n < 0)
		return js_throw(s->js, exc, "ERR_CRYPTO_INVALID_DIGEST",
			"Invalid digest: %s", name.ptr);
	return js_bytes(s->js, slice_of(sum, (size_t)n), exc);
}

static JSValueRef
host_timer(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	if (script_timer_set(&s->timers, js_double(s->js, v[0]),
		    js_double(s->js, v[1])) < 0)
		return js_throw(s->js, exc, NULL, "too many timers");
	return undefined(s);
}

static JSValueRef
host_untimer(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	(void)exc;
	script_timer_clear(&s->timers, js_double(s->js, v[0]));
	return undefined(s);
}

static JSValueRef
host_gc(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	(void)v;
	(void)exc;
	script_collect();
	return undefined(s);
}

static const struct script_host_row own[] = {
	{"compile", 3, host_compile},
	{"checkSyntax", 1, script_check},
	{"utf8", 1, host_utf8},
	{"text", 1, host_text},
	{"random", 1, host_random},
	{"now", 0, host_now},
	{"mono", 0, host_mono},
	{"hash", 3, host_hash},
	{"timer", 2, host_timer},
	{"untimer", 1, host_untimer},
	{"gc", 0, host_gc},
	{NULL, 0, NULL},
};

static const struct script_host_row *const tables[] = {
	own, script_host_files, script_host_frames, script_host_fetch};

/* Function.prototype: our functions are to be functions in every way. */
static JSValueRef
function_prototype(struct script *s)
{
	JSValueRef f =
		js_get(s->js, JSContextGetGlobalObject(s->js), "Function");

	return js_get(s->js, f, "prototype");
}

static void
put_functions(struct script *s, JSObjectRef host)
{
	JSClassDefinition definition = kJSClassDefinitionEmpty;
	JSValueRef prototype = function_prototype(s);
	JSClassRef class;

	definition.className = "Function";
	definition.callAsFunction = on_call;
	class = JSClassCreate(&definition);
	for (size_t i = 0; i < array_size(tables); i++) {
		const struct script_host_row *row = tables[i];

		for (; row->name; row++) {
			struct slot *slot = mem_new(struct slot);
			JSObjectRef f;

			slot->script = s;
			slot->row = row;
			f = JSObjectMake(s->js, class, slot);
			JSObjectSetPrototype(s->js, f, prototype);
			js_set(s->js, host, row->name, f);
		}
	}
}

static void
put_env(struct script *s, JSObjectRef host)
{
	JSObjectRef env = JSObjectMake(s->js, NULL, NULL);

	for (char *const *at = s->conf->env; *at; at++) {
		const char *sign = strchr(*at, '=');
		_free_ char *name =
			sign ? str_ndup(*at, (size_t)(sign - *at)) : NULL;

		if (name && *name)
			js_set_text(s->js, env, name, slice_str(sign + 1));
	}
	js_set(s->js, host, "env", env);
}

JSObjectRef
script_host_build(struct script *s)
{
	JSObjectRef host = JSObjectMake(s->js, NULL, NULL);
	char *setup = json_dumps(s->conf->setup, JSON_COMPACT);
	JSStringRef text = js_string(slice_str(setup ? setup : "{}"));

	js_set_text(s->js, host, "codeDir", slice_str(s->conf->code_dir));
	js_set_text(s->js, host, "runtimeDir", slice_str(s->conf->runtime_dir));
	js_set(s->js, host, "setup", JSValueMakeFromJSONString(s->js, text));
	put_env(s, host);
	put_functions(s, host);
	JSStringRelease(text);
	free(setup);
	return host;
}
