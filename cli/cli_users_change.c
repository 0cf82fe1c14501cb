/*
 * `mpcloud users revoke|block|unblock|add|passwd|delete`.  Passwords come from
 * standard input or a file.
 */
#include "cli/cli_db.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PASSWORD_TOP = 512 };

static const char *
uid_of(const json_t *answer)
{
	const char *s = json_string_value(json_object_get(answer, "uid"));

	return s ? s : "";
}

static int64_t
sessions_of(const json_t *answer)
{
	return json_integer_value(json_object_get(answer, "sessions"));
}

static int
change(struct cli *cli, const char *path, json_t *body, json_t **ret)
{
	int status = cli_db_post(cli, path, body, ret);

	if (status == EXIT_OK && cli->options[OPT_JSON])
		cli_print_json(*ret);
	return status;
}

static json_t *
user(const struct cli *cli)
{
	return json_pack("{s:s}", "user", cli->words[0]);
}

static bool
changed(const json_t *answer)
{
	return json_is_true(json_object_get(answer, "changed"));
}

int
cli_users_revoke(struct cli *cli)
{
	const char *session = cli->count > 1 ? cli->words[1] : NULL;
	_json_ json_t *answer = NULL;
	json_t *body;
	int status;

	if (!session == !cli->options[OPT_ALL])
		return cli_fail(EXIT_USAGE,
			"which one: `mpcloud users devices %s` lists his "
			"sessions, `mpcloud users revoke %s SESSION` ends one, "
			"--all all of them",
			cli->words[0], cli->words[0]);
	body = user(cli);
	if (session)
		(void)json_object_set_new(
			body, "session", json_string(session));
	status = change(cli, "/ops/users/revoke", body, &answer);
	if (status != EXIT_OK || cli->options[OPT_JSON])
		return status;
	if (session && !sessions_of(answer))
		return cli_fail(EXIT_FAILED,
			"%s has no such session (it may have ended already)",
			cli->words[0]);
	(void)printf("%" PRId64 " session%s of %s ended.\n",
		sessions_of(answer), sessions_of(answer) == 1 ? "" : "s",
		uid_of(answer));
	return EXIT_OK;
}

int
cli_users_block(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int status = change(cli, "/ops/users/block", user(cli), &answer);

	if (status != EXIT_OK || cli->options[OPT_JSON])
		return status;
	(void)printf("%s %s; %" PRId64 " session%s ended.\n", uid_of(answer),
		changed(answer) ? "is blocked" : "was blocked already",
		sessions_of(answer), sessions_of(answer) == 1 ? "" : "s");
	return EXIT_OK;
}

int
cli_users_unblock(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int status = change(cli, "/ops/users/unblock", user(cli), &answer);

	if (status != EXIT_OK || cli->options[OPT_JSON])
		return status;
	(void)printf("%s %s\n", uid_of(answer),
		changed(answer) ? "may log in again." : "was not blocked.");
	return EXIT_OK;
}

int
cli_users_delete(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int status;

	if (!cli->options[OPT_YES])
		return cli_fail(EXIT_USAGE,
			"his names, his session_keys and his sessions go for "
			"good; his documents and orders stay. Say --yes if "
			"that is meant");
	status = change(cli, "/ops/users/delete", user(cli), &answer);
	if (status != EXIT_OK || cli->options[OPT_JSON])
		return status;
	(void)printf("%s is deleted.\n", uid_of(answer));
	return EXIT_OK;
}

static int
member(struct cli *cli, const char *path, json_t **ret)
{
	_free_ char *what = str_printf("Password of %s", cli->words[0]);
	const char *appid = cli->options[OPT_APPID];
	char text[PASSWORD_TOP + 2];
	size_t len = 0;
	json_t *body;
	int status = cli_secret_read(cli, what, text, sizeof(text), &len);

	if (status != EXIT_OK)
		return status;
	body = json_pack("{s:s,s:s%}", "username", cli->words[0], "password",
		text, min(len, sizeof(text)));
	mem_wipe(text, sizeof(text));
	if (!body)
		return cli_fail(EXIT_USAGE, "the password is not UTF-8");
	if (appid)
		(void)json_object_set_new(body, "appid", json_string(appid));
	return change(cli, path, body, ret);
}

int
cli_users_add(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int status = member(cli, "/ops/users/add", &answer);

	if (status == EXIT_OK && !cli->options[OPT_JSON])
		(void)puts(uid_of(answer));
	return status;
}

int
cli_users_passwd(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int status = member(cli, "/ops/users/password", &answer);

	if (status == EXIT_OK && !cli->options[OPT_JSON])
		(void)printf("%s has a new password; his sessions ended.\n",
			cli->words[0]);
	return status;
}
