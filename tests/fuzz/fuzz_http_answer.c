/*
 * What a function returned, as an HTTP answer; and a path and a body on their
 * way in.  No header that was accepted can end its line or be another.
 */
#include "gateway/http_trigger.h"

#include "base/val.h"
#include "tests/fuzz/fuzz.h"

static void
check(const struct http_answer *a)
{
	if (a->status < 200 || a->status > 599 ||
		a->count > HTTP_ANSWER_HEADERS)
		__builtin_trap();
	for (size_t i = 0; i < a->count; i++) {
		struct slice name = a->headers[i].name;
		struct slice value = a->headers[i].value;

		if (name.len == 0 || memchr(name.ptr, ':', name.len) ||
			slice_is_nocase(name, "content-length"))
			__builtin_trap();
		if (memchr(value.ptr, '\r', value.len) ||
			memchr(value.ptr, '\n', value.len) ||
			memchr(value.ptr, '\0', value.len))
			__builtin_trap();
	}
}

static void
no_header(const void *request,
	void (*fn)(void *owner, struct slice name, struct slice value),
	void *owner)
{
	fn(owner, SLICE("Content-Type"),
		slice_of(request, strnlen(request, 20)));
}

/* The event is JSON whatever came. */
static void
event(struct arena *arena, const char *text, struct slice data)
{
	const struct http_event e = {
		.method = "GET",
		.path = data,
		.whole = data,
		.query = data,
		.body = data,
		.request_id = "",
		.env = "",
		.appid = "",
		.client_ip = "",
		.each_header = no_header,
		.request = text,
	};
	struct buf to _buf_ = {0};

	buf_init(&to, 1 << 20);
	if (http_event_build(&to, arena, &e) == 0 &&
		val_check(buf_all(&to)) < 0)
		__builtin_trap();
	(void)http_path_rest(data, data.len ? (unsigned char)data.ptr[0] : 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size);
	struct http_answer *a;
	struct arena arena;
	char *copy;

	if (size > 1 << 16)
		return 0;
	arena_init(&arena, 1 << 20);
	a = arena_new(&arena, struct http_answer);
	if (http_answer_parse(a, &arena, text, NULL) == 0)
		check(a);
	copy = arena_str(&arena, text);
	event(&arena, copy, text);
	arena_done(&arena);
	return 0;
}
