/*
 * `mpcloud keys custom`: pairs whose private half signs custom login tickets on
 * the developer's own server.  It is printed once and kept nowhere here.
 */
#include "cli/cli_db.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEM_TOP = 8192 };

/* CloudBase's form; its SDKs read this file. */
static char *
pair_text(const struct cli *cli, const char *id, const struct buf *private_pem)
{
	_json_ json_t *v =
		json_pack("{s:s,s:s,s:s}", "private_key_id", id, "private_key",
			private_pem->ptr, "env_id", cli->conf->server_env);

	return json_dumps(v, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
}

static int
put_out(const struct cli *cli, const char *id, const char *text)
{
	const char *path = cli->options[OPT_OUTPUT];
	struct fault why = {0};

	if (!path) {
		(void)puts(text);
		(void)fprintf(stderr,
			"mpcloud: %s: keep it as tcb_custom_login.json on your "
			"server; it is shown this once\n",
			id);
		return EXIT_OK;
	}
	if (file_write(path, text, strlen(text), 0600, &why) < 0)
		return cli_fail(EXIT_FAILED,
			"%s; the pair %s is of no use: `mpcloud keys custom "
			"retire %s`",
			why.text, id, id);
	(void)printf("%s: keep it on your server; the private half is "
		     "nowhere else\n",
		path);
	return EXIT_OK;
}

static int
make(struct cli *cli, const char *id, struct buf *private_pem)
{
	struct buf public_pem _buf_ = {0};
	_json_ json_t *answer = NULL;

	buf_init(&public_pem, PEM_TOP);
	if (rsa_generate(private_pem, &public_pem) < 0)
		return cli_fail(EXIT_FAILED, "libcrypto makes no RSA key");
	return cli_db_post(cli, "/ops/login-keys",
		json_pack("{s:s,s:s}", "id", id, "publicKey", public_pem.ptr),
		&answer);
}

int
cli_keys_custom_new(struct cli *cli)
{
	struct buf private_pem _buf_ = {0};
	char random[33], *text;
	const char *id = random;
	int status = cli_conf(cli);

	if (status != EXIT_OK)
		return status;
	text_random_hex(random, 16);
	if (cli->count)
		id = cli->words[0];
	buf_init(&private_pem, PEM_TOP);
	status = make(cli, id, &private_pem);
	if (status == EXIT_OK) {
		text = pair_text(cli, id, &private_pem);
		status = put_out(cli, id, text);
		mem_wipe(text, strlen(text));
		free(text);
	}
	if (private_pem.ptr)
		mem_wipe(private_pem.ptr, private_pem.len);
	return status;
}

int
cli_keys_custom_list(struct cli *cli)
{
	static const char *const heads[] = {"ID", "CREATED", "STATE"};
	_cleanup_(cells_done) struct cells c = {0};
	_json_ json_t *answer = NULL;
	json_t *keys, *k;
	size_t i;
	int status =
		cli_ops_json(cli, "GET", "/ops/login-keys", SLICE(""), &answer);

	if (status != EXIT_OK)
		return status;
	keys = json_object_get(answer, "keys");
	if (cli->options[OPT_JSON]) {
		cli_print_json(keys);
		return EXIT_OK;
	}
	if (json_array_size(keys) == 0) {
		(void)puts("No pair; `mpcloud keys custom new` makes one.");
		return EXIT_OK;
	}
	cells_heads(&c, heads, array_size(heads));
	json_array_foreach (keys, i, k) {
		cells_add(
			&c, "%s", json_string_value(json_object_get(k, "id")));
		cells_add_ms(&c,
			json_integer_value(json_object_get(k, "createdAt")));
		cells_add(&c, "%s",
			json_object_get(k, "retiredAt") ? "retired" : "signs");
	}
	cells_print(&c, array_size(heads));
	return EXIT_OK;
}

int
cli_keys_custom_retire(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int status = cli_db_post(cli, "/ops/login-keys/retire",
		json_pack("{s:s}", "id", cli->words[0]), &answer);

	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON]) {
		cli_print_json(answer);
		return EXIT_OK;
	}
	if (!json_is_true(json_object_get(answer, "changed")))
		return cli_fail(EXIT_FAILED,
			"%s: no such pair, or it is retired already",
			cli->words[0]);
	(void)printf("Tickets of %s are refused from now on.\n", cli->words[0]);
	return EXIT_OK;
}
