#pragma once

/*
 * pgoutput, PostgreSQL's own logical replication messages (protocol version 1,
 * values as text), into changes of the tables of one schema.
 * Source: PostgreSQL's manual, "Logical Replication Message Formats".
 */

#include "db/changes.h"

enum { PGOUTPUT_TABLES_TOP = 100000 };

struct pgoutput {
	struct slice schema;           /* whose tables; borrowed */
	const struct changes_ops *ops; /* borrowed; its on_begin, on_change,
					  on_define, on_message and on_commit
					  are called */
	struct pgoutput_table *bucket[256];
	unsigned count;
	bool inside;  /* between Begin and Commit */
	uint64_t end; /* position behind the last commit */
};

void pgoutput_init(
	struct pgoutput *p, struct slice schema, const struct changes_ops *ops);
void pgoutput_done(struct pgoutput *p);
/* One message.  ERR_FORMAT: it is none, and what was known of the stream is not
 * worth anything any more. */
int pgoutput_take(struct pgoutput *p, struct slice message) _must_check_;
/* Numbers of the messages around it: 8 bytes, big-endian. */
uint64_t pgoutput_u64(const char *p);
void pgoutput_put_u64(char *to, uint64_t n);
