/*
 * A bill is four parts: a line of names, lines of values, a line of names of
 * sums, the sums.  Each value begins with a backtick, so fields end at ",`" and
 * a comma in the name of some goods does no harm.  Two columns hold what the
 * merchant or a user wrote (the goods and the attach): should ",`" stand in
 * them, there are more fields than names; then what is left of them is counted
 * from the left, what is right of them from the right, and neither can be
 * shifted by such a text.  A text with a line break would make lines that do
 * not fit or more lines than the sums count: the whole bill is refused then.
 */
#include "pay/tradebill.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>

enum { FIELDS_TOP = 64, DECIMALS = 5, YUAN_TOP = 12 };

#define BOM  "\xef\xbb\xbf"
#define SUMS "总交易单数"

static const struct {
	const char *words;
	bool needed;
} columns[] = {
#define X(name, need, words) {words, need},
#include "pay/tradebill.def"
#undef X
};

static int
wrong(const struct tradebill *t, struct fault *why, const char *what)
{
	return fault_set(
		why, ERR_FORMAT, "line %u of the bill: %s", t->line, what);
}

/* The next line without its end; false: there is none. */
static bool
take_line(struct tradebill *t, struct slice *ret)
{
	if (!slice_split(&t->rest, '\n', ret))
		return false;
	if (ret->len && ret->ptr[ret->len - 1] == '\r')
		ret->len--;
	t->line++;
	return true;
}

static bool
is_named(const char *words, struct slice name)
{
	struct slice rest = slice_str(words), word;

	while (slice_split(&rest, '|', &word))
		if (slice_eq(word, name))
			return true;
	return false;
}

/* The first of a column's words is the better one: old bills have others, new
 * ones may have both. */
static void
name_column(struct tradebill *t, struct slice name)
{
	for (size_t i = 0; i < array_size(columns); i++)
		if (is_named(columns[i].words, name) &&
			(t->at[i] < 0 ||
				!strncmp(columns[i].words, name.ptr, name.len)))
			t->at[i] = (int)t->columns;
}

int
tradebill_open(struct tradebill *ret, struct slice text, struct fault *why)
{
	struct tradebill t = {.rest = text};
	struct slice head, name;

	if (slice_starts(text, BOM))
		t.rest = slice_of(
			text.ptr + strlen(BOM), text.len - strlen(BOM));
	for (size_t i = 0; i < array_size(columns); i++)
		t.at[i] = -1;
	if (!take_line(&t, &head) || !head.len)
		return fault_set(why, ERR_FORMAT, "the bill is empty");
	while (slice_split(&head, ',', &name)) {
		if (t.columns == FIELDS_TOP)
			return wrong(&t, why, "too many columns");
		name_column(&t, name);
		t.columns++;
	}
	for (size_t i = 0; i < array_size(columns); i++)
		if (columns[i].needed && t.at[i] < 0)
			return fault_set(why, ERR_FORMAT,
				"the bill has no column %s: this is not a "
				"trade "
				"bill, or WeChat Pay has changed it",
				columns[i].words);
	*ret = t;
	return 0;
}

/* The field at the start of *rest, which begins with its backtick; false: it
 * does not. */
static bool
take_field(struct slice *rest, struct slice *ret)
{
	const char *p, *end;

	if (!rest->len || *rest->ptr != '`')
		return false;
	end = rest->ptr + rest->len;
	for (p = rest->ptr + 1; p < end; p++)
		if (*p == ',' && p + 1 < end && p[1] == '`')
			break;
	*ret = slice_of(rest->ptr + 1, (size_t)(p - rest->ptr - 1));
	*rest = p < end ? slice_of(p + 1, (size_t)(end - p - 1))
			: slice_of(end, 0);
	return true;
}

/* Fields of a line; more than `top`: their number all the same.  -1: one has no
 * backtick. */
static int
split_fields(struct slice line, struct slice *ret, int top)
{
	struct slice field;
	int n = 0;

	while (line.len) {
		if (!take_field(&line, &field))
			return -1;
		if (n < top)
			ret[n] = field;
		n++;
	}
	return n;
}

/* As many more fields than names: they belong to the free texts. */
static struct slice
field_of(const struct tradebill *t, const struct slice *fields, int extra,
	enum tradebill_column c)
{
	int at = t->at[c];

	if (at < 0)
		return SLICE("");
	return fields[at > t->at[COLUMN_GOODS] ? at + extra : at];
}

int
tradebill_fen(struct slice yuan, int64_t *ret)
{
	int64_t fen = 0;
	size_t i = 0, decimals = 0;

	for (; i < yuan.len && yuan.ptr[i] != '.'; i++) {
		if (yuan.ptr[i] < '0' || yuan.ptr[i] > '9' || i == YUAN_TOP)
			return -EINVAL;
		fen = fen * 10 + (yuan.ptr[i] - '0');
	}
	if (!i)
		return -EINVAL;
	fen *= 100;
	if (i < yuan.len && i + 1 == yuan.len)
		return -EINVAL; /* "1." */
	for (i++; i < yuan.len; i++, decimals++) {
		int digit = yuan.ptr[i] - '0';

		if (digit < 0 || digit > 9 || decimals == DECIMALS ||
			(decimals >= 2 && digit))
			return -EINVAL;
		if (decimals < 2)
			fen += decimals ? digit : digit * 10;
	}
	*ret = fen;
	return 0;
}

