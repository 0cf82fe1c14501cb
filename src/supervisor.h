#pragma once

/*
 * The supervisor: holds listening sockets and children, does little, and never
 * sees a client's byte.  Its life is phase.def; everything that happens is an
 * event given to supervisor_event.
 */

#include "base/loop.h"
#include "base/shm.h"
#include "base/timer.h"
#include "functions/registry.h"
#include "src/gateways.h"
#include "src/hosts.h"
#include "src/listeners.h"
#include "src/phase.h"
#include "src/privilege.h"
#include "src/reload.h"
#include "src/watch.h"

enum { CONF_TEXT_TOP = 64 * 1024, SIGNALS = 4 };

struct conf;
struct seal;
struct admin_server;

struct supervisor {
	struct loop loop;
	enum phase phase;
	const char *conf_path;
	struct conf *boot; /* as started: settings that need a restart */
	struct conf *conf; /* in force: settings that a reload takes up */
	char *text;        /* the file's text in force */
	unsigned serial;   /* of that text */
	char *run_dir, *cloud_dir; /* absolute */
	char *credentials;         /* directory for gateways, or NULL */
	bool has_loop, as_root;
	struct identity server_user; /* when as_root */
	struct listeners listeners;
	struct registry registry;
	struct seal *seal; /* of functions' secrets; NULL: no key */
	int shm_fd;
	struct shm *shm;
	struct list children; /* struct child, on */
	struct gateways gateways;
	struct hosts hosts;
	struct reload reload;
	struct watch watch;
	struct admin_server *admin;
	struct timer overdue;
	int64_t drain_until; /* clock_mono */
	struct defer look;
	uv_signal_t signals[SIGNALS];
	int64_t started_at; /* clock_mono */
};

/* Everything up to the first children; supervisor_done also after a failure. */
int supervisor_start(struct supervisor *s, const char *conf_path,
	struct fault *why) _must_check_;
void supervisor_run(struct supervisor *s);
void supervisor_done(struct supervisor *s);

void supervisor_event(struct supervisor *s, enum phase_event event);
/* Something about a child has changed: see, at the end of this turn, whether
 * the phase does too. */
void supervisor_look(struct supervisor *s);
/* Whether new work may begin. */
int supervisor_check(
	const struct supervisor *s, struct fault *why) _must_check_;
