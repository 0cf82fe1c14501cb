/*
 * A private address is reached only by whoever wrote it down.  That a name is
 * on the list does not open the network behind the server: whoever owns the
 * name could point it there at any time (DNS rebinding).  So names lead to
 * public addresses, unless the entry ends with "!private".
 *
 * This machine's own public addresses count as private: from inside, services
 * answer there that no firewall lets the internet reach.
 */
#include "functions/egress_rule.h"

#include "base/mem.h"

#include <ctype.h>
#include <string.h>

#define HOW_TO_ALLOW \
	"list it in \"network\" (cloudbaserc.json, the function's " \
	"\"mpcloud\")"

bool
egress_name_clean(struct slice text, char ret[EGRESS_NAME])
{
	size_t label = 0;

	if (text.len > 0 && text.ptr[text.len - 1] == '.')
		text.len--;
	if (text.len == 0 || text.len >= EGRESS_NAME)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		label = c == '.' ? 0 : label + 1;
		if (label > 63 || (c == '.' && (i == 0 || ret[i - 1] == '.')))
			return false;
		if (!isalnum(c) && c != '-' && c != '_' && c != '.')
			return false;
		ret[i] = (char)tolower(c);
	}
	ret[text.len] = '\0';
	return true;
}

static int
bad_rule(struct slice text, struct fault *why)
{
	return fault_set(why, ERR_PARAM,
		"network: \"%.*s\" is not a host: \"api.example.com:443\", "
		"\"*.example.com\", \"10.0.0.5:6379\", \"[fd00::5]:80\", "
		"\"db.corp:5432!private\" or \"internet\"",
		(int)min(text.len, (size_t)80), text.ptr);
}

/* Cuts ":port" off the end of *text; an IPv6 address has colons of its own. */
static bool
take_port(struct slice *text, uint16_t *ret)
{
	const char *colon = memrchr(text->ptr, ':', text->len);
	const char *bracket = memrchr(text->ptr, ']', text->len);
	uint64_t port;
	struct egress_address plain;

	*ret = 0;
	if (!colon || (bracket && colon < bracket) ||
		egress_address_parse(&plain, *text))
		return true;
	if (slice_to_u64(slice_of(colon + 1,
				 (size_t)(text->ptr + text->len - colon - 1)),
		    65535, &port) < 0 ||
		port == 0)
		return false;
	*ret = (uint16_t)port;
	text->len = (size_t)(colon - text->ptr);
	return true;
}

static bool
take_brackets(struct slice *text)
{
	if (text->len < 2 || text->ptr[0] != '[')
		return false;
	if (text->ptr[text->len - 1] != ']')
		return false;
	*text = slice_of(text->ptr + 1, text->len - 2);
	return true;
}

int
egress_rule_parse(struct egress_rule *ret, bool *internet, struct slice text,
	struct fault *why)
{
	static const char mark[] = "!private";
	struct egress_rule rule = {0};
	struct slice all = text;
	size_t n = sizeof(mark) - 1;
	bool brackets;

	*internet = slice_is(text, "internet");
	if (*internet)
		return 0;
	if (text.len > n && !memcmp(text.ptr + text.len - n, mark, n)) {
		rule.inside = true;
		text.len -= n;
	}
	if (!take_port(&text, &rule.port))
		return bad_rule(all, why);
	brackets = take_brackets(&text);
	if (egress_address_parse(&rule.address, text)) {
		*ret = rule;
		return 0;
	}
	rule.below = slice_starts(text, "*.");
	if (rule.below)
		text = slice_of(text.ptr + 2, text.len - 2);
	if (brackets || !egress_name_clean(text, rule.name))
		return bad_rule(all, why);
	*ret = rule;
	return 0;
}

int
egress_rules_check(const json_t *hosts, struct fault *why)
{
	const json_t *entry;
	size_t i;
	int r = 0;

	if (json_array_size(hosts) > EGRESS_RULES)
		return fault_set(why, ERR_PARAM, "network: %d hosts at most",
			EGRESS_RULES);
	json_array_foreach (hosts, i, entry) {
		struct egress_rule rule;
		bool internet;

		if (!json_is_string(entry))
			return fault_set(why, ERR_PARAM,
				"network: hosts are texts, as "
				"\"api.example.com\" or \"10.0.0.5:6379\"");
		r = egress_rule_parse(&rule, &internet,
			slice_of(json_string_value(entry),
				json_string_length(entry)),
			why);
		if (r < 0)
			return r;
	}
	return 0;
}

