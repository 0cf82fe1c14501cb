/*
 * XML as WeChat sends it.  What is read and what is refused is XML 1.0's own
 * (fifth edition, by section) and WeChat's published messages.
 */
#include "base/xml.h"
#include "tests/unit/test.h"

static json_t *
must_read(const char *text)
{
	struct fault why = {0};
	json_t *v = NULL;
	int r = xml_parse(&v, "xml", slice_str(text), &why);

	if (r < 0)
		fail_msg("%s: %s", text, why.text);
	return v;
}

static void
expect(const char *text, const char *json)
{
	_json_ json_t *is = must_read(text);
	_json_ json_t *wanted = json_loads(json, 0, NULL);

	assert_non_null(wanted);
	if (!json_equal(is, wanted))
		fail_msg("%s: %s", text, json_dumps(is, JSON_COMPACT));
}

static void
refuse(const char *text, const char *words)
{
	struct fault why = {0};
	json_t *v = NULL;

	assert_int_equal(
		xml_parse(&v, "xml", slice_str(text), &why), ERR_FORMAT);
	assert_null(v);
	if (!strstr(why.text, words))
		fail_msg("%s: said \"%s\"", text, why.text);
}

/* The example of the page "接收消息和事件" (text message). */
static void
a_message_of_wechat_is_read(void **state)
{
	(void)state;
	expect("<xml>\n <ToUserName><![CDATA[toUser]]></ToUserName>\n"
	       " <FromUserName><![CDATA[fromUser]]></FromUserName>\n"
	       " <CreateTime>1482048670</CreateTime>\n"
	       " <MsgType><![CDATA[text]]></MsgType>\n"
	       " <Content><![CDATA[this is a test]]></Content>\n"
	       " <MsgId>1234567890123456</MsgId>\n</xml>\n",
		"{\"ToUserName\":\"toUser\",\"FromUserName\":\"fromUser\","
		"\"CreateTime\":\"1482048670\",\"MsgType\":\"text\","
		"\"Content\":\"this is a test\","
		"\"MsgId\":\"1234567890123456\"}");
}

static void
elements_in_elements_are_objects_and_repeated_ones_arrays(void **state)
{
	(void)state;
	expect("<xml><L><I><a>1</a></I><I><a>2</a></I><I/></L><b>3</b></xml>",
		"{\"L\":{\"I\":[{\"a\":\"1\"},{\"a\":\"2\"},\"\"]},\"b\":"
		"\"3\"}");
	expect("<xml></xml>", "{}");
	expect("<xml/>", "{}");
	expect("<xml><a></a><b/><c > </c ></xml>",
		"{\"a\":\"\",\"b\":\"\",\"c\":\" \"}");
}

static void
text_is_what_stands_there(void **state)
{
	(void)state;
	expect("<xml><a>&lt;&gt;&amp;&quot;&apos;</a></xml>",
		"{\"a\":\"<>&\\\"'\"}");
	expect("<xml><a>&amp;lt;</a></xml>", "{\"a\":\"&lt;\"}");
	expect("<xml><a><![CDATA[&lt;<b>]]></a></xml>", "{\"a\":\"&lt;<b>\"}");
	expect("<xml><a>x<![CDATA[]]]]><![CDATA[>]]>y</a></xml>",
		"{\"a\":\"x]]>y\"}");
	expect("<xml><a>&#20013;&#x6587;&#x1F600;</a></xml>",
		"{\"a\":\"中文😀\"}");
	expect("<xml><a>1\r\n2\r3\n4&#13;</a></xml>",
		"{\"a\":\"1\\n2\\n3\\n4\\r\"}");
}

static void
a_declaration_may_say_utf_8_only(void **state)
{
	(void)state;
	expect("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xml/>", "{}");
	expect("\xef\xbb\xbf<?xml version='1.0' encoding='utf-8' "
	       "standalone='yes'?><xml/>",
		"{}");
	refuse("<?xml version=\"1.0\" encoding=\"GBK\"?><xml/>", "UTF-8");
	refuse("<?xml version=\"1.1\"?><xml/>", "1.0");
}

static void
nothing_dangerous_of_xml_is_known(void **state)
{
	(void)state;
	refuse("<!DOCTYPE xml [<!ENTITY a \"b\">]><xml><a>&a;</a></xml>",
		"DOCTYPE");
	refuse("<!DOCTYPE xml SYSTEM \"file:///etc/passwd\"><xml/>", "DOCTYPE");
	refuse("<xml><a>&file;</a></xml>", "entity");
	refuse("<xml><a>&lt</a></xml>", "entity");
	refuse("<xml><a>1<!-- x -->2</a></xml>", "comments");
	refuse("<xml><?php x?></xml>", "processing");
	refuse("<xml a=\"1\"/>", "attributes");
	refuse("<xml><a xmlns:x='y'>1</a></xml>", "attributes");
	refuse("<xml><x:a>1</x:a></xml>", "attributes");
}

