/*
 * The pairs that sign custom login tickets: GET /ops/login-keys, POST
 * /ops/login-keys {id, publicKey}, POST /ops/login-keys/retire {id}.  Only the
 * public halves come here; `mpcloud keys custom new` makes a pair and prints
 * the private one.
 */
#include "auth/custom.h"
#include "auth/session.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"

enum { PEM_TOP = 8192, LIST_TOP = 1 << 20 };

struct key_act {
	struct request *r;
	struct family_home home;
	struct login_key key;
};

static struct key_act *
act_new(struct request *r, job_fn *done)
{
	struct key_act *a = arena_new(request_arena(r), struct key_act);

	a->r = r;
	a->home = auth_home(r->gateway->auth);
	job_init(&a->key.job, done);
	return a;
}

static struct key_act *
act_of(struct job *job)
{
	return container_of(
		container_of(job, struct login_key, job), struct key_act, key);
}

static void
put_row(struct buf *b, const struct ask *ask, int i)
{
	if (i)
		buf_char(b, ',');
	buf_str(b, "{\"id\":");
	buf_json(b, ask_value(ask, i, 0));
	buf_str(b, ",\"createdAt\":");
	buf_slice(b, ask_value(ask, i, 1));
	if (!ask_is_null(ask, i, 2)) {
		buf_str(b, ",\"retiredAt\":");
		buf_slice(b, ask_value(ask, i, 2));
	}
	buf_char(b, '}');
}

static void
on_list(struct job *job)
{
	struct key_act *a = act_of(job);
	struct buf b _buf_;
	int e = job->err;

	buf_init(&b, LIST_TOP);
	buf_str(&b, "{\"keys\":[");
	for (int i = 0; e == 0 && i < ask_rows(&a->key.ask); i++)
		put_row(&b, &a->key.ask, i);
	buf_str(&b, "]}");
	if (e == 0 && buf_check(&b) < 0)
		e = ERR_ANSWER_BIG;
	if (e == 0)
		(void)request_reply(a->r, 200,
			slice_of(arena_str(request_arena(a->r), buf_all(&b)),
				b.len));
	request_finish(a->r, e, &job->why);
}

static void
on_changed(struct job *job)
{
	struct key_act *a = act_of(job);

	if (job->err == 0)
		(void)request_reply(a->r, 200,
			a->key.changed ? SLICE("{\"changed\":true}")
				       : SLICE("{\"changed\":false}"));
	request_finish(a->r, job->err, &job->why);
}

int
endpoint_ops_login_keys(struct request *r)
{
	struct key_act *a = act_new(r, on_list);

	login_key_list(&a->key, &a->home);
	return request_wait(r, &a->key.job);
}

static int
read_id(struct request *r, struct slice *ret)
{
	int e = request_json(r);

	if (e == 0)
		e = val_str(r->json, "id", LOGIN_KEY_ID, ret, &r->why);
	if (e == 0 && !login_key_id_fits(*ret))
		e = fault_set(&r->why, ERR_PARAM,
			"id: 1 to %d letters, digits, - and _", LOGIN_KEY_ID);
	return e;
}

int
endpoint_ops_login_key_add(struct request *r)
{
	struct slice id, pem;
	struct key_act *a;
	int e = read_id(r, &id);

	if (e == 0)
		e = val_str(r->json, "publicKey", PEM_TOP, &pem, &r->why);
	if (e < 0)
		return e;
	a = act_new(r, on_changed);
	login_key_add(&a->key, &a->home, id, pem);
	return request_wait(r, &a->key.job);
}

int
endpoint_ops_login_key_retire(struct request *r)
{
	struct key_act *a;
	struct slice id;
	int e = read_id(r, &id);

	if (e < 0)
		return e;
	a = act_new(r, on_changed);
	login_key_retire(&a->key, &a->home, id);
	return request_wait(r, &a->key.job);
}
