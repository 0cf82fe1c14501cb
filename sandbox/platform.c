/*
 * platform_certs.json lists the certificates; the files it names are beside it.
 * Old certificates keep their keys: an answer to a merchant who asks for one is
 * still signed with it while it is listed.
 */

#include "platform.h"

#include "fault.h"
#include "pay.h"
#include "random.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/paths.h"

#include <errno.h>

enum { FILE_TOP = 64 * 1024, SERIAL_TOP = 64 };

#define DAY_S  86400LL
#define LIFE_S (5 * 365 * DAY_S)

static char *
path_of(const struct platform *p, unsigned number, const char *what)
{
	return str_printf("%s/platform_cert%u%s.pem", p->dir, number, what);
}

static int
signer_open(struct platform *p, unsigned number, struct signer *ret,
	struct fault *why)
{
	_free_ char *key = path_of(p, number, "_key");
	_free_ char *cert = path_of(p, number, "");
	_free_ char *secret = NULL;
	size_t len;
	int r = file_read(key, FILE_TOP, &secret, &len, why);

	if (r == 0)
		r = file_read(cert, FILE_TOP, &ret->pem, &len, why);
	if (r < 0)
		return r;
	r = rsa_load_private(&ret->rsa, slice_str(secret), why);
	mem_wipe(secret, strlen(secret));
	return r;
}

static int
certificate_make(struct platform *p, unsigned number, const struct signer *of,
	struct fault *why)
{
	_free_ char *key = path_of(p, number, "_key");
	_free_ char *cert = path_of(p, number, "");
	_buf_ struct buf secret, open, pem;
	struct cert_ask ask = {
		.serial = of->serial,
		.organization = "Tenpay.com",
		.name = "Tenpay.com sign (sandbox)",
		.from_s = of->from_s,
		.until_s = of->until_s,
	};
	int r;

	buf_init(&secret, FILE_TOP);
	buf_init(&open, FILE_TOP);
	buf_init(&pem, FILE_TOP);
	r = rsa_generate(&secret, &open);
	ask.private_pem = buf_all(&secret);
	if (r == 0)
		r = cert_make(&pem, &ask);
	if (r < 0)
		return fault_set(why, r, "no certificate could be made");
	r = file_write(key, secret.ptr, secret.len, 0600, why);
	mem_wipe(secret.ptr, secret.len);
	return r < 0 ? r : file_write(cert, pem.ptr, pem.len, 0600, why);
}

static int
list_write(const struct platform *p, struct fault *why)
{
	_free_ char *path = str_printf("%s/platform_certs.json", p->dir);
	_json_ json_t *all = json_array();
	_buf_ struct buf text;

	buf_init(&text, FILE_TOP);
	for (unsigned i = 0; i < p->count; i++)
		(void)json_array_append_new(all,
			json_pack("{s:s,s:I,s:I}", "serial", p->certs[i].serial,
				"from", (json_int_t)p->certs[i].from_s, "until",
				(json_int_t)p->certs[i].until_s));
	val_put(&text, all);
	return file_write(path, text.ptr, text.len, 0600, why);
}

static int
list_take(struct platform *p, const json_t *row, struct fault *why)
{
	struct signer *c = &p->certs[p->count];
	struct slice serial;
	int64_t from, until;
	int r = val_str(row, "serial", SERIAL_TOP, &serial, why);

	if (r == 0)
		r = val_int(row, "from", 0, INT64_MAX, &from, why);
	if (r == 0)
		r = val_int(row, "until", 0, INT64_MAX, &until, why);
	if (r < 0)
		return r;
	c->serial = str_ndup(serial.ptr, serial.len);
	c->from_s = from;
	c->until_s = until;
	p->count++;
	return signer_open(p, p->count, c, why);
}

static int
list_read(struct platform *p, struct fault *why)
{
	_free_ char *path = str_printf("%s/platform_certs.json", p->dir);
	_free_ char *text = NULL;
	_json_ json_t *all = NULL;
	size_t len;
	int r = file_read(path, FILE_TOP, &text, &len, why);

	if (r == 0)
		r = val_parse(&all, slice_of(text, len), why);
	for (size_t i = 0; r == 0 && i < json_array_size(all); i++)
		if (p->count < CERTS_TOP)
			r = list_take(p, json_array_get(all, i), why);
	return r;
}

int
platform_open(struct sandbox *s, const char *dir, struct fault *why)
{
	struct platform *p = &s->pay->platform;
	int r;

	p->dir = str_dup(dir);
	p->public_key = (struct signer){
		.serial = s->keys.public_key_id,
		.rsa = s->keys.platform,
		.borrowed = true,
	};
	p->public_percent = 100;
	p->listed = LISTED_TOP;
	r = list_read(p, why);
	return r == -ENOENT ? platform_rotate(p, false, why) : r;
}

static void
signer_done(struct signer *c)
{
	if (c->borrowed)
		return;
	mem_free(c->serial);
	mem_free(c->pem);
	(void)rsa_free(c->rsa);
}

void
platform_done(struct platform *p)
{
	for (unsigned i = 0; i < p->count; i++)
		signer_done(&p->certs[i]);
	p->count = 0;
	p->dir = mem_free(p->dir);
}

int
platform_rotate(struct platform *p, bool alone, struct fault *why)
{
	int64_t now = clock_now_s();
	struct signer c = {.from_s = now - 60, .until_s = now + LIFE_S};
	int r;

	if (p->count == CERTS_TOP)
		return fault_set(why, ERR_TOO_BIG,
			"there are %d certificates already; a new folder "
			"(--dir) begins anew",
			CERTS_TOP);
	c.serial = random_name("5", 39, HEX_UP);
	r = certificate_make(p, p->count + 1, &c, why);
	if (r == 0)
		r = signer_open(p, p->count + 1, &c, why);
	if (r < 0) {
		signer_done(&c);
		return r;
	}
	p->certs[p->count++] = c;
	p->listed = alone ? 1 : min(p->listed + 1, (unsigned)LISTED_TOP);
	return list_write(p, why);
}

static struct signer *
newest(struct platform *p)
{
	return &p->certs[p->count - 1];
}

struct signer *
platform_answers(struct platform *p, struct slice asked)
{
	struct signer *found = NULL;

	if (slice_is(asked, p->public_key.serial))
		found = &p->public_key;
	for (unsigned i = 0; i < p->count; i++)
		if (slice_is_nocase(asked, p->certs[i].serial))
			found = p->count - i <= p->listed ? &p->certs[i]
							  : newest(p);
	if (asked.len == 0)
		found = newest(p);
	if (found && p->answers == ANSWERS_CERTIFICATE && !found->pem)
		found = newest(p);
	if (found && p->answers == ANSWERS_PUBLIC)
		found = &p->public_key;
	return found;
}

struct signer *
platform_calls_back(struct platform *p)
{
	return dice_throw(&p->dice, p->public_percent) ? &p->public_key
						       : newest(p);
}
