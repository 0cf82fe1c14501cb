#pragma once

/*
 * What crew*.c, hand*.c, invocation.c, session.c and host_call.c share.
 *
 *   crews        all functions of this gateway
 *   crew         one function version: its hands and the calls that wait
 *   hand         the gateway's end of one worker
 *   invocation   a call that was sent to a hand
 *   host_ask     a cloud.* request an invocation has made
 */

#include "base/buf.h"
#include "base/stream.h"
#include "functions/crew.h"
#include "functions/proto.h"

enum {
	CREW_BUCKETS = 256,
	TOKEN_BUCKETS = 4096,
	TOKEN_LEN = 48,
	RANDOM_STOCK = 4096,
	CREW_PATIENCE = 3 /* failed starts before calls are told */
};

/* Each is a list of the crew; cold is to be on none.  hand_move alone changes
 * it; hand.c has the time limits. */
enum hand_state {
	HAND_STARTING, /* SPAWN was sent, the socket is not here yet */
	HAND_IDLE,
	HAND_BUSY,
	HAND_LEAVING, /* DRAIN or KILL was sent; GONE will come */
	HAND_STATES_
};

struct crews {
	struct loop *loop;
	struct crews_ops ops;
	size_t event_top, result_top;
	char *env, *appid, *cloud_socket;
	struct list names[CREW_BUCKETS];   /* crew->by_name, active ones */
	struct list all;                   /* crew->on */
	struct list tokens[TOKEN_BUCKETS]; /* invocation->by_token */
	uint64_t next_number;
	uint32_t next_id;
	char token_prefix[9];
	unsigned char stock[RANDOM_STOCK]; /* random bytes to come */
	size_t stock_left;
	unsigned cores; /* for workers: one is ours */
	bool draining, ending;
};

struct crew {
	struct crews *crews;
	struct list on, by_name;
	struct fn_settings settings; /* its pointers are NULL */
	struct channel channel;
	struct list hands[HAND_STATES_];
	unsigned count[HAND_STATES_];
	struct list waiting; /* fn_call->on */
	unsigned nwaiting;
	size_t asks_weight; /* of its workers' host_asks */
	struct defer feed;
	struct timer look; /* feed again after a while */
	int64_t pace;      /* ns a call takes, smoothed; 0: not known */
	unsigned spawn_fails;
	uint64_t spawn_at; /* loop ms: no spawn before */
	char *spawn_text;  /* why the last one failed */
	uint32_t next_hand;
	uint64_t calls, failed;
	struct buf context; /* the part that all invocations share */
	bool retired;       /* replaced or deleted: only to be finished */
};

struct hand {
	struct crew *crew;
	struct list on;
	enum hand_state state;
	uint32_t number;
	struct stream stream;
	struct list sent; /* invocation->on, in the order sent */
	struct list asks; /* host_ask->on */
	unsigned nsent, nasks;
	struct timer limit;
	uint64_t due;      /* loop ms, 0: no limit */
	char last_id[72];  /* request id of its last invocation */
	const char *blame; /* why we had it killed, NULL: we had not */
	int status;        /* as wait(2) says */
	enum host_gone_reason reason;
	bool gone, killed, doomed;
};

struct invocation {
	struct list on, by_token;
	struct crews *crews;
	struct hand *hand;    /* NULL: over */
	struct fn_call *call; /* NULL: nobody waits for it any more */
	struct caller caller;
	const char *request_id, *function;
	struct timer limit; /* when nobody waits: its call's deadline */
	uint64_t deadline_at;
	int64_t begun; /* clock_mono; 0: waits behind another */
	uint32_t id;
	unsigned refs;
	bool late; /* its deadline passed */
	char token[TOKEN_LEN + 1];
	char text[];
};

/* crew.c */
struct crew *crew_find(struct crews *crews, const char *name);
void crew_done(struct crew *crew);
unsigned crew_hands(const struct crew *crew);

/* crew_feed.c */
void crew_feed_soon(struct crew *crew);
void on_crew_feed(struct defer *defer);
void on_crew_look(struct timer *timer);
/* A call that was not begun: first in line again. */
void crew_call_again(struct crew *crew, struct fn_call *call);
/* How many calls a worker may hold. */
unsigned crew_depth(const struct crew *crew);
void call_finish(struct fn_call *call, int err, const char *text);

/* hand.c */
void hand_start(struct crew *crew);
struct hand *hand_find(struct crew *crew, uint32_t number);
void hand_join(struct hand *hand, int *fd);
void hand_refused(struct hand *hand, struct slice text);
void hand_gone(struct hand *hand, int status, enum host_gone_reason reason);
void hand_move(struct hand *hand, enum hand_state state);
void hand_leave(struct hand *hand);
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
/* How many of them somebody waits for. */
unsigned hand_waited_for(const struct hand *hand);
/* Answers the call, if any waits; inv may be gone after. */
/* An end that the code could not log itself goes to its author's log. */
void invocation_tell(const struct invocation *inv, int err, const char *text);
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
