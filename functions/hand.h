#pragma once

/*
 * What roster.c, crew*.c, hand*.c, invocation.c, session.c and host_call.c
 * share.
 *
 *   crews        all functions of this gateway
 *   roster       one function: its live versions and its release
 *   crew         one function version: its hands and the calls that wait
 *   hand         the gateway's end of one worker
 *   invocation   a call that was sent to a hand
 *   host_ask     a cloud.* request an invocation has made
 */

#include "base/buf.h"
#include "base/stream.h"
#include "functions/crew.h"
#include "functions/crew_stats.h"
#include "functions/proto.h"

enum {
	CREW_BUCKETS = 256,
	TOKEN_BUCKETS = 4096,
	TOKEN_LEN = 48,
	RANDOM_STOCK = 4096,
	START_PATIENCE = 3, /* failed starts before calls are told */
	CRASH_PATIENCE = 5  /* crashes before it is tried less often */
};

/* Each but the first is a list of the crew.  hand_move alone changes it; hand.c
 * has the moves that there are and the time limits. */
enum hand_state {
	HAND_COLD,     /* not yet, or no more */
	HAND_STARTING, /* SPAWN was sent, the socket is not here yet */
	HAND_IDLE,
	HAND_BUSY,
	HAND_LEAVING, /* gets no more calls; DRAIN or KILL when it has none */
	HAND_STATES_
};

struct crews {
	struct loop *loop;
	struct crews_ops ops;
	size_t event_top, result_top;
	char *env, *appid, *cloud_socket, *files_host;
	struct list names[CREW_BUCKETS];   /* roster->by_name */
	struct list all;                   /* crew->on */
	struct list tokens[TOKEN_BUCKETS]; /* invocation->by_token */
	uint32_t next_id;
	char token_prefix[9];
	unsigned char stock[RANDOM_STOCK]; /* random bytes to come */
	size_t stock_left;
	unsigned cores; /* for workers: one is ours */
	unsigned report_rate;
	bool draining, ending;
};

struct roster {
	struct crews *crews;
	struct list by_name;
	struct list live; /* crew->of, in the order added */
	struct fn_release release;
	bool released; /* there was one */
	char name[64];
};

struct crew {
	struct crews *crews;
	struct roster *roster; /* NULL: retired */
	struct list on, of;
	struct fn_settings settings; /* its pointers are NULL */
	json_t *openapi;             /* names; NULL: none */
	struct channel channel;
	struct list hands[HAND_STATES_];
	unsigned count[HAND_STATES_];
	struct list waiting; /* fn_call->on */
	unsigned nwaiting;
	size_t asks_weight; /* of its workers' host_asks */
	struct defer feed;
	struct timer look; /* feed again after a while */
	int64_t pace;      /* ns a call takes, smoothed; 0: not known */
	struct crew_queue {
		int64_t turn;   /* ns from one begun to the next while calls
				   wait, smoothed; 0: not known */
		int64_t from;   /* clock_mono; 0: none waits */
		unsigned begun; /* since then */
	} queue;
	struct crew_trouble {
		unsigned refused; /* starts that failed in a row */
		unsigned crashes; /* in a row, without an answer between */
		int64_t crashed_at, spawn_at; /* clock_mono: none before */
		char *cause;                  /* of the last one */
		bool said;
	} trouble;
	struct crew_report {
		int64_t second;
		unsigned lines, more, left_out;
		struct timer timer;
	} report;
	struct crew_guard {
		unsigned char *last; /* of its calls, a ring; NULL: none */
		unsigned size, at, failed, slow;
		bool struck;
	} guard;
	struct crew_stats stats;
	unsigned outgoing; /* hands that were sent home or will be */
	uint32_t next_hand;
	struct buf context; /* the part that all invocations share */
};

