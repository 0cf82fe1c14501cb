/*
 * Who is believed about whom; examples of RFC 7239 and HAProxy's
 * proxy-protocol.txt.
 */
#include "http/proxy_header.h"
#include "http/trust.h"
#include "tests/unit/test.h"

#include <arpa/inet.h>

static struct trust *
trust_of(const char *text, const char *header)
{
	struct trust *t;
	struct fault why = {0};

	assert_int_equal(trust_new(&t, text, header, &why), 0);
	return t;
}

static void
addresses_and_networks_are_known_by_their_bits(void **state)
{
	struct trust *t = trust_of(
		"10.0.0.0/8 192.0.2.7  2001:db8::/33 unix", "x-forwarded-for");

	(void)state;
	assert_true(trust_knows(t, "10.255.0.1"));
	assert_false(trust_knows(t, "11.0.0.1"));
	assert_true(trust_knows(t, "192.0.2.7"));
	assert_false(trust_knows(t, "192.0.2.6"));
	assert_true(trust_knows(t, "2001:db8:7fff::1"));
	assert_false(trust_knows(t, "2001:db8:8000::1"));
	assert_true(trust_knows(t, "unix"));
	assert_false(trust_knows(t, "unknown"));
	assert_true(trust_knows(t, "::ffff:10.0.0.1"));
	trust_free(t);
	t = trust_of("0.0.0.0/0", "x-forwarded-for");
	assert_true(trust_knows(t, "203.0.113.9"));
	assert_false(trust_knows(t, "::1"));
	assert_false(trust_knows(t, "unix"));
	trust_free(t);
}

static void
nobody_is_trusted_by_an_empty_list_and_a_wrong_one_is_refused(void **state)
{
	static const char *const bad[] = {"10.0.0.0/33", "::1/129", "10.0.0",
		"a.example", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "/8"};
	struct trust *t = (struct trust *)1;
	struct fault why = {0};

	(void)state;
	assert_int_equal(trust_new(&t, " ", "forwarded", &why), 0);
	assert_null(t);
	for (size_t i = 0; i < array_size(bad); i++) {
		assert_int_equal(
			trust_new(&t, bad[i], "forwarded", &why), ERR_CONFIG);
		assert_non_null(strstr(why.text, bad[i]));
	}
}

static void
assert_told(const char *trusted, const char *header, const char *list,
	const char *peer, int tls)
{
	struct trust *t = trust_of(trusted, header);
	struct trust_told told;

	trust_read(t, slice_str(list), &told);
	assert_string_equal(told.peer, peer);
	assert_int_equal(told.tls, tls);
	trust_free(t);
}

static void
the_nearest_address_that_is_not_a_proxy_s_counts(void **state)
{
	static const char x[] = "x-forwarded-for";

	(void)state;
	assert_told("10.0.0.0/8", x, "192.0.2.1", "192.0.2.1", -1);
	/* what the client wrote itself stands on the left */
	assert_told("10.0.0.0/8", x, "1.1.1.1, 192.0.2.1", "192.0.2.1", -1);
	assert_told("10.0.0.0/8", x, "1.1.1.1, 192.0.2.1,10.0.0.2, 10.0.0.3",
		"192.0.2.1", -1);
	assert_told("10.0.0.0/8", x, "10.0.0.1, 10.0.0.2", "10.0.0.1", -1);
	assert_told("10.0.0.0/8", x, "192.0.2.1:4711", "192.0.2.1", -1);
	assert_told("10.0.0.0/8", x, "[2001:db8::1]:4711", "2001:db8::1", -1);
	assert_told("10.0.0.0/8", x, "2001:DB8:0::1", "2001:db8::1", -1);
	assert_told("10.0.0.0/8", x, "::ffff:192.0.2.1", "192.0.2.1", -1);
	/* past what cannot be read nothing is known */
	assert_told(
		"10.0.0.0/8", x, "1.1.1.1, unknown, 10.0.0.2", "10.0.0.2", -1);
	assert_told("10.0.0.0/8", x, "1.1.1.1, nonsense", "", -1);
	assert_told("10.0.0.0/8", x, "1.1.1.1,", "", -1);
	assert_told("10.0.0.0/8", x, "", "", -1);
}

