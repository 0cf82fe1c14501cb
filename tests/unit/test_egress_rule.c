/*
 * Which addresses are the internet's, and what the setting `network` allows.
 * The ranges are those of IANA's special-purpose registries; of each the first
 * and the last address is tried, and the neighbours outside of it.
 */
#include "functions/egress_rule.h"
#include "functions/egress_socks.h"
#include "tests/unit/test.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct egress_address
address(const char *text)
{
	struct egress_address a;

	if (!egress_address_parse(&a, slice_str(text)))
		fail_msg("%s is an address", text);
	return a;
}

static void
is_not_public(const char *text)
{
	struct egress_address a = address(text);

	if (!egress_address_kind(&a))
		fail_msg("%s is not public", text);
}

static void
is_public(const char *text)
{
	struct egress_address a = address(text);
	const char *kind = egress_address_kind(&a);

	if (kind)
		fail_msg("%s is public, not %s", text, kind);
}

static void
ranges_that_are_not_the_internets_are_refused_at_both_ends(void **state)
{
	static const char *const inside[] = {"0.0.0.0", "0.255.255.255",
		"10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
		"127.0.0.0", "127.0.0.1", "127.255.255.255", "168.63.129.16",
		"169.254.0.0", "169.254.169.254", "169.254.0.23",
		"169.254.255.255", "172.16.0.0", "172.31.255.255", "192.0.0.0",
		"192.0.0.192", "192.0.0.255", "192.0.2.1", "192.88.99.1",
		"192.168.0.0", "192.168.255.255", "198.18.0.0",
		"198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.0",
		"239.255.255.255", "240.0.0.0", "255.255.255.255",
		"100.100.100.200", "::", "::1", "::7f00:1",
		"fc00::", "fdff:ffff::1", "fd00:ec2::254", "fe80::1", "febf::1",
		"fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "4000::1",
		"5f00::1", "100::1", "64:ff9b:1::1", "2001:10::1", "2001:2::1"};

	(void)state;
	for (size_t i = 0; i < array_size(inside); i++)
		is_not_public(inside[i]);
}

static void
their_neighbours_are_public(void **state)
{
	static const char *const outside[] = {"1.0.0.0", "9.255.255.255",
		"11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
		"128.0.0.0", "168.63.129.15", "169.253.255.255", "169.255.0.0",
		"172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0",
		"192.167.255.255", "192.169.0.0", "198.17.255.255",
		"198.20.0.0", "223.255.255.255", "8.8.8.8", "1.1.1.1",
		"2606:4700::1111", "2001:4860:4860::8888", "2400:3200::1",
		"2001:db7::1", "3ffe:ffff::1"};

	(void)state;
	for (size_t i = 0; i < array_size(outside); i++)
		is_public(outside[i]);
}

static void
an_address_that_carries_another_is_what_that_one_is(void **state)
{
	(void)state;
	is_not_public("::ffff:127.0.0.1");
	is_not_public("::ffff:10.0.0.5");
	is_not_public("::ffff:169.254.169.254");
	is_public("::ffff:8.8.8.8");
	is_not_public("64:ff9b::10.0.0.5");
	is_not_public("64:ff9b::7f00:1");
	is_public("64:ff9b::8.8.8.8");
	is_not_public("2002:7f00:1::1");
	is_not_public("2002:a9fe:a9fe::");
	is_public("2002:808:808::1");
	/* Teredo: server 65.54.227.120; client 192.0.2.45 inverted, as in RFC
	 * 4380's own example, then a private and a public one. */
	is_not_public("2001:0:4136:e378:8000:63bf:3fff:fdd2");
	is_not_public("2001:0:4136:e378:8000:63bf:f5ff:fffa");
	is_public("2001:0:4136:e378:8000:63bf:f7f7:f7f7");
	is_not_public("2001:0:a00:1:8000:63bf:f7f7:f7f7");
}

static void
only_plain_addresses_are_read(void **state)
{
	static const char *const bad[] = {"", "127.1", "0x7f.0.0.1",
		"2130706433", "010.0.0.1x", "1.2.3", "[::1]", "fe80::1%lo",
		"1.2.3.4 ", "::1::", "host"};
	struct egress_address a;

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++)
		if (egress_address_parse(&a, slice_str(bad[i])))
			fail_msg("%s is no address", bad[i]);
}

static struct egress_rules rules;
static struct fn_settings fn;

static void
set(const char *json)
{
	struct fault why = {0};

	egress_rules_done(&rules);
	json_decref(fn.hosts);
	fn.network = NETWORK_HOSTS;
	assert_int_equal(val_parse(&fn.hosts, slice_str(json), NULL), 0);
	if (json_is_string(fn.hosts)) {
		fn.network = NETWORK_INTERNET;
		json_decref(fn.hosts);
		fn.hosts = json_array();
	}
	if (egress_rules_init(&rules, &fn, &why) < 0)
		fail_msg("%s", why.text);
}

static int
clean(void **state)
{
	(void)state;
	egress_rules_done(&rules);
	json_decref(fn.hosts);
	fn.hosts = NULL;
	return 0;
}

