/*
 * The other side of crew.c; see crew_fake.h.
 */
#include "tests/unit/crew_fake.h"

#include "base/clock.h"
#include "base/sock.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

struct keeper keeper[2];
struct fixture f;

const struct caller fake_caller = {.role = CALLER_USER,
	.uid = "u1",
	.appid = "wx1",
	.openid = "o\"1",
	.unionid = "",
	.sid = 7};

/* So that a turn never sleeps long. */
static void
on_pulse(struct timer *t)
{
	timer_set(t, &f.loop, 2, on_pulse);
}

void
turns(int n)
{
	while (n--)
		loop_turn(&f.loop, false);
}

/* --- workers ----------------------------------------------------------- */

static void
on_worker_frame(struct stream *s, const struct frame *fr)
{
	struct worker *w = container_of(s, struct worker, stream);
	struct getter g = getter_of(fr->body);
	struct invoke *i = &w->got[w->ngot];
	struct slice context;

	if (fr->type == PROTO_DRAIN)
		w->drains++;
	if (fr->type == PROTO_REPLY) {
		w->replies++;
		w->last_reply = fr->id;
		(void)snprintf(w->reply, sizeof(w->reply), "%.*s",
			SLICE_ARG(fr->body));
	}
	if (fr->type != PROTO_INVOKE)
		return;
	assert_true(w->ngot < INVOKES);
	assert_true(get_u32(&g) > 0);
	context = get_bytes(&g);
	i->id = fr->id;
	(void)snprintf(
		i->context, sizeof(i->context), "%.*s", SLICE_ARG(context));
	(void)snprintf(i->event, sizeof(i->event), "%.*s", SLICE_ARG(g.left));
	assert_false(g.bad);
	if (f.answers)
		stream_send(s, PROTO_RESULT, i->id, SLICE("1"));
	else
		w->ngot++;
}

static void
on_worker_gone(struct stream *s, int err)
{
	(void)s, (void)err;
}

static const struct stream_ops worker_ops = {
	.on_frame = on_worker_frame, .on_gone = on_worker_gone};

static void
worker_start(struct keeper *k, uint32_t number)
{
	struct worker *w = &k->worker[k->started++];
	char pid[4] = {1};
	int pair[2];

	assert_true(k->started <= WORKERS);
	memset(w, 0, sizeof(*w));
	assert_int_equal(sock_pair(SOCK_STREAM, pair), 0);
	assert_int_equal(stream_open(&w->stream, &f.loop, pair[0], &worker_ops,
				 1 << 20, 1 << 20),
		0);
	w->number = number;
	w->alive = true;
	channel_send(&k->channel, HOST_WORKER, number, slice_of(pid, 4),
		&pair[1], 1);
	(void)close(pair[1]);
}

void
worker_end(struct keeper *k, struct worker *w, int status, uint8_t reason)
{
	_buf_ struct buf b;

	buf_init(&b, 64);
	put_u32(&b, (uint32_t)status);
	put_u8(&b, reason);
	stream_close(&w->stream);
	w->alive = false;
	channel_send(&k->channel, HOST_GONE, w->number, buf_all(&b), NULL, 0);
}

void
answer(struct worker *w, unsigned i, const char *json)
{
	stream_send(&w->stream, PROTO_RESULT, w->got[i].id, slice_str(json));
}

/* --- keeper ------------------------------------------------------------ */

static void
on_keeper_frame(struct channel *c, const struct frame *fr, int *fds, int nfds)
{
	struct keeper *k = container_of(c, struct keeper, channel);

	(void)fds, (void)nfds;
	if (fr->type == HOST_SPAWN) {
		k->spawns++;
		if (k->refuses)
			channel_send(c, HOST_NO_WORKER, fr->id,
				SLICE("no memory left"), NULL, 0);
		else if (!k->silent)
			worker_start(k, fr->id);
	}
	for (unsigned i = 0; fr->type == HOST_KILL && i < k->started; i++)
		if (k->worker[i].number == fr->id && k->worker[i].alive) {
			k->worker[i].killed = true;
			worker_end(k, &k->worker[i], SIGKILL, GONE_KILLED);
		}
}

static void
on_keeper_gone(struct channel *c, int err)
{
	(void)c, (void)err;
}

static const struct channel_ops keeper_ops = {
	.on_frame = on_keeper_frame, .on_gone = on_keeper_gone};

void
deploy(struct keeper *k)
{
	struct fault why = {0};
	int pair[2];

	assert_int_equal(sock_pair(SOCK_SEQPACKET, pair), 0);
	assert_int_equal(
		channel_open(&k->channel, &f.loop, pair[0], &keeper_ops), 0);
	assert_int_equal(crews_add(f.crews, &f.settings, pair[1], &why), 0);
}

