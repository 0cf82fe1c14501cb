/*
 * Reloading in two steps, like a vote: every ready gateway is asked, and what
 * one of them cannot do none keeps.  Gateways that start meanwhile begin with
 * the old text and are sent the new one afterwards.
 */
#include "src/reload.h"

#include "base/conf.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/sysd.h"
#include "src/deploy.h"
#include "src/startup.h"
#include "src/supervisor.h"

#include <stdlib.h>
#include <string.h>

static void
on_drop(struct job *job)
{
	container_of(job, struct reload_asker, job)->of->asker = NULL;
}

void
reload_ask(struct supervisor *s, struct reload_asker *a)
{
	if (s->reload.asker) {
		job_fail_soon(&a->job, &s->loop, ERR_BUSY);
		(void)fault_set(
			&a->job.why, ERR_BUSY, "a reload is running already");
		return;
	}
	a->of = &s->reload;
	s->reload.asker = a;
	job_begin(&a->job, &s->loop, 3 * RELOAD_MS, on_drop);
	supervisor_event(s, ON_RELOAD);
}

static void
on_late(struct timer *t)
{
	struct supervisor *s = container_of(t, struct supervisor, reload.late);

	if (s->reload.why.code == 0)
		(void)fault_set(&s->reload.why, ERR_TIMEOUT,
			"%u gateways did not answer", s->reload.waiting);
	supervisor_event(s, ON_ANSWERED);
}

static int
read_file(struct supervisor *s, struct fault *why)
{
	struct reload *r = &s->reload;
	size_t len;
	int err = file_read(s->conf_path, CONF_TEXT_TOP, &r->text, &len, why);

	if (err < 0)
		return err;
	err = conf_parse(&r->fresh, s->conf_path, slice_of(r->text, len), why);
	return err < 0 ? err : startup_check(r->fresh, why);
}

void
reload_begin(struct supervisor *s)
{
	struct reload *r = &s->reload;
	int err;

	r->again = false;
	r->why = (struct fault){0};
	if (s->phase == PHASE_RELOADING)
		sysd_reloading();
	err = read_file(s, &r->why);
	if (err < 0) {
		r->why.code = err;
		r->waiting = 0;
	} else {
		r->waiting = gateways_ask_conf(s, r->text);
	}
	if (r->waiting)
		timer_set(&r->late, &s->loop, RELOAD_MS, on_late);
	else
		supervisor_event(s, ON_ANSWERED);
}

void
reload_answer(
	struct supervisor *s, bool took, const char *who, struct slice text)
{
	struct reload *r = &s->reload;

	if (r->waiting == 0)
		return;
	if (!took && r->why.code == 0)
		(void)fault_set(
			&r->why, ERR_CONFIG, "%s: %.*s", who, SLICE_ARG(text));
	if (--r->waiting == 0)
		supervisor_event(s, ON_ANSWERED);
}

static void
refuse(struct supervisor *s)
{
	event(EVENT_CONF_BAD, "why", s->reload.why.text, NULL);
	gateways_settle_conf(s, false);
}

/* Who sent SIGHUP reads it here. */
static void
tell_pending(const struct supervisor *s)
{
	_json_ json_t *pending = reload_pending(s);
	_buf_ struct buf names = {0};
	size_t at;
	json_t *v;

	buf_init(&names, CONF_TEXT_TOP);
	json_array_foreach (pending, at, v)
		buf_printf(&names, "%s%s", at ? " " : "", json_string_value(v));
	if (names.len) {
		_free_ char *text = str_ndup(names.ptr, names.len);

		event(EVENT_CONF_PENDING, "settings", text, NULL);
	}
}

static void
take_up(struct supervisor *s)
{
	struct reload *r = &s->reload;

	(void)conf_free(s->conf);
	s->conf = take(r->fresh);
	free(s->text);
	s->text = take(r->text);
	s->serial++;
	startup_log(s->conf);
	event(EVENT_CONF_LOADED, "file", s->conf_path, NULL);
	tell_pending(s);
	gateways_settle_conf(s, true);
	deploy_refresh(s, NULL);
}

static void
answer_asker(struct supervisor *s)
{
	struct reload_asker *a = s->reload.asker;

	if (!a)
		return;
	s->reload.asker = NULL;
	a->job.why = s->reload.why;
	/* Never from inside reload_ask. */
	job_fail_soon(&a->job, &s->loop, s->reload.why.code);
}

void
reload_end(struct supervisor *s)
{
	struct reload *r = &s->reload;

	timer_clear(&r->late);
	r->waiting = 0;
	if (r->why.code == 0)
		take_up(s);
	else
		refuse(s);
	reload_done(s);
	if (s->phase == PHASE_RUNNING)
		sysd_notify("READY=1");
	supervisor_look(s);
	if (r->again) /* who asked meanwhile wants the next one */
		supervisor_event(s, ON_RELOAD);
	else
		answer_asker(s);
}

void
reload_done(struct supervisor *s)
{
	struct reload *r = &s->reload;

	timer_clear(&r->late);
	if (r->fresh)
		r->fresh = conf_free(r->fresh);
	r->text = mem_free(r->text);
}

json_t *
reload_pending(const struct supervisor *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < conf_count; i++) {
		const struct conf_row *row = &conf_rows[i];
		_free_ char *was = NULL, *is = NULL, *name = NULL;

		if (row->reload)
			continue;
		was = conf_show(s->boot, row);
		is = conf_show(s->conf, row);
		if (!strcmp(was, is))
			continue;
		name = str_printf("%s.%s", row->section, row->name);
		(void)json_array_append_new(list, json_string(name));
	}
	return list;
}
