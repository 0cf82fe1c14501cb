/*
 * Settings: units, ranges, and errors that say where and what to do.
 */
#include "base/conf.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/quantity.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static struct conf *
parse(const char *text)
{
	struct fault why = {0};
	struct conf *conf = NULL;

	if (conf_parse(&conf, "t.conf", slice_str(text), &why) < 0)
		fail_msg("%s", why.text);
	return conf;
}

static void
refuse(const char *text, const char *words)
{
	struct conf *conf = NULL;
	struct fault why = {0};

	assert_int_equal(
		conf_parse(&conf, "t.conf", slice_str(text), &why), ERR_CONFIG);
	assert_null(conf);
	assert_string_equal(why.text, words);
}

static void
an_empty_file_gives_the_defaults(void **state)
{
	_cleanup_(conf_freep) struct conf *conf = parse("");

	(void)state;
	assert_string_equal(conf->server_listen, "127.0.0.1:8080");
	assert_int_equal(conf->limits_body, 6 * 1024 * 1024);
	assert_int_equal(conf->server_drain, 30000);
	assert_int_equal(conf->token_refresh_ttl, 30LL * 86400 * 1000);
	assert_true(conf->server_access_log);
	assert_false(conf->pay_client_orders);
	assert_string_equal(conf->log_level, "info");
}

static void
settings_are_read_with_their_units(void **state)
{
	_cleanup_(conf_freep) struct conf *conf =
		parse("\xef\xbb\xbf; a comment\r\n"
		      "# another = one\r\n\r\n"
		      " [ server ] \r\n"
		      "listen = 127.0.0.1:80   [::1]:8080 unix:/run/x\r\n"
		      "\tgateways=4\r\n"
		      "access_log = OFF\r\n"
		      "[limits]\n"
		      "body = 64m\n"
		      "[database]\nurl = host=/run dbname=a;b #c\n"
		      "[limits]\n"
		      "idle_timeout = 59m");

	(void)state;
	assert_string_equal(
		conf->server_listen, "127.0.0.1:80   [::1]:8080 unix:/run/x");
	assert_int_equal(conf->server_gateways, 4);
	assert_false(conf->server_access_log);
	assert_int_equal(conf->limits_body, 64 << 20);
	assert_string_equal(conf->database_url, "host=/run dbname=a;b #c");
	assert_int_equal(conf->limits_idle_timeout, 59 * 60 * 1000);
}

static void
check_value(const char *text, const char *name, const char *want)
{
	_cleanup_(conf_freep) struct conf *conf = parse(text);
	_free_ char *got = conf_show(conf, conf_find(name));

	assert_string_equal(got, want);
}

static void
values_are_shown_as_they_would_be_written(void **state)
{
	(void)state;
	check_value(
		"[limits]\nidle_timeout = 3600s", "limits.idle_timeout", "1h");
	check_value("[limits]\nidle_timeout = 1500ms", "limits.idle_timeout",
		"1500ms");
	check_value("[server]\ndrain = 0", "server.drain", "0s");
	check_value("[server]\naccess_log=true", "server.access_log", "yes");
}

static void
show_and_parse_come_round(void **state)
{
	_cleanup_(conf_freep) struct conf *first = parse(
		"[server]\nlisten = [::1]:80 0.0.0.0:81\naccess_log = no\n"
		"gateways = 7\ntls_key = /etc/x y\n"
		"[limits]\nbody=1000001\nidle_timeout=61001ms\n"
		"[database]\nurl = host=/run password='a;b#c' = d\n");
	_cleanup_(conf_freep) struct conf *second = NULL;
	_buf_ struct buf b;

	(void)state;
	buf_init(&b, 65536);
	for (size_t i = 0; i < conf_count; i++) {
		_free_ char *value = conf_show(first, &conf_rows[i]);

		buf_printf(&b, "[%s]\n%s = %s\n", conf_rows[i].section,
			conf_rows[i].name, value);
	}
	second = parse(b.ptr);
	for (size_t i = 0; i < conf_count; i++) {
		_free_ char *one = conf_show(first, &conf_rows[i]);
		_free_ char *two = conf_show(second, &conf_rows[i]);

		assert_string_equal(one, two);
	}
	assert_string_equal(
		second->database_url, "host=/run password='a;b#c' = d");
}