static bool
name(const char *text, uint16_t port)
{
	return egress_rules_name(&rules, text, port, NULL) == 0;
}

static bool
leads(const char *from, const char *to, uint16_t port)
{
	struct egress_address a = address(to);

	return egress_rules_address(&rules, from, &a, port, NULL) == 0;
}

static void
the_internet_is_every_public_address(void **state)
{
	(void)state;
	set("\"internet\"");
	assert_true(name("anything.example.com", 25));
	assert_true(leads("", "8.8.8.8", 53));
	assert_true(leads("x.example", "2606:4700::1111", 443));
	assert_false(leads("", "10.0.0.5", 5432));
	assert_false(leads("x.example", "127.0.0.1", 80));
}

static void
a_list_is_the_names_and_ports_on_it(void **state)
{
	(void)state;
	set("[\"api.example.com:443\", \"*.cdn.example.com\", \"any.net\"]");
	assert_true(name("api.example.com", 443));
	assert_false(name("api.example.com", 80));
	assert_false(name("xapi.example.com", 443));
	assert_false(name("api.example.com.evil.net", 443));
	assert_true(name("a.cdn.example.com", 8080));
	assert_true(name("a.b.cdn.example.com", 8080));
	assert_false(name("cdn.example.com", 8080));
	assert_false(name("xcdn.example.com", 8080));
	assert_true(name("any.net", 1));
	assert_true(leads("any.net", "8.8.8.8", 1));
	assert_false(leads("", "8.8.8.8", 1)); /* no address was listed */
}

static void
a_name_leads_to_private_addresses_only_when_its_entry_says_so(void **state)
{
	(void)state;
	set("[\"a.corp:5432\", \"b.corp:5432!private\", \"10.0.0.5:6379\"]");
	assert_false(leads("a.corp", "10.1.1.1", 5432));
	assert_true(leads("a.corp", "8.8.8.8", 5432));
	assert_true(leads("b.corp", "10.1.1.1", 5432));
	assert_true(leads("b.corp", "127.0.0.1", 5432));
	assert_false(leads("b.corp", "10.1.1.1", 5433));
	assert_true(leads("", "10.0.0.5", 6379));
	assert_false(leads("", "10.0.0.5", 6380));
	assert_false(leads("", "10.0.0.6", 6379));
}

static void
the_internet_and_more_can_be_listed(void **state)
{
	(void)state;
	set("[\"internet\", \"10.0.0.5:6379\", \"[::1]:80\"]");
	assert_true(name("x.example", 443));
	assert_true(leads("", "8.8.8.8", 443));
	assert_true(leads("", "10.0.0.5", 6379));
	assert_true(leads("", "::1", 80));
	assert_true(leads("", "::ffff:10.0.0.5", 6379)); /* the same */
	assert_false(leads("", "10.0.0.6", 6379));
}

/* In a network of its own, whose loopback has a public address besides. */
static int
own_public_address_is_refused(void)
{
	struct ifreq r = {.ifr_name = "lo"};
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x08080808)};
	struct egress_address ours = address("8.8.8.8");
	struct egress_address theirs = address("8.8.4.4");
	struct fault why = {0};
	int fd;

	if (unshare((geteuid() ? CLONE_NEWUSER : 0) | CLONE_NEWNET) < 0)
		return 0; /* a machine that cannot play it */
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	r.ifr_flags = IFF_UP;
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &r) < 0)
		return 1;
	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "lo:1");
	memcpy(&r.ifr_addr, &in, sizeof(in));
	if (ioctl(fd, SIOCSIFADDR, &r) < 0)
		return 2;
	if (!egress_address_is_ours(&ours) || egress_address_is_ours(&theirs))
		return 3;
	if (egress_rules_address(&rules, "", &ours, 5432, &why) != ERR_DENIED)
		return 4;
	return strstr(why.text, "an address of this server itself") ? 0 : 5;
}

static void
this_servers_own_public_addresses_are_refused(void **state)
{
	int status = -1;
	pid_t pid;

	(void)state;
	set("\"internet\"");
	pid = fork();
	if (pid == 0)
		_exit(own_public_address_is_refused());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
what_is_refused_says_what_to_write(void **state)
{
	struct fault why = {0};
	struct egress_address a = address("10.0.0.5");

	(void)state;
	set("\"internet\"");
	assert_int_equal(
		egress_rules_address(&rules, "", &a, 5432, &why), ERR_DENIED);
	assert_string_equal(why.text,
		"network: 10.0.0.5:5432 is a private address: list it in "
		"\"network\" (cloudbaserc.json, the function's \"mpcloud\")");
	assert_int_equal(
		egress_rules_address(&rules, "db.corp", &a, 5432, &why),
		ERR_DENIED);
	assert_string_equal(why.text,
		"network: db.corp:5432 is 10.0.0.5, a private address: list "
		"\"db.corp:5432!private\" in \"network\" (cloudbaserc.json, "
		"the function's \"mpcloud\")");
	set("[\"api.example.com\"]");
	assert_int_equal(
		egress_rules_name(&rules, "evil.com", 443, &why), ERR_DENIED);
	assert_string_equal(why.text,
		"network: evil.com:443 is not one of this function's hosts: "
		"list it in \"network\" (cloudbaserc.json, the function's "
		"\"mpcloud\")");
}

static void
entries_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = {"", "host:", "host:0", "host:65536",
		"host:http", "http://host", "a b", "*", "*.", "[::1",
		"[host]:1", "host/path", "10.0.0.0/8:1", "-.-..x",
		"x!private:80", "internet:80!"};

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++) {
		struct egress_rule rule;
		struct fault why = {0};
		bool internet;

		if (egress_rule_parse(&rule, &internet, slice_str(bad[i]),
			    &why) != ERR_PARAM)
			fail_msg("\"%s\" is no entry", bad[i]);
		assert_non_null(strstr(why.text, "api.example.com:443"));
	}
}

