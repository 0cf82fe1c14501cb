/*
 * Stored files in the gateway process: the store of the configuration in force,
 * and the keys of its links.
 */
#include "src/gatewayd.h"

#include "base/mem.h"
#include "base/text.h"
#include "gateway/file_door.h"
#include "storage/file_link.h"
#include "storage/files.h"
#include "trigger/queue.h"

/* The word after the environment in cloud:// ids; SDKs show it, nobody reads
 * it. */
#define BUCKET "files"

static void
on_woke(void *owner)
{
	struct gatewayd *d = owner;

	queue_wake(d->gateway.queue);
}

static const char *
check_url(void *owner, struct arena *arena, struct slice path, int64_t until_s)
{
	struct gatewayd *d = owner;

	return file_check_url(&d->gateway, arena, path, until_s);
}

static struct files_conf
files_conf_of(struct gatewayd *d, const char *dir, const uint8_t *key)
{
	const struct conf *conf = d->conf->conf;

	return (struct files_conf){
		.dir = dir,
		.env = conf->server_env,
		.bucket = BUCKET,
		.file_top = conf->storage_file_size,
		.user_quota = conf->storage_user_quota,
		.total_quota = conf->storage_quota,
		.reserve = conf->storage_reserve,
		.s3_endpoint = conf->storage_s3_endpoint,
		.s3_region = conf->storage_s3_region,
		.s3_bucket = conf->storage_s3_bucket,
		.s3_prefix = conf->storage_s3_prefix,
		.s3_access_key = conf->storage_s3_access_key,
		.s3_secret_key = d->conf->s3_secret ? d->conf->s3_secret : "",
		.link_key = slice_of(key, FILE_LINK_KEY),
		.lane = d->index,
		.check_function = conf->storage_check_function,
		.check_prefix = conf->storage_check_prefix,
		.check_url = check_url,
		.marks = shm_files(d->shm),
		.hot_memory = conf->storage_cache,
		.hot_age = conf->storage_cache_age,
		.woke = on_woke,
		.owner = d,
	};
}

static char *
files_dir(const struct gatewayd *d)
{
	const char *dir = d->conf->conf->storage_dir;

	return *dir ? str_dup(dir) : str_printf("%s/files", d->state_dir);
}

/* seal_new has checked the master key's form. */
static void
link_key(const struct gatewayd *d, uint8_t ret[FILE_LINK_KEY])
{
	_buf_ struct buf master = {0};

	buf_init(&master, 64);
	if (text_unhex(&master, slice_str(d->conf->master_key)) < 0)
		buf_clear(&master);
	file_link_key(buf_all(&master), ret);
	mem_wipe(master.ptr, master.len);
}

int
gatewayd_files_setup(struct gatewayd *d, struct fault *why)
{
	_free_ char *dir = files_dir(d);
	uint8_t key[FILE_LINK_KEY];
	struct files_conf conf;
	int e;

	link_key(d, key);
	conf = files_conf_of(d, dir, key);
	e = files_new(
		&d->gateway.files, &d->loop, d->pool, d->fetcher, &conf, why);
	mem_wipe(key, sizeof(key));
	return e;
}

void
gatewayd_files_take_up(struct gatewayd *d)
{
	struct gateway *g = &d->gateway;
	_free_ char *dir = files_dir(d);
	uint8_t key[FILE_LINK_KEY] = {0};
	struct files_conf conf = files_conf_of(d, dir, key);

	g->origin_secret = d->conf->origin_secret;
	g->cdn_key = d->conf->cdn_key;
	if (g->files)
		files_configure(g->files, &conf);
}
