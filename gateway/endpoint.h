#pragma once

/*
 * The endpoints that route.def names, one file a subject: endpoint_login.c,
 * endpoint_function.c, endpoint_call.c, endpoint_pay.c, endpoint_ops.c,
 * endpoint_probe.c, endpoint_bulk*.c, endpoint_db_*.c.
 */

#include "gateway/route.h"

endpoint_fn endpoint_session, endpoint_login, endpoint_refresh, endpoint_logout;
endpoint_fn endpoint_auth_anonymous, endpoint_auth_token, endpoint_auth_me,
	endpoint_auth_signout, endpoint_auth_revoke;
endpoint_fn endpoint_db_rest;
endpoint_fn endpoint_function, endpoint_http_trigger;
endpoint_fn endpoint_admin, endpoint_admin_unsigned, endpoint_web;
endpoint_fn endpoint_forwarded;
endpoint_fn endpoint_pay_place, endpoint_pay_get;
endpoint_fn endpoint_health, endpoint_ready;
endpoint_fn endpoint_ops_import_begin, endpoint_ops_import,
	endpoint_ops_import_end, endpoint_ops_export, endpoint_ops_definitions;
endpoint_fn endpoint_ops_collections, endpoint_ops_collection_drop,
	endpoint_ops_indexes, endpoint_ops_index_create,
	endpoint_ops_index_drop, endpoint_ops_explain, endpoint_ops_slow,
	endpoint_ops_slow_clear, endpoint_ops_advise;
endpoint_fn endpoint_ops_timers;
endpoint_fn endpoint_ops_queue, endpoint_ops_queue_show,
	endpoint_ops_queue_replay, endpoint_ops_queue_drop;
endpoint_fn endpoint_ops_rules_test;
endpoint_fn endpoint_ops_token, endpoint_ops_collection, endpoint_ops_status;
endpoint_fn endpoint_ops_functions, endpoint_ops_metrics;
