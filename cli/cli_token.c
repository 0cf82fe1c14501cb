/*
 * `mpcloud token`: tokens without WeChat, and signing keys.
 */
#include "cli/cli.h"

#include "base/crypto.h"
#include "base/text.h"

#include <stdio.h>

int
cli_token_issue(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	_buf_ struct buf body = {0};
	int status;

	buf_init(&body, 4096);
	buf_str(&body, "{\"openid\":");
	buf_json(&body, slice_str(cli->words[0]));
	buf_char(&body, '}');
	status = cli_ops_json(
		cli, "POST", "/ops/token", buf_all(&body), &answer);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON])
		cli_print_json(answer);
	else
		(void)puts(json_string_value(
			json_object_get(answer, "accessToken")));
	return EXIT_OK;
}

int
cli_token_key(struct cli *cli)
{
	uint8_t key[32];
	char kid[17];
	_buf_ struct buf line = {0};

	(void)cli;
	buf_init(&line, 256);
	crypto_random(key, sizeof(key));
	text_random_hex(kid, 8);
	buf_printf(&line, "%s ", kid);
	text_base64url(&line, slice_of(key, sizeof(key)));
	(void)puts(line.ptr);
	return EXIT_OK;
}
