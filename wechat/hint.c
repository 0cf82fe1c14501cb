/*
 * The rows are questions of WeChat's community and of SDKs' issues, with the
 * causes that WeChat's pages name.
 */
#include "wechat/hint.h"

#include "base/util.h"
#include "base/val.h"

#include <string.h>

static const struct row {
	const char *path; /* NULL: any */
	int64_t errcode;
	const char *text;
} rows[] = {
	{"/wxa/business/getuserphonenumber", 40029,
		"the code is that of <button open-type=\"getPhoneNumber\">, "
		"e.detail.code of bindgetphonenumber, not the one of wx.login; "
		"it works once, within five minutes, and goes into the body"},
	{"/wxa/business/getuserphonenumber", 40013,
		"the code came from another mini program than this one"},
	{"/cgi-bin/message/subscribe/send", 43101,
		"the user allowed this template with "
		"wx.requestSubscribeMessage "
		"fewer times than it was sent, or not at all"},
	{"/cgi-bin/message/subscribe/send", 47003,
		"a value of data does not fit its keyword: thing has 20 "
		"characters, phrase 5, time and date have fixed forms"},
	{"/cgi-bin/message/subscribe/send", 40037,
		"the template is not one of this mini program's"},
	{"/wxa/msg_sec_check", 61010,
		"the user must have been in the mini program in the last two "
		"hours"},
	{"/wxa/getwxacodeunlimit", 41030,
		"page must be in the released version, without a leading slash "
		"and a query, or check_path must be false"},
	{"/wxa/getwxacode", 41030, "path must be in the released version"},
	{NULL, 48001,
		"this mini program has no right to this API: see its page for "
		"which accounts and categories do"},
	{NULL, 40164,
		"this server's address is not on the mini program's IP list: "
		"mp.weixin.qq.com, Development, IP whitelist"},
};

const char *
hint_find(const char *path, int64_t errcode)
{
	for (size_t i = 0; i < array_size(rows); i++)
		if (rows[i].errcode == errcode &&
			(!rows[i].path || strcmp(rows[i].path, path) == 0))
			return rows[i].text;
	return NULL;
}

void
hint_put(struct buf *to, const json_t *answer, const char *hint)
{
	_json_ json_t *copy = json_copy((json_t *)(uintptr_t)answer);
	const char *said = json_string_value(json_object_get(answer, "errmsg"));
	json_t *text = json_sprintf("%s (%s)", said ? said : "", hint);

	if (copy && text)
		(void)json_object_set_new(copy, "errmsg", text);
	val_put(to, copy);
}