static void
forwarded_is_read_as_rfc_7239_has_it(void **state)
{
	static const char f[] = "forwarded";

	(void)state;
	/* section 4 */
	assert_told("10.0.0.0/8", f, "for=\"_gazonk\"", "", -1);
	assert_told("10.0.0.0/8", f, "For=\"[2001:db8:cafe::17]:4711\"",
		"2001:db8:cafe::17", -1);
	assert_told("10.0.0.0/8", f,
		"for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60", 0);
	assert_told("10.0.0.0/8", f, "for=192.0.2.43, for=198.51.100.17",
		"198.51.100.17", -1);
	assert_told("198.51.100.17", f,
		"for=192.0.2.43;proto=https, for=198.51.100.17;proto=http",
		"192.0.2.43", 1);
	/* a comma within quotes ends nothing */
	assert_told("10.0.0.0/8", f, "for=1.1.1.1;host=\"a,for=2.2.2.2\"",
		"1.1.1.1", -1);
	assert_told("10.0.0.0/8", f, "proto=https", "", 1);
}

/* Our proxy is asked from 203.0.113.9 and appends that, whatever it was told.
 */
static void
a_quote_that_is_left_open_hides_nobody(void **state)
{
	static const char x[] = "x-forwarded-for", f[] = "forwarded";

	(void)state;
	assert_told(
		"10.0.0.0/8", x, "1.2.3.4:\", 203.0.113.9", "203.0.113.9", -1);
	assert_told(
		"10.0.0.0/8", x, "[1::2]\", 203.0.113.9", "203.0.113.9", -1);
	assert_told("10.0.0.0/8", x, "\", 203.0.113.9", "203.0.113.9", -1);
	assert_told("10.0.0.0/8", f, "for=1.2.3.4;x=\", for=203.0.113.9",
		"203.0.113.9", -1);
	assert_told("10.0.0.0/8", f, "for=1.2.3.4;x=\"\\, for=203.0.113.9",
		"203.0.113.9", -1);
	/* what is quoted by whom we trust stays whole */
	assert_told("10.0.0.0/8", f,
		"for=203.0.113.9;host=\"a\\\",for=1.1.1.1\"", "203.0.113.9",
		-1);
	assert_told("10.0.0.0/8", x, "192.0.2.1:x y", "", -1);
	assert_told("10.0.0.0/8", x, "[2001:db8::1]x", "", -1);
	assert_told("10.0.0.0/8", x, "192.0.2.1:", "", -1);
}

static int
parse(const void *bytes, size_t len, struct proxy_header *h)
{
	return proxy_header_parse(h, slice_of(bytes, len));
}

static void
assert_v1(const char *line, int result, const char *from)
{
	struct proxy_header h;
	char text[INET6_ADDRSTRLEN] = "";

	assert_int_equal(parse(line, strlen(line), &h), result);
	if (result != 1)
		return;
	if (!from) {
		assert_true(h.local);
		return;
	}
	assert_false(h.local);
	(void)inet_ntop(h.from.any.sa_family,
		h.from.any.sa_family == AF_INET ? (void *)&h.from.in.sin_addr
						: (void *)&h.from.in6.sin6_addr,
		text, sizeof(text));
	assert_string_equal(text, from);
}

static void
a_line_of_version_1_names_the_client(void **state)
{
	struct proxy_header h;

	(void)state;
	/* section 2.1's examples */
	assert_v1("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
		1, "255.255.255.255");
	assert_v1("PROXY TCP6 ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n",
		ERR_BAD_REQUEST, NULL);
	assert_v1("PROXY UNKNOWN\r\n", 1, NULL);
	assert_v1("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", 1, NULL);
	assert_v1("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"
		  "GET / HTTP/1.1\r\nHost: 192.168.0.11\r\n\r\n",
		1, "192.168.0.1");
	assert_int_equal(
		parse("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET", 35, &h), 1);
	assert_int_equal(h.need, 32);
	assert_v1("PROXY TCP6 2001:db8::1 ::1 1 2\r\n", 1, "2001:db8::1");
}

