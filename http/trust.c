/*
 * Who asked, when a proxy asks for him.  Each proxy appends the address it was
 * asked from, so the list is read from its end: the part our own proxies wrote
 * is true, and where it ends, what a client wrote begins.
 */
#include "http/trust_inside.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

enum { HOPS_TOP = 64, V4_BITS = 96 };

static int
read_address(struct slice word, struct in6_addr *ret)
{
	char text[INET6_ADDRSTRLEN];
	struct in_addr four;

	if (word.len >= sizeof(text))
		return ERR_PARAM;
	memcpy(text, word.ptr, word.len);
	text[word.len] = '\0';
	if (inet_pton(AF_INET6, text, ret) == 1)
		return 0;
	if (inet_pton(AF_INET, text, &four) != 1)
		return ERR_PARAM;
	memset(ret, 0, sizeof(*ret));
	memset(ret->s6_addr + 10, 0xff, 2);
	memcpy(ret->s6_addr + 12, &four, sizeof(four));
	return 0;
}

static void
say_address(const struct in6_addr *at, char ret[INET6_ADDRSTRLEN])
{
	if (IN6_IS_ADDR_V4MAPPED(at))
		(void)inet_ntop(
			AF_INET, at->s6_addr + 12, ret, INET6_ADDRSTRLEN);
	else
		(void)inet_ntop(AF_INET6, at, ret, INET6_ADDRSTRLEN);
}

static bool
net_has(const struct net *n, const struct in6_addr *at)
{
	unsigned bytes = n->bits / 8, rest = n->bits % 8;
	unsigned mask = 0xff00U >> rest & 0xff;

	if (memcmp(n->at.s6_addr, at->s6_addr, bytes) != 0)
		return false;
	return !rest ||
	       ((n->at.s6_addr[bytes] ^ at->s6_addr[bytes]) & mask) == 0;
}

static bool
knows(const struct trust *t, const struct in6_addr *at)
{
	for (size_t i = 0; i < t->count; i++)
		if (net_has(&t->net[i], at))
			return true;
	return false;
}

static int
net_add(struct trust *t, struct slice word, struct fault *why)
{
	struct slice rest = word, address, bits = {NULL, 0};
	struct net *n = &t->net[t->count];
	uint64_t top = 128, some = 0;
	bool four;

	if (slice_is(word, "unix")) {
		t->local = true;
		return 0;
	}
	(void)slice_split(&rest, '/', &address);
	if (address.len < word.len)
		bits = rest;
	four = !memchr(address.ptr, ':', address.len);
	if (four)
		top = 32;
	if (t->count == TRUST_NETS_TOP)
		return fault_set(why, ERR_CONFIG,
			"server.trusted_proxies: %d at most", TRUST_NETS_TOP);
	if (read_address(address, &n->at) < 0 ||
		(bits.ptr && slice_to_u64(bits, top, &some) < 0))
		return fault_set(why, ERR_CONFIG,
			"server.trusted_proxies: \"%.*s\" is no address and no "
			"network (10.0.0.0/8)",
			SLICE_ARG(word));
	n->bits = (unsigned)(bits.ptr ? some : top) + (four ? V4_BITS : 0);
	t->count++;
	return 0;
}

int
trust_new(struct trust **ret, const char *text, const char *header,
	struct fault *why)
{
	_cleanup_(trust_freep) struct trust *t = mem_new(struct trust);
	struct slice rest = slice_str(text), word;
	int e = 0;

	*ret = NULL;
	t->forwarded = strcmp(header, "forwarded") == 0;
	while (e == 0 && slice_split(&rest, ' ', &word))
		if (slice_trim(word).len)
			e = net_add(t, slice_trim(word), why);
	if (e == 0 && (t->count || t->local))
		*ret = take(t);
	return e;
}

struct trust *
trust_free(struct trust *t)
{
	return mem_free(t);
}

bool
trust_knows(const struct trust *t, const char *peer)
{
	struct in6_addr at;

	if (strcmp(peer, "unix") == 0)
		return t->local;
	return read_address(slice_str(peer), &at) == 0 && knows(t, &at);
}

