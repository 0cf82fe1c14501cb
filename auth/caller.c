/*
 * Words of ours to words of CloudBase's.
 */
#include "auth/caller.h"

const char *
caller_login_type(const struct caller *c)
{
	static const char *const types[][2] = {
		{"wechat", "WECHAT"},
		{"operator", "WECHAT"},
		{"anonymous", "ANONYMOUS"},
		{"custom", "CUSTOM"},
		{"password", "USERNAME"},
	};

	for (size_t i = 0; c->kind && i < array_size(types); i++)
		if (strcmp(c->kind, types[i][0]) == 0)
			return types[i][1];
	return *c->openid ? "WECHAT" : "ANONYMOUS";
}
