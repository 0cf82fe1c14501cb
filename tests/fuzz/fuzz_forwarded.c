/*
 * What proxies say of their clients: PROXY headers, X-Forwarded-For, Forwarded.
 */
#include "http/proxy_header.h"
#include "http/trust.h"
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <string.h>

/* A header is complete or asks for more; either way it says the same of its
 * beginning, whatever follows. */
static void
check_proxy(struct slice bytes)
{
	struct proxy_header whole, part;
	int r = proxy_header_parse(&whole, bytes);

	if (r < 0)
		return;
	if (r == 1 && (whole.need > bytes.len || whole.need < 8))
		__builtin_trap();
	if (r == 0 && (whole.need < bytes.len || bytes.len > PROXY_HEADER_TOP))
		__builtin_trap();
	if (r == 1 &&
		proxy_header_parse(&part, slice_of(bytes.ptr, whole.need)) != 1)
		__builtin_trap();
	if (r == 1 && proxy_header_parse(
			      &part, slice_of(bytes.ptr, whole.need - 1)) == 1)
		__builtin_trap();
}

static void
check_list(const struct trust *t, struct slice list)
{
	struct trust_told told;
	unsigned char room[16];

	trust_read(t, list, &told);
	if (told.peer[0] && inet_pton(AF_INET, told.peer, room) != 1 &&
		inet_pton(AF_INET6, told.peer, room) != 1)
		__builtin_trap();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trust *x, *f;
	char text[256];
	struct trust *own = NULL;
	size_t len = min(size, sizeof(text) - 1);

	if (!x && (trust_new(&x, "10.0.0.0/8 ::1", "x-forwarded-for", NULL) ||
			  trust_new(&f, "10.0.0.0/8", "forwarded", NULL)))
		abort();
	check_proxy(slice_of(data, size));
	check_list(x, slice_of(data, size));
	check_list(f, slice_of(data, size));
	memcpy(text, data, len);
	text[len] = '\0';
	if (trust_new(&own, text, "forwarded", NULL) == 0)
		trust_free(own);
	return 0;
}
