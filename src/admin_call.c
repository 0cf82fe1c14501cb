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

static json_t *
okay(void)
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
	json_t *v = okay();

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
	v = okay();
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
	v = okay();
	(void)json_object_set_new(v, "name", json_string(call->ask.name));
	(void)json_object_set_new(v, "version", json_integer(d->version));
	(void)json_object_set_new(v, "missing",
		d->missing ? json_copy(d->missing) : json_array());
	call->answer(call, v);
}

static void
do_deploy(struct admin_call *call)
{
	job_init(&call->deploy.job, on_deployed);
	deploy_start(call->sup, &call->deploy, call->ask.name,
		call->ask.version, call->ask.entry);
}

static void
do_restart(struct admin_call *call)
{
	job_init(&call->deploy.job, on_deployed);
	deploy_again(call->sup, &call->deploy, call->ask.name);
}

static void
do_delete(struct admin_call *call)
{
	struct fault why = {0};
	int r = deploy_undo(call->sup, call->ask.name, &why);

	call->answer(call, r < 0 ? admin_error(r, &why, NULL) : okay());
}

static json_t *
on_disk(const struct registry *r, const char *name)
{
	json_t *one = json_pack("{s:s}", "name", name);
	struct fn_settings active;
	json_t *versions;

	if (registry_active(r, name, &active, NULL) == 0) {
		(void)json_object_set_new(
			one, "active", json_integer(active.version));
		fn_settings_done(&active);
	} else {
		(void)json_object_set_new(one, "active", json_null());
	}
	if (registry_versions(r, name, &versions, NULL) == 0)
		(void)json_object_set_new(one, "versions", versions);
	return one;
}

static void
do_functions(struct admin_call *call)
{
	const struct registry *r = &call->sup->registry;
	_json_ json_t *names = NULL;
	struct fault why = {0};
	int err = registry_names(r, &names, &why);
	json_t *list, *name, *v;
	size_t i;

	if (err < 0) {
		call->answer(call, admin_error(err, &why, NULL));
		return;
	}
	list = json_array();
	json_array_foreach (names, i, name)
		(void)json_array_append_new(
			list, on_disk(r, json_string_value(name)));
	v = okay();
	(void)json_object_set_new(v, "functions", list);
	call->answer(call, v);
}

static void
do_stop(struct admin_call *call)
{
	struct supervisor *s = call->sup;

	call->answer(call, okay());
	supervisor_event(s, ON_STOP);
}

static void (*const doers[ADMIN_COUNT_])(struct admin_call *call) = {
	[ADMIN_STATUS_COMMAND] = do_status,
	[ADMIN_RELOAD_COMMAND] = do_reload,
	[ADMIN_DEPLOY_COMMAND] = do_deploy,
	[ADMIN_DELETE_COMMAND] = do_delete,
	[ADMIN_RESTART_COMMAND] = do_restart,
	[ADMIN_FUNCTIONS_COMMAND] = do_functions,
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
