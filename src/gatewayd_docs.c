/*
 * What stands behind calls about documents: the primary's pool, the catalog of
 * collections, read replicas, and what the operator allows.
 */
#include "base/mem.h"
#include "db/replica.h"
#include "db/tx.h"
#include "documents/expire.h"
#include "documents/index_work.h"
#include "documents/slow.h"
#include "src/gatewayd.h"

#include <stdlib.h>

enum { REPLICAS_TOP = 16 };

static struct pool_conf
pool_conf_of(const struct conf *conf)
{
	return (struct pool_conf){
		.url = conf->database_url,
		.connections = (unsigned)conf->database_connections,
		.writers = (unsigned)conf->database_write_connections,
		.slow = (unsigned)conf->database_slow_connections,
		.timeout_ms = (uint64_t)conf->database_timeout,
		.waiting_top = (unsigned)conf->limits_connections,
	};
}

/* Cuts "one | two" in place. */
static int
cut_urls(char *text, const char *urls[REPLICAS_TOP + 1], struct fault *why)
{
	size_t count = 0;

	for (char *rest = text, *one; (one = strsep(&rest, "|"));) {
		one += strspn(one, " ");
		if (!*one)
			continue;
		if (count == REPLICAS_TOP)
			return fault_set(why, ERR_CONFIG,
				"database.replicas: %d at most", REPLICAS_TOP);
		urls[count++] = one;
	}
	urls[count] = NULL;
	return 0;
}

static int
setup_replicas(struct gatewayd *d, struct fault *why)
{
	const struct conf *conf = d->conf->conf;
	_free_ char *text = str_dup(conf->database_replicas);
	const char *urls[REPLICAS_TOP + 1];
	const struct replicas_conf replicas = {
		.urls = urls,
		.pool = pool_conf_of(conf),
		.check_ms = (uint64_t)conf->database_replica_check,
		.lag_top_ms = conf->database_replica_lag,
		.shm = d->shm,
	};
	int e = cut_urls(text, urls, why);

	if (e < 0 || !urls[0])
		return e;
	return replicas_new(&d->gateway.docs.replicas, d->pool, &replicas, why);
}

enum { WARM = 2 };

static int
setup_txs(struct gatewayd *d, struct fault *why)
{
	const struct conf *conf = d->conf->conf;
	const struct txs_conf txs = {
		.url = conf->database_url,
		.top = (unsigned)conf->database_transactions,
		.warm = WARM,
		.life_ms = (uint64_t)conf->database_transaction_life,
		.timeout_ms = (uint64_t)conf->database_timeout,
		.gateway = d->index,
	};

	return txs_new(&d->gateway.txs, &d->loop, &txs, why);
}

int
gatewayd_docs_setup(struct gatewayd *d, struct fault *why)
{
	const struct pool_conf pool = pool_conf_of(d->conf->conf);
	int e = pool_new(&d->pool, &d->loop, &pool, why);

	if (e < 0)
		return e;
	pool_count(d->pool, shm_series(d->shm, d->index));
	d->gateway.docs.pool = d->pool;
	e = setup_txs(d, why);
	if (e < 0)
		return e;
	e = catalog_new(&d->gateway.docs.catalog, d->pool);
	if (e == 0)
		e = slow_new(&d->gateway.docs.slow, d->pool,
			d->conf->conf->server_env);
	return e < 0 ? e : setup_replicas(d, why);
}

enum { INDEX_CHECK_MS = 5000 };

int
gatewayd_docs_start(struct gatewayd *d)
{
	const struct conf *conf = d->conf->conf;
	const struct index_work_conf work = {
		.url = conf->database_url,
		.check_ms = INDEX_CHECK_MS,
	};
	int e = index_work_new(&d->gateway.index_work, d->pool, &work);

	if (e < 0)
		return e;
	return expire_new(&d->gateway.expire, d->pool, conf->server_env,
		(uint64_t)conf->database_expire_check);
}

void
gatewayd_docs_take_up(struct gatewayd *d)
{
	const struct conf *conf = d->conf->conf;

	d->gateway.docs.limits = (struct doc_limits){
		.limit_preset = conf->database_limit,
		.limit_top = conf->database_limit_top,
		.result_top = conf->database_result_top,
		.stages_top = conf->database_pipeline_stages,
		.insert_top = conf->database_insert_top,
	};
	slow_set(d->gateway.docs.slow, conf->database_slow_query);
}

void
gatewayd_docs_done(struct gatewayd *d)
{
	struct docs *docs = &d->gateway.docs;

	d->gateway.index_work = index_work_free(d->gateway.index_work);
	d->gateway.expire = expire_free(d->gateway.expire);
	docs->slow = slow_free(docs->slow);
	docs->replicas = replicas_free(docs->replicas);
	docs->catalog = catalog_free(docs->catalog);
	d->gateway.txs = txs_free(d->gateway.txs);
	d->pool = pool_free(d->pool);
}
