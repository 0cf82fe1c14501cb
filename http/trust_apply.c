/*
 * What a trusted proxy's headers say, put where everybody looks.
 */
#include "base/buf.h"
#include "http/http.h"
#include "http/trust_inside.h"

/* More than a head may have (limits.connection_memory): a list that is too long
 * would leave its sender under our proxy's name. */
enum { LIST_TOP = 2 << 20 };

struct lines {
	const char *name;
	struct buf *text;
	size_t count;
};

static void
on_header(void *owner, struct slice name, struct slice value)
{
	struct lines *all = owner;

	if (!slice_is_nocase(name, all->name))
		return;
	if (all->count++)
		buf_char(all->text, ',');
	buf_slice(all->text, value);
}

void
trust_apply(const struct trust *t, struct exchange *x)
{
	_buf_ struct buf text = {0};
	struct lines all = {.text = &text};
	struct trust_told told;
	struct slice proto;

	if (!t || !trust_knows(t, exchange_peer(x)))
		return;
	buf_init(&text, LIST_TOP);
	all.name = t->forwarded ? "forwarded" : "x-forwarded-for";
	exchange_each_header(x, on_header, &all);
	if (!all.count || buf_check(&text) < 0)
		return;
	trust_read(t, buf_all(&text), &told);
	if (!t->forwarded) {
		proto = exchange_header(x, "x-forwarded-proto");
		told.tls = trust_proto(proto);
	}
	if (told.peer[0])
		exchange_set_peer(x, told.peer);
	if (told.tls >= 0)
		exchange_set_tls(x, told.tls > 0);
}
