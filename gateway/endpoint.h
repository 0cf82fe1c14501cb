#pragma once

/*
 * The endpoints that route.def names, one file a subject: endpoint_login.c,
 * endpoint_function.c, endpoint_call.c, endpoint_pay.c, endpoint_ops.c,
 * endpoint_probe.c.
 */

#include "gateway/route.h"

endpoint_fn endpoint_session, endpoint_login, endpoint_refresh, endpoint_logout;
endpoint_fn endpoint_function;
endpoint_fn endpoint_admin, endpoint_admin_unsigned, endpoint_web;
endpoint_fn endpoint_pay_place, endpoint_pay_get;
endpoint_fn endpoint_health, endpoint_ready;
endpoint_fn endpoint_ops_token, endpoint_ops_collection, endpoint_ops_status;
