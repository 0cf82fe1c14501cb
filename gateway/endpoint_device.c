/*
 * A user's devices: GET /v1/session/devices, DELETE /v1/session/devices/{sid},
 * POST /v1/logout; js-sdk's DELETE /auth/v1/user/authorized/devices/{id} and
 * /auth/v1/user/revoke/all.
 */
#include "auth/device.h"
#include "auth/session.h"
#include "base/text.h"
#include "base/val.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"

enum { SID_HEX = 16, ANSWER_TOP = 256 * 1024 };

struct device_act {
	struct request *r;
	struct devices devices;
	struct device_end end;
	bool missing_is_error;
};

static struct device_act *
act_new(struct request *r)
{
	struct device_act *act = arena_new(request_arena(r), struct device_act);

	act->r = r;
	return act;
}

static void
put_time(struct buf *b, const char *key, int64_t ms)
{
	buf_printf(b, ",\"%s\":\"", key);
	text_time(b, ms * 1000000);
	buf_char(b, '"');
}

static void
put_device(struct buf *b, const struct device *d, bool current)
{
	buf_printf(b,
		"{\"sid\":\"%016llx\",\"device\":", (unsigned long long)d->sid);
	buf_json(b, d->name);
	buf_str(b, ",\"kind\":");
	buf_json(b, d->kind);
	buf_str(b, ",\"appid\":");
	buf_json(b, d->appid);
	put_time(b, "createdAt", d->created_ms);
	put_time(b, "usedAt", d->used_ms);
	buf_printf(b, ",\"current\":%s}", current ? "true" : "false");
}

static void
on_listed(struct job *job)
{
	struct device_act *act =
		container_of(job, struct device_act, devices.job);
	struct request *r = act->r;
	struct buf b _buf_;

	buf_init(&b, ANSWER_TOP);
	buf_str(&b, "{\"devices\":[");
	for (int i = 0; job->err == 0 && i < devices_count(&act->devices);
		i++) {
		struct device d = devices_at(&act->devices, i);

		if (i)
			buf_char(&b, ',');
		put_device(&b, &d, d.sid == r->caller.sid);
	}
	buf_str(&b, "]}");
	(void)request_reply(r, 200, buf_all(&b));
	request_finish(r, job->err < 0 ? job->err : buf_check(&b), &job->why);
}

int
endpoint_devices(struct request *r)
{
	struct family_home home = auth_home(r->gateway->auth);
	struct device_act *act = act_new(r);

	job_init(&act->devices.job, on_listed);
	devices_list(&act->devices, &home, slice_str(r->caller.uid));
	return request_wait(r, &act->devices.job);
}

static void
on_ended(struct job *job)
{
	struct device_act *act = container_of(job, struct device_act, end.job);
	struct request *r = act->r;
	int err = job->err;

	if (err == 0 && act->missing_is_error && !act->end.ended)
		err = fault_set(&job->why, ERR_DB_NO_DOC,
			"no session of yours has this id (GET "
			"/v1/session/devices lists them)");
	(void)request_reply(r, 200, SLICE("{}"));
	request_finish(r, err, &job->why);
}

static int
end(struct request *r, const struct device_which *which, bool missing_is_error)
{
	struct family_home home = auth_home(r->gateway->auth);
	struct device_act *act = act_new(r);

	act->missing_is_error = missing_is_error;
	job_init(&act->end.job, on_ended);
	device_end(&act->end, &home, slice_str(r->caller.uid), which);
	return request_wait(r, &act->end.job);
}

/* False: it is none. */
static bool
sid_of(struct slice hex, uint64_t *ret)
{
	uint64_t sid = 0;

	if (hex.len != SID_HEX)
		return false;
	for (size_t i = 0; i < SID_HEX; i++) {
		char c = hex.ptr[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
						   : -1;

		if (digit < 0)
			return false;
		sid = sid << 4 | (unsigned)digit;
	}
	*ret = sid;
	return sid != 0;
}

int
endpoint_device_end(struct request *r)
{
	struct device_which which = {.reason = "device"};

	if (!sid_of(r->param, &which.sid))
		return fault_set(&r->why, ERR_PARAM,
			"sid: 16 hex digits, as GET /v1/session/devices lists "
			"them");
	return end(r, &which, true);
}

/* js-sdk names its own device by x-device-id. */
int
endpoint_auth_device_end(struct request *r)
{
	struct device_which which = {.reason = "device"};

	if (!sid_of(r->param, &which.sid))
		which.device_id = device_id_clean(r->param);
	if (!which.sid && !which.device_id.len)
		return fault_set(&r->why, ERR_PARAM,
			"device_id: letters, digits, - and _");
	return end(r, &which, true);
}

int
endpoint_auth_end_all(struct request *r)
{
	return end(r, &(struct device_which){.reason = "all"}, false);
}

/* {"all": true}: on all devices. */
int
endpoint_logout(struct request *r)
{
	struct device_which which = {.reason = "logout"};
	bool all = false;
	int e = 0;

	if (exchange_body(r->x).len)
		e = request_json(r);
	if (e == 0 && r->json)
		e = val_bool_or(r->json, "all", false, &all, &r->why);
	if (e < 0)
		return e;
	if (all)
		which.reason = "all";
	else
		which.sid = r->caller.sid;
	return end(r, &which, false);
}
