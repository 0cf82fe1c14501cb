/*
 * The stubs below the cloud calls, and a call to run.
 */
#include "tests/unit/call_driver.h"

#include "db/tx.h"
#include "watch/watch_relay.h"

/* What the stubs were given last. */
struct doc_op *op;
struct doc_request asked;
char *query, *data, *order, *stages;
struct fn_call *fn;
struct order *ordered;
char *order_body;
bool may_price;
const char *tx_owner;
int tx_refs;
static struct loop loop;

static char *
dump(const json_t *v)
{
	return v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
}

void
doc_run(const struct docs *docs, struct doc_op *o,
	const struct doc_request *request)
{
	(void)docs;
	op = o;
	asked = *request;
	query = dump(request->query);
	data = dump(request->data);
	order = dump(request->order);
	stages = dump(request->stages);
	job_begin(&o->job, &loop, 0, NULL);
}

const struct doc_limits doc_limits_preset = {.limit_preset = 100};

/* Nobody watches: the engine behind these has doc_run's other half in it. */
void
watch_relay_start(struct watch_relay *r, struct watch_sub *s,
	const struct watch_query *watched)
{
	(void)r, (void)s, (void)watched;
}

void
watch_relay_resume(struct watch_relay *r, struct watch_sub *s,
	const struct watch_query *watched, uint64_t epoch, uint64_t seq)
{
	(void)r, (void)s, (void)watched, (void)epoch, (void)seq;
}

void
watch_relay_stop(struct watch_sub *s)
{
	(void)s;
}

uint64_t
watch_relay_epoch(const struct watch_sub *s)
{
	(void)s;
	return 0;
}

uint64_t
watch_relay_batch(const struct watch_relay *r)
{
	(void)r;
	return 0;
}

struct watches_count
watch_relay_count(const struct watch_relay *r)
{
	(void)r;
	return (struct watches_count){0};
}

struct tx *
txs_find(struct txs *txs, struct slice id, const char *owner, struct fault *why)
{
	(void)txs;
	if (!slice_is(id, "tx1") || strcmp(owner, tx_owner) != 0) {
		(void)fault_set(why, ERR_DB_NO_TX, "no");
		return NULL;
	}
	tx_refs++;
	return (struct tx *)&tx_refs;
}

struct tx *
tx_unref(struct tx *tx)
{
	if (tx)
		tx_refs--;
	return NULL;
}

void
tx_start(struct txs *txs, struct tx_op *o, const char *owner)
{
	(void)txs;
	(void)owner;
	job_begin(&o->job, &loop, 0, NULL);
}

void
tx_commit(struct tx *tx, struct tx_op *o)
{
	(void)tx;
	job_begin(&o->job, &loop, 0, NULL);
}

void
tx_abort(struct tx *tx, struct tx_op *o)
{
	(void)tx;
	job_begin(&o->job, &loop, 0, NULL);
}

int
tx_gateway(struct slice id)
{
	(void)id;
	return 0;
}

json_t *
crews_status(const struct crews *crews, bool stats)
{
	(void)crews, (void)stats;
	return json_array();
}

void
crew_call(struct crews *crews, struct fn_call *call)
{
	(void)crews;
	fn = call;
	job_begin(&call->job, &loop, 0, NULL);
}

void
order_place(struct pay *pay, struct order *o, const struct caller *who,
	const json_t *body, bool price)
{
	(void)pay;
	(void)who;
	ordered = o;
	order_body = dump(body);
	may_price = price;
	job_begin(&o->job, &loop, 0, NULL);
}

void
order_get(struct pay *pay, struct order *o, const struct caller *who,
	struct slice no)
{
	(void)pay;
	(void)who;
	(void)no;
	ordered = o;
	job_begin(&o->job, &loop, 0, NULL);
}

void
order_refresh(struct pay *pay, struct order *o, const struct caller *who,
	struct slice no)
{
	order_get(pay, o, who, no);
}

void
order_end(struct pay *pay, struct order *o, const struct caller *who,
	struct slice no)
{
	order_get(pay, o, who, no);
}

const struct caller user = {.role = CALLER_USER,
	.uid = "u1",
	.appid = "wx1",
	.openid = "oA",
	.unionid = ""};
const struct caller visitor = {.role = CALLER_USER,
	.uid = "v1",
	.appid = "wx1",
	.openid = "",
	.unionid = ""};
const struct caller function = {.role = CALLER_FUNCTION,
	.uid = "u1",
	.appid = "wx1",
	.openid = "oA",
	.unionid = ""};
const struct caller nobody = {.role = CALLER_NOBODY,
	.uid = "",
	.appid = "",
	.openid = "",
	.unionid = ""};

static void
on_done(struct job *job)
{
	struct call *c = container_of(job, struct call, job);

	container_of(c, struct fixture, call)->done++;
}

void
begin_form(struct fixture *f, const struct caller *who, const char *body,
	enum call_form form)
{
	memset(f, 0, sizeof(*f));
	op = NULL;
	fn = NULL;
	ordered = NULL;
	query = data = order = stages = order_body = NULL;
	tx_refs = 0;
	assert_int_equal(loop_init(&loop), 0);
	f->conf = conf_new();
	f->gateway.loop = &loop;
	f->gateway.conf = f->conf;
	f->gateway.count = &f->count;
	f->gateway.docs.limits = doc_limits_preset;
	f->gateway.pay = (struct pay *)f; /* the stub does not look */
	arena_init(&f->arena, 1 << 20);
	f->body = json_loads(body, 0, NULL);
	assert_non_null(f->body);
	f->call.gateway = &f->gateway;
	f->call.arena = &f->arena;
	f->call.caller = who;
	f->call.request_id = "r1";
	f->call.client_ip = "";
	f->call.source = "scf";
	f->call.body = f->body;
	f->call.form = form;
	job_init(&f->call.job, on_done);
	call_run(&f->call);
	if (!op && !fn && !ordered)
		loop_turn(&loop, false);
}

void
begin(struct fixture *f, const struct caller *who, const char *body)
{
	begin_form(f, who, body, 0);
}

void
end(struct fixture *f)
{
	free(query);
	free(data);
	free(order);
	free(stages);
	free(order_body);
	json_decref(f->body);
	arena_done(&f->arena);
	conf_free(f->conf);
	loop_done(&loop);
}

void
answer_is(struct fixture *f, const char *text)
{
	assert_int_equal(f->done, 1);
	assert_int_equal(f->call.job.err, 0);
	assert_int_equal(f->call.answer.len, strlen(text));
	assert_memory_equal(f->call.answer.ptr, text, strlen(text));
}

void
give_list(const char *const *texts, size_t count)
{
	op->list = arena_get(op->arena, count * sizeof(struct slice));
	op->count = count;
	for (size_t i = 0; i < count; i++)
		op->list[i] = slice_str(texts[i]);
	job_finish(&op->job, 0);
}

void
refused(const struct caller *who, const char *body, int err)
{
	struct fixture f;

	begin(&f, who, body);
	assert_null(op);
	assert_null(fn);
	assert_null(ordered);
	assert_int_equal(f.done, 1);
	assert_int_equal(f.call.job.err, err);
	end(&f);
}
