/*
 * The plan is a tree; what an author wants to know of it are its leaves: what
 * reads the table, and by what.  Relations of indexes carry their names (see
 * db/index.c), "system.i<hash>.<name>"; that of _id is "system.<hash>".
 */
#include "documents/explain.h"

#include "base/val.h"

#include <inttypes.h>
#include <string.h>

enum { DEPTH_TOP = 64, RELATION_HEAD = 25 };

struct told {
	json_t *indexes, *summary;
	bool scans_all, sorts;
};

static bool
is_ours(const char *relation, char letter)
{
	return strncmp(relation, "system.", 7) == 0 && relation[7] == letter &&
	       strlen(relation) > RELATION_HEAD &&
	       relation[RELATION_HEAD - 1] == '.';
}

/* Once each. */
static void
add(json_t *list, const char *line)
{
	json_t *v;
	size_t i;

	json_array_foreach (list, i, v)
		if (strcmp(json_string_value(v), line) == 0)
			return;
	(void)json_array_append_new(list, json_string(line));
}

static void
add_line(
	struct told *t, const char *before, const char *name, const char *after)
{
	_buf_ struct buf b = {0};

	buf_init(&b, 1024);
	buf_str(&b, before);
	buf_str(&b, name);
	buf_str(&b, after);
	add(t->summary, buf_all(&b).ptr);
}

static void
tell_index(struct told *t, const char *relation)
{
	if (is_ours(relation, 'i')) {
		add(t->indexes, relation + RELATION_HEAD);
		add_line(t, "uses index ", relation + RELATION_HEAD, "");
	} else if (is_ours(relation, 'a')) {
		add(t->indexes, relation + RELATION_HEAD);
		add_line(t, "uses index ", relation + RELATION_HEAD,
			", for values in arrays");
	} else if (strncmp(relation, "system.", 7) == 0) {
		add(t->indexes, "_id_");
		add(t->summary, "uses the index of _id");
	}
}

static void
walk(struct told *t, const json_t *node, unsigned depth)
{
	const char *type = val_text(node, "Node Type");
	json_t *part;
	size_t i;

	if (depth > DEPTH_TOP)
		return;
	if (strcmp(type, "Seq Scan") == 0) {
		t->scans_all = true;
		add_line(t, "reads every document of ",
			val_text(node, "Relation Name"), "");
	}
	if (strcmp(type, "Sort") == 0)
		t->sorts = true;
	tell_index(t, val_text(node, "Index Name"));
	json_array_foreach (json_object_get(node, "Plans"), i, part)
		walk(t, part, depth + 1);
}

int
explain_tell(struct buf *to, struct slice plan, struct fault *why)
{
	_json_ json_t *v = NULL, *answer = NULL;
	struct told t = {0};
	const json_t *top;
	int r = val_parse(&v, plan, why);

	if (r < 0)
		return r;
	top = json_object_get(json_array_get(v, 0), "Plan");
	if (!top)
		return fault_set(why, ERR_DB,
			"PostgreSQL's plan is not of its "
			"form");
	t.indexes = json_array();
	t.summary = json_array();
	walk(&t, top, 0);
	if (t.sorts)
		add(t.summary, "sorts what it found");
	answer = json_pack("{s:o,s:o,s:b,s:b,s:O*,s:O*}", "summary", t.summary,
		"indexes", t.indexes, "scansAll", t.scans_all, "sorts", t.sorts,
		"cost", json_object_get(top, "Total Cost"), "rows",
		json_object_get(top, "Plan Rows"));
	val_put(to, answer);
	return buf_check(to);
}
