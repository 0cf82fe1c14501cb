/*
 * A rotation in words: a key that signed until now gets a comment that says
 * when its last token ends; the new key goes before it; keys whose comment's
 * time is over go, at the next rotation.  Everything else in the file stays as
 * it is, other comments too.
 */
#include "cli/cli_keys_file.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>

enum { LINES = 256 };

static const char until_word[] = "# until ", staged_word[] = "# staged ";

struct line {
	struct slice text;
	/* of a line with a key */
	struct slice kid;
	const struct token_key *key;
	/* of the comment before it */
	bool staged;
	int64_t until_s; /* 0: none */
};

struct keys_file {
	struct token_keys *keys;
	struct line line[LINES];
	int count;
};

static void
file_done(struct keys_file *f)
{
	f->keys = token_keys_free(f->keys);
}

static const struct token_key *
key_of(const struct keys_file *f, struct slice kid)
{
	for (int i = 0; i < f->keys->count; i++)
		if (slice_is(kid, f->keys->key[i].kid))
			return &f->keys->key[i];
	return NULL;
}

static bool
is_comment(struct slice text, const char *word)
{
	return slice_starts(slice_trim(text), word);
}

/* "# until 2026-11-21T14:10:00Z …" */
static int64_t
until_of(struct slice text)
{
	struct slice rest = slice_trim(text), time;
	int64_t ns;

	rest.ptr += strlen(until_word);
	rest.len -= strlen(until_word);
	return slice_split(&rest, ' ', &time) && text_untime(time, &ns) == 0
		       ? ns / CLOCK_S
		       : 0;
}

/* Comments of ours belong to the key that follows; they are written anew. */
static int
keys_read(struct keys_file *f, struct slice text, struct fault *why)
{
	struct slice row, kid, rest;
	int64_t until = 0;
	bool staged = false;
	int r = token_keys_parse(&f->keys, text, why);

	while (r == 0 && slice_split(&text, '\n', &row)) {
		struct line *l = &f->line[f->count];

		if (is_comment(row, until_word)) {
			until = until_of(row);
			continue;
		}
		if (is_comment(row, staged_word)) {
			staged = true;
			continue;
		}
		if (f->count == LINES)
			return fault_set(why, ERR_CONFIG,
				"token keys: %d lines at most", LINES);
		*l = (struct line){.text = row};
		rest = slice_trim(row);
		f->count++;
		if (!rest.len || rest.ptr[0] == '#' ||
			!slice_split(&rest, ' ', &kid))
			continue;
		l->kid = kid;
		l->key = key_of(f, kid);
		l->staged = staged && l->key && l->key->verify_only;
		l->until_s = until;
		staged = false;
		until = 0;
	}
	return r;
}

static const struct token_key *
signer_of(const struct keys_file *f)
{
	return &f->keys->key[f->keys->signer];
}

static void
put_until(struct buf *to, int64_t until_s)
{
	struct buf time _buf_;

	buf_init(&time, 64);
	text_time(&time, until_s * CLOCK_S);
	/* without the fraction */
	buf_printf(to,
		"%s%.19sZ its last tokens end; `mpcloud keys rotate` then "
		"removes it\n",
		until_word, time.ptr);
}

/* The words of a key's line but "verify-only". */
static void
put_signing(struct buf *to, struct slice text)
{
	struct slice rest = slice_trim(text), word;
	bool first = true;

	while (slice_split(&rest, ' ', &word)) {
		if (!word.len || slice_is(word, "verify-only"))
			continue;
		if (!first)
			buf_char(to, ' ');
		first = false;
		buf_slice(to, word);
	}
	buf_char(to, '\n');
}

static void
put_new(struct buf *to, const struct keys_change *change, enum token_alg alg)
{
	uint8_t secret[SHA256_LEN];

	if (alg == TOKEN_ES256)
		ec_generate(secret);
	else
		crypto_random(secret, sizeof(secret));
	if (change->stage)
		buf_printf(to,
			"%sknown, and does not sign: copy this file to all "
			"machines, reload them, then `mpcloud keys rotate`\n",
			staged_word);
	buf_printf(to, "%s %s ", change->kid, token_alg_names[alg]);
	text_base64url(to, slice_of(secret, sizeof(secret)));
	buf_str(to, change->stage ? " verify-only\n" : "\n");
	mem_wipe(secret, sizeof(secret));
}

