/*
 * One file's JavaScript: chains of names (wx.cloud.database().collection("a"))
 * are followed from scope to scope, and names that are given a value take its
 * scope.
 *
 * What one file's text does not tell is not known: a database that comes from
 * another file is recognized by its .collection("…") only.
 */
#include "migrate/migrate.h"

#include "base/mem.h"
#include "migrate/js_token.h"

#include <stdlib.h>
#include <string.h>

enum { TOKENS_TOP = 1 << 20, NAMES_TOP = 256, DEPTH_TOP = 16, BACK_TOP = 32 };

/* A name of the file's, or a member of that name, and what it holds. */
struct bound {
	struct slice name;
	enum migrate_scope scope;
	bool is_member;
};

struct scan {
	struct migrate *m;
	struct js_token *tokens; /* the last is JS_END */
	size_t *pair;            /* of each bracket: where its other half is */
	size_t count;
	struct bound bound[NAMES_TOP];
	size_t bounds;
};

static const struct js_token *
tok(const struct scan *s, size_t i)
{
	return &s->tokens[min(i, s->count - 1)];
}

static bool
mark(const struct scan *s, size_t i, const char *text)
{
	return js_is(tok(s, i), JS_MARK, text);
}

/* ---- names ---- */

static void
bind(struct scan *s, struct slice name, enum migrate_scope scope, bool member)
{
	for (size_t i = 0; i < s->bounds; i++)
		if (s->bound[i].is_member == member &&
			slice_eq(s->bound[i].name, name)) {
			/* A name used twice keeps what is worth knowing. */
			if (scope != SCOPE_NOTHING)
				s->bound[i].scope = scope;
			return;
		}
	if (s->bounds < NAMES_TOP && scope != SCOPE_NOTHING)
		s->bound[s->bounds++] = (struct bound){name, scope, member};
}

static enum migrate_scope
scope_of(const struct scan *s, struct slice name, bool member)
{
	for (size_t i = 0; i < s->bounds; i++)
		if (s->bound[i].is_member == member &&
			slice_eq(s->bound[i].name, name))
			return s->bound[i].scope;
	return !member && slice_is(name, "wx") ? SCOPE_WX : SCOPE_NOTHING;
}

/* ---- chains ---- */

/* Names that lead nowhere and need no word: a promise's, a function's. */
static bool
is_plain(struct slice name)
{
	static const char *const plain[] = {"then", "catch", "finally",
		"default", "bind", "call", "apply", "length", "toString",
		"constructor", "prototype"};

	for (size_t i = 0; i < array_size(plain); i++)
		if (slice_is(name, plain[i]))
			return true;
	return false;
}

/* wx has hundreds of names that are no concern of ours; so have packages. */
static bool
is_open(enum migrate_scope scope)
{
	return scope == SCOPE_WX || scope == SCOPE_NOTHING ||
	       scope == SCOPE_TCB || scope == SCOPE_APP;
}

/* A member of a value of this scope: told, and what it leads to. */
static enum migrate_scope
member(struct scan *s, enum migrate_scope scope, const struct js_token *name,
	bool is_used)
{
	const struct migrate_row *row = migrate_find(scope, name->text);

	if (scope == SCOPE_NOTHING)
		return scope_of(s, name->text, true);
	if (!row && (is_open(scope) || is_plain(name->text)))
		return SCOPE_NOTHING;
	/* wx.cloud alone is no use of anything, nor is db.command. */
	if (!row || row->result == SCOPE_NOTHING || is_used)
		migrate_add(s->m, scope, name->text, name->line);
	return row ? row->result : SCOPE_NOTHING;
}

/* cloud.openapi.a.b: two names are one.  cloud.openapi({appid}).a.b too. */
static size_t
openapi(struct scan *s, size_t i)
{
	_free_ char *name = NULL;

	if (mark(s, i, "("))
		i = s->pair[i] + 1;
	if (!mark(s, i, ".") || tok(s, i + 1)->kind != JS_NAME)
		return i;
	if (!mark(s, i + 2, ".") || tok(s, i + 3)->kind != JS_NAME)
		return i + 2;
	name = str_printf("%.*s.%.*s", SLICE_ARG(tok(s, i + 1)->text),
		SLICE_ARG(tok(s, i + 3)->text));
	migrate_add(s->m, SCOPE_OPENAPI, slice_str(name), tok(s, i)->line);
	return i + 4;
}

