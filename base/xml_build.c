/*
 * The writer.  Strings stand in CDATA, as WeChat writes them, so that nothing
 * in them needs escaping but the end of CDATA itself, and the one character a
 * reader would change.
 */
#include "base/xml.h"

/* "]]>" cannot stand in CDATA: it is cut in two.  A lone \r would be read as a
 * line end. */
static int
put_cdata(struct buf *to, struct slice s, const char *name, struct fault *why)
{
	if (!xml_is_text(s))
		return fault_set(why, ERR_PARAM,
			"%s: a character that XML cannot say", name);
	buf_str(to, XML_CDATA);
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\r') {
			buf_str(to, XML_CDATA_END "&#13;" XML_CDATA);
			continue;
		}
		if (s.ptr[i] == '>' && i >= 2 && s.ptr[i - 1] == ']' &&
			s.ptr[i - 2] == ']')
			buf_str(to, XML_CDATA_END XML_CDATA);
		buf_char(to, s.ptr[i]);
	}
	buf_str(to, XML_CDATA_END);
	return 0;
}

static int put_element(struct buf *to, const char *name, const json_t *v,
	unsigned depth, struct fault *why);

static int
put_object(
	struct buf *to, const json_t *object, unsigned depth, struct fault *why)
{
	const char *key;
	json_t *v;
	int r = 0;

	json_object_foreach ((json_t *)(uintptr_t)object, key, v) {
		if (json_is_array(v))
			for (size_t i = 0; r == 0 && i < json_array_size(v);
				i++)
				r = put_element(to, key, json_array_get(v, i),
					depth, why);
		else
			r = put_element(to, key, v, depth, why);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
put_element(struct buf *to, const char *name, const json_t *v, unsigned depth,
	struct fault *why)
{
	int r = 0;

	if (json_is_null(v))
		return 0;
	if (!xml_is_name(slice_str(name)) || depth > XML_DEPTH_TOP ||
		json_is_array(v))
		return fault_set(why, ERR_PARAM,
			"%.64s: not a name of an XML element, too deep, or an "
			"array in an array",
			name);
	buf_printf(to, "<%s>", name);
	if (json_is_object(v))
		r = put_object(to, v, depth + 1, why);
	else if (json_is_string(v))
		r = put_cdata(to,
			slice_of(json_string_value(v), json_string_length(v)),
			name, why);
	else
		val_put(to, v);
	buf_printf(to, "</%s>", name);
	return r;
}

int
xml_build(struct buf *to, const char *root, const json_t *object,
	struct fault *why)
{
	return put_element(to, root, object, 1, why);
}