static int
alg_of(const struct keys_file *f, const struct keys_change *change,
	enum token_alg *ret, struct fault *why)
{
	*ret = signer_of(f)->alg;
	if (!change->algorithm)
		return 0;
	for (int i = 0; i < TOKEN_ALGS; i++)
		if (slice_is_nocase(
			    slice_str(change->algorithm), token_alg_names[i])) {
			*ret = (enum token_alg)i;
			return 0;
		}
	return fault_set(why, ERR_PARAM, "%s: HS256 or ES256 is wanted",
		change->algorithm);
}

static const struct line *
staged_of(const struct keys_file *f)
{
	for (int i = 0; i < f->count; i++)
		if (f->line[i].staged)
			return &f->line[i];
	return NULL;
}

/* The lines there were, behind the new one. */
static void
put_rest(const struct keys_file *f, const struct keys_change *change,
	const struct line *moved, struct buf *to, struct keys_done *done)
{
	for (int i = 0; i < f->count; i++) {
		const struct line *l = &f->line[i];
		bool ends = l->key == signer_of(f) && !done->staged;
		int64_t until = ends ? done->until_s : l->until_s;

		if (l == moved)
			continue;
		if (l->key && !ends && l->key != signer_of(f) && until &&
			until <= change->now_s) {
			done->dropped++;
			continue;
		}
		if (l->key && until && (ends || l->key != signer_of(f)))
			put_until(to, until);
		buf_slice(to, l->text);
		buf_char(to, '\n');
	}
}

static int
check(struct slice text, struct fault *why)
{
	struct token_keys *keys = NULL;
	int r = token_keys_parse(&keys, text, why);

	keys = token_keys_free(keys);
	return r;
}

static int
rotate(const struct keys_file *f, const struct keys_change *change,
	struct buf *to, struct keys_done *done, struct fault *why)
{
	const struct line *moved = staged_of(f);
	enum token_alg alg;
	int r = alg_of(f, change, &alg, why);

	if (r < 0)
		return r;
	if (moved && change->stage)
		return fault_set(why, ERR_CONFLICT,
			"the key %.*s is staged already: `mpcloud keys rotate` "
			"signs with it",
			SLICE_ARG(moved->kid));
	done->staged = change->stage;
	done->activated = moved != NULL;
	done->until_s = change->now_s + change->keep_s;
	if (moved) {
		put_signing(to, moved->text);
		alg = moved->key->alg;
	} else {
		put_new(to, change, alg);
	}
	done->algorithm = token_alg_names[alg];
	(void)snprintf(done->kid, sizeof(done->kid), "%s",
		moved ? moved->key->kid : change->kid);
	put_rest(f, change, moved, to, done);
	r = buf_check(to);
	return r < 0 ? r : check(buf_all(to), why);
}

int
keys_rotate(struct slice text, const struct keys_change *change, struct buf *to,
	struct keys_done *ret, struct fault *why)
{
	_cleanup_(file_done) struct keys_file f = {0};
	int r = keys_read(&f, text, why);

	*ret = (struct keys_done){0};
	return r < 0 ? r : rotate(&f, change, to, ret, why);
}

static json_t *
row_of(const struct keys_file *f, const struct line *l)
{
	json_t *row = json_pack("{s:s,s:s,s:s}", "kid", l->key->kid,
		"algorithm", token_alg_names[l->key->alg], "state",
		l->key == signer_of(f) ? "signs"
		: l->staged            ? "staged"
				       : "verifies");

	if (l->until_s && l->key != signer_of(f))
		(void)json_object_set_new(
			row, "until", json_integer(l->until_s * 1000));
	return row;
}

int
keys_list(struct slice text, json_t **ret, struct fault *why)
{
	_cleanup_(file_done) struct keys_file f = {0};
	int r = keys_read(&f, text, why);

	if (r < 0)
		return r;
	*ret = json_array();
	for (int i = 0; i < f.count; i++)
		if (f.line[i].key)
			(void)json_array_append_new(
				*ret, row_of(&f, &f.line[i]));
	return 0;
}
