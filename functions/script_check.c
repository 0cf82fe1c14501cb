/*
 * host.checkSyntax: is this a program that a script function can run?  The
 * engine has no module loader, and what it says of an `import` is no help, so
 * that a module is one is found out here and said plainly.
 */
#include "functions/script_inside.h"

#include <stdio.h>
#include <string.h>

enum { SOURCE_TOP = 256 * 1024 * 1024, SHOWN = 60 };

static struct slice
line_of(struct slice source, unsigned number)
{
	struct slice line = SLICE("");

	while (number-- > 0 && slice_split(&source, '\n', &line))
		;
	return line;
}

static bool
starts_with_word(struct slice s, const char *word)
{
	size_t len = strlen(word);

	return slice_starts(s, word) &&
	       (s.len == len || !strchr("abcdefghijklmnopqrstuvwxyz"
					"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789_$",
					s.ptr[len]));
}

/* The statement that the engine stumbled over, or an empty slice: its words
 * name the keyword, or the line begins with it. */
static struct slice
module_statement(struct slice line, const char *words)
{
	static const struct {
		const char *keyword, *said;
	} all[] = {
		{"import", "import call expects"},
		{"import", "import.meta"},
		{"export", "keyword 'export'"},
	};

	for (size_t i = 0; i < array_size(all); i++) {
		const char *at;

		if (!strstr(words, all[i].said))
			continue;
		at = memmem(line.ptr, line.len, all[i].keyword, 6);
		if (at)
			return slice_of(at, line.len - (size_t)(at - line.ptr));
	}
	line = slice_trim(line);
	if (strstr(words, "Cannot use") &&
		(starts_with_word(line, "import") ||
			starts_with_word(line, "export")))
		return line;
	return SLICE("");
}

static void
put_message(struct buf *to, struct slice source, unsigned line,
	const char *words, bool *module)
{
	struct slice at =
		slice_trim(module_statement(line_of(source, line), words));

	*module = at.len > 0;
	if (at.len == 0) {
		buf_str(to, words);
		return;
	}
	buf_printf(to,
		"this is an ES module (%.*s%s): script functions are CommonJS; "
		"write %s or use the runtime node",
		(int)min(at.len, (size_t)SHOWN), at.ptr,
		at.len > SHOWN ? "…" : "",
		slice_starts(at, "export") ? "exports.name = …" : "require()");
}

static JSValueRef
describe(struct script *s, struct slice source, JSValueRef thrown)
{
	unsigned line = js_u32(s->js, js_get(s->js, thrown, "line"));
	JSObjectRef ret = JSObjectMake(s->js, NULL, NULL);
	struct buf words _buf_ = {0}, message _buf_ = {0};
	bool module = false;

	buf_init(&words, 64 * 1024);
	buf_init(&message, 64 * 1024);
	(void)js_utf8(s->js, js_get(s->js, thrown, "message"), &words);
	put_message(
		&message, source, line, words.ptr ? words.ptr : "", &module);
	js_set_text(s->js, ret, "message", buf_all(&message));
	js_set(s->js, ret, "line", js_number(s->js, line));
	js_set(s->js, ret, "module", JSValueMakeBoolean(s->js, module));
	return ret;
}

/* As it will be compiled: `return` at the top level is fine. */
JSValueRef
script_check(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	struct buf text _buf_ = {0};
	struct slice head = SLICE("(function () {");
	JSValueRef thrown = NULL;
	JSStringRef program;
	bool ok;

	buf_init(&text, SOURCE_TOP);
	buf_slice(&text, head);
	if (!js_utf8(s->js, v[0], &text))
		return js_throw(s->js, exc, "EFBIG", "the source is too large");
	buf_str(&text, "\n})");
	program = js_string(buf_all(&text));
	ok = JSCheckScriptSyntax(s->js, program, NULL, 1, &thrown);
	JSStringRelease(program);
	if (ok || !thrown)
		return JSValueMakeNull(s->js);
	return describe(
		s, slice_of(text.ptr + head.len, text.len - head.len), thrown);
}
