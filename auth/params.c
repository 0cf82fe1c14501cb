/*
 * The buffer must not move, since the parameters point into it: it is reserved
 * at birth for the most that auth's statements hold.
 */
#include "auth/params.h"

#include "base/mem.h"
#include "base/text.h"

#include <assert.h>

enum { TEXT_TOP = 4096 };

void
params_init(struct params *p)
{
	p->count = 0;
	buf_init(&p->text, TEXT_TOP);
	(void)buf_reserve(&p->text, TEXT_TOP);
}

void
params_done(struct params *p)
{
	if (p->text.ptr)
		mem_wipe(p->text.ptr, p->text.len);
	buf_done(&p->text);
}

void
params_text(struct params *p, struct slice s)
{
	assert(p->count < PARAMS_TOP);
	p->v[p->count++] = s;
}

void
params_null(struct params *p)
{
	params_text(p, slice_of(NULL, 0));
}

void
params_word(struct params *p, struct slice s)
{
	params_text(p, s.len ? s : slice_of(NULL, 0));
}

static void
put_from(struct params *p, size_t from)
{
	params_text(p, slice_of(p->text.ptr + from, p->text.len - from));
}

void
params_hex(struct params *p, struct slice bytes)
{
	size_t from = p->text.len;

	buf_str(&p->text, "\\x");
	text_hex(&p->text, bytes);
	put_from(p, from);
}

void
params_int(struct params *p, int64_t n)
{
	size_t from = p->text.len;

	buf_i64(&p->text, n);
	put_from(p, from);
}

void
params_bool(struct params *p, bool b)
{
	params_text(p, slice_str(b ? "t" : "f"));
}
