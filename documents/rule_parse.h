#pragma once

/*
 * A rule being parsed: what rule_parse.c (conditions) and rule_term.c (values)
 * share.
 */

#include "documents/rule_lex.h"
#include "documents/rule_tree.h"

struct rule_parser {
	struct rule_lex lex;
	struct arena *arena;
	bool of_files; /* see rule_parse_file */
	unsigned depth;
	unsigned gets, get_depth;
};

/* Nodes being collected, the last first. */
struct rule_list {
	struct rule_cell *last;
	unsigned count;
};
void rule_list_add(
	struct rule_parser *p, struct rule_list *l, struct rule_node *n);
struct rule_node **rule_list_get(
	struct rule_parser *p, const struct rule_list *l) _returns_value_;

/* A node; an error when it has grown too complex. */
int rule_make(struct rule_parser *p, enum rule_op op, unsigned at,
	struct rule_node *const *part, unsigned count,
	struct rule_node **ret) _must_check_;
int rule_expect(
	struct rule_parser *p, const char *sign, const char *what) _must_check_;
int rule_check_value(
	struct rule_parser *p, const struct rule_node *n) _must_check_;

/* rule_parse.c: any expression. */
int rule_parse_ternary(
	struct rule_parser *p, struct rule_node **ret) _must_check_;
/* rule_term.c: a value with its members, or what stands in parentheses. */
int rule_parse_member(
	struct rule_parser *p, struct rule_node **ret) _must_check_;
