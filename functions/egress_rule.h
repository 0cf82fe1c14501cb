#pragma once

/*
 * The setting `network` as a decision: may this function speak to that name,
 * which resolves to that address, at that port?
 *
 * An entry of the list:
 *   "api.example.com"          this name, any port; public addresses only
 *   "api.example.com:443"      this port
 *   "*.example.com:443"        every name below, not example.com itself
 *   "db.corp:5432!private"     ... also where it resolves to a private address
 *   "10.0.0.5:6379"            this address, private or not
 *   "[fd00::5]:6379"           (IPv6: brackets when a port follows)
 *   "internet"                 every public address
 */

#include "base/val.h"
#include "functions/egress_address.h"
#include "functions/settings.h"

enum { EGRESS_NAME = 254, EGRESS_RULES = 256 };

struct egress_rule {
	char name[EGRESS_NAME]; /* lower case; "" when it is an address */
	bool below;             /* "*.": names that end with ".name" */
	bool inside;            /* private addresses too */
	struct egress_address address;
	uint16_t port; /* 0: any */
};

struct egress_rules {
	bool internet;
	struct egress_rule *list;
	size_t len;
};

/* One entry.  ERR_PARAM with words for the author. */
int egress_rule_parse(struct egress_rule *ret, bool *internet,
	struct slice text, struct fault *why) _must_check_;

/* All of a list. */
int egress_rules_check(const json_t *hosts, struct fault *why) _must_check_;

int egress_rules_init(struct egress_rules *ret, const struct fn_settings *fn,
	struct fault *why) _must_check_;
void egress_rules_done(struct egress_rules *rules);

/* A name of letters, digits, - and _, in lower case and without the last dot;
 * false: it is none. */
bool egress_name_clean(struct slice text, char ret[EGRESS_NAME]);

/* May this name be asked for?  0, or ERR_DENIED with words.  Port 0: at any
 * port. */
int egress_rules_name(const struct egress_rules *rules, const char *name,
	uint16_t port, struct fault *why) _must_check_;
/* May it be connected to?  `name` as egress_rules_name allowed it, "" when the
 * address itself was asked for. */
int egress_rules_address(const struct egress_rules *rules, const char *name,
	const struct egress_address *a, uint16_t port,
	struct fault *why) _must_check_;
