#pragma once

/*
 * What the two fake children share.  They speak the supervisor's control
 * protocols and do what the test's configuration tells them, so that the
 * supervisor is tested without a database and without functions.
 */

#include "base/channel.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAKE_ROOM = FRAME_HEAD + CHANNEL_BODY };

static inline void
fake_send(int fd, uint8_t type, uint32_t id, struct slice body)
{
	if (channel_send_fd(fd, type, id, body, NULL, 0) < 0)
		exit(0); /* the supervisor has gone */
}

/* 1, or the process ends: the supervisor has gone. */
static inline int
fake_recv(int fd, char *room, struct frame *f, int *fds, int *nfds)
{
	if (channel_recv_fd(fd, room, FAKE_ROOM, f, fds, nfds) != 1) {
		free(room);
		exit(0);
	}
	return 1;
}

static inline bool
fake_has(struct slice text, const char *words)
{
	return memmem(text.ptr, text.len, words, strlen(words)) != NULL;
}