static void
what_is_not_well_formed_is_refused(void **state)
{
	static const char *const bad[] = {"", " ", "xml", "<xml>", "<xml",
		"<xml><a></xml>", "<xml><a></b></xml>", "<xml></xml><xml/>",
		"<xml/>x", "<xml><a>1</a>x</xml>", "<xml><1/></xml>",
		"<xml><a>]]></a></xml>", "<xml><a><![CDATA[1]></a></xml>",
		"<xml><a><![cdata[1]]></a></xml>", "<xml><a>&#0;</a></xml>",
		"<xml><a>&#xD800;</a></xml>", "<xml><a>&#xFFFF;</a></xml>",
		"<xml><a>&#;</a></xml>", "<xml><a>&#999999999;</a></xml>",
		"<xml><a>\x01</a></xml>", "<xml><a>\xff</a></xml>",
		"<xml><a>\xef\xbf\xbf</a></xml>", "<xml>text</xml>", "<html/>",
		"< xml/>", "<xml/ >", "<xml><a>1</a ></xml ", "<xml><![CDATA[x",
		"<xml><a>1 < 2</a></xml>"};

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++)
		refuse(bad[i], "");
	assert_int_equal(xml_parse(&(json_t *){NULL}, "xml",
				 slice_of("<xml><a>\0</a></xml>", 19), NULL),
		ERR_FORMAT);
}

static void
ceiling(const char *open, size_t n, const char *close, int wanted)
{
	_buf_ struct buf b;
	_json_ json_t *v = NULL;

	buf_init(&b, 4 << 20);
	buf_str(&b, "<xml>");
	for (size_t i = 0; i < n; i++)
		buf_str(&b, open);
	for (size_t i = 0; i < n; i++)
		buf_str(&b, close);
	buf_str(&b, "</xml>");
	assert_int_equal(xml_parse(&v, "xml", buf_all(&b), NULL), wanted);
}

static void
depth_count_and_size_have_ceilings(void **state)
{
	(void)state;
	ceiling("<a>", XML_DEPTH_TOP - 1, "</a>", 0);
	ceiling("<a>", XML_DEPTH_TOP, "</a>", ERR_TOO_BIG);
	ceiling("<a/>", XML_COUNT_TOP - 1, "", 0);
	ceiling("<a/>", XML_COUNT_TOP, "", ERR_TOO_BIG);
	ceiling(" ", XML_TEXT_TOP - 11, "", 0);
	ceiling(" ", XML_TEXT_TOP - 10, "", ERR_TOO_BIG);
}

static int
build(struct buf *to, const char *json)
{
	_json_ json_t *v = json_loads(json, 0, NULL);

	assert_non_null(v);
	buf_init(to, 1 << 20);
	return xml_build(to, "xml", v, NULL);
}

static void
what_is_written_has_wechats_form(void **state)
{
	_buf_ struct buf b = {0};

	(void)state;
	assert_int_equal(build(&b, "{\"ToUserName\":\"gh_1\",\"CreateTime\":12,"
				   "\"L\":{\"I\":[{\"a\":\"1\"},\"x\"]},"
				   "\"n\":null,\"e\":[],\"t\":true}"),
		0);
	assert_string_equal(b.ptr,
		"<xml><ToUserName><![CDATA[gh_1]]></ToUserName>"
		"<CreateTime>12</CreateTime><L><I><a><![CDATA[1]]></a></I>"
		"<I><![CDATA[x]]></I></L><t>true</t></xml>");
}

static void
what_is_written_is_read_again(void **state)
{
	static const char text[] =
		"{\"a\":\"]]>&<>\\r\\n]]]]>> \",\"b\":{\"c\":[\"\",\"中\"]}}";
	_buf_ struct buf b = {0};

	(void)state;
	assert_int_equal(build(&b, text), 0);
	expect(b.ptr, text);
}

static void
what_xml_cannot_say_is_not_written(void **state)
{
	static const char *const bad[] = {"{\"a b\":\"1\"}", "{\"\":\"1\"}",
		"{\"a\":\"\\u0001\"}", "{\"a\":\"\\uffff\"}",
		"{\"a\":[[\"1\"]]}",
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}"
		"}}}}"};

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++) {
		_buf_ struct buf b = {0};

		assert_int_equal(build(&b, bad[i]), ERR_PARAM);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_of_wechat_is_read),
		cmocka_unit_test(
			elements_in_elements_are_objects_and_repeated_ones_arrays),
		cmocka_unit_test(text_is_what_stands_there),
		cmocka_unit_test(a_declaration_may_say_utf_8_only),
		cmocka_unit_test(nothing_dangerous_of_xml_is_known),
		cmocka_unit_test(what_is_not_well_formed_is_refused),
		cmocka_unit_test(depth_count_and_size_have_ceilings),
		cmocka_unit_test(what_is_written_has_wechats_form),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(what_xml_cannot_say_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
