#pragma once

/*
 * Words with JavaScript's values, over JavaScriptCore's C interface.  A value
 * lives as long as it is on the C stack or reachable from an object; `exc` is
 * where a call of the engine's leaves what was thrown, NULL before.
 */

#include "base/buf.h"

#include <JavaScriptCore/JavaScript.h>

/* UTF-8 to a string; what is not UTF-8 becomes U+FFFD (WHATWG's decoding). */
JSStringRef js_string(struct slice text);
JSValueRef js_text(JSContextRef js, struct slice text);
/* A value as a string, appended as UTF-8; lone surrogates become U+FFFD.
 * False: it cannot be made a string, or does not fit. */
bool js_utf8(JSContextRef js, JSValueRef v, struct buf *to);
/* The same of an engine's string. */
bool js_string_utf8(JSStringRef s, struct buf *to);
/* How many UTF-16 units `text` has when it is UTF-8. */
size_t js_units(struct slice text);

/* A Uint8Array with a copy of the bytes. */
JSValueRef js_bytes(JSContextRef js, struct slice bytes, JSValueRef *exc);
/* The bytes of a typed array, DataView apart; borrowed until JavaScript runs
 * again.  False: it is none. */
bool js_slice(JSContextRef js, JSValueRef v, struct slice *ret);
JSValueRef js_number(JSContextRef js, double n);
/* 0 when it is no number. */
double js_double(JSContextRef js, JSValueRef v);
uint32_t js_u32(JSContextRef js, JSValueRef v);

JSValueRef js_get(JSContextRef js, JSValueRef object, const char *name);
void js_set(
	JSContextRef js, JSObjectRef object, const char *name, JSValueRef v);
void js_set_text(
	JSContextRef js, JSObjectRef object, const char *name, struct slice v);

/* Throw an Error; with `code` (may be NULL) as its member. */
JSValueRef js_throw(JSContextRef js, JSValueRef *exc, const char *code,
	const char *fmt, ...) _printf_(4, 5);
/* What was thrown, for a person: its stack, or itself. */
void js_describe(JSContextRef js, JSValueRef thrown, struct buf *to);

/* A function of the parameters `names` whose stack frames say `path`. */
JSObjectRef js_compile(JSContextRef js, struct slice source, const char *path,
	struct slice names, JSValueRef *exc);
