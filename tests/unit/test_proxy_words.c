/*
 * Names that servers believe of a proxy, as they are written in their own
 * documents (RFC 7239, nginx, Microsoft's IIS, CGI's HTTP_PROXY, WeChat's
 * cloud hosting), and in the spellings that arrive as the same.
 */
#include "gateway/proxy_words.h"
#include "tests/unit/test.h"

#include <ctype.h>

static const char *const proxy_s[] = {"Forwarded", "Proxy", "X-Client-IP",
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port",
	"X-Forwarded-Prefix", "X-Forwarded-Proto", "X-Forwarded-Server",
	"X-Mpcloud-Uid", "X-Original-URL", "X-Real-IP", "X-Rewrite-URL",
	"X-WX-APPID", "X-WX-FROM-OPENID", "X-WX-OPENID", "X-WX-SOURCE",
	"X-WX-UNIONID"};

static const char *const client_s[] = {"Accept", "Authorization", "Cookie",
	"For", "Forwarded-For", "Host", "Prox", "Proxies", "User-Agent", "X",
	"X-Client", "X-Forward", "X-Forwarded", "X-Mpcloud", "X-Request-Id",
	"X-WX-SERVICE", "X_WX_SERVICE", "x-wx-service", "X-WXS-OPENID"};

static bool
has_as(const char *name, char hyphen, int (*letter)(int))
{
	char text[64];
	size_t len = strlen(name);

	assert_true(len <= sizeof(text));
	for (size_t i = 0; i < len; i++)
		text[i] = name[i] == '-' ? hyphen : (char)letter(name[i]);
	return proxy_words_has(slice_of(text, len));
}

static int
same(int c)
{
	return c;
}

static void
what_a_proxy_says_is_known_in_every_spelling(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(proxy_s); i++) {
		const char *name = proxy_s[i];

		if (!has_as(name, '-', same) || !has_as(name, '-', tolower) ||
			!has_as(name, '-', toupper) ||
			!has_as(name, '_', same) ||
			!has_as(name, '_', tolower) ||
			!has_as(name, '_', toupper))
			fail_msg("%s passes in some spelling", name);
	}
}

static void
what_only_begins_or_ends_so_is_a_client_s_to_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(client_s); i++)
		if (proxy_words_has(slice_str(client_s[i])))
			fail_msg("%s is taken for a proxy's", client_s[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_proxy_says_is_known_in_every_spelling),
		cmocka_unit_test(
			what_only_begins_or_ends_so_is_a_client_s_to_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
