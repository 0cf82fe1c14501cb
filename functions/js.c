/*
 * See js.h.  The engine's C interface wants a string object for every name and
 * a place for every exception; the words here are what is left to say.
 */
#include "functions/js.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_TOP = 512, SOURCE_TOP = 256 * 1024 * 1024 };

JSValueRef
js_bytes(JSContextRef js, struct slice bytes, JSValueRef *exc)
{
	JSObjectRef array = JSObjectMakeTypedArray(
		js, kJSTypedArrayTypeUint8Array, bytes.len, exc);
	void *to;

	if (!array || *exc)
		return JSValueMakeUndefined(js);
	to = JSObjectGetTypedArrayBytesPtr(js, array, exc);
	if (to && bytes.len > 0)
		memcpy(to, bytes.ptr, bytes.len);
	return array;
}

bool
js_slice(JSContextRef js, JSValueRef v, struct slice *ret)
{
	JSTypedArrayType type = JSValueGetTypedArrayType(js, v, NULL);
	JSObjectRef array;
	size_t offset;
	char *p;

	if (type == kJSTypedArrayTypeNone ||
		type == kJSTypedArrayTypeArrayBuffer)
		return false;
	array = JSValueToObject(js, v, NULL);
	p = JSObjectGetTypedArrayBytesPtr(js, array, NULL);
	offset = JSObjectGetTypedArrayByteOffset(js, array, NULL);
	*ret = slice_of(p ? p + offset : "",
		p ? JSObjectGetTypedArrayByteLength(js, array, NULL) : 0);
	return true;
}

JSValueRef
js_number(JSContextRef js, double n)
{
	return JSValueMakeNumber(js, n);
}

double
js_double(JSContextRef js, JSValueRef v)
{
	double n = JSValueToNumber(js, v, NULL);

	return isnan(n) ? 0 : n;
}

uint32_t
js_u32(JSContextRef js, JSValueRef v)
{
	double n = js_double(js, v);

	return n >= 1 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

JSValueRef
js_get(JSContextRef js, JSValueRef object, const char *name)
{
	JSStringRef key;
	JSValueRef v = NULL;

	if (object && JSValueIsObject(js, object)) {
		key = JSStringCreateWithUTF8CString(name);
		v = JSObjectGetProperty(
			js, JSValueToObject(js, object, NULL), key, NULL);
		JSStringRelease(key);
	}
	return v ? v : JSValueMakeUndefined(js);
}

void
js_set(JSContextRef js, JSObjectRef object, const char *name, JSValueRef v)
{
	JSStringRef key = JSStringCreateWithUTF8CString(name);

	JSObjectSetProperty(js, object, key, v, kJSPropertyAttributeNone, NULL);
	JSStringRelease(key);
}

void
js_set_text(
	JSContextRef js, JSObjectRef object, const char *name, struct slice v)
{
	js_set(js, object, name, js_text(js, v));
}

JSValueRef
js_throw(JSContextRef js, JSValueRef *exc, const char *code, const char *fmt,
	...)
{
	char text[MESSAGE_TOP];
	JSValueRef message;
	JSObjectRef error;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	message = js_text(js, slice_str(text));
	error = JSObjectMakeError(js, 1, &message, NULL);
	if (code)
		js_set_text(js, error, "code", slice_str(code));
	*exc = error;
	return JSValueMakeUndefined(js);
}

/* The engine's own stacks do not repeat what was thrown; Node's do. */
void
js_describe(JSContextRef js, JSValueRef thrown, struct buf *to)
{
	JSValueRef stack = js_get(js, thrown, "stack");
	struct buf text _buf_ = {0}, words _buf_ = {0};

	buf_init(&text, SOURCE_TOP);
	buf_init(&words, SOURCE_TOP);
	(void)js_utf8(js, thrown, &words);
	if (JSValueIsString(js, stack))
		(void)js_utf8(js, stack, &text);
	if (!text.len || (!memmem(text.ptr, text.len, "\n    at ", 8) &&
				 !slice_starts(buf_all(&text), words.ptr))) {
		buf_add(to, words.ptr, min(words.len, to->ceiling - to->len));
		if (text.len)
			buf_add(to, "\n",
				min((size_t)1, to->ceiling - to->len));
	}
	buf_add(to, text.ptr, min(text.len, to->ceiling - to->len));
}

JSObjectRef
js_compile(JSContextRef js, struct slice source, const char *path,
	struct slice names, JSValueRef *exc)
{
	struct buf text _buf_ = {0};
	JSStringRef program, url;
	JSValueRef f;

	buf_init(&text, SOURCE_TOP);
	/* On the source's own first line, or every line would be one off. */
	buf_str(&text, "(function (");
	buf_slice(&text, names);
	buf_str(&text, ") {");
	buf_slice(&text, source);
	buf_str(&text, "\n})");
	if (buf_check(&text) < 0) {
		(void)js_throw(js, exc, "EFBIG", "%s: too large", path);
		return NULL;
	}
	program = js_string(buf_all(&text));
	url = js_string(slice_str(path));
	f = JSEvaluateScript(js, program, NULL, url, 1, exc);
	JSStringRelease(program);
	JSStringRelease(url);
	return f && !*exc ? JSValueToObject(js, f, exc) : NULL;
}
