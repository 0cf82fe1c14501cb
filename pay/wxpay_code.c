/*
 * WeChat Pay's words for what went wrong (docs of each API, "error codes"), in
 * one table.  Older deployments and v2 spell them without underscores, so these
 * do not count; a few names differ between v2 and v3.
 */
#include "pay/wxpay.h"

#include <string.h>

static const struct row {
	const char *code, *alias; /* v2's name for it, or NULL */
	int err;
} rows[] = {
	/* the operator's matter */
	{"APPID_MCHID_NOT_MATCH", NULL, ERR_UPSTREAM_CONFIG},
	{"APPID_NOT_EXIST", NULL, ERR_UPSTREAM_CONFIG},
	{"MCH_NOT_EXISTS", "MCHID_NOT_EXIST", ERR_UPSTREAM_CONFIG},
	{"SIGN_ERROR", "SIGNERROR", ERR_UPSTREAM_CONFIG},
	{"NO_AUTH", NULL, ERR_UPSTREAM_CONFIG},
	{"ACCOUNT_ERROR", NULL, ERR_UPSTREAM_CONFIG},
	{"CERT_ERROR", "CERTERROR", ERR_UPSTREAM_CONFIG},
	{"REQUIRE_POST_METHOD", NULL, ERR_UPSTREAM_CONFIG},
	{"POST_DATA_EMPTY", NULL, ERR_UPSTREAM_CONFIG},
	{"XML_FORMAT_ERROR", NULL, ERR_UPSTREAM_CONFIG},
	{"NOT_UTF8", NULL, ERR_UPSTREAM_CONFIG},
	/* the same again, later */
	{"FREQUENCY_LIMITED", "FREQUENCY_LIMIT", ERR_UPSTREAM_BUSY},
	{"RATELIMIT_EXCEEDED", "INVALID_REQ_TOO_MUCH", ERR_UPSTREAM_BUSY},
	{"SYSTEM_ERROR", NULL, ERR_UPSTREAM_BUSY},
	{"BANK_ERROR", NULL, ERR_UPSTREAM_BUSY},
	{"BIZERR_NEED_RETRY", NULL, ERR_UPSTREAM_BUSY},
	/* the request */
	{"PARAM_ERROR", "LACK_PARAMS", ERR_PAY_REFUSED},
	{"INVALID_REQUEST", NULL, ERR_PAY_REFUSED},
	{"OPENID_MISMATCH", NULL, ERR_PAY_REFUSED},
	{"INVALID_TRANSACTIONID", NULL, ERR_PAY_REFUSED},
	/* the order */
	{"ORDER_CLOSED", NULL, ERR_PAY_REFUSED},
	{"ORDERPAID", NULL, ERR_PAY_REFUSED},
	{"ORDER_NOT_EXIST", NULL, ERR_PAY_REFUSED},
	{"OUT_TRADE_NO_USED", NULL, ERR_PAY_REFUSED},
	{"RULE_LIMIT", NULL, ERR_PAY_REFUSED},
	{"TRADE_ERROR", NULL, ERR_PAY_REFUSED},
	{"TRADE_OVERDUE", NULL, ERR_PAY_REFUSED},
	{"TRADE_STATE_ERROR", NULL, ERR_PAY_REFUSED},
	/* the refund */
	{"NOT_ENOUGH", NULL, ERR_PAY_REFUSED},
	{"USER_ACCOUNT_ABNORMAL", NULL, ERR_PAY_REFUSED},
	{"RESOURCE_NOT_EXISTS", "REFUND_NOT_EXIST", ERR_PAY_REFUSED},
	{"REFUND_FEE_MISMATCH", NULL, ERR_PAY_REFUSED},
	/* the bill */
	{"NO_STATEMENT_EXIST", "NO BILL EXIST", ERR_PAY_REFUSED},
	{"STATEMENT_CREATING", "BILL CREATING", ERR_PAY_REFUSED},
};

static bool
is_same(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (*a == '_')
			a++;
		while (*b == '_')
			b++;
		if (*a != *b)
			return false;
		if (!*a)
			return true;
	}
}

static const struct row *
find(const char *code)
{
	for (size_t i = 0; i < array_size(rows); i++)
		if (is_same(code, rows[i].code) ||
			(rows[i].alias && is_same(code, rows[i].alias)))
			return &rows[i];
	return NULL;
}

const char *
wxpay_code(const char *code)
{
	const struct row *row = find(code);

	return row ? row->code : code;
}

/* What the status says when the code is not known. */
static int
status_error(long status)
{
	if (status == 429 || status >= 500)
		return ERR_UPSTREAM_BUSY;
	if (status == 401)
		return ERR_UPSTREAM_CONFIG;
	return status >= 400 ? ERR_PAY_REFUSED : ERR_UPSTREAM;
}

int
wxpay_code_error(const char *code, long status)
{
	const struct row *row = find(code);

	return row ? row->err : status_error(status);
}