struct hand {
	struct crew *crew;
	struct list on;
	enum hand_state state;
	uint32_t number;
	struct stream stream;
	struct list sent; /* invocation->on, in the order sent */
	struct list asks; /* host_ask->on */
	unsigned nsent, nasks, ncalls;
	struct timer limit;
	uint64_t due;           /* loop ms, 0: no limit */
	int64_t started, ready; /* clock_mono; 0: not yet */
	uint64_t memory_top;    /* bytes */
	char last_id[72];       /* request id of its last invocation */
	const char *blame;      /* why we had it killed, NULL: we had not */
	int status;             /* as wait(2) says */
	enum host_gone_reason reason;
	bool gone, killed, doomed;
	bool spent;    /* had all the calls it may have */
	bool ends;     /* said so: it begins nothing more */
	bool outgoing; /* counted in the crew's */
};

struct invocation {
	struct list on, by_token;
	struct crews *crews;
	struct hand *hand;    /* NULL: over */
	struct fn_call *call; /* NULL: nobody waits for it any more */
	struct caller caller;
	const char *request_id, *function, *route_key;
	struct timer limit; /* when nobody waits: its call's deadline */
	uint64_t deadline_at;
	int64_t asked, begun; /* clock_mono; begun 0: behind another */
	uint32_t id;
	unsigned refs;
	bool late; /* its deadline passed */
	bool cold; /* waited for its worker to start */
	bool told, counted;
	char token[TOKEN_LEN + 1];
	char text[];
};

/* roster.c */
struct roster *roster_find(struct crews *crews, const char *name);
void roster_free(struct roster *roster);
void roster_add(struct crews *crews, struct crew *crew);
/* The version that answers; NULL: none, for the reason roster_unknown gives. */
struct crew *roster_pick(
	const struct roster *roster, const struct fn_call *call);
int roster_unknown(const struct roster *roster, const struct fn_call *call,
	struct fault *why);
/* Who takes the calls of versions that go, or NULL. */
struct crew *roster_stable(const struct roster *roster);
/* Who takes the calls of a crew that was retired, or NULL. */
struct crew *roster_heir(struct crews *crews, const struct crew *gone);
/* What a crew that goes has counted is its version's. */
void roster_inherit(const struct crew *gone);
/* Whether the release (or, without one, its age) lets it answer. */
bool roster_names(const struct roster *roster, const struct crew *crew);
/* "stable", "gray", "alias", "added", "leaving" */
const char *roster_role(const struct crew *crew);

/* crew.c */
struct crew *crew_new(struct crews *crews, const struct fn_settings *settings);
/* Out of its roster: what waits is given to `heir` or refused. */
void crew_retire(struct crew *crew, struct crew *heir);
void crew_done(struct crew *crew);
/* Hands that get calls now or soon. */
unsigned crew_able(const struct crew *crew);
/* All that are somebody's process. */
unsigned crew_hands(const struct crew *crew);

/* crew_feed.c */
void crew_feed_soon(struct crew *crew);
void crew_feed(struct crew *crew);
void on_crew_feed(struct defer *defer);
/* Last in line. */
void crew_wait(struct crew *crew, struct fn_call *call);
/* A call that was not begun: first in line again. */
void crew_call_again(struct crew *crew, struct fn_call *call);
/* How many calls a worker may hold. */
unsigned crew_depth(const struct crew *crew);
/* Answers a call that waits. */
void call_finish(struct fn_call *call, int err, const char *text);

/* crew_queue.c: who may wait */
/* 0, or why not: then the call's job.why and retry_ms say more. */
int crew_queue_check(
	struct crew *crew, struct fn_call *call, struct fault *why);
/* So many of those that waited were begun. */
void crew_queue_note(struct crew *crew, unsigned begun);
/* How long one that comes now would wait, ms; 0: not known. */
uint64_t crew_queue_ms(const struct crew *crew);
/* How long one may wait. */
uint64_t crew_queue_top(const struct crew *crew);

