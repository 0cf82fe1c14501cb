#pragma once

/*
 * The gateway's side of functions: for each function a crew of workers and the
 * calls that wait for one.  A worker is cold, starting, idle, busy or leaving;
 * hand_move alone changes that.  Calls have a deadline; a call whose worker
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

/* What a line of a function's log is: its code's, or ours about a call. */
enum crew_line_kind {
	LINE_CODE,
	LINE_START,
	LINE_INIT, /* a call that waited for its worker to start */
	LINE_END,
	LINE_REPORT,
	LINE_STATE /* of the function: it keeps crashing, it is well again */
};

struct crew_line {
	const char *function;
	unsigned version;
	const char *request_id; /* "": of no call */
	int level;              /* 0 debug … 3 error */
	enum crew_line_kind kind;
	struct slice text;
};

struct crews_ops {
	/* A worker's cloud.* request.  Answer with host_call_reply, now or
	 * later; the caller in it is that of the invocation. */
	void (*on_call)(struct crews *crews, struct host_call *call);
	/* A line for a function's log, or NULL. */
	void (*on_line)(struct crews *crews, const struct crew_line *line);
	/* The guard of a gray version struck, once a release; or NULL. */
	void (*on_trouble)(struct crews *crews, const char *function,
		unsigned version, const char *why);
	void *owner;
};

struct crews_conf {
	size_t event_top, result_top; /* bytes */
	const char *env, *appid;
	/* Calls a second and version that get START, END and REPORT lines. */
	unsigned report_rate;
	/* Name, in the functions' cloud folder, of the socket that is this
	 * gateway's: only it knows the session tokens of its invocations. */
	const char *cloud_socket;
	/* Where clients download stored files, "cloud.example.com" or with its
	 * port: functions that follow such a link come to that socket too. */
	const char *files_host;
};

int crews_new(struct crews **ret, struct loop *loop,
	const struct crews_conf *conf,
	const struct crews_ops *ops) _must_check_;
struct crews *crews_free(struct crews *crews);
DEFINE_CLEANUP(struct crews *, crews_free)
/* ops->owner. */
void *crews_owner(const struct crews *crews);
void crews_set_report_rate(struct crews *crews, unsigned rate);

/* GATE_FN_RELEASE: who answers.  Takes what `release` holds.  Until a function
 * has one, the version that was added last answers. */
int crews_release(struct crews *crews, struct fn_release *release,
	struct fault *why) _must_check_;
/* GATE_FN_ADD, GATE_FN_DEL.  Takes the channel's descriptor. */
int crews_add(struct crews *crews, const struct fn_settings *settings,
	int channel_fd, struct fault *why) _must_check_;
void crews_del(struct crews *crews, const char *name);
/* [{name, version, role, runtime, idle, busy, starting, leaving, waiting,
 * calls, failed, trouble: why it keeps crashing, if it does}]; with `stats`
 * also what crew_stats_build gives. */
json_t *crews_status(const struct crews *crews, bool stats) _returns_value_;
/* No new worker; true when no call runs. */
bool crews_drain(struct crews *crews);

/* One call of a function. */
struct fn_call {
	/* err: 0, ERR_FN_…; ERR_BUSY, ERR_LIMITED, ERR_FN_CRASHING: it was not
	 * begun, come again after retry_ms.  why: for the author */
	struct job job;
	/* in: borrowed until done */
	const char *function;
	const struct caller *caller;
	const char *request_id;
	const char *client_ip;
	const char *source; /* "wx_client", "wx_http", "wx_client,scf" */
	struct slice event; /* JSON, "" for {} */
	/* NULL or "" where there is none */
	const char *qualifier;   /* version, alias, "$LATEST": release.h */
	const char *route_key;   /* TCB_ROUTE_KEY of the function that calls */
	const char *trigger;     /* TRIGGER_SRC: "timer", "document", … */
	const char *traceparent; /* W3C Trace Context, for what it asks */
	struct slice (*header)(const void *owner, const char *name);
	const void *header_owner;
	/* out: valid in done only */
	struct slice result; /* JSON */
	unsigned version;    /* that was called; 0: none */
	uint32_t retry_ms;   /* for Retry-After, 0: nobody knows */
	/* crew's own */
	struct list on;
	void *inside[6];
	int64_t asked;               /* clock_mono */
	uint64_t since, deadline_at; /* loop ms */
};

/* job_init(&call->job, …) first. */
void crew_call(struct crews *crews, struct fn_call *call);

/* A cloud.* request of a running invocation. */
struct host_call {
	const struct caller *caller; /* role CALLER_FUNCTION, acts for a user */
	const char *request_id;
	const char *function;
	const char *route_key;
	const json_t *openapi; /* its permissions.openapi; while on_call runs */
	struct slice body;     /* JSON {action, …}, valid until replied */
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
/* The names of WeChat's APIs that the invocation may call (permissions.openapi
 * of its version), an array; NULL: no such invocation.  Valid this turn. */
const json_t *crews_session_openapi(struct crews *crews, struct slice token);
