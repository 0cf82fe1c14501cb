#pragma once

/*
 * A SOCK_SEQPACKET pair between two of our own processes: one frame a packet,
 * with up to four descriptors.  For control messages, not for volume.
 */

#include "base/fdpoll.h"
#include "base/frame.h"

enum { CHANNEL_FDS = 4, CHANNEL_BODY = 128 * 1024 };

struct channel;

struct channel_ops {
	/* Descriptors not taken (set to -1) are closed after return. */
	void (*on_frame)(
		struct channel *c, const struct frame *f, int *fds, int nfds);
	void (*on_gone)(struct channel *c, int err);
};

struct channel {
	struct loop *loop;
	const struct channel_ops *ops;
	struct fdpoll poll;
	struct list waiting; /* packets that did not fit into the socket yet */
	unsigned waiting_len;
	int fd;
	int broken; /* why it will go at the next turn, or 0 */
};

int channel_open(struct channel *c, struct loop *loop, int fd,
	const struct channel_ops *ops) _must_check_;
void channel_close(struct channel *c);
bool channel_is_open(const struct channel *c);

/* Descriptors stay the caller's (they are duplicated when they must wait). */
void channel_send(struct channel *c, uint8_t type, uint32_t id,
	struct slice body, const int *fds, int nfds);

/* Without a loop, blocking; for small clean programs at their start. */
int channel_send_fd(int fd, uint8_t type, uint32_t id, struct slice body,
	const int *fds, int nfds) _must_check_;
/* 1: a packet, 0: the other side has gone.  `room` ≥ FRAME_HEAD+CHANNEL_BODY.
 */
int channel_recv_fd(int fd, char *room, size_t size, struct frame *ret,
	int *fds, int *nfds) _must_check_;
