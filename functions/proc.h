#pragma once

/*
 * A process that the keeper watches: a worker, a standby, or the template.  Its
 * end is seen by its pidfd; what it wrote is read to the end before anybody is
 * told that it has ended.
 */

#include "base/fdpoll.h"
#include "base/list.h"
#include "base/timer.h"
#include "functions/capture.h"
#include "functions/proto.h"

#include <sys/types.h>

struct cage;
struct keeper;
struct link;

/* On keeper->procs in every state; proc_move alone changes it. */
enum proc_state {
	PROC_ASKED,    /* native: the template has not forked it yet */
	PROC_TEMPLATE, /* native: the template itself */
	PROC_STANDBY,  /* node: started ahead, no gateway's yet; script: forked,
			* not READY yet */
	PROC_WORKING,  /* a gateway's worker */
	PROC_ENDED     /* its status is being fetched */
};

struct proc {
	struct list on;
	struct keeper *keeper;
	struct link *link; /* whose worker; NULL: nobody's (any more) */
	enum proc_state state, was;
	uint32_t id;     /* the gateway's number for it */
	uint32_t serial; /* the keeper's, never used twice */
	uint32_t parent; /* serial of the template that forked it; 0: ours */
	pid_t pid;
	int pidfd;
	int socket;  /* the gateway's end until it is handed over */
	int ends[3]; /* the worker's socket, stdout, stderr, until forked */
	struct fdpoll poll, peek;
	void (*on_peek)(struct proc *p);
	struct timer late; /* no READY yet */
	unsigned tries;    /* that were replaced before this one */
	struct capture out, err;
	enum host_gone_reason reason;
	bool ready;
	uint64_t started; /* loop time, ms */
	uint64_t memory;  /* bytes when last looked at */
	uint64_t before;  /* and the time before */
	uint64_t told;    /* what the gateway knows of them */
};

/* With its socket pair and pipes. */
int proc_new(struct proc **ret, struct keeper *keeper,
	enum proc_state state) _must_check_;
void proc_move(struct proc *p, enum proc_state state);
/* Its state, or the one before it ended. */
enum proc_state proc_kind(const struct proc *p);

/* It runs: watch it.  Takes the pidfd (-1: it is made from the pid). */
int proc_watch(struct proc *p, pid_t pid, int pidfd) _must_check_;
/* Close the ends that are the child's. */
void proc_forget_ends(struct proc *p);
/* See READY on its socket without taking it: on_peek, with p->ready set; or
 * when the socket is closed, without. */
int proc_peek(struct proc *p, void (*on_peek)(struct proc *p)) _must_check_;
/* Stop looking at its socket. */
void proc_forget_peek(struct proc *p);
void proc_kill(struct proc *p, enum host_gone_reason reason);
/* Its wait status, when it is a child of ours; 0 when it is nobody's. */
int proc_reap(struct proc *p);
/* It has ended: give out its last lines and free it. */
void proc_free(struct proc *p);

/* The process that a pidfd of unknown origin means, by the kernel; 0 when it is
 * none.  `said`: what it is where there is no /proc to ask. */
pid_t proc_pid_of(const struct cage *cage, int pidfd, pid_t said);

/* Look at its resident bytes; p->memory has them. */
uint64_t proc_measure(struct proc *p);
