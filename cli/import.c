/*
 * One import from its beginning to its end.  Its id is made of what it is
 * about, not of when it ran: the same command finds what an earlier run noted.
 */
#include "cli/import.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_TOP = 64 << 20, ID_TOP = 1 << 20 };

static bool
is_stdin(const struct import *im)
{
	return strcmp(im->conf->path, "-") == 0;
}

/* Standard input cannot be read again: its id only keeps a part from being
 * written twice. */
static void
make_id(struct import *im)
{
	_free_ char *path = realpath(im->conf->path, NULL);
	const struct import_conf *c = im->conf;
	_buf_ struct buf text = {0};
	uint8_t sum[SHA256_LEN];

	if (is_stdin(im)) {
		text_random_hex(im->id, SHA256_LEN);
		return;
	}
	buf_init(&text, ID_TOP);
	buf_printf(&text, "1\n%s\n%s\n%s\n%s\n%s\n", c->collection, c->mode,
		im->reader.format->name, c->types ? c->types : "",
		path ? path : c->path);
	buf_slice(&text, buf_all(&im->reader.head));
	crypto_sha256(buf_all(&text), sum);
	text_hex_string(im->id, sum, sizeof(sum));
}

static int
open_file(struct import *im)
{
	const struct format *format = im->conf->format;
	struct fault why = {0};
	int r = input_open(&im->in, im->conf->path, &why);

	if (r == 0 && !format)
		r = format_find(&format, im->conf->path, im->in, &why);
	if (r < 0)
		return cli_fail(EXIT_FAILED, "%s", fault_text(&why, r));
	if (im->conf->types && format != &format_csv)
		return cli_fail(
			EXIT_USAGE, "%s: --types is for CSV", im->conf->path);
	im->reader.types = im->conf->types;
	im->reader.collection = im->conf->collection;
	r = reader_open(&im->reader, format, im->in, &why);
	if (r < 0)
		return cli_fail(EXIT_FAILED, "%s: %s", im->conf->path,
			fault_text(&why, r));
	return EXIT_OK;
}

static void
take_done(struct import *im, const json_t *list)
{
	size_t i;
	json_t *v;

	im->done = mem_array(json_array_size(list) + 1, struct import_done);
	json_array_foreach (list, i, v) {
		struct import_done *d = &im->done[im->done_count++];
		const char *sum = json_string_value(json_array_get(v, 3));

		d->first = json_integer_value(json_array_get(v, 0));
		d->last = json_integer_value(json_array_get(v, 1));
		d->documents = json_integer_value(json_array_get(v, 2));
		d->sum = sum ? (uint32_t)strtoul(sum, NULL, 16) : 0;
		im->result->before += d->documents;
	}
}

/* `body` is ours to free. */
static int
ask(struct cli *cli, const char *path, json_t *body, json_t **ret)
{
	_buf_ struct buf text = {0};
	_json_ json_t *owned = body;

	buf_init(&text, 1 << 20);
	val_put(&text, owned);
	return cli_ops_json(cli, "POST", path, buf_all(&text), ret);
}

int
import_end(struct cli *cli, json_t *ids)
{
	_json_ json_t *answer = NULL;

	if (json_array_size(ids) == 0)
		return EXIT_OK;
	return ask(cli, "/ops/import/end", json_pack("{s:O}", "imports", ids),
		&answer);
}

static int
begin(struct import *im)
{
	_json_ json_t *answer = NULL;
	int status = ask(im->cli, "/ops/import/begin",
		json_pack("{s:s,s:s,s:s,s:b}", "import", im->id, "collection",
			im->conf->collection, "source", im->conf->path, "anew",
			(int)im->conf->restart),
		&answer);

	if (status != EXIT_OK)
		return status;
	im->started_at =
		json_integer_value(json_object_get(answer, "startedAt"));
	take_done(im, json_object_get(answer, "parts"));
	im->result->documents = im->result->before;
	if (im->done_count && !im->conf->quiet)
		(void)fprintf(stderr,
			"%s: going on after %s, which came in earlier "
			"(--restart begins anew)\n",
			im->conf->path, progress_documents(im->result->before));
	return EXIT_OK;
}

static int
run(struct import *im)
{
	int status = open_file(im);

	if (status != EXIT_OK)
		return status;
	make_id(im);
	memcpy(im->result->id, im->id, sizeof(im->id));
	status = begin(im);
	if (status != EXIT_OK)
		return status;
	im->progress.documents = im->result->documents;
	im->progress.total = input_size(im->in);
	progress_begin(&im->progress);
	status = import_send(im);
	progress_clear(&im->progress);
	im->result->seconds = progress_seconds(&im->progress);
	return status;
}

int
import_file(struct cli *cli, const struct import_conf *conf,
	struct import_result *ret)
{
	const char *slash = strrchr(conf->path, '/');
	/* Who comes late may overwrite who came early: one after the other,
	 * unless nothing is ever overwritten. */
	struct import im = {
		.cli = cli,
		.conf = conf,
		.result = ret,
		.slots = strcmp(conf->mode, "insert") == 0 ? IMPORT_SLOTS : 1,
		.refused_fd = -1,
		.progress = {.name = slash ? slash + 1 : conf->path,
			.quiet = conf->quiet,
			.by_bytes = true},
	};
	int status;

	for (unsigned i = 0; i < IMPORT_SLOTS; i++)
		im.slot[i].fd = -1;
	*ret = (struct import_result){0};
	buf_init(&im.refused, PATH_MAX + 16);
	status = run(&im);
	reader_close(&im.reader);
	im.in = input_free(im.in);
	buf_done(&im.refused);
	fd_closep(&im.refused_fd);
	(void)mem_free(im.done);
	return status;
}
