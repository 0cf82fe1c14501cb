/*
 * One text for uploads at once and uploads in parts: a client tells them apart
 * by the address it asked, not by what it is told.
 */
#include "gateway/file_json.h"

#include "base/val.h"
#include "gateway/request.h"
#include "storage/files.h"

void
file_json_put(struct buf *to, struct request *r, const struct file_info *info)
{
	struct slice path = slice_str(info->path);

	buf_str(to, "{\"fileID\":");
	buf_json(to, slice_str(file_id_make(
			     r->gateway->files, request_arena(r), path)));
	val_put_text(to, "path", path);
	val_put_text(to, "type", slice_str(info->type));
	val_put_text(to, "etag", slice_str(info->etag));
	val_put_text(to, "sha256", slice_str(info->sha256));
	if (info->pending)
		buf_str(to, ",\"pending\":true");
	buf_printf(to, ",\"size\":%lld", (long long)info->size);
}
