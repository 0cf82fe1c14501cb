/*
 * The commands of admin.def.
 */
#include "src/admin_call.h"

#include "base/clock.h"
#include "base/conf.h"
#include "base/mem.h"
#include "src/supervisor.h"
#include "src/words.h"

#include <unistd.h>

json_t *
admin_okay(void)
{
	return json_pack("{s:b}", "ok", 1);
}

json_t *
admin_error(int err, const struct fault *why, const char *said)
{
	json_t *v = json_pack("{s:b}", "ok", 0);
	_free_ char *text = str_printf("%s%s%s", fault_text(why, err),
		said && *said ? ": " : "", said ? said : "");

	(void)json_object_set_new(v, "error", words_json(text));
	(void)json_object_set_new(v, "code", json_string(err_info(err)->wire));
	return v;
}

/* --- status --- */

static json_t *
listeners_status(const struct listeners *ls)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ls->count; i++) {
		const struct listener *l = &ls->all[i];
		json_t *one = json_pack("{s:s, s:s, s:b}", "kind", l->kind,
			"address", l->address, "inherited", l->inherited);

		if (l->fd >= 0)
			(void)json_array_append_new(list, one);
		else
			json_decref(one);
	}
	return list;
}

static const struct {
	const char *name;
	size_t at;
} counters[] = {
#define COUNTER(name) \
	{ \
#name, offsetof(struct shm_gateway, name) \
	}
	COUNTER(requests),
	COUNTER(answered_2xx),
	COUNTER(answered_4xx),
	COUNTER(answered_5xx),
	COUNTER(limited),
	COUNTER(refused),
	COUNTER(logins),
	COUNTER(orders),
	COUNTER(calls),
	COUNTER(calls_failed),
	COUNTER(cold_starts),
	COUNTER(db_asks),
	COUNTER(connections),
#undef COUNTER
};

static json_t *
counters_status(const struct supervisor *s)
{
	json_t *sums = json_object();

	for (size_t i = 0; i < array_size(counters); i++) {
		uint64_t sum = 0;

		for (unsigned g = 0; g < s->gateways.count; g++)
			sum += __atomic_load_n(
				(const uint64_t *)(const void
						*)((char *)shm_gateway(
							   s->shm, g) +
						   counters[i].at),
				__ATOMIC_RELAXED);
		(void)json_object_set_new(
			sums, counters[i].name, json_integer((json_int_t)sum));
	}
	return sums;
}

static void
do_status(struct admin_call *call)
{
	struct supervisor *s = call->sup;
	int64_t up = (clock_mono() - s->started_at) / CLOCK_S;
	json_t *v = admin_okay();

	(void)json_object_set_new(v, "version", json_string(PACKAGE_VERSION));
	(void)json_object_set_new(v, "pid", json_integer(getpid()));
	(void)json_object_set_new(v, "uptime", json_integer(up));
	(void)json_object_set_new(
		v, "phase", json_string(phase_name(s->phase)));
	(void)json_object_set_new(v, "gateways", gateways_status(s));
	(void)json_object_set_new(v, "functions", hosts_status(s));
	(void)json_object_set_new(
		v, "listeners", listeners_status(&s->listeners));
	(void)json_object_set_new(v, "counters", counters_status(s));
	(void)json_object_set_new(v, "pending", reload_pending(s));
	call->answer(call, v);
}

/* --- reload --- */

static void
on_reloaded(struct job *job)
{
	struct admin_call *call =
		container_of(job, struct admin_call, reload.job);
	json_t *v;

	if (job->err < 0) {
		call->answer(call, admin_error(job->err, &job->why, NULL));
		return;
	}
	v = admin_okay();
	(void)json_object_set_new(v, "pending", reload_pending(call->sup));
	call->answer(call, v);
}

static void
do_reload(struct admin_call *call)
{
	struct fault why = {0};
	int r = supervisor_check(call->sup, &why);

	if (r < 0) {
		call->answer(call, admin_error(r, &why, NULL));
		return;
	}
	job_init(&call->reload.job, on_reloaded);
	reload_ask(call->sup, &call->reload);
}

/* --- functions --- */