static void
what_is_no_header_is_refused(void **state)
{
	static const char *const bad[] = {"GET / HTTP/1.1\r\n", "PROXY\r\n",
		"PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "proxy TCP4",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n",
		"PROXY TCP4 1.2.3.4 ::1 1 2\r\n", "PROXY TCP5 a b c d\r\n",
		"\x16\x03\x01", "\r\n\r\n\r\n"};
	char longer[200];

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++)
		assert_v1(bad[i], ERR_BAD_REQUEST, NULL);
	memset(longer, 'a', sizeof(longer));
	memcpy(longer, "PROXY UNKNOWN ", 14);
	longer[sizeof(longer) - 1] = '\0';
	assert_v1(longer, ERR_BAD_REQUEST, NULL);
}

/* Whatever comes in pieces: no byte behind the header is ever asked for. */
static void
a_header_in_pieces_takes_its_own_bytes_only(void **state)
{
	static const char line[] = "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /";
	struct proxy_header h;

	(void)state;
	for (size_t n = 0; n < 32; n++) {
		assert_int_equal(parse(line, n, &h), 0);
		assert_true(h.need <= 32);
		assert_true(h.need >= n);
	}
	assert_int_equal(parse(line, sizeof(line) - 1, &h), 1);
}

static const unsigned char signature[] = {
	0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

static void
version_2_is_read_with_what_it_adds(void **state)
{
	unsigned char b[64] = {0};
	struct proxy_header h;

	(void)state;
	memcpy(b, signature, 12);
	b[12] = 0x21, b[13] = 0x11, b[15] = 12 + 3; /* a TLV of 3 bytes */
	memcpy(b + 16, "\xc0\x00\x02\x01\x05\x06\x07\x08\x10\x00\x01\xbb", 12);
	for (size_t n = 0; n < 31; n++)
		assert_int_equal(parse(b, n, &h), 0);
	assert_int_equal(parse(b, 40, &h), 1);
	assert_int_equal(h.need, 31);
	assert_int_equal(h.from.in.sin_family, AF_INET);
	assert_int_equal(ntohl(h.from.in.sin_addr.s_addr), 0xc0000201);
	b[15] = 11; /* too short for its addresses */
	assert_int_equal(parse(b, 40, &h), ERR_BAD_REQUEST);
	b[13] = 0x21;
	b[15] = 36;
	assert_int_equal(parse(b, 52, &h), 1);
	assert_false(h.told_tls);
	b[15] = 36 + 8; /* PP2_TYPE_SSL with PP2_CLIENT_SSL, nothing verified */
	memcpy(b + 52, "\x20\x00\x05\x01\x00\x00\x00\x00", 8);
	assert_int_equal(parse(b, 60, &h), 1);
	assert_true(h.told_tls && h.tls);
	b[55] = 0;
	assert_int_equal(parse(b, 60, &h), 1);
	assert_true(h.told_tls && !h.tls);
	b[54] = 6; /* past the header's end */
	assert_int_equal(parse(b, 60, &h), ERR_BAD_REQUEST);
	b[15] = 36;
	assert_int_equal(parse(b, 52, &h), 1);
	assert_int_equal(h.from.in6.sin6_family, AF_INET6);
	b[12] = 0x20; /* LOCAL: a health check of the proxy */
	assert_int_equal(parse(b, 52, &h), 1);
	assert_true(h.local);
	b[12] = 0x22;
	assert_int_equal(parse(b, 52, &h), ERR_BAD_REQUEST);
	b[12] = 0x31;
	assert_int_equal(parse(b, 52, &h), ERR_BAD_REQUEST);
	b[12] = 0x21, b[14] = 0xff; /* past our ceiling */
	assert_int_equal(parse(b, 52, &h), ERR_BAD_REQUEST);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			addresses_and_networks_are_known_by_their_bits),
		cmocka_unit_test(
			nobody_is_trusted_by_an_empty_list_and_a_wrong_one_is_refused),
		cmocka_unit_test(
			the_nearest_address_that_is_not_a_proxy_s_counts),
		cmocka_unit_test(forwarded_is_read_as_rfc_7239_has_it),
		cmocka_unit_test(a_quote_that_is_left_open_hides_nobody),
		cmocka_unit_test(a_line_of_version_1_names_the_client),
		cmocka_unit_test(what_is_no_header_is_refused),
		cmocka_unit_test(a_header_in_pieces_takes_its_own_bytes_only),
		cmocka_unit_test(version_2_is_read_with_what_it_adds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
