#pragma once

/*
 * The gateway's side of functions: for each function a crew of workers and the
 * calls that wait for one.  A worker is cold, starting, idle, busy or leaving;
 * worker_move alone changes that.  Calls have a deadline; a call whose worker
 * ends is answered with the cause, calls behind it in the worker's socket that
 * have not begun are given to another.
 */

#include "auth/caller.h"
#include "base/channel.h"
#include "base/job.h"
#include "functions/release.h"
#include "functions/settings.h"

struct crews;
struct host_call;

struct crews_ops {
	/* A worker's cloud.* request.  Answer with host_call_reply, now or
	 * later; the caller in it is that of the invocation. */
	void (*on_call)(struct crews *crews, struct host_call *call);
	/* A line of a function's output: level 0 debug … 3 error. */
	void (*on_line)(struct crews *crews, const char *function,
		const char *request_id, int level, struct slice text);
	void *owner;
};

struct crews_conf {
	size_t event_top, result_top; /* bytes */
	const char *env, *appid;
	/* Name, in the functions' cloud folder, of the socket that is this
	 * gateway's: only it knows the session tokens of its invocations. */
	const char *cloud_socket;
};

int crews_new(struct crews **ret, struct loop *loop,
	const struct crews_conf *conf,
	const struct crews_ops *ops) _must_check_;
struct crews *crews_free(struct crews *crews);
DEFINE_CLEANUP(struct crews *, crews_free)
/* ops->owner. */
void *crews_owner(const struct crews *crews);

/* GATE_FN_RELEASE: who answers.  Takes what `release` holds.  Until a function
 * has one, the version that was added last answers. */
int crews_release(struct crews *crews, struct fn_release *release,
	struct fault *why) _must_check_;
/* GATE_FN_ADD, GATE_FN_DEL.  Takes the channel's descriptor. */
int crews_add(struct crews *crews, const struct fn_settings *settings,
	int channel_fd, struct fault *why) _must_check_;
void crews_del(struct crews *crews, const char *name, unsigned version);
/* [{name, version, runtime, idle, busy, starting, waiting, calls, failed}] */
json_t *crews_status(const struct crews *crews) _returns_value_;
/* No new worker; true when no call runs. */
bool crews_drain(struct crews *crews);

/* One call of a function. */
struct fn_call {
	struct job job; /* err: 0, ERR_FN_…, ERR_BUSY; why: for the author */
	/* in: borrowed until done */
	const char *function;
	const struct caller *caller;
	const char *request_id;
	const char *client_ip;
	const char *source; /* "wx_client", "wx_http", "wx_client,scf" */
	struct slice event; /* JSON, "" for {} */
	/* NULL or "" where there is none */
	const char *qualifier; /* version, alias, "$LATEST": release.h */
	const char *route_key; /* TCB_ROUTE_KEY of the function that calls */
	const char *trigger;   /* TRIGGER_SRC: "timer", "document", … */
	struct slice (*header)(const void *owner, const char *name);
	const void *header_owner;
	/* out: valid in done only */
	struct slice result; /* JSON */
	unsigned version;    /* that was called; 0: none */
	uint32_t retry_ms;   /* with ERR_BUSY, ERR_LIMITED: for Retry-After */
	/* crew's own */
	struct list on;
	void *inside[6];
	uint64_t deadline_at, number;
};

/* job_init(&call->job, …) first. */
void crew_call(struct crews *crews, struct fn_call *call);

/* A cloud.* request of a running invocation. */
struct host_call {
	const struct caller *caller; /* role CALLER_FUNCTION, acts for a user */
	const char *request_id;
	const char *function;
	struct slice body; /* JSON {action, …}, valid until replied */
	void *inside[4];
};

void host_call_reply(struct host_call *call, struct slice json);
/* The worker went away: on_drop is called, reply no more. */
void host_call_on_drop(struct host_call *call,
	void (*on_drop)(struct host_call *call, void *owner), void *owner);

/* The invocation a session token (HTTP on the cloud socket) belongs to. */
bool crews_find_session(struct crews *crews, struct slice token,
	const struct caller **ret, const char **ret_function,
	const char **ret_request_id);