static void
a_bad_file_says_where_it_is_wrong(void **state)
{
	(void)state;
	refuse("[server]\n\ngateways = many",
		"t.conf:3: server.gateways: must be a number");
	refuse("[server]\ngateways = 257",
		"t.conf:2: server.gateways: must be from 0 to 256");
	refuse("[server]\ngateways = -1",
		"t.conf:2: server.gateways: must be a number");
	refuse("[server]\ndrain = 30",
		"t.conf:2: server.drain: must be a time with its unit: 500ms, "
		"10s, 5m, 2h, 30d");
	refuse("[server]\ndrain = 2h",
		"t.conf:2: server.drain: must be from 0s to 1h");
	refuse("[limits]\nbody = 6 m",
		"t.conf:2: limits.body: must be a size: 4096, 4k, 6m, 1g");
	refuse("[limits]\nbody = 65m",
		"t.conf:2: limits.body: must be from 0 to 64m");
	refuse("[limits]\nbody = 99999999999999999999g",
		"t.conf:2: limits.body: must be from 0 to 64m");
	refuse("[server]\naccess_log = maybe",
		"t.conf:2: server.access_log: must be yes or no");
	refuse("[log]\nlevel = loud",
		"t.conf:2: log.level: must be one of debug|info|warn|error");
	refuse("[server]\nrun_dir = here",
		"t.conf:2: server.run_dir: must be a path from / on");
	refuse("[server]\nlisten = localhost:80",
		"t.conf:2: server.listen: localhost:80: not an address like "
		"127.0.0.1:8080, [::1]:8080 or unix:/path");
	refuse("[alerts]\nfunction = told ; through the queue",
		"t.conf:2: alerts.function: a comment stands on a line of its "
		"own, not behind a value");
	refuse("[server]\ntls_key = /etc/key.pem\t# ours",
		"t.conf:2: server.tls_key: a comment stands on a line of its "
		"own, not behind a value");
	refuse("[server\n", "t.conf:1: ']' is missing");
	refuse("gateways = 1",
		"t.conf:1: gateways: stands before the first [section]");
	refuse("[server]\ngateways",
		"t.conf:2: neither [section], name = value nor ; comment");
	refuse("[server]\n= 1",
		"t.conf:2: neither [section], name = value nor ; comment");
}

static void
an_unknown_name_suggests_the_nearest(void **state)
{
	(void)state;
	refuse("[server]\ngatways = 1",
		"t.conf:2: server.gatways: no such setting; did you mean "
		"server.gateways?");
	refuse("[server]\nbody = 1",
		"t.conf:2: server.body: no such setting; did you mean "
		"limits.body?");
	refuse("[server]\nquite_something_else = 1",
		"t.conf:2: server.quite_something_else: no such setting");
	refuse("[limit]\n", "t.conf:1: no section [limit]; did you mean "
			    "[limits]?");
	refuse("[nowhere]\n", "t.conf:1: no section [nowhere]");
}

static void
a_setting_may_be_said_once(void **state)
{
	(void)state;
	refuse("[server]\nenv = a\n[limits]\n[server]\nenv = a",
		"t.conf:5: server.env: was set in line 2 already");
}

static void
no_nul_byte_gets_in(void **state)
{
	const struct slice text = SLICE("[server]\nenv = a\0b\n");
	struct conf *conf = NULL;
	struct fault why;

	(void)state;
	assert_int_equal(conf_parse(&conf, "t.conf", text, &why), ERR_CONFIG);
	assert_string_equal(why.text, "t.conf:2: a NUL byte");
}

static void
a_file_has_a_ceiling_and_a_name(void **state)
{
	char path[] = "/tmp/test_conf.XXXXXX";
	_close_ int fd = mkstemp(path);
	struct conf *conf = NULL;
	struct fault why;

	(void)state;
	assert_int_equal(write(fd, "[server]\nenv = x\n", 17), 17);
	assert_int_equal(conf_load(&conf, path, &why), 0);
	assert_string_equal(conf->server_env, "x");
	conf = conf_free(conf);
	assert_int_equal(ftruncate(fd, 256 * 1024 + 1), 0);
	assert_int_equal(conf_load(&conf, path, &why), ERR_TOO_BIG);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(conf_load(&conf, path, &why), -ENOENT);
	assert_non_null(strstr(why.text, path));
}