/* crew_hire.c: how many workers */
/* Calls wait and nobody is free. */
void crew_hire(struct crew *crew);
/* Those that are always kept. */
void crew_keep(struct crew *crew);
/* One more for one that has had all its calls. */
void crew_replace(struct crew *crew);
bool crew_may_shrink(const struct crew *crew);
/* Whether a worker could be asked for now. */
bool crew_can_start(const struct crew *crew);
void crew_look_later(struct crew *crew, int64_t ns);

/* crew_trouble.c: a function that crashes is tried less and less often */
void crew_trouble_start(struct crew *crew, struct slice text);
void crew_trouble_crash(struct crew *crew, const char *cause);
void crew_trouble_over(struct crew *crew);
/* Whether it is being rested, and for how long; `why` is filled then. */
int crew_trouble_check(
	const struct crew *crew, uint32_t *ret_retry_ms, struct fault *why);

/* crew_report.c: START, END, REPORT */
void crew_report_begin(struct invocation *inv);
void crew_report_init(struct invocation *inv);
void crew_report_end(struct invocation *inv, int err, int64_t took);
void crew_report_done(struct crew *crew);
void crew_say(struct crew *crew, const char *request_id, int level,
	enum crew_line_kind kind, struct slice text);

/* crew_guard.c */
void crew_guard_set(struct crew *crew, const struct fn_release *release);
void crew_guard_take(struct crew *crew, enum crew_end end, int64_t took);
void crew_guard_done(struct crew *crew);

/* hand.c */
void hand_start(struct crew *crew);
struct hand *hand_find(struct crew *crew, uint32_t number);
void hand_join(struct hand *hand, int *fd);
void hand_refused(struct hand *hand, struct slice text);
void hand_gone(struct hand *hand, int status, enum host_gone_reason reason);
void hand_move(struct hand *hand, enum hand_state state);
void hand_leave(struct hand *hand);
/* No more calls: it leaves when those it has are done. */
void hand_spend(struct hand *hand);
/* Its code is loaded. */
void hand_ready(struct hand *hand);
/* LEAVING came. */
void hand_ends(struct hand *hand);
void hand_memory(struct hand *hand, uint64_t bytes);
void hand_kill(struct hand *hand, const char *blame);
/* The end of a worker: its calls are answered or given to others. */
void hand_end(struct hand *hand, const char *because);

/* hand_frame.c */
extern const char hand_not_a_message[]; /* why it is killed */
void hand_line(
	struct crew *crew, uint32_t number, int level, struct slice text);
void hand_frame(struct stream *s, const struct frame *f);

/* invocation.c */
void invocation_send(struct hand *hand, struct fn_call *call);
struct invocation *invocation_find(struct hand *hand, uint32_t id);
bool invocation_has_begun(const struct invocation *inv);
/* It runs, as far as one can see from here. */
void invocation_begin(struct invocation *inv, int64_t now);
/* How many of them somebody waits for. */
unsigned hand_waited_for(const struct hand *hand);
/* An end that the code could not log itself goes to its author's log. */
void invocation_tell(const struct invocation *inv, int err, const char *text);
/* It is over, as its hand still knows: counters, guard, REPORT; once. */
void invocation_count(struct invocation *inv, int err);
/* Answers the call, if any waits; inv may be gone after. */
void invocation_finish(
	struct invocation *inv, int err, const char *text, struct slice result);
/* The call was cancelled or (late) its deadline passed. */
void invocation_abandon(struct invocation *inv, bool late);
struct invocation *invocation_ref(struct invocation *inv);
void invocation_unref(struct invocation *inv);
/* Its worker has ended before it began. */
void invocation_take_back(struct invocation *inv);

/* session.c */
void session_open(struct invocation *inv);
void session_close(struct invocation *inv);

/* host_call.c */
void host_ask_start(struct hand *hand, uint32_t number, struct slice body);
void host_asks_drop(struct hand *hand);
