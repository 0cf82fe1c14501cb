/*
 * `mpcloud users list|show|devices|session`: who has logged in, from where, and
 * whether WeChat still knows his session_key.  A user may be said by any of his
 * names: uid, username, custom id, openid, unionid.
 */
#include "cli/cli_db.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The name people know: his own, else WeChat's. */
static const char *
name_of(const json_t *u)
{
	static const char *const names[] = {"username", "customId", "openid"};

	for (size_t i = 0; i < array_size(names); i++)
		if (*val_text(u, names[i]))
			return val_text(u, names[i]);
	return "";
}

static void
print_list(const json_t *users)
{
	static const char *const heads[] = {"UID", "KIND", "NAME", "APPID",
		"CREATED", "LAST LOGIN", "DEVICES", "STATE"};
	_cleanup_(cells_done) struct cells c = {0};
	json_t *u;
	size_t i;

	cells_heads(&c, heads, array_size(heads));
	json_array_foreach (users, i, u) {
		cells_add(&c, "%s", val_text(u, "uid"));
		cells_add(&c, "%s", val_text(u, "kind"));
		cells_add(&c, "%s", name_of(u));
		cells_add(&c, "%s", val_text(u, "appid"));
		cells_add_ms(&c, val_number(u, "createdAt"));
		cells_add_ms(&c, val_number(u, "lastLoginAt"));
		cells_add(&c, "%" PRId64, val_number(u, "devices"));
		cells_add(
			&c, "%s", val_number(u, "blockedAt") ? "blocked" : "");
	}
	cells_print(&c, array_size(heads));
}

static void
put_query(struct buf *path, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	buf_char(path, strchr(path->ptr, '?') ? '&' : '?');
	buf_printf(path, "%s=", name);
	text_url(path, slice_str(value));
}

/* How to see the next page. */
static void
print_more(const json_t *users, const json_t *answer)
{
	const json_t *last = json_array_get(users, json_array_size(users) - 1);

	if (json_is_true(json_object_get(answer, "more")) && last)
		(void)printf("There are more: --after %" PRId64 ":%s\n",
			val_number(last, "createdAt"), val_text(last, "uid"));
}

int
cli_users_list(struct cli *cli)
{
	struct buf path _buf_ = {0};
	_json_ json_t *answer = NULL;
	const json_t *users;
	int64_t limit;
	char text[24];
	int status = cli_number(cli, OPT_LIMIT, 1, 1000, 20, &limit);

	if (status != EXIT_OK)
		return status;
	(void)snprintf(text, sizeof(text), "%" PRId64, limit);
	buf_init(&path, 4096);
	buf_str(&path, "/ops/users");
	put_query(&path, "who", cli->count ? cli->words[0] : NULL);
	put_query(&path, "after", cli->options[OPT_AFTER]);
	put_query(&path, "limit", text);
	status = cli_ops_json(cli, "GET", path.ptr, SLICE(""), &answer);
	if (status != EXIT_OK)
		return status;
	users = json_object_get(answer, "users");
	if (cli->options[OPT_JSON]) {
		cli_print_json(answer);
		return EXIT_OK;
	}
	if (json_array_size(users) == 0) {
		(void)puts(cli->count ? "No user has this name (a uid, "
					"username, custom id, openid or "
					"unionid)."
				      : "No user yet.");
		return EXIT_OK;
	}
	print_list(users);
	print_more(users, answer);
	return EXIT_OK;
}

static int
fetch(struct cli *cli, json_t **ret)
{
	struct buf path _buf_ = {0};

	buf_init(&path, 4096);
	buf_str(&path, "/ops/users/");
	text_url(&path, slice_str(cli->words[0]));
	return cli_ops_json(cli, "GET", path.ptr, SLICE(""), ret);
}

static void
print_sessions(const json_t *sessions)
{
	static const char *const heads[] = {
		"SESSION", "DEVICE", "KIND", "SINCE", "LAST USED", "ENDS"};
	_cleanup_(cells_done) struct cells c = {0};
	json_t *s;
	size_t i;

	if (json_array_size(sessions) == 0) {
		(void)puts("He is logged in on no device.");
		return;
	}
	cells_heads(&c, heads, array_size(heads));
	json_array_foreach (sessions, i, s) {
		cells_add(&c, "%s", val_text(s, "id"));
		cells_add(&c, "%s",
			*val_text(s, "device") ? val_text(s, "device") : "-");
		cells_add(&c, "%s", val_text(s, "kind"));
		cells_add_ms(&c, val_number(s, "createdAt"));
		cells_add_ms(&c, val_number(s, "usedAt"));
		cells_add_ms(&c, val_number(s, "expiresAt"));
	}
	cells_print(&c, array_size(heads));
}

static void
print_user(const json_t *u)
{
	static const char *const rows[][2] = {{"uid", "uid"}, {"kind", "kind"},
		{"appid", "appid"}, {"openid", "openid"},
		{"unionid", "unionid"}, {"username", "username"},
		{"custom id", "customId"}};
	static const char *const times[][2] = {{"created", "createdAt"},
		{"last login", "lastLoginAt"}, {"blocked", "blockedAt"}};

	for (size_t i = 0; i < array_size(rows); i++)
		if (*val_text(u, rows[i][1])) {
			(void)printf("%-12s", rows[i][0]);
			cli_put_text(val_text(u, rows[i][1]));
			(void)putchar('\n');
		}
	for (size_t i = 0; i < array_size(times); i++) {
		char text[32];

		if (cli_time_text(text, val_number(u, times[i][1])))
			(void)printf("%-12s%s\n", times[i][0], text);
	}
	if (val_number(u, "sessionKeys"))
		(void)printf("%-12s%" PRId64
			     " kept (sealed); `mpcloud users session` asks "
			     "WeChat about the newest\n",
			"session_key", val_number(u, "sessionKeys"));
}

int
cli_users_show(struct cli *cli)
{
	_json_ json_t *user = NULL;
	int status = fetch(cli, &user);

	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON]) {
		cli_print_json(user);
		return EXIT_OK;
	}
	print_user(user);
	(void)putchar('\n');
	print_sessions(json_object_get(user, "sessions"));
	return EXIT_OK;
}

int
cli_users_devices(struct cli *cli)
{
	_json_ json_t *user = NULL;
	int status = fetch(cli, &user);

	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON])
		cli_print_json(json_object_get(user, "sessions"));
	else
		print_sessions(json_object_get(user, "sessions"));
	return EXIT_OK;
}

int
cli_users_session(struct cli *cli)
{
	bool resets = cli->options[OPT_RESET] != NULL;
	_json_ json_t *answer = NULL;
	int status = cli_db_post(cli, "/ops/users/session",
		json_pack("{s:s,s:b}", "user", cli->words[0], "reset", resets),
		&answer);

	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON])
		cli_print_json(answer);
	else if (resets)
		(void)puts("WeChat gave him another session_key; data under "
			   "the one before opens for ten minutes more.");
	else if (json_is_true(json_object_get(answer, "valid")))
		(void)puts("The newest session_key here is the one that WeChat "
			   "has.");
	else
		(void)puts("The newest session_key here is his no more: a "
			   "wx.login whose code did not come here displaced "
			   "it. Data that he sends now cannot be opened before "
			   "he logs in again.");
	return EXIT_OK;
}
