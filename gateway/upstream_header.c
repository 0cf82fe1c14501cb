/*
 * Which headers pass a hop (RFC 9110, 7.6.1), and which are ours to say,
 * however somebody else spells them.
 */
#include "gateway/upstream_inside.h"

#include <strings.h>

static bool
is_one_of(struct slice name, const char *const *names)
{
	for (; *names; names++)
		if (slice_is_nocase(name, *names))
			return true;
	return false;
}

static const char *const hop_by_hop[] = {"connection", "keep-alive",
	"proxy-connection", "proxy-authenticate", "proxy-authorization", "te",
	"trailer", "transfer-encoding", "upgrade", NULL};

/* What we say ourselves. */
static const char *const ours_up[] = {"host", "content-length", "expect",
	"forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host",
	"x-request-id", "traceparent", "x-mpcloud-uid", NULL};
static const char *const ours_down[] = {
	"content-length", "date", "x-request-id", NULL};

/* Programs behind CGI's names (WSGI, PHP) do not tell "_" from "-", so to them
 * X_Mpcloud_Uid is who asks as well. */
bool
header_goes_up(struct slice name)
{
	char text[32];

	if (name.len > sizeof(text))
		return true;
	for (size_t i = 0; i < name.len; i++)
		text[i] = name.ptr[i] == '_' ? '-' : name.ptr[i];
	name = slice_of(text, name.len);
	return !is_one_of(name, hop_by_hop) && !is_one_of(name, ours_up);
}

bool
header_goes_down(struct slice name)
{
	return !is_one_of(name, hop_by_hop) && !is_one_of(name, ours_down);
}

bool
header_is_listed(struct slice connection, struct slice name)
{
	struct slice one;

	while (slice_split(&connection, ',', &one)) {
		one = slice_trim(one);
		if (one.len == name.len &&
			strncasecmp(one.ptr, name.ptr, one.len) == 0)
			return true;
	}
	return false;
}
