#pragma once

/*
 * A pipeline's request, before its statement is built (doc_sql_aggregate in
 * doc_sql.h).
 */

#include "base/val.h"
#include "documents/catalog.h"

/* Adds the collections that a pipeline reads or writes beside its own, those
 * of pipelines within it too, to names[0 … *count), each once; their bytes
 * belong to `stages`.  ERR_DB_PARAM past CATALOG_NAMES. */
int aggregate_names(const json_t *stages, struct slice names[CATALOG_NAMES],
	size_t *count, struct fault *why) _must_check_;

/* Its last stage is $out or $merge. */
bool aggregate_writes(const json_t *stages);
