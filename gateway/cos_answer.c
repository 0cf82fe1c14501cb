/*
 * COS's words.  An SDK shows its user Code and Message; the request id stands
 * in two places because each generation reads another.
 */
#include "gateway/cos_answer.h"

#include "base/xml.h"

enum { XML_TOP = 8192 };

/* COS's words for what is wrong. */
static const char *
cos_code(int err)
{
	switch (err) {
	case ERR_FILE_LINK:
	case ERR_FILE_DENIED:
	case ERR_FILE_REFUSED:
	case ERR_FILE_QUOTA:
		return "AccessDenied";
	case ERR_TOO_BIG:
		return "EntityTooLarge";
	case ERR_FILE_CHECKSUM:
		return "BadDigest";
	case ERR_PARAM:
		return "InvalidArgument";
	case ERR_CONFLICT:
	case ERR_PRECONDITION:
		return "PreconditionFailed";
	case ERR_FILE_NONE:
		return "NoSuchKey";
	case ERR_BUSY:
		return "ServiceUnavailable";
	default:
		return "InternalError";
	}
}

void
cos_reply(struct request *r, int status, const char *root, const json_t *v)
{
	struct arena *arena = request_arena(r);
	_buf_ struct buf b = {0};

	buf_init(&b, XML_TOP);
	buf_str(&b, "<?xml version='1.0' encoding='utf-8' ?>\n");
	/* A path that is no UTF-8 cannot be said. */
	if (!v || xml_build(&b, root, v, NULL) < 0 || buf_check(&b) < 0)
		buf_clear(&b);
	exchange_add_header(r->x, "Content-Type", "application/xml");
	r->typed = true;
	(void)request_reply(
		r, status, slice_of(arena_str(arena, buf_all(&b)), b.len));
}

void
cos_fail(struct request *r, struct slice path, int err, const struct fault *why)
{
	const char *id = exchange_id(r->x);
	_json_ json_t *v = json_pack("{s:s,s:s,s:s%,s:s,s:s}", "Code",
		cos_code(err), "Message",
		err > -1000 ? "an error of ours: the log has the request id"
			    : fault_text(why, err),
		"Resource", path.ptr, path.len, "RequestId", id, "TraceId", id);

	cos_reply(r, err_info(err)->status, "Error", v);
}
