#pragma once

/*
 * A stored file as who has just uploaded it is told, whatever way its bytes
 * came.
 */

#include "base/buf.h"

struct file_info;
struct request;

/* {"fileID":…,"path":…,"type":…,"etag":…,"sha256":…,"size":…  without the end;
 * "pending" stands in it while the content is being checked. */
void file_json_put(
	struct buf *to, struct request *r, const struct file_info *info);