/* A database from another file: anything.collection("name"). */
static bool
is_collection(const struct scan *s, size_t i)
{
	return slice_is(tok(s, i)->text, "collection") && mark(s, i + 1, "(") &&
	       (tok(s, i + 2)->kind == JS_STRING ||
		       tok(s, i + 2)->kind == JS_TEMPLATE);
}

/* ".name", "?.name" or ["name"] at i: the index of the name, or 0. */
static size_t
name_at(const struct scan *s, size_t i, size_t *next)
{
	if ((mark(s, i, ".") || mark(s, i, "?.")) &&
		tok(s, i + 1)->kind == JS_NAME) {
		*next = i + 2;
		return i + 1;
	}
	if (mark(s, i, "[") && tok(s, i + 1)->kind == JS_STRING &&
		mark(s, i + 2, "]")) {
		*next = i + 3;
		return i + 1;
	}
	return 0;
}

/* Follows a chain from i, where a value of this scope has just ended.  *end is
 * behind it. */
static enum migrate_scope
follow(struct scan *s, enum migrate_scope scope, size_t i, size_t *end)
{
	for (;;) {
		size_t next, name = name_at(s, i, &next);

		if (name) {
			if (scope == SCOPE_NOTHING && is_collection(s, name))
				scope = s->m->in_function ? SCOPE_SDB
							  : SCOPE_DB;
			i = next;
			scope = member(s, scope, tok(s, name),
				mark(s, i, "(") ||
					(mark(s, i, "?.") &&
						mark(s, i + 1, "(")));
			if (scope == SCOPE_OPENAPI) {
				i = openapi(s, i);
				scope = SCOPE_NOTHING;
			}
		} else if (mark(s, i, "(") && s->pair[i]) {
			i = s->pair[i] + 1;
		} else if (mark(s, i, "!") && mark(s, i + 1, ".")) {
			i++; /* TypeScript: not null */
		} else if (mark(s, i, "?.") &&
			   (mark(s, i + 1, "(") || mark(s, i + 1, "["))) {
			i++;
		} else {
			break;
		}
	}
	*end = i;
	return scope;
}

/* require("x") and import("x") at i: the module's name. */
static const struct js_token *
required(const struct scan *s, size_t i)
{
	if ((js_is(tok(s, i), JS_NAME, "require") ||
		    js_is(tok(s, i), JS_NAME, "import")) &&
		mark(s, i + 1, "(") && tok(s, i + 2)->kind == JS_STRING &&
		mark(s, i + 3, ")"))
		return tok(s, i + 2);
	return NULL;
}

/* Node's modules are also "node:http"; a package's files are "axios/lib/x". */
static enum migrate_scope
module_scope(struct scan *s, const struct js_token *name)
{
	struct slice text = name->text;
	const struct migrate_row *row;

	if (slice_starts(text, "node:"))
		text = slice_of(text.ptr + 5, text.len - 5);
	row = migrate_find(SCOPE_MODULE, text);
	/* What a script of the developer's own reaches is no concern of ours.
	 */
	if (row && (s->m->in_function || row->result != SCOPE_NOTHING))
		migrate_add(s->m, SCOPE_MODULE, text, name->line);
	return row ? row->result : SCOPE_NOTHING;
}

/* The value that begins at i: its scope, and where it ends. */
static enum migrate_scope
value(struct scan *s, size_t i, size_t *end)
{
	const struct js_token *t;

	*end = i;
	while (js_is(tok(s, i), JS_NAME, "await") ||
		js_is(tok(s, i), JS_NAME, "new"))
		i++;
	t = tok(s, i);
	if (t->kind != JS_NAME)
		return SCOPE_NOTHING;
	if (required(s, i))
		return follow(s, module_scope(s, required(s, i)), i + 4, end);
	return follow(s, scope_of(s, t->text, false), i + 1, end);
}

/* ---- what is given a name ---- */

/* { a, b: c, d = 1, ...e } from `from` to its other half: members of `scope`.
 */
