#pragma once

/*
 * Places and shapes that a query asks for, checked and written as
 * routines/geo.sql reads them.
 */

#include "base/val.h"

/* `v` is a stored form, parsed.  A GeoJSON object: its type, its coordinates'
 * nesting, longitudes and latitudes, closed rings. */
int geo_check(const json_t *v, struct fault *why) _must_check_;
/* [longitude, latitude], {"lng", "lat"} or a GeoJSON Point, appended as a
 * GeoJSON Point. */
int geo_put_point(
	struct buf *to, const json_t *v, struct fault *why) _must_check_;
/* What $geoWithin and $geoIntersects take:
 *   {"kind": "geometry", "shape": GeoJSON}
 *   {"kind": "sphere", "at": Point, "radius": radians}
 *   {"kind": "circle", "at": [x, y], "radius": r}
 *   {"kind": "box", "low": [x, y], "high": [x, y]}
 *   {"kind": "polygon", "points": [[x, y], …]} */
int geo_put_shape(struct buf *to, const json_t *v, bool within,
	struct fault *why) _must_check_;
