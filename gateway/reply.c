/*
 * The bytes of an answer.
 *
 * Documents and return values are JSON already; they are spliced in, or
 * quoted where a protocol wants JSON inside a string.  Quoting is done in two
 * passes, measure and write, so that an answer of any size takes one piece of
 * the arena and is sent from there.
 */
#include "gateway/reply.h"

#include "base/buf.h"
#include "base/decimal.h"

enum { SHORT_TOP = 16384, SHORT_SLACK = 64, RETRY_S = 1 };

/* An error has room in any arena: it may be about the arena being full. */
static struct slice
keep(struct arena *arena, const struct buf *b)
{
	arena->ceiling += b->len + SHORT_SLACK;
	return slice_of(arena_str(arena, buf_all(b)), b->len);
}

struct slice
reply_error(struct arena *arena, int err, const struct fault *why,
	const char *request_id)
{
	const struct err_info *info = err_info(err);
	bool ours = info->code == ERR_INTERNAL;
	const char *text = ours ? info->text : fault_text(why, err);
	struct buf b _buf_;

	buf_init(&b, SHORT_TOP);
	buf_str(&b, "{\"code\":");
	buf_json(&b, slice_str(info->wire));
	buf_str(&b, ",\"message\":");
	buf_json(&b, slice_str(text));
	buf_str(&b, ",\"requestId\":");
	buf_json(&b, slice_str(request_id));
	buf_char(&b, '}');
	return keep(arena, &b);
}

/* By code, else by status; js-sdk forgets its login at unauthenticated and at
 * invalid_grant of a refresh. */
static const char *
auth_word(const struct err_info *info)
{
	static const struct {
		int code;
		const char *word;
	} words[] = {
		{ERR_REFRESH_BAD, "invalid_grant"},
		{ERR_REFRESH_EXPIRED, "invalid_grant"},
		{ERR_TICKET_BAD, "invalid_grant"},
		{ERR_PASSWORD_BAD, "invalid_password"},
		{ERR_USER_BLOCKED, "user_blocked"},
		{ERR_UNIMPLEMENTED, "unimplemented"},
		{ERR_CONFLICT, "already_exists"},
	};

	for (size_t i = 0; i < array_size(words); i++)
		if (words[i].code == info->code)
			return words[i].word;
	switch (info->status) {
	case 401:
		return "unauthenticated";
	case 403:
		return "permission_denied";
	case 404:
		return "not_found";
	case 429:
		return "resource_exhausted";
	case 503:
	case 504:
		return "unavailable";
	default:
		return info->status < 500 ? "invalid_argument" : "internal";
	}
}

struct slice
reply_error_auth(struct arena *arena, int err, const struct fault *why,
	const char *request_id)
{
	const struct err_info *info = err_info(err);
	bool ours = info->code == ERR_INTERNAL;
	struct buf b _buf_;

	buf_init(&b, SHORT_TOP);
	buf_str(&b, "{\"error\":");
	buf_json(&b, slice_str(auth_word(info)));
	buf_str(&b, ",\"error_description\":");
	buf_json(&b, slice_str(ours ? info->text : fault_text(why, err)));
	buf_str(&b, ",\"request_id\":");
	buf_json(&b, slice_str(request_id));
	buf_char(&b, '}');
	return keep(arena, &b);
}

int
reply_retry_s(int status)
{
	return status == 503 ? RETRY_S : 0;
}

struct reply
reply_room(struct arena *arena, size_t len)
{
	char *p = arena_try(arena, len + 1);

	return (struct reply){p, p};
}

/* The letter after the backslash, 'u' for \u00XX, 0 for a plain byte. */
static char
escape_of(unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
		return (char)c;
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return c < 0x20 ? 'u' : '\0';
	}
}

/* How many bytes from `at` on need no escape. */
static size_t
plain_run(struct slice s, size_t at)
{
	static const bool escaped[256] = {
		[0 ... 0x1f] = true, ['"'] = true, ['\\'] = true};
	size_t i = at;

	while (i < s.len && !escaped[(unsigned char)s.ptr[i]])
		i++;
	return i - at;
}

size_t
reply_quoted(struct slice s)
{
	size_t n = s.len + 2;

	for (size_t i = plain_run(s, 0); i < s.len;
		i += 1 + plain_run(s, i + 1)) {
		char e = escape_of((unsigned char)s.ptr[i]);

		n += e == 'u' ? 5 : e != '\0';
	}
	return n;
}

void
reply_quote(struct reply *r, struct slice s)
{
	static const char hex[] = "0123456789abcdef";
	char *at = r->at;

	*at++ = '"';
	for (size_t i = 0; i < s.len; i++) {
		size_t run = plain_run(s, i);
		unsigned char c;
		char e;

		memcpy(at, s.ptr + i, run);
		at += run;
		i += run;
		if (i == s.len)
			break;
		c = (unsigned char)s.ptr[i];
		e = escape_of(c);
		*at++ = '\\';
		*at++ = e;
		if (e == 'u') {
			*at++ = '0';
			*at++ = '0';
			*at++ = hex[c >> 4];
			*at++ = hex[c & 15];
		}
	}
	*at++ = '"';
	r->at = at;
}

void
reply_number(struct reply *r, int64_t n)
{
	if (n < 0)
		*r->at++ = '-';
	r->at = decimal_put(r->at, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}