static void
every_row_can_be_found_and_has_its_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < conf_count; i++) {
		const struct conf_row *row = &conf_rows[i];
		_free_ char *name =
			str_printf("%s.%s", row->section, row->name);
		size_t len = strlen(row->text);

		assert_ptr_equal(conf_find(name), row);
		assert_int_equal(row->text[len - 1], '.');
	}
	assert_null(conf_find("server"));
	assert_null(conf_find("server.nothing"));
}

static void
sections_with_a_name_are_further_apps_and_merchants(void **state)
{
	_cleanup_(conf_freep) struct conf *conf = NULL;
	const struct conf *one, *two;
	struct fault why;

	(void)state;
	assert_int_equal(conf_parse(&conf, "t.conf",
				 SLICE("[wechat]\nappid = wxA\n"
				       "api_base = http://127.0.0.1:1\n"
				       "[wechat wxB]\nsecret_file = /b\n"
				       "[pay 1900000001]\nserial = AB\n"
				       "api_base = http://127.0.0.1:2\n"
				       "[ wechat  wxC ]\n[server]\nuser = u\n"),
				 &why),
		0);
	assert_string_equal(conf->wechat_appid, "wxA");
	assert_string_equal(conf->wechat_secret_file, "");
	assert_string_equal(conf->server_user, "u");
	one = conf_more(conf, "wechat", NULL);
	assert_string_equal(one->wechat_appid, "wxB");
	assert_string_equal(one->wechat_secret_file, "/b");
	assert_string_equal(one->wechat_api_base, "http://127.0.0.1:1");
	two = conf_more(conf, "wechat", one);
	assert_string_equal(two->title, "wxC");
	assert_null(conf_more(conf, "wechat", two));
	one = conf_more(conf, "pay", NULL);
	assert_string_equal(one->pay_mchid, "1900000001");
	assert_string_equal(one->pay_serial, "AB");
	assert_string_equal(one->pay_api_base, "http://127.0.0.1:2");
	assert_null(conf_more(conf, "pay", one));
}

static void
a_bad_section_with_a_name_is_refused(void **state)
{
	(void)state;
	refuse("[tls]\nkey = /x\n",
		"t.conf:2: tls.key: the section needs a name: [tls shop]");
	refuse("[server x]\n", "t.conf:1: [server] takes no name; [wechat "
			       "APPID], [pay MCHID] and [tls NAME] do");
	refuse("[pay a/b]\n",
		"t.conf:1: a section's name is of letters and digits");
	refuse("[pay 1]\n[pay 1]\n", "t.conf:2: [pay 1] is there already");
	refuse("[pay 1]\nmchid = 2\n",
		"t.conf:2: pay.mchid: was set in line 1 already");
	refuse("[pay 1]\nserial = 2\nserial = 3\n",
		"t.conf:3: pay.serial: was set in line 2 already");
}

static void
quantities_do_not_overflow(void **state)
{
	int64_t n = 5;

	(void)state;
	assert_int_equal(quantity_time(SLICE("106751991167300d"), &n), -ERANGE);
	assert_int_equal(quantity_bytes(SLICE("8589934592g"), &n), -ERANGE);
	assert_int_equal(quantity_bytes(SLICE("8589934591g"), &n), 0);
	assert_int_equal(n, 8589934591LL << 30);
	assert_int_equal(quantity_bytes(SLICE("k"), &n), -EINVAL);
	assert_int_equal(quantity_time(SLICE("5"), &n), -EINVAL);
	assert_int_equal(quantity_time(SLICE("5M"), &n), 0);
	assert_int_equal(n, 300000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_gives_the_defaults),
		cmocka_unit_test(settings_are_read_with_their_units),
		cmocka_unit_test(values_are_shown_as_they_would_be_written),
		cmocka_unit_test(show_and_parse_come_round),
		cmocka_unit_test(a_bad_file_says_where_it_is_wrong),
		cmocka_unit_test(an_unknown_name_suggests_the_nearest),
		cmocka_unit_test(a_setting_may_be_said_once),
		cmocka_unit_test(no_nul_byte_gets_in),
		cmocka_unit_test(a_file_has_a_ceiling_and_a_name),
		cmocka_unit_test(every_row_can_be_found_and_has_its_text),
		cmocka_unit_test(
			sections_with_a_name_are_further_apps_and_merchants),
		cmocka_unit_test(a_bad_section_with_a_name_is_refused),
		cmocka_unit_test(quantities_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
