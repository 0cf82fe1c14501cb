/*
 * What libmicrohttpd 0.9.75 lets through and RFC 9112 does not: everything by
 * which two readers of the same bytes could come to different requests.  All
 * of it is looked at in the library's first callback, when the head is there
 * and nothing else has happened yet; a refused connection is closed, so that
 * nothing behind a doubtful head is ever taken for a request.
 *
 * The library has already dropped bare CRs and NULs, and headers on several
 * lines are mended first (http_fold.c): what is checked here is the form that
 * everybody above sees.
 */
#include "http/http_inside.h"

#include "base/header_name.h"

#include <string.h>

enum { HEADERS_TOP = 100 };

static const struct refusal_info table[] = {
	[REFUSE_NOT] = {500, "internal", "an error of ours"},
	[REFUSE_VERSION] = {400, "version",
		"only HTTP/1.0 and HTTP/1.1 are spoken here"},
	[REFUSE_METHOD] = {400, "method", "the method is not a token"},
	[REFUSE_TARGET] = {400, "target", "the request target is not valid"},
	[REFUSE_NAME] = {400, "header name", "a header's name is not a token"},
	[REFUSE_VALUE] = {400, "header value",
		"a header's value holds control characters"},
	[REFUSE_FOLD] = {400, "folded framing",
		"a header that says where the request ends stands on several "
		"lines"},
	[REFUSE_MANY] = {431, "header count", "there are too many headers"},
	[REFUSE_HOST] = {400, "host",
		"exactly one valid Host header is needed"},
	[REFUSE_LENGTH] = {400, "content-length",
		"Content-Length must be one number"},
	[REFUSE_CODING] = {400, "transfer-encoding",
		"the only transfer coding is chunked, in HTTP/1.1"},
	[REFUSE_BOTH] = {400, "length and coding",
		"Content-Length and Transfer-Encoding exclude each other"},
	[REFUSE_EXPECT] = {417, "expect",
		"the only expectation is 100-continue"},
	[REFUSE_BODY] = {413, "body size",
		"the request is larger than the setting allows"},
	[REFUSE_SLOW] = {408, "slow", "the request did not come in time"},
	[REFUSE_MEMORY] = {503, "memory",
		"too much is under way: try again shortly"},
};

const struct refusal_info *
refusal_get(enum refusal why)
{
	return &table[why];
}

static const char *
wire_code(int status)
{
	switch (status) {
	case 413:
		return err_info(ERR_TOO_BIG)->wire;
	case 431:
		return err_info(ERR_HEADER_BIG)->wire;
	case 503:
		return err_info(ERR_BUSY)->wire;
	default:
		return err_info(ERR_BAD_REQUEST)->wire;
	}
}

struct slice
refusal_body(struct exchange *x, enum refusal why)
{
	const struct refusal_info *info = refusal_get(why);

	return slice_str(arena_printf(exchange_room(x, 512),
		"{\"code\":\"%s\",\"message\":\"%s\",\"requestId\":\"%s\"}",
		wire_code(info->status), info->text, x->id));
}

/* What one walk over the headers finds. */
struct seen {
	struct exchange *x;
	unsigned hosts, lengths, codings;
	struct slice host, length, coding, expect;
	const char *end; /* of the last value */
	enum refusal why;
};

static bool
is_text_slow(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* What a vector unit compares at once: a token is some hundreds of bytes. */
typedef uint8_t bytes __attribute__((vector_size(16)));
typedef uint64_t words __attribute__((vector_size(16)));

static inline words
find_controls(const char *p)
{
	bytes n;

	memcpy(&n, p, sizeof(n));
	return (words)((n < 0x20) | (n == 0x7f));
}

/* The last bytes are loaded with some of those before, a few with spaces.  A
 * tab is found too, though it is allowed: then all is looked at again. */
static bool
is_text(struct slice s)
{
	char few[sizeof(bytes) + 1] = "                ";
	words found = {0};

	if (s.len < sizeof(bytes)) {
		memcpy(few, s.ptr, s.len);
		found = find_controls(few);
		return !(found[0] | found[1]) || is_text_slow(s);
	}
	for (size_t i = 0; i < s.len - sizeof(bytes); i += sizeof(bytes))
		found |= find_controls(s.ptr + i);
	found |= find_controls(s.ptr + s.len - sizeof(bytes));
	return !(found[0] | found[1]) || is_text_slow(s);
}

/* The length tells nearly all other names apart without reading them. */
static void
see_known(struct seen *seen, struct slice name, struct slice value)
{
	switch (name.len) {
	case sizeof("host") - 1:
		if (!slice_is_nocase(name, "host"))
			break;
		seen->hosts++;
		seen->host = value;
		break;
	case sizeof("expect") - 1:
		if (slice_is_nocase(name, "expect"))
			seen->expect = value;
		break;
	case sizeof("connection") - 1:
		if (slice_is_nocase(name, "connection") &&
			!slice_is_nocase(value, "keep-alive"))
			seen->x->last = true;
		break;
	case sizeof("content-length") - 1:
		if (!slice_is_nocase(name, "content-length"))
			break;
		seen->lengths++;
		seen->length = value;
		break;
	case sizeof("transfer-encoding") - 1:
		if (!slice_is_nocase(name, "transfer-encoding"))
			break;
		seen->codings++;
		seen->coding = value;
		break;
	default:
		break;
	}
}

static enum MHD_Result
on_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len,
	const char *value, size_t value_len)
{
	struct seen *seen = cls;
	struct slice name = slice_of(key, key_len);
	struct slice text = slice_of(value ? value : "", value_len);

	(void)kind;
	seen->end = text.ptr + text.len;
	if (!head_holds(seen->x, key) && !fold_mend(seen->x, &name, &text)) {
		seen->why = REFUSE_NAME;
		return MHD_NO;
	}
	if (seen->x->header_count == HEADERS_TOP)
		seen->why = REFUSE_MANY;
	else if (!header_name_is_valid(name))
		seen->why = REFUSE_NAME;
	else if (!is_text(text))
		seen->why = REFUSE_VALUE;
	if (seen->why)
		return MHD_NO;
	text = slice_trim(text);
	see_known(seen, name, text);
	header_keep(seen->x, name, text);
	return MHD_YES;
}