static void
unpack(struct scan *s, size_t from, enum migrate_scope scope, unsigned depth)
{
	for (size_t i = from + 1; i < s->pair[from]; i++) {
		const struct js_token *name = tok(s, i), *as = name;
		enum migrate_scope result;

		if (s->pair[i] > i) {
			if (depth < DEPTH_TOP && mark(s, i, "{") &&
				mark(s, i - 1, ":"))
				unpack(s, i,
					migrate_leads(
						scope, tok(s, i - 2)->text),
					depth + 1);
			i = s->pair[i]; /* or a default's */
			continue;
		}
		if (name->kind != JS_NAME ||
			!(mark(s, i - 1, "{") || mark(s, i - 1, ",")))
			continue;
		result = member(s, scope, name, false);
		if (mark(s, i + 1, ":") && mark(s, i + 2, "{"))
			continue; /* it comes next */
		if (mark(s, i + 1, ":"))
			as = tok(s, i + 2);
		bind(s, as->text, result, false);
	}
}

/* A chain's end that ends the value: wx.cloud || {} is still wx.cloud. */
static bool
value_ends(const struct scan *s, size_t i)
{
	return !mark(s, i, "+") && !mark(s, i, "-") && !mark(s, i, "*") &&
	       !mark(s, i, "?") && !mark(s, i, "=>");
}

static bool
is_field(const struct js_token *head)
{
	static const char *const heads[] = {
		"private", "public", "protected", "readonly", "static"};

	for (size_t h = 0; h < array_size(heads); h++)
		if (js_is(head, JS_NAME, heads[h]))
			return true;
	return false;
}

/* const NAME: TYPE = VALUE and private NAME: TYPE = VALUE of TypeScript: the
 * index of NAME, else that before the "=". */
static size_t
annotated(const struct scan *s, size_t i)
{
	for (size_t at = i; at > 0 && i - at < BACK_TOP; at--) {
		const struct js_token *t = tok(s, at - 1);

		if (mark(s, at - 1, ";") || mark(s, at - 1, "}") ||
			mark(s, at - 1, "="))
			break;
		if (mark(s, at + 1, ":") &&
			(is_field(t) || js_is(t, JS_NAME, "const") ||
				js_is(t, JS_NAME, "let") ||
				js_is(t, JS_NAME, "var")))
			return at;
	}
	return i - 1;
}

/* NAME = VALUE, a.NAME = VALUE, NAME: VALUE, { … } = VALUE; i is at the "=" or
 * ":". */
static void
assign(struct scan *s, size_t i)
{
	struct migrate *m = s->m, quiet = {0};
	size_t end, name;
	enum migrate_scope scope;

	if (mark(s, i + 1, "=") || mark(s, i - 1, "=") || i == 0)
		return; /* a comparison */
	name = mark(s, i, "=") ? annotated(s, i) : i - 1;
	if (tok(s, name)->kind != JS_NAME && !mark(s, name, "}"))
		return;
	/* Its uses are told when the value itself is come to. */
	s->m = &quiet;
	migrate_init(&quiet);
	scope = value(s, i + 1, &end);
	migrate_done(&quiet);
	s->m = m;
	if (scope == SCOPE_NOTHING || !value_ends(s, end))
		return;
	if (mark(s, name, "}"))
		unpack(s, s->pair[name], scope, 0);
	else
		/* A class's field is named without "this" here only. */
		bind(s, tok(s, name)->text, scope,
			(mark(s, name + 1, ":") && name > 0 &&
				is_field(tok(s, name - 1))) ||
				mark(s, i, ":") ||
				(name > 0 && mark(s, name - 1, ".")));
}

/* a, * as b, { c, d as e, type f } between i and `end`, from a module. */
static void
import_names(struct scan *s, size_t i, size_t end, enum migrate_scope module)
{
	for (; i < end; i++) {
		const struct js_token *name = tok(s, i);
		bool is_part = mark(s, i - 1, "{") || mark(s, i - 1, ",");
		enum migrate_scope scope = module;

		if (name->kind != JS_NAME || js_is(name, JS_NAME, "as"))
			continue;
		if (is_part)
			scope = member(s, module, name, false);
		if (js_is(tok(s, i + 1), JS_NAME, "as"))
			i += 2;
		bind(s, tok(s, i)->text, scope, false);
	}
}

/* import cloud from "x", import * as cloud from "x", import { a as b } from
 * "x"; i is at "import". */
