#pragma once

/*
 * Drives the real mpcloud-host as the supervisor and a gateway would: blocking,
 * with a limit on every wait.
 */

#include "base/frame.h"
#include "functions/host_setup.h"
#include "functions/proto.h"

#include <sys/types.h>

struct host {
	pid_t pid;
	int control, channel;
	char room[256 * 1024];
	char lines[64 * 1024]; /* "WORKER STREAM text\n" of what was printed */
	size_t lines_len;
	char failed[8192]; /* KEEP_FAILED's text, "" when READY came */
	json_t *missing;
};

struct worker_end {
	int fd;
	uint32_t pid, id;
	char room[1024 * 1024];
	size_t len;
};

/* Settings that every test starts from; members of `function` may be changed
 * before host_start. */
json_t *host_setup_json(
	const char *runtime, const char *code_dir, const char *handler);
/* Takes the setup.  0: READY; ERR_FN_FAILED: FAILED. */
int host_start(struct host *h, json_t *setup);
/* Another channel to gateway `index`, made h->channel. */
void host_channel(struct host *h, uint32_t index);
/* SIGKILL and wait. */
void host_stop(struct host *h);
/* Its exit status, after it has ended by itself. */
int host_wait(struct host *h);

void host_send(struct host *h, uint8_t type, uint32_t id);
/* The next message but LINE, which is kept in h->lines. */
int host_next(struct host *h, struct frame *ret, int *fd);
void host_spawn(struct host *h, uint32_t id, struct worker_end *w);
/* GONE of `id`: its wait status and reason. */
int host_gone(struct host *h, uint32_t id, int *reason);

void worker_invoke(struct worker_end *w, uint32_t id, const char *event);
void worker_invoke_as(struct worker_end *w, uint32_t id, const char *context,
	const char *event);
void worker_send(
	struct worker_end *w, uint8_t type, uint32_t id, const char *body);
/* The next frame but READY and LEAVING; 0 at the end.  Valid until the next
 * call. */
int worker_next(struct worker_end *w, struct frame *ret);
/* The answer to `id` as text; logs before it are appended to `logs`. */
const char *worker_answer(struct worker_end *w, uint32_t id, uint8_t *type);
void worker_close(struct worker_end *w);
extern char worker_logs[16384];