static bool
is_escaped(struct slice s, size_t at)
{
	size_t n = 0;

	while (n < at && s.ptr[at - n - 1] == '\\')
		n++;
	return n % 2 == 1;
}

/* Where the last element begins.  It is looked for from the end, like all that
 * is believed here: a quote that a client leaves open must not swallow what our
 * proxy wrote behind it. */
static size_t
last_start(struct slice s, bool quotes)
{
	bool quoted = false;

	for (size_t i = s.len; i > 0; i--) {
		char c = s.ptr[i - 1];

		if (quotes && c == '"' && !(quoted && is_escaped(s, i - 1)))
			quoted = !quoted;
		else if (c == ',' && !quoted)
			return i;
	}
	return 0;
}

/* The last element of a list, outside of quotes where there are any (X-
 * Forwarded-For has none); *rest loses it. */
static bool
split_last(struct slice *rest, bool quotes, struct slice *ret)
{
	size_t start;

	if (!rest->ptr)
		return false;
	start = last_start(*rest, quotes);
	*ret = slice_trim(slice_of(rest->ptr + start, rest->len - start));
	if (start)
		rest->len = start - 1;
	else
		*rest = (struct slice){NULL, 0};
	return true;
}

static struct slice
unquoted(struct slice s)
{
	if (s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"')
		return slice_of(s.ptr + 1, s.len - 2);
	return s;
}

/* A pair of one element of Forwarded; {NULL,0} when it is not there. */
static struct slice
pair_of(struct slice element, const char *name)
{
	struct slice pair, key;

	while (slice_split(&element, ';', &pair)) {
		if (!slice_split(&pair, '=', &key))
			continue;
		if (slice_is_nocase(slice_trim(key), name))
			return unquoted(slice_trim(pair));
	}
	return (struct slice){NULL, 0};
}

/* Nothing, or ":" and a port, which may be hidden ("_x"; RFC 7239, 6.2). */
static bool
is_port(struct slice s)
{
	if (!s.len)
		return true;
	for (size_t i = 1; i < s.len; i++)
		if (!isalnum((unsigned char)s.ptr[i]) &&
			!strchr("._-", s.ptr[i]))
			return false;
	return s.ptr[0] == ':' && s.len > 1;
}

static struct slice
behind(struct slice word, const char *at)
{
	return slice_of(at, word.len - (size_t)(at - word.ptr));
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80". */
static int
read_node(struct slice word, struct in6_addr *ret)
{
	const char *colon, *end;

	if (!word.len)
		return ERR_PARAM;
	if (word.ptr[0] == '[') {
		end = memchr(word.ptr, ']', word.len);
		if (!end || !is_port(behind(word, end + 1)))
			return ERR_PARAM;
		return read_address(
			slice_of(word.ptr + 1, (size_t)(end - word.ptr) - 1),
			ret);
	}
	colon = memchr(word.ptr, ':', word.len);
	if (colon && !memchr(colon + 1, ':',
			     word.len - (size_t)(colon + 1 - word.ptr))) {
		if (!is_port(behind(word, colon)))
			return ERR_PARAM;
		word.len = (size_t)(colon - word.ptr);
	}
	return read_address(word, ret);
}

int
trust_proto(struct slice proto)
{
	if (!proto.len)
		return -1;
	return slice_is_nocase(proto, "https") || slice_is_nocase(proto, "wss");
}

void
trust_read(const struct trust *t, struct slice list, struct trust_told *ret)
{
	struct slice element;
	struct in6_addr at;

	*ret = (struct trust_told){.tls = -1};
	for (int i = 0;
		i < HOPS_TOP && split_last(&list, t->forwarded, &element);
		i++) {
		struct slice node =
			t->forwarded ? pair_of(element, "for") : element;

		if (t->forwarded)
			ret->tls = trust_proto(pair_of(element, "proto"));
		/* Hidden or unknown: who told it is the last we know. */
		if (read_node(node, &at) < 0)
			return;
		say_address(&at, ret->peer);
		if (!knows(t, &at))
			return;
	}
}