void
release(const char *json)
{
	struct fn_release r = {0};
	struct fault why = {0};
	_json_ json_t *v = NULL;

	assert_int_equal(val_parse(&v, slice_str(json), &why), 0);
	assert_int_equal(release_parse(&r, v, &why), 0);
	assert_int_equal(crews_release(f.crews, &r, &why), 0);
}

void
host_dies(struct keeper *k)
{
	for (unsigned i = 0; i < k->started; i++)
		stream_close(&k->worker[i].stream);
	channel_close(&k->channel);
}

/* --- gateway ----------------------------------------------------------- */

static void
on_call(struct crews *crews, struct host_call *call)
{
	(void)crews;
	f.asks++;
	f.asked = call;
	assert_int_equal(call->caller->role, CALLER_FUNCTION);
	(void)snprintf(f.asked_body, sizeof(f.asked_body), "%.*s",
		SLICE_ARG(call->body));
	(void)snprintf(f.asked_openid, sizeof(f.asked_openid), "%s",
		call->caller->openid);
}

static void
on_line(struct crews *crews, const struct crew_line *line)
{
	(void)crews;
	assert_string_equal(line->function, "hello");
	if (line->kind != LINE_CODE) {
		struct fake_line *l = &f.said[f.nsaid++ % SAID];

		l->kind = line->kind;
		l->version = line->version;
		(void)snprintf(l->text, sizeof(l->text), "%.*s",
			SLICE_ARG(line->text));
		return;
	}
	f.lines++;
	f.line_level = line->level;
	(void)snprintf(f.line, sizeof(f.line), "%.*s", SLICE_ARG(line->text));
	(void)snprintf(f.line_id, sizeof(f.line_id), "%s", line->request_id);
}

static void
on_trouble(struct crews *crews, const char *function, unsigned version,
	const char *why)
{
	(void)crews;
	assert_string_equal(function, "hello");
	f.troubles++;
	f.trouble_version = version;
	(void)snprintf(f.trouble, sizeof(f.trouble), "%s", why);
}

static const struct crews_ops ops = {
	.on_call = on_call, .on_line = on_line, .on_trouble = on_trouble};

void
on_done(struct job *job)
{
	struct fn_call *fc = container_of(job, struct fn_call, job);
	struct call *c = container_of(fc, struct call, call);

	c->done++;
	f.order[f.norder++] = (int)(c - f.call);
	(void)snprintf(
		c->result, sizeof(c->result), "%.*s", SLICE_ARG(fc->result));
}

struct slice
fake_header(const void *owner, const char *name)
{
	(void)owner;
	return strcmp(name, "x-try") == 0 ? SLICE("yes") : SLICE("");
}

struct call *
call_prepare(void)
{
	struct call *c = &f.call[f.ncalls];

	assert_true(f.ncalls < CALLS);
	(void)snprintf(c->event, sizeof(c->event), "{\"n\":%u}", f.ncalls++);
	job_init(&c->call.job, on_done);
	c->call.function = "hello";
	c->call.caller = &fake_caller;
	c->call.request_id = "r1";
	c->call.client_ip = "10.0.0.1";
	c->call.source = "wx_client";
	c->call.event = slice_str(c->event);
	return c;
}

struct call *
call_start(void)
{
	struct call *c = call_prepare();

	crew_call(f.crews, &c->call);
	assert_int_equal(c->done, 0); /* never inside */
	return c;
}

int
fake_setup(void **state)
{
	static const struct crews_conf conf = {.event_top = 4096,
		.result_top = 4096,
		.env = "test",
		.report_rate = 100,
		.appid = "wx0"};

	(void)state;
	memset(&f, 0, sizeof(f));
	memset(keeper, 0, sizeof(keeper));
	assert_int_equal(loop_init(&f.loop), 0);
	assert_int_equal(crews_new(&f.crews, &f.loop, &conf, &ops), 0);
	f.settings = (struct fn_settings){.name = "hello",
		.version = 1,
		.timeout_ms = 5000,
		.memory = 64 << 20,
		.workers = 1,
		.concurrency = 1,
		.queue = 100,
		.queue_ms = 900000,
		.idle_ms = 60000};
	timer_set(&f.pulse, &f.loop, 1, on_pulse);
	return 0;
}

int
fake_teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < f.ncalls; i++)
		job_cancel(&f.call[i].call.job);
	f.crews = crews_free(f.crews);
	for (int k = 0; k < 2; k++)
		host_dies(&keeper[k]);
	timer_clear(&f.pulse);
	clock_set(-1);
	loop_done(&f.loop);
	return 0;
}

/* The clock stands still: its calls take no time. */
struct worker *
warm_up(void)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *c;

	clock_set(CLOCK_S);
	c = call_start();
	until(w->ngot == 1);
	answer(w, 0, "0");
	until(c->done);
	w->ngot = 0;
	f.norder = 0;
	f.ncalls = 0;
	memset(f.call, 0, sizeof(f.call));
	return w;
}
