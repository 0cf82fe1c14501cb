#pragma once

/*
 * A connection string taken apart, with what we add to it: the statement
 * time-out, the encoding, the address that was found for a host name.
 */

#include "base/err.h"
#include "base/slice.h"

struct dsn;

int dsn_parse(struct dsn **ret, const char *url, uint64_t timeout_ms,
	struct fault *why) _must_check_;
struct dsn *dsn_free(struct dsn *dsn);
DEFINE_CLEANUP(struct dsn *, dsn_free)

/* One more setting of every session, "lock_timeout=10". */
void dsn_set_option(struct dsn *dsn, const char *option);
/* Connections that may stream changes: PostgreSQL then takes no prepared
 * statements. */
void dsn_set_replication(struct dsn *dsn);

/* The host name that must be resolved before each connect, or NULL when there
 * is none (unix socket, hostaddr given). */
const char *dsn_host(const struct dsn *dsn);
/* Start to connect.  `addrs`: comma-separated numeric addresses of dsn_host, or
 * NULL; `count` says how many they are. */
struct pg_conn *dsn_connect(
	const struct dsn *dsn, const char *addrs, unsigned count);