static void
names_are_compared_without_case_and_last_dot(void **state)
{
	char room[EGRESS_NAME];

	(void)state;
	assert_true(egress_name_clean(SLICE("API.Example.COM."), room));
	assert_string_equal(room, "api.example.com");
	assert_false(egress_name_clean(SLICE("a\0b"), room));
	assert_false(egress_name_clean(SLICE("a..b"), room));
	assert_false(egress_name_clean(SLICE(".a"), room));
	assert_false(egress_name_clean(SLICE("a b"), room));
	assert_false(egress_name_clean(SLICE("a%00.b"), room));
	assert_false(egress_name_clean(SLICE(""), room));
}

/* RFC 1928: version, methods; version, command, 0, type, address, port. */
static void
socks_is_read_as_rfc_1928_has_it(void **state)
{
	struct slice in = SLICE("\5\2\2\0\5\1\0\3\13example.com\1\273rest");
	struct egress_ask ask;
	bool ok = false;

	(void)state;
	assert_int_equal(egress_socks_greet(&in, &ok), 1);
	assert_true(ok);
	assert_int_equal(egress_socks_ask(&in, &ask), 1);
	assert_int_equal(ask.command, EGRESS_CONNECT);
	assert_true(slice_is(ask.name, "example.com"));
	assert_int_equal(ask.port, 443);
	assert_true(slice_is(in, "rest"));
}

static void
a_message_in_pieces_waits_for_its_end(void **state)
{
	static const char all[] = "\5\1\0\1\12\0\0\5\25\70";
	struct egress_ask ask;

	(void)state;
	for (size_t n = 0; n < 10; n++) {
		struct slice in = slice_of(all, n);

		assert_int_equal(egress_socks_ask(&in, &ask), 0);
		assert_int_equal(in.len, n);
	}
	struct slice in = slice_of(all, 10);
	assert_int_equal(egress_socks_ask(&in, &ask), 1);
	assert_int_equal(ask.port, 5432);
	assert_int_equal(ask.address.bytes[3], 5);
}

static void
what_is_not_socks_5_is_refused(void **state)
{
	struct egress_ask ask;
	bool ok = true;
	struct slice http = SLICE("GET / HTTP/1.1\r\n"), four = SLICE("\4\1");
	struct slice strange = SLICE("\5\1\0\7xxxxxxxxxx");
	struct slice empty = SLICE("\5\1\0\3\0\1\273");
	struct slice password = SLICE("\5\1\2");

	(void)state;
	assert_int_equal(egress_socks_greet(&http, &ok), ERR_FORMAT);
	assert_int_equal(egress_socks_greet(&four, &ok), ERR_FORMAT);
	assert_int_equal(egress_socks_ask(&strange, &ask), ERR_PARAM);
	assert_int_equal(egress_socks_ask(&empty, &ask), ERR_FORMAT);
	assert_int_equal(egress_socks_greet(&password, &ok), 1);
	assert_false(ok);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			ranges_that_are_not_the_internets_are_refused_at_both_ends),
		cmocka_unit_test(their_neighbours_are_public),
		cmocka_unit_test(
			an_address_that_carries_another_is_what_that_one_is),
		cmocka_unit_test(only_plain_addresses_are_read),
		cmocka_unit_test(the_internet_is_every_public_address),
		cmocka_unit_test(a_list_is_the_names_and_ports_on_it),
		cmocka_unit_test(
			a_name_leads_to_private_addresses_only_when_its_entry_says_so),
		cmocka_unit_test(the_internet_and_more_can_be_listed),
		cmocka_unit_test(this_servers_own_public_addresses_are_refused),
		cmocka_unit_test(what_is_refused_says_what_to_write),
		cmocka_unit_test(entries_that_are_none_are_refused),
		cmocka_unit_test(names_are_compared_without_case_and_last_dot),
		cmocka_unit_test(socks_is_read_as_rfc_1928_has_it),
		cmocka_unit_test(a_message_in_pieces_waits_for_its_end),
		cmocka_unit_test(what_is_not_socks_5_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, clean);
}