static void
on_deployed(struct job *job)
{
	struct admin_call *call =
		container_of(job, struct admin_call, deploy.job);
	struct deploy *d = &call->deploy;
	json_t *v;

	if (job->err < 0) {
		call->answer(call, admin_error(job->err, &job->why, d->said));
		return;
	}
	v = admin_okay();
	(void)json_object_set_new(v, "name", json_string(call->ask.name));
	(void)json_object_set_new(v, "version", json_integer(d->version));
	(void)json_object_set_new(v, "missing",
		d->missing ? json_copy(d->missing) : json_array());
	call->answer(call, v);
}

static struct deploy *
begin(struct admin_call *call)
{
	job_init(&call->deploy.job, on_deployed);
	return &call->deploy;
}

static void
do_deploy(struct admin_call *call)
{
	const struct admin_ask *ask = &call->ask;

	deploy_start(call->sup, begin(call), ask->name, ask->version,
		ask->entry, ask->trial);
}

static void
do_same(struct admin_call *call)
{
	const struct admin_ask *ask = &call->ask;
	json_t *v = admin_okay();
	bool same =
		deploy_is_same(call->sup, ask->name, ask->version, ask->entry);

	(void)json_object_set_new(v, "same", json_boolean(same));
	call->answer(call, v);
}

static void
do_rollback(struct admin_call *call)
{
	deploy_rollback(
		call->sup, begin(call), call->ask.name, call->ask.version);
}

static void
do_gray(struct admin_call *call)
{
	deploy_gray(call->sup, begin(call), call->ask.name, call->ask.version,
		call->ask.trial);
}

static void
do_promote(struct admin_call *call)
{
	deploy_promote(call->sup, begin(call), call->ask.name);
}

static void
do_alias(struct admin_call *call)
{
	deploy_alias(call->sup, begin(call), call->ask.name, call->ask.alias,
		call->ask.version);
}

static void
do_restart(struct admin_call *call)
{
	deploy_again(call->sup, begin(call), call->ask.name);
}

static void
do_delete(struct admin_call *call)
{
	struct fault why = {0};
	int r = deploy_undo(call->sup, call->ask.name, &why);

	call->answer(call, r < 0 ? admin_error(r, &why, NULL) : admin_okay());
}

static void
do_stop(struct admin_call *call)
{
	struct supervisor *s = call->sup;

	call->answer(call, admin_okay());
	supervisor_event(s, ON_STOP);
}

static void (*const doers[ADMIN_COUNT_])(struct admin_call *call) = {
	[ADMIN_STATUS_COMMAND] = do_status,
	[ADMIN_RELOAD_COMMAND] = do_reload,
	[ADMIN_DEPLOY_COMMAND] = do_deploy,
	[ADMIN_SAME_COMMAND] = do_same,
	[ADMIN_ROLLBACK_COMMAND] = do_rollback,
	[ADMIN_GRAY_COMMAND] = do_gray,
	[ADMIN_PROMOTE_COMMAND] = do_promote,
	[ADMIN_ALIAS_COMMAND] = do_alias,
	[ADMIN_DELETE_COMMAND] = do_delete,
	[ADMIN_RESTART_COMMAND] = do_restart,
	[ADMIN_FUNCTIONS_COMMAND] = admin_functions,
	[ADMIN_VERSIONS_COMMAND] = admin_versions,
	[ADMIN_ENV_COMMAND] = admin_env,
	[ADMIN_ENV_SET_COMMAND] = admin_env_set,
	[ADMIN_SECRET_SET_COMMAND] = admin_env_set,
	[ADMIN_STOP_COMMAND] = do_stop,
};

void
admin_call_init(struct admin_call *call, struct supervisor *sup,
	admin_answer_fn *answer)
{
	*call = (struct admin_call){.sup = sup, .answer = answer};
	job_init(&call->reload.job, on_reloaded);
	job_init(&call->deploy.job, on_deployed);
}

void
admin_call_start(struct admin_call *call, struct admin_ask *ask)
{
	admin_ask_done(&call->ask);
	deploy_done(&call->deploy);
	call->ask = *ask;
	*ask = (struct admin_ask){0};
	doers[call->ask.command->index](call);
}

void
admin_call_done(struct admin_call *call)
{
	job_cancel(&call->reload.job);
	deploy_done(&call->deploy);
	admin_ask_done(&call->ask);
}
