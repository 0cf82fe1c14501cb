#pragma once

/*
 * The endpoints that route.def names, one file a subject: endpoint_login.c,
 * endpoint_function.c, endpoint_call.c, endpoint_pay.c, endpoint_ops.c,
 * endpoint_probe.c, endpoint_bulk*.c, endpoint_db_*.c.
 */

#include "gateway/route.h"

endpoint_fn endpoint_session, endpoint_login, endpoint_refresh, endpoint_logout,
	endpoint_signup, endpoint_password, endpoint_devices,
	endpoint_device_end;
endpoint_fn endpoint_auth_anonymous, endpoint_auth_token, endpoint_auth_me,
	endpoint_auth_signout, endpoint_auth_revoke, endpoint_auth_custom,
	endpoint_auth_signin, endpoint_auth_signup, endpoint_auth_exists,
	endpoint_auth_sudo, endpoint_auth_password, endpoint_auth_device_end,
	endpoint_auth_end_all, endpoint_auth_other;
endpoint_fn endpoint_db_rest;
endpoint_fn endpoint_ws, endpoint_container;
endpoint_fn endpoint_file_get, endpoint_file_put, endpoint_file_post,
	endpoint_file_delete, endpoint_file_list;
endpoint_fn endpoint_tus_options, endpoint_tus_create, endpoint_tus_show,
	endpoint_tus_patch, endpoint_tus_end;
endpoint_fn endpoint_storages;
endpoint_fn endpoint_ops_file_stat, endpoint_ops_file_copy,
	endpoint_ops_file_link, endpoint_ops_file_restore,
	endpoint_ops_file_sweep, endpoint_ops_file_usage,
	endpoint_ops_file_rules, endpoint_ops_file_rules_set;
endpoint_fn endpoint_upload_create, endpoint_upload_show, endpoint_upload_part,
	endpoint_upload_complete, endpoint_upload_abort;
endpoint_fn endpoint_function, endpoint_http_trigger;
endpoint_fn endpoint_ops_routes, endpoint_ops_routes_set,
	endpoint_ops_routes_check, endpoint_ops_routes_test;
endpoint_fn endpoint_preflight, endpoint_redirect, endpoint_static;
endpoint_fn endpoint_admin, endpoint_admin_unsigned, endpoint_web;
endpoint_fn endpoint_forwarded;
endpoint_fn endpoint_pay_place, endpoint_pay_get, endpoint_pay_close;
endpoint_fn endpoint_notify, endpoint_notify_v2;
endpoint_fn endpoint_ops_pay_orders, endpoint_ops_pay_order,
	endpoint_ops_pay_refunds, endpoint_ops_pay_inbox,
	endpoint_ops_pay_bills, endpoint_ops_pay_release,
	endpoint_ops_pay_settle;
endpoint_fn endpoint_ops_pay_refund, endpoint_ops_pay_close,
	endpoint_ops_pay_query, endpoint_ops_pay_reconcile,
	endpoint_ops_pay_bill, endpoint_ops_pay_selftest;
endpoint_fn endpoint_push_check, endpoint_push;
endpoint_fn endpoint_opendata, endpoint_jwks;
endpoint_fn endpoint_health, endpoint_ready;
endpoint_fn endpoint_ops_import_begin, endpoint_ops_import,
	endpoint_ops_import_end, endpoint_ops_export, endpoint_ops_definitions;
endpoint_fn endpoint_ops_collections, endpoint_ops_collection_drop,
	endpoint_ops_indexes, endpoint_ops_index_create,
	endpoint_ops_index_drop, endpoint_ops_explain, endpoint_ops_slow,
	endpoint_ops_slow_clear, endpoint_ops_advise;
endpoint_fn endpoint_ops_timers;
endpoint_fn endpoint_ops_wechat_tokens, endpoint_wechat_phone;
endpoint_fn endpoint_ops_users, endpoint_ops_user, endpoint_ops_user_revoke,
	endpoint_ops_user_block, endpoint_ops_user_unblock,
	endpoint_ops_user_delete, endpoint_ops_user_add,
	endpoint_ops_user_password, endpoint_ops_user_session;
endpoint_fn endpoint_ops_api_keys, endpoint_ops_api_key_add,
	endpoint_ops_api_key_revoke;
endpoint_fn endpoint_ops_login_keys, endpoint_ops_login_key_add,
	endpoint_ops_login_key_retire;
endpoint_fn endpoint_ops_queue, endpoint_ops_queue_show,
	endpoint_ops_queue_replay, endpoint_ops_queue_drop;
endpoint_fn endpoint_ops_rules_test;
endpoint_fn endpoint_ops_token, endpoint_ops_collection, endpoint_ops_status;
endpoint_fn endpoint_ops_functions, endpoint_ops_metrics, endpoint_metrics;
endpoint_fn endpoint_ops_alerts, endpoint_ops_alerts_test;
