/*
 * Logins without WeChat, of web pages: by a ticket of the developer's own
 * accounts, by a name and a password.  Who it is is found out first; then it
 * goes on as every login does (act_open).
 */
#include "auth/act.h"

#include "base/clock.h"

#include <stdio.h>

static int
ticket_check(struct act *act, struct fault *why)
{
	struct custom_ticket *t = &act->ticket;
	struct family *f = &act->family;
	int e;

	e = custom_ticket_check(
		t, act->key.public_pem, act->account->env, clock_now_ms(), why);
	if (e < 0)
		return e;
	memcpy(f->custom_id, t->uid, sizeof(t->uid));
	f->ends_ms = t->ends_ms;
	(void)snprintf(f->kind, sizeof(f->kind), "%s", FAMILY_CUSTOM);
	return 0;
}

static void
on_key(struct job *job)
{
	struct act *act = container_of(job, struct act, key.job);
	struct fault why = job->why;
	int err = job->err;

	if (err == 0)
		err = ticket_check(act, &why);
	if (err < 0)
		act_finish(act, err, &why);
	else
		act_open(act, &(struct family_from){0});
}

void
login_custom(struct auth *auth, struct login *l, struct slice ticket)
{
	struct account *account = act_account(auth, l);
	struct fault why = {0};
	struct family_home home;
	struct act *act;
	int e;

	if (!account)
		return;
	act = act_new(auth, l, account);
	home = act_home(act);
	/* `ticket` lies where the caller keeps it until the job is done */
	e = custom_ticket_read(&act->ticket, ticket, &why);
	job_init(&act->key.job, on_key);
	if (e < 0) {
		job_begin(&act->key.job, auth->loop, 0, NULL);
		act->key.job.why = why;
		job_fail_soon(&act->key.job, auth->loop, e);
		return;
	}
	login_key_find(&act->key, &home, slice_str(act->ticket.key_id));
}

static void
family_password(struct act *act, const char *uid)
{
	struct family *f = &act->family;

	(void)snprintf(f->uid, sizeof(f->uid), "%s", uid);
	(void)snprintf(f->kind, sizeof(f->kind), "%s", FAMILY_PASSWORD);
}

static void
on_member(struct job *job)
{
	struct act *act = container_of(job, struct act, member.job);
	const struct member *m = &act->member;

	if (job->err < 0 || m->blocked) {
		act_finish(act, job->err < 0 ? job->err : ERR_USER_BLOCKED,
			&job->why);
		return;
	}
	family_password(act, m->uid);
	act_open(act, &(struct family_from){.password = slice_str(m->encoded)});
}

void
login_password(struct auth *auth, struct login *l, struct slice username,
	struct slice password)
{
	struct account *account = act_account(auth, l);
	struct member_home home;
	struct act *act;

	if (!account)
		return;
	act = act_new(auth, l, account);
	home = (struct member_home){act_home(act), auth->passwords};
	job_init(&act->member.job, on_member);
	member_check(&act->member, &home, username, password);
}

static void
on_made(struct job *job)
{
	struct act *act = container_of(job, struct act, password.job);

	if (job->err < 0) {
		act_finish(act, job->err, &job->why);
		return;
	}
	family_password(act, "");
	act_open(act, &(struct family_from){
			      .username = slice_str(act->name),
			      .password = slice_str(act->password.encoded),
		      });
}

void
login_signup(struct auth *auth, struct login *l, struct slice username,
	struct slice password)
{
	struct account *account = act_account(auth, l);
	char name[MEMBER_NAME + 1];
	struct fault why = {0};
	struct act *act;
	int e;

	if (!account)
		return;
	e = member_name(username, name, &why);
	if (e == 0)
		e = member_password(password, &why);
	if (e < 0) {
		act_refuse(auth, l, e, why.text);
		return;
	}
	act = act_new(auth, l, account);
	memcpy(act->name, name, sizeof(name));
	job_init(&act->password.job, on_made);
	password_make(auth->passwords, &act->password, password);
}
