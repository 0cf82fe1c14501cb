/*
 * Headers on their way to a server and back.  Hop-by-hop headers stay on their
 * side (RFC 9110, 7.6.1); what we say of the client, nobody else says.
 */
#include "gateway/upstream_pass.h"

#include "base/header_name.h"
#include "gateway/declared_request.h"
#include "gateway/proxy_words.h"
#include "gateway/request.h"
#include "routes/declared.h"

#include <string.h>

/* Lengths differ nearly always: one comparison of numbers a row. */
static bool
is_one_of(struct slice name, const struct slice *names, size_t count,
	bool (*is)(struct slice, struct slice))
{
	for (size_t i = 0; i < count; i++)
		if (names[i].len == name.len && is(name, names[i]))
			return true;
	return false;
}

#define IS_ONE_OF(name, names, is) \
	is_one_of((name), (names), array_size(names), (is))

static const struct slice hop_by_hop[] = {SLICE_INIT("connection"),
	SLICE_INIT("keep-alive"), SLICE_INIT("proxy-connection"),
	SLICE_INIT("proxy-authenticate"), SLICE_INIT("proxy-authorization"),
	SLICE_INIT("te"), SLICE_INIT("trailer"),
	SLICE_INIT("transfer-encoding"), SLICE_INIT("upgrade")};

/* What we say ourselves, whoever says it besides. */
static const struct slice ours_up[] = {SLICE_INIT("host"),
	SLICE_INIT("content-length"), SLICE_INIT("expect"),
	SLICE_INIT("x-request-id"), SLICE_INIT("traceparent"),
	SLICE_INIT("x-mpcloud-uid")};
static const struct slice ours_down[] = {SLICE_INIT("content-length"),
	SLICE_INIT("date"), SLICE_INIT("x-request-id")};

/* How the bytes travel, and what we say ourselves. */
static bool
stays(struct slice name)
{
	return IS_ONE_OF(name, hop_by_hop, header_name_is) ||
	       IS_ONE_OF(name, ours_up, header_name_is);
}

/* Whether the server hears this of the client. */
static bool
goes_up(const struct heading *h, struct slice name)
{
	enum declared_auth auth = h->r->declared->auth;

	if (stays(name) || slice_lists(h->connection, name))
		return false;
	/* They were for us; the server is told who it is instead. */
	if (header_name_is(name, SLICE("authorization")))
		return auth == DECLARED_AUTH_NONE;
	if (header_name_is(name, SLICE("x-api-key")))
		return !declared_auth_is_key(auth);
	return !proxy_words_has(name);
}

/* --- to the server ------------------------------------------------------- */

/* A line of its own, whoever made the value: a route's template, too. */
static bool
is_one_line(struct slice value)
{
	return !memchr(value.ptr, '\r', value.len) &&
	       !memchr(value.ptr, '\n', value.len) &&
	       !memchr(value.ptr, '\0', value.len);
}

static void
put(void *owner, struct slice name, struct slice value)
{
	struct heading *h = owner;
	struct arena *arena = request_arena(h->r);

	if (value.len && !is_one_line(value))
		return;
	h->agent |= slice_is_nocase(name, "user-agent");
	h->accept |= slice_is_nocase(name, "accept");
	if (h->text) {
		buf_slice(h->text, name);
		buf_add(h->text, ": ", 2);
		buf_slice(h->text, value);
		buf_add(h->text, "\r\n", 2);
		return;
	}
	if (h->count < HEADING_TOP)
		h->list[h->count++] = arena_printf(arena,
			value.len ? "%.*s: %.*s" : "%.*s;%.*s", SLICE_ARG(name),
			SLICE_ARG(value));
}

static void
on_came(void *owner, struct slice name, struct slice value)
{
	const struct heading *h = owner;

	if (goes_up(h, name))
		put(owner, name, value);
}

/* A client does not say which of the route's headers are for us. */
static void
on_put(void *owner, struct slice name, struct slice value)
{
	if (!stays(name))
		put(owner, name, value);
}

static void
put_ours(struct heading *h)
{
	struct request *r = h->r;
	const struct upstream *u = h->s->of;
	struct slice asked = exchange_header(r->x, "host");
	const char *trace = request_traceparent(r);

	put(h, SLICE("Host"),
		u->host == HOST_SERVER  ? slice_str(h->s->authority)
		: u->host == HOST_NAMED ? slice_str(u->host_name)
					: asked);
	proxy_words_each(r, put, h);
	put(h, SLICE("X-Request-Id"), slice_str(exchange_id(r->x)));
	if (r->caller.uid && *r->caller.uid)
		put(h, SLICE("X-Mpcloud-Uid"), slice_str(r->caller.uid));
	if (trace)
		put(h, SLICE("traceparent"), slice_str(trace));
	if (h->upgrade) {
		put(h, SLICE("Connection"), SLICE("Upgrade"));
		put(h, SLICE("Upgrade"), SLICE("websocket"));
	}
}

/* Lines of one name are one list (RFC 9110, 5.3). */
static void
join(struct request *r, struct slice *list, struct slice more)
{
	if (list->len)
		more = slice_str(arena_printf(request_arena(r), "%.*s,%.*s",
			SLICE_ARG(*list), SLICE_ARG(more)));
	*list = more;
}

static void
on_connection(void *owner, struct slice name, struct slice value)
{
	struct heading *h = owner;

	if (slice_is_nocase(name, "connection"))
		join(h->r, &h->connection, value);
}

void
heading_make(struct heading *h)
{
	if (exchange_header(h->r->x, "connection").ptr)
		exchange_each_header(h->r->x, on_connection, h);
	put_ours(h);
	declared_each_header(h->r, on_came, on_put, h);
	if (h->text)
		return;
	/* curl would say its own */
	if (!h->agent)
		h->list[h->count++] = "User-Agent:";
	if (!h->accept)
		h->list[h->count++] = "Accept:";
}

/* --- to the client ------------------------------------------------------- */

/* Takes the next header off `rest`: lines of the head. */
static bool
next_header(struct slice *rest, struct slice *name, struct slice *value)
{
	struct slice line;

	while (slice_split(rest, '\n', &line)) {
		if (line.len && line.ptr[line.len - 1] == '\r')
			line.len--;
		/* curl passes lines on whose name is none ("Upgrade : x"), and
		 * a reader behind us may be less strict than our tables */
		if (!slice_split(&line, ':', name) || !line.ptr ||
			!header_name_is_valid(*name))
			continue;
		*value = slice_trim(line);
		return true;
	}
	return false;
}

static bool
goes_down(const struct request *r, struct slice name, struct slice value,
	struct slice connection)
{
	if (IS_ONE_OF(name, hop_by_hop, slice_eq_nocase) ||
		IS_ONE_OF(name, ours_down, slice_eq_nocase) ||
		slice_lists(connection, name) || declared_drops_header(r, name))
		return false;
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.ptr[i] < 0x20 && value.ptr[i] != '\t')
			return false;
	return true;
}

void
heading_answer(struct request *r, const struct fetch *fetch)
{
	struct slice head = buf_all(&fetch->headers), rest, name, value;
	struct slice connection = SLICE("");

	r->typed = true;
	(void)slice_split(&head, '\n', &name); /* the status */
	for (rest = head; next_header(&rest, &name, &value);)
		if (slice_is_nocase(name, "connection"))
			join(r, &connection, value);
	for (rest = head; next_header(&rest, &name, &value);)
		if (goes_down(r, name, value, connection))
			exchange_add_any_header(r->x, name, value);
}