static void
import(struct scan *s, size_t i)
{
	size_t from = i + 1, stop = i + 4096;
	enum migrate_scope scope;

	while (from < stop && from + 1 < s->count &&
		!(js_is(tok(s, from), JS_NAME, "from") &&
			tok(s, from + 1)->kind == JS_STRING) &&
		!mark(s, from, ";") && !js_is(tok(s, from), JS_NAME, "import"))
		from++;
	if (!js_is(tok(s, from), JS_NAME, "from"))
		return;
	scope = module_scope(s, tok(s, from + 1));
	if (scope != SCOPE_NOTHING)
		import_names(s, i + 1, from, scope);
}

/* ---- a file ---- */

/* Brackets that are no call's. */
static bool
is_group(const struct scan *s, size_t open)
{
	return open == 0 ||
	       (tok(s, open - 1)->kind == JS_MARK && !mark(s, open - 1, ")") &&
		       !mark(s, open - 1, "]"));
}

static void
visit(struct scan *s, size_t i)
{
	const struct js_token *t = tok(s, i);
	bool first = i == 0 || (!mark(s, i - 1, ".") && !mark(s, i - 1, "?."));
	size_t end;

	if (t->kind == JS_STRING || t->kind == JS_TEMPLATE) {
		if (slice_starts(t->text, "cloud://"))
			migrate_add(
				s->m, SCOPE_TEXT, SLICE("cloud://"), t->line);
	} else if (mark(s, i, "=") || mark(s, i, ":")) {
		assign(s, i);
	} else if (t->kind == JS_NAME && first && !js_is(t, JS_NAME, "await") &&
		   !js_is(t, JS_NAME, "new")) {
		if (slice_is(t->text, "import") && !mark(s, i + 1, "("))
			import(s, i);
		else if (!mark(s, i + 1, ":"))
			(void)value(s, i, &end);
	} else if (mark(s, i, ")") && s->pair[i] && is_group(s, s->pair[i])) {
		/* (await x()).collection("a"): a value's scope does not come
		 * out of brackets. */
		(void)follow(s, SCOPE_NOTHING, i + 1, &end);
	}
}

/* Brackets and their other halves; what has none keeps 0. */
static void
match(struct scan *s)
{
	_free_ char *memory = mem_alloc_array(s->count, sizeof(size_t));
	size_t *open = (size_t *)(void *)memory, depth = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct js_token *t = tok(s, i);
		char c = t->kind == JS_MARK && t->text.len == 1 ? t->text.ptr[0]
								: '\0';

		if (c == '(' || c == '[' || c == '{') {
			open[depth++] = i;
		} else if ((c == ')' || c == ']' || c == '}') && depth) {
			depth--;
			s->pair[open[depth]] = i;
			s->pair[i] = open[depth];
		}
	}
}

static int
read_tokens(struct scan *s, struct slice text, struct fault *why)
{
	struct js_lexer lexer;
	size_t room = 0;
	int r = 0;

	js_begin(&lexer, text);
	do {
		if (s->count + 2 > room) {
			room = max(room * 2, (size_t)4096);
			s->tokens = mem_resize(
				s->tokens, room * sizeof(*s->tokens));
		}
		if (s->count + 1 >= TOKENS_TOP)
			r = fault_set(why, ERR_TOO_BIG, "more than %d words",
				TOKENS_TOP);
		else
			r = js_next(&lexer, &s->tokens[s->count], why);
	} while (r == 0 && s->tokens[s->count++].kind != JS_END);
	if (r < 0) /* what was read is looked at */
		s->tokens[s->count++] = (struct js_token){
			.kind = JS_END, .text = slice_of("", 0)};
	return r;
}

int
migrate_scan(struct migrate *m, struct slice text, struct fault *why)
{
	struct scan *s = mem_new(struct scan);
	int r;

	s->m = m;
	r = read_tokens(s, text, why);
	s->pair = mem_alloc_array(s->count, sizeof(*s->pair));
	match(s);
	for (size_t i = 0; i + 1 < s->count; i++)
		visit(s, i);
	(void)mem_free(s->pair);
	(void)mem_free(s->tokens);
	(void)mem_free(s);
	return r;
}

void
migrate_scan_text(struct migrate *m, struct slice text)
{
	unsigned line = 1;

	for (size_t i = 0; i < text.len; i++) {
		line += text.ptr[i] == '\n';
		if (slice_starts(
			    slice_of(text.ptr + i, text.len - i), "cloud://"))
			migrate_add(m, SCOPE_TEXT, SLICE("cloud://"), line);
	}
}
