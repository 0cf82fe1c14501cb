/*
 * A handful of certificates by serial.  Old and new ones both sign for a while
 * when WeChat Pay changes them, so all that have not expired are kept.
 */
#include "pay/certs.h"

#include "base/mem.h"

#include <string.h>

struct certs *
certs_new(const char *mchid)
{
	struct certs *c = mem_new(struct certs);

	c->refs = 1;
	c->mchid = str_dup(mchid);
	return c;
}

struct certs *
certs_ref(struct certs *c)
{
	c->refs++;
	return c;
}

static void
certs_clear(struct certs *c)
{
	for (size_t i = 0; i < c->count; i++) {
		rsa_free(c->cert[i].key);
		mem_free(c->cert[i].pem);
	}
	c->count = 0;
}

struct certs *
certs_unref(struct certs *c)
{
	if (!c || --c->refs)
		return NULL;
	certs_clear(c);
	mem_free(c->mchid);
	return mem_free(c);
}

static struct slice
trimmed(struct slice serial)
{
	while (serial.len > 1 && serial.ptr[0] == '0')
		serial = slice_of(serial.ptr + 1, serial.len - 1);
	return serial;
}

/* Programs differ in the letters' case and in the zeros in front. */
bool
cert_serial_is(struct slice serial, const char *hex)
{
	return slice_is_nocase(trimmed(serial), trimmed(slice_str(hex)).ptr);
}

static const struct cert *
find(const struct certs *c, struct slice serial)
{
	for (size_t i = 0; i < c->count; i++)
		if (cert_serial_is(serial, c->cert[i].facts.serial))
			return &c->cert[i];
	return NULL;
}

int
certs_add(struct certs *c, struct slice serial, struct slice pem,
	struct fault *why)
{
	struct cert fresh = {0};
	int r;

	if (c->count == CERTS_TOP)
		return fault_set(why, ERR_FORMAT,
			"more than %d platform certificates", CERTS_TOP);
	r = cert_read(&fresh.facts, pem, why);
	if (r < 0)
		return r;
	if (!cert_serial_is(serial, fresh.facts.serial))
		return fault_set(why, ERR_FORMAT,
			"certificate %s came under another serial number",
			fresh.facts.serial);
	if (find(c, serial))
		return 0;
	r = rsa_load_public(&fresh.key, pem, why);
	if (r < 0)
		return r;
	fresh.pem = str_ndup(pem.ptr, pem.len);
	c->cert[c->count++] = fresh;
	return 0;
}

void
certs_swap(struct certs *c, struct certs *from)
{
	certs_clear(c);
	memcpy(c->cert, from->cert, sizeof(c->cert));
	c->count = from->count;
	from->count = 0;
}

struct rsa *
certs_find(const struct certs *c, struct slice serial, int64_t now_ms)
{
	const struct cert *cert = find(c, serial);

	return cert && now_ms < cert->facts.to_ms ? cert->key : NULL;
}

const struct cert *
certs_newest(const struct certs *c, int64_t now_ms)
{
	const struct cert *best = NULL;

	for (size_t i = 0; i < c->count; i++) {
		const struct cert_facts *f = &c->cert[i].facts;

		if (now_ms >= f->to_ms || now_ms < f->from_ms)
			continue;
		if (!best || f->from_ms > best->facts.from_ms)
			best = &c->cert[i];
	}
	return best;
}
