/*
 * `mpcloud keys list|rotate`: the file of keys that sign access tokens.  It is
 * changed as a whole or not at all, keeps its owner and mode, and the daemon
 * takes it up at once.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/text.h"
#include "cli/cli_db.h"
#include "cli/cli_keys_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_TOP = 64 * 1024, LEEWAY_S = 3600 };

static int
load(struct cli *cli, char **ret, size_t *len)
{
	struct fault why = {0};
	int status = cli_conf(cli);

	if (status != EXIT_OK)
		return status;
	if (!*cli->conf->token_key_file)
		return cli_fail(EXIT_CONFIG,
			"%s: token.key_file is not set; `mpcloud token key` "
			"prints a first line for one",
			cli->conf_path);
	if (file_read(cli->conf->token_key_file, FILE_TOP, ret, len, &why) < 0)
		return cli_fail(EXIT_CONFIG, "token.key_file: %s", why.text);
	return EXIT_OK;
}

/* Beside it, then over it, owner and mode as before. */
static int
store(const char *path, struct slice text)
{
	_free_ char *fresh = str_printf("%s.new", path);
	struct fault why = {0};
	struct stat st;

	if (stat(path, &st) < 0)
		return cli_fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
	if (file_write(fresh, text.ptr, text.len, 0600, &why) < 0)
		return cli_fail(EXIT_FAILED, "%s", why.text);
	if ((st.st_uid != geteuid() || st.st_gid != getegid()) &&
		chown(fresh, st.st_uid, st.st_gid) < 0) {
		int status = cli_fail(EXIT_FAILED,
			"%s: cannot be given to the owner of the old file: "
			"%s; run this as root or as that user",
			fresh, strerror(errno));

		(void)unlink(fresh);
		return status;
	}
	if (chmod(fresh, st.st_mode & 0640) < 0 || rename(fresh, path) < 0) {
		int status =
			cli_fail(EXIT_FAILED, "%s: %s", path, strerror(errno));

		(void)unlink(fresh);
		return status;
	}
	return EXIT_OK;
}

static void
say(const struct keys_done *done)
{
	char until[32];

	if (done->staged) {
		(void)printf("%s (%s) is staged: known, and does not sign.\n"
			     "Copy token.key_file to the other machines, "
			     "reload them, then run `mpcloud keys rotate` and "
			     "copy it again.\n",
			done->kid, done->algorithm);
		return;
	}
	(void)cli_time_text(until, done->until_s * 1000);
	(void)printf("%s (%s) signs%s. The key before it is kept: its last "
		     "tokens end at %s.\n",
		done->kid, done->algorithm,
		done->activated ? ", as it was staged for" : "", until);
	if (done->dropped)
		(void)printf("%d key%s whose tokens have all ended removed.\n",
			done->dropped, done->dropped == 1 ? "" : "s");
}

/* A daemon that does not run reads the file when it starts. */
static int
reload(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int status =
		cli_admin(cli, json_pack("{s:s}", "cmd", "reload"), &answer);

	if (status == EXIT_NO_DAEMON)
		return cli_fail(EXIT_OK,
			"the file is changed; the daemon will read it when it "
			"starts");
	if (status != EXIT_OK)
		return cli_fail(status,
			"the file is changed, but the daemon did not take it: "
			"it goes on with the keys it had");
	return EXIT_OK;
}

static int
rotate(struct cli *cli, struct slice text, struct keys_done *done)
{
	char kid[17];
	const struct keys_change change = {
		.kid = kid,
		.algorithm = cli->options[OPT_ALGORITHM],
		.stage = cli->options[OPT_STAGE] != NULL,
		.now_s = clock_now_s(),
		.keep_s = cli->conf->token_access_ttl / 1000 + LEEWAY_S,
	};
	struct fault why = {0};
	struct buf fresh _buf_ = {0};
	int e, status;

	text_random_hex(kid, 8);
	buf_init(&fresh, 2 * FILE_TOP);
	e = keys_rotate(text, &change, &fresh, done, &why);
	status = e == 0 ? store(cli->conf->token_key_file, buf_all(&fresh))
			: cli_fail(e == ERR_PARAM ? EXIT_USAGE : EXIT_FAILED,
				  "%s", fault_text(&why, e));
	mem_wipe(fresh.ptr, fresh.len);
	return status;
}

int
cli_keys_rotate(struct cli *cli)
{
	struct keys_done done = {0};
	_free_ char *text = NULL;
	size_t len = 0;
	int status = load(cli, &text, &len);

	if (status != EXIT_OK)
		return status;
	text_random_hex(done.kid, 8);
	status = rotate(cli, slice_of(text, len), &done);
	mem_wipe(text, len);
	if (status != EXIT_OK)
		return status;
	status = reload(cli);
	if (cli->options[OPT_JSON]) {
		_json_ json_t *v = json_pack("{s:s,s:s,s:b,s:i}", "kid",
			done.kid, "algorithm", done.algorithm, "staged",
			done.staged, "removed", done.dropped);

		cli_print_json(v);
	} else {
		say(&done);
	}
	return status;
}

static void
print_list(const json_t *keys)
{
	static const char *const heads[] = {
		"KID", "ALGORITHM", "STATE", "UNTIL"};
	_cleanup_(cells_done) struct cells c = {0};
	json_t *k;
	size_t i;

	cells_heads(&c, heads, array_size(heads));
	json_array_foreach (keys, i, k) {
		int64_t until = json_integer_value(json_object_get(k, "until"));

		cells_add(
			&c, "%s", json_string_value(json_object_get(k, "kid")));
		cells_add(&c, "%s",
			json_string_value(json_object_get(k, "algorithm")));
		cells_add(&c, "%s",
			json_string_value(json_object_get(k, "state")));
		cells_add_ms(&c, until);
	}
	cells_print(&c, array_size(heads));
}

int
cli_keys_list(struct cli *cli)
{
	_json_ json_t *keys = NULL;
	struct fault why = {0};
	_free_ char *text = NULL;
	size_t len = 0;
	int e, status = load(cli, &text, &len);

	if (status != EXIT_OK)
		return status;
	e = keys_list(slice_of(text, len), &keys, &why);
	mem_wipe(text, len);
	if (e < 0)
		return cli_fail(EXIT_CONFIG, "%s: %s",
			cli->conf->token_key_file, fault_text(&why, e));
	if (cli->options[OPT_JSON])
		cli_print_json(keys);
	else
		print_list(keys);
	return EXIT_OK;
}
