#pragma once

/*
 * The little XML that WeChat speaks (message push, WeChat Pay v2): elements in
 * elements, text or CDATA in the innermost, no attributes.  All else is
 * refused: DOCTYPE and its entities, comments, processing instructions, other
 * encodings than UTF-8, text beside elements.  So nothing is ever expanded or
 * fetched, and two readers cannot see two meanings.
 */

#include "base/val.h"

enum {
	XML_TEXT_TOP = 1 << 20, /* bytes of a document */
	XML_DEPTH_TOP = 8,      /* elements in each other, the root included */
	XML_COUNT_TOP = 2000,   /* elements of a document */
	XML_NAME_TOP = 128      /* bytes of an element's name */
};

#define XML_CDATA     "<![CDATA["
#define XML_CDATA_END "]]>"

/* Letters, digits, _ - and . (no colon: no namespaces); of UTF-8, the
 * characters that XML 1.0 has. */
bool xml_is_name(struct slice name);
bool xml_is_text(struct slice text);
/*
 * <root>…</root> as a value of Jansson's: an element with elements in it is an
 * object, any other one a string, exactly as it stands there (CDATA and the
 * five entities of XML read once, line ends as XML 1.0 §2.11 says); a name that
 * comes twice in one element is an array.  The root is an object, also when it
 * is empty.  ERR_FORMAT, ERR_TOO_BIG; `why` says where.  The caller owns *ret.
 */
int xml_parse(json_t **ret, const char *root, struct slice text,
	struct fault *why) _must_check_;
/*
 * The other way: strings in CDATA, numbers bare (as WeChat writes both), true
 * and false as words, null and empty arrays left out.  ERR_PARAM: a name or a
 * character that XML cannot say, or too deep.
 */
int xml_build(struct buf *to, const char *root, const json_t *object,
	struct fault *why) _must_check_;