int
egress_rules_init(struct egress_rules *ret, const struct fn_settings *fn,
	struct fault *why)
{
	struct egress_rules rules = {
		.internet = fn->network == NETWORK_INTERNET};
	const json_t *entry;
	size_t i;
	int r = egress_rules_check(fn->hosts, why);

	if (r < 0)
		return r;
	rules.list =
		mem_array(json_array_size(fn->hosts) + 1, struct egress_rule);
	json_array_foreach (fn->hosts, i, entry) {
		bool internet = false;

		(void)!egress_rule_parse(&rules.list[rules.len], &internet,
			slice_str(json_string_value(entry)), NULL);
		rules.internet |= internet;
		rules.len += !internet;
	}
	*ret = rules;
	return 0;
}

void
egress_rules_done(struct egress_rules *rules)
{
	rules->list = mem_free(rules->list);
	rules->len = 0;
}

static bool
port_fits(const struct egress_rule *rule, uint16_t port)
{
	return rule->port == 0 || port == 0 || rule->port == port;
}

static bool
name_fits(const struct egress_rule *rule, const char *name, uint16_t port)
{
	size_t len = strlen(rule->name), n = strlen(name);

	if (len == 0 || !port_fits(rule, port))
		return false;
	if (!rule->below)
		return strcmp(rule->name, name) == 0;
	return n > len + 1 && name[n - len - 1] == '.' &&
	       strcmp(name + n - len, rule->name) == 0;
}

int
egress_rules_name(const struct egress_rules *rules, const char *name,
	uint16_t port, struct fault *why)
{
	char number[16] = "";

	if (rules->internet)
		return 0;
	for (size_t i = 0; i < rules->len; i++)
		if (name_fits(&rules->list[i], name, port))
			return 0;
	if (port)
		(void)snprintf(number, sizeof(number), ":%u", port);
	return fault_set(why, ERR_DENIED,
		"network: %s%s is not one of this function's "
		"hosts: " HOW_TO_ALLOW,
		name, number);
}

/* Was it written down? */
static bool
is_listed(const struct egress_rules *rules, const char *name,
	const struct egress_address *a, uint16_t port)
{
	for (size_t i = 0; i < rules->len; i++) {
		const struct egress_rule *rule = &rules->list[i];

		if (rule->address.len && port_fits(rule, port) &&
			egress_address_eq(&rule->address, a))
			return true;
		if (*name && rule->inside && name_fits(rule, name, port))
			return true;
	}
	return false;
}

static int
refuse(const char *name, const struct egress_address *a, uint16_t port,
	const char *kind, struct fault *why)
{
	char text[EGRESS_ADDRESS_TEXT], number[16] = "";

	if (port)
		(void)snprintf(number, sizeof(number), ":%u", port);
	if (!*name)
		return fault_set(why, ERR_DENIED,
			"network: %s is %s: " HOW_TO_ALLOW,
			egress_address_text(a, port, text), kind);
	return fault_set(why, ERR_DENIED,
		"network: %s%s is %s, %s: list \"%s%s!private\" in "
		"\"network\" (cloudbaserc.json, the function's \"mpcloud\")",
		name, number, egress_address_text(a, 0, text), kind, name,
		number);
}

int
egress_rules_address(const struct egress_rules *rules, const char *name,
	const struct egress_address *a, uint16_t port, struct fault *why)
{
	const char *kind = egress_address_kind(a);

	if (is_listed(rules, name, a, port))
		return 0;
	if (!*name && !rules->internet)
		return refuse(name, a, port,
			kind ? kind : "not one of this function's hosts", why);
	if (!kind && egress_address_is_ours(a))
		kind = "an address of this server itself";
	return kind ? refuse(name, a, port, kind, why) : 0;
}