/* "2026-11-20 23:47:04" in China. */
static int
read_time(struct slice s, int64_t *ret)
{
	enum { LEN = 19, DATE = 10 };
	char text[32];
	int64_t ns;

	if (s.len != LEN || s.ptr[DATE] != ' ')
		return -EINVAL;
	memcpy(text, s.ptr, LEN);
	text[DATE] = 'T';
	memcpy(text + LEN, "+08:00", sizeof("+08:00"));
	if (text_untime(slice_str(text), &ns) < 0)
		return -EINVAL;
	*ret = ns / CLOCK_MS;
	return 0;
}

static int
read_refund(const struct tradebill *t, const struct slice *f, int extra,
	struct tradebill_line *line, struct fault *why)
{
	line->refund_id = field_of(t, f, extra, COLUMN_REFUND_ID);
	line->out_refund_no = field_of(t, f, extra, COLUMN_REFUND_NO);
	line->refund_state = field_of(t, f, extra, COLUMN_REFUND_STATE);
	if (!line->out_refund_no.len || !line->refund_id.len)
		return wrong(t, why, "a refund without its numbers");
	if (tradebill_fen(field_of(t, f, extra, COLUMN_REFUND), &line->refund) <
		0)
		return wrong(
			t, why, "the refund's amount is no amount of yuan");
	return 0;
}

static int
read_kind(struct slice state, enum tradebill_kind *ret)
{
	static const char *const names[] = {"SUCCESS", "REFUND", "REVOKED"};

	for (size_t i = 0; i < array_size(names); i++)
		if (slice_is(state, names[i])) {
			*ret = (enum tradebill_kind)i;
			return 0;
		}
	return -EINVAL;
}

static int
read_line(const struct tradebill *t, const struct slice *f, int extra,
	struct tradebill_line *ret, struct fault *why)
{
	struct tradebill_line line = {
		.appid = field_of(t, f, extra, COLUMN_APPID),
		.mchid = field_of(t, f, extra, COLUMN_MCHID),
		.openid = field_of(t, f, extra, COLUMN_OPENID),
		.transaction_id = field_of(t, f, extra, COLUMN_TRANSACTION),
		.out_trade_no = field_of(t, f, extra, COLUMN_ORDER),
		.trade_type = field_of(t, f, extra, COLUMN_TRADE_TYPE),
		.bank_type = field_of(t, f, extra, COLUMN_BANK),
		.currency = field_of(t, f, extra, COLUMN_CURRENCY),
		.refund_id = SLICE(""),
		.out_refund_no = SLICE(""),
		.refund_state = SLICE(""),
	};

	if (read_kind(field_of(t, f, extra, COLUMN_STATE), &line.kind) < 0)
		return wrong(t, why, "a state that is not known");
	if (read_time(field_of(t, f, extra, COLUMN_TIME), &line.at_ms) < 0)
		return wrong(t, why, "the time is not YYYY-MM-DD HH:MM:SS");
	if (tradebill_fen(field_of(t, f, extra, COLUMN_TOTAL), &line.total) < 0)
		return wrong(t, why, "the order's amount is no amount of yuan");
	if (!line.out_trade_no.len || !line.transaction_id.len)
		return wrong(t, why, "an order without its numbers");
	if (line.kind == TRADEBILL_REFUND) {
		int r = read_refund(t, f, extra, &line, why);

		if (r < 0)
			return r;
	}
	*ret = line;
	return 0;
}

/* The names of the sums stand in `head`; their values are the next line and the
 * last. */
static int
read_sums(struct tradebill *t, struct slice head, struct fault *why)
{
	struct slice fields[FIELDS_TOP], line;
	uint64_t count;

	if (!slice_starts(head, SUMS))
		return wrong(t, why, "neither a value nor the sums");
	if (!take_line(t, &line) ||
		split_fields(line, fields, FIELDS_TOP) < 1 ||
		slice_to_u64(fields[0], UINT32_MAX, &count) < 0)
		return wrong(
			t, why, "the sums are missing: the bill is cut off");
	if (count != t->count)
		return fault_set(why, ERR_FORMAT,
			"the bill counts %llu lines and has %u",
			(unsigned long long)count, t->count);
	while (take_line(t, &line))
		if (line.len)
			return wrong(t, why, "more text after the sums");
	t->is_over = true;
	return 0;
}

int
tradebill_next(
	struct tradebill *t, struct tradebill_line *ret, struct fault *why)
{
	struct slice fields[FIELDS_TOP * 2], line;
	int n, r;

	if (t->is_over)
		return 0;
	if (!take_line(t, &line) || (!line.len && !t->rest.len))
		return wrong(
			t, why, "the sums are missing: the bill is cut off");
	if (!line.len || *line.ptr != '`')
		return read_sums(t, line, why);
	n = split_fields(line, fields, FIELDS_TOP * 2);
	if (n < (int)t->columns || n > FIELDS_TOP * 2)
		return wrong(t, why, "it has not as many fields as columns");
	r = read_line(t, fields, n - (int)t->columns, ret, why);
	if (r < 0)
		return r;
	t->count++;
	return 1;
}
