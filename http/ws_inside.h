#pragma once

/* What the ws*.c files share. */

#include "base/buf.h"
#include "base/fdpoll.h"
#include "http/ws.h"

#include <wslay/wslay.h>

enum {
	WS_CLOSE_MS = 5000,
	WS_LATE_MS = 50, /* for what came while we were away */
	WS_ROOM = 16 * 1024,
	WS_KEEP = 16 * 1024, /* memory that an idle connection may keep */
};

struct ws {
	struct loop *loop;
	struct fdpoll poll;
	struct upgrade *up;
	struct ws_conf conf;
	wslay_event_context_ptr in; /* reads; answers control frames */
	struct buf message, out, early;
	size_t out_at;
	size_t answers;   /* bytes of the library that wait in `out` */
	size_t read_left; /* of this turn */
	uint64_t heard;   /* loop ms */
	struct timer timer;
	struct defer flush;
	unsigned code;  /* what on_close will be told, 0: none yet */
	uint16_t wrong; /* the close code for what was received */
	uint16_t sent;  /* the close code we sent */
	uint8_t opcode; /* of the frame under way */
	uint8_t kind;   /* of the message under way */
	int fd;
	int broken; /* errno of the connection */
	bool close_sent, close_got;
	bool deaf; /* what was received made no sense: all else is passed over
		    */
	bool blocked, held, eof, pinged, late, over, told;
};

static inline uint64_t
ws_now(const struct ws *ws)
{
	return uv_now(&ws->loop->uv);
}

/* The end of this turn writes what waits, and looks whether all is over. */
static inline void
ws_later(struct ws *ws)
{
	loop_defer(ws->loop, &ws->flush);
}

/* Empty and, when it was large, without its memory. */
static inline void
ws_rest(struct buf *b)
{
	if (b->room > WS_KEEP)
		buf_done(b);
	else
		buf_clear(b);
}

/* ws.c: silence, or nobody answers our close. */
timer_fn ws_on_timer;
/* ws_read.c */
void ws_open_library(struct ws *ws);
void ws_read(struct ws *ws);
/* ws_send.c */
void ws_writer_init(void);
void ws_put_frame(
	struct ws *ws, uint8_t opcode, struct slice head, struct slice rest);
void ws_put_close(struct ws *ws, uint16_t code, struct slice reason);
