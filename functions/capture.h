#pragma once

/*
 * What a function writes to stdout or stderr, as lines: the reading end of its
 * pipe on the keeper's loop.  A line longer than PROTO_LOG_TOP is cut in two.
 */

#include "base/buf.h"
#include "base/fdpoll.h"
#include "base/timer.h"

struct capture;

struct capture_ops {
	/* One line without its newline; valid until return. */
	void (*on_line)(struct capture *c, struct slice line);
	/* May lines be given out now?  A reader that is behind says no; the
	 * pipe then fills and the writer waits. */
	bool (*is_ready)(struct capture *c);
};

struct capture {
	struct loop *loop;
	const struct capture_ops *ops;
	struct fdpoll poll;
	struct timer again;
	struct buf line;
	int fd;
};

/* Takes the fd (non-blocking). */
int capture_open(struct capture *c, struct loop *loop, int fd,
	const struct capture_ops *ops) _must_check_;
/* All that is in the pipe now, and the last line without its newline. */
void capture_finish(struct capture *c);
void capture_close(struct capture *c);