static enum refusal
check_host(const struct exchange *x, const struct seen *seen, bool old)
{
	struct slice named = x->target.authority;

	if (seen->hosts > 1 || (seen->hosts == 0 && !old))
		return REFUSE_HOST;
	if (seen->hosts && !target_authority_is_valid(seen->host))
		return REFUSE_HOST;
	/* Two names for one request: nobody may choose. */
	if (named.ptr && seen->hosts && !slice_eq_nocase(named, seen->host))
		return REFUSE_HOST;
	return REFUSE_NOT;
}

/* The library frames by what it has read itself, which is not what a folded
 * line says. */
static bool
framing_is_folded(const struct exchange *x, const struct seen *seen)
{
	const struct slice all[] = {
		seen->host, seen->length, seen->coding, seen->expect};

	for (size_t i = 0; i < array_size(all); i++)
		if (all[i].ptr && all[i].len && !head_holds(x, all[i].ptr))
			return true;
	return false;
}

static enum refusal
check_framing(struct exchange *x, const struct seen *seen, bool old)
{
	if (framing_is_folded(x, seen))
		return REFUSE_FOLD;
	if (seen->lengths && seen->codings)
		return REFUSE_BOTH;
	if (seen->lengths > 1 ||
		(seen->lengths &&
			slice_to_u64(seen->length, INT64_MAX, &x->length) < 0))
		return REFUSE_LENGTH;
	if (seen->codings > 1 ||
		(seen->codings &&
			(old || !slice_is_nocase(seen->coding, "chunked"))))
		return REFUSE_CODING;
	if (seen->expect.ptr && !slice_is_nocase(seen->expect, "100-continue"))
		return REFUSE_EXPECT;
	x->has_body = x->length > 0 || seen->codings;
	return REFUSE_NOT;
}

static enum refusal
check_target(struct exchange *x)
{
	if (target_parse(&x->target, &x->arena, x->raw, NULL) < 0)
		return REFUSE_TARGET;
	if (x->target.path[0] == '*' && !x->target.path[1] &&
		strcmp(x->method, MHD_HTTP_METHOD_OPTIONS) != 0)
		return REFUSE_TARGET;
	return strcmp(x->method, MHD_HTTP_METHOD_CONNECT) == 0 ? REFUSE_TARGET
							       : REFUSE_NOT;
}

/*
 * A line whose name is empty ends the head for the library: what follows it
 * would run as a request of its own.  It can be told by what stands between
 * the last value and the end of the head, where the library leaves the ends of
 * two lines (made NULs) and nothing else.  Then the connection is not used
 * again, so that one request runs and no second.
 */
static bool
head_is_clean(const struct exchange *x, const char *from)
{
	struct slice left;
	size_t ends = 0;

	if (!head_holds(x, from))
		return false;
	left = slice_of(from, (size_t)(x->head.ptr + x->head.len - from));
	left = slice_trim(left);
	while (ends < left.len && left.ptr[ends] == '\0')
		ends++;
	return ends == left.len && (ends == 4 || ends == 2);
}

enum refusal
http_check(struct exchange *x, const char *version)
{
	bool old = strcmp(version, MHD_HTTP_VERSION_1_1) != 0;
	struct seen seen = {
		.x = x, .end = version + sizeof(MHD_HTTP_VERSION_1_1) - 1};
	enum refusal why;

	if (old && strcmp(version, MHD_HTTP_VERSION_1_0) != 0)
		return REFUSE_VERSION;
	x->last = x->old = old;
	/* a token, too */
	if (!header_name_is_valid(slice_str(x->method)))
		return REFUSE_METHOD;
	why = check_target(x);
	if (why)
		return why;
	head_find(x);
	(void)MHD_get_connection_values_n(
		x->conn->mhd, MHD_HEADER_KIND, on_header, &seen);
	if (seen.why)
		return seen.why;
	x->doubtful = x->folded || !head_is_clean(x, seen.end);
	why = check_host(x, &seen, old);
	return why ? why : check_framing(x, &seen, old);
}
