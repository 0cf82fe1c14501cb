/*
 * What a function sends to the way out: SOCKS 5, and the entries of the setting
 * that rules it.  What was cut must have been there; what is put back is read
 * again as the same.
 */
#include "base/err.h"
#include "functions/egress_rule.h"
#include "functions/egress_socks.h"
#include "tests/fuzz/fuzz.h"

static void
ask(struct slice in)
{
	struct slice left = in;
	struct egress_ask one = {0};
	char name[EGRESS_NAME];
	bool ok = false;
	int r = egress_socks_greet(&left, &ok);

	must(r == 0 || r == 1 || r == ERR_FORMAT);
	must(left.ptr + left.len == in.ptr + in.len);
	if (r != 1)
		left = in;
	r = egress_socks_ask(&left, &one);
	must(r == 0 || r == 1 || r == ERR_FORMAT || r == ERR_PARAM);
	must(left.ptr + left.len == in.ptr + in.len);
	if (r != 1)
		return;
	must(one.name.len > 0 || one.address.len > 0);
	must(one.name.len == 0 ||
		(one.name.ptr >= in.ptr &&
			one.name.ptr + one.name.len <= in.ptr + in.len));
	if (one.name.len > 0 && egress_name_clean(one.name, name))
		must(strlen(name) < EGRESS_NAME);
	if (one.address.len > 0)
		(void)egress_address_kind(&one.address);
}

/* An entry that is taken allows what it names. */
static void
entry(struct slice text)
{
	struct egress_rule rule = {0};
	struct egress_rules rules = {.list = &rule, .len = 1};
	bool internet = false;

	if (egress_rule_parse(&rule, &internet, text, NULL) < 0 || internet)
		return;
	if (rule.address.len > 0)
		must(egress_rules_address(&rules, "", &rule.address,
			     rule.port ? rule.port : 1, NULL) == 0);
	else if (!rule.below)
		must(egress_rules_name(&rules, rule.name,
			     rule.port ? rule.port : 1, NULL) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ask(slice_of(data, size));
	entry(slice_of(data, size));
	return 0;
}
