/*
 * The doors to stored files.
 *
 * A link to upload by says who it was given to, not that he may: he is let in
 * as himself when the bytes come, since rules, quotas and the file itself may
 * have changed meanwhile.  A link to read is the permission itself; but one
 * that is given out with the right to upload, before anybody knows whose file
 * will be there, says who it was given to as well.
 *
 * CloudBase's server SDKs encode a link once more before they follow it
 * (encodeURI of what is encoded).  So a path whose signature does not fit is
 * decoded again and tried once more: the signature, not the spelling, says
 * which path was meant.
 */
#include "gateway/file_door.h"

#include "base/clock.h"
#include "base/sock.h"
#include "base/text.h"

#include <string.h>

enum { WORDS = 6 };
/* Whom the content check's links name, which read what waits for it. */
#define CHECK_WHO "check"

/* ---- the caller in a link ---- */

struct slice
file_who(struct arena *arena, const struct caller *c)
{
	_json_ json_t *v = NULL;
	_buf_ struct buf b = {0};

	buf_init(&b, FILE_LINK_WHO_TOP);
	if (caller_is_admin(c))
		return SLICE("[]");
	v = json_pack("[s,s,s,s?,s?,s?]", c->uid, c->appid, c->openid,
		c->unionid, c->kind, c->custom_id);
	if (!v)
		return SLICE("[]");
	val_put(&b, v);
	return slice_of(arena_str(arena, buf_all(&b)), b.len);
}

static const char *
word_at(struct arena *arena, const json_t *v, size_t i)
{
	const char *s = json_string_value(json_array_get(v, i));

	return arena_str(arena, slice_str(s ? s : ""));
}

/* An empty list is the server's own: functions and the operator. */
static int
read_who(struct request *r, struct slice who, struct file_door *door)
{
	struct arena *arena = request_arena(r);
	_json_ json_t *v = NULL;

	if (val_parse(&v, who, NULL) < 0 || !json_is_array(v))
		return ERR_FILE_LINK;
	door->caller = r->caller;
	if (json_array_size(v) == 0) {
		door->scope.admin = true;
		return 0;
	}
	if (json_array_size(v) != WORDS)
		return ERR_FILE_LINK;
	door->caller.role = CALLER_USER;
	door->caller.uid = word_at(arena, v, 0);
	door->caller.appid = word_at(arena, v, 1);
	door->caller.openid = word_at(arena, v, 2);
	door->caller.unionid = word_at(arena, v, 3);
	door->caller.kind = word_at(arena, v, 4);
	door->caller.custom_id = word_at(arena, v, 5);
	if (!*door->caller.uid)
		door->caller.role = CALLER_NOBODY;
	return 0;
}

/* ---- coming in ---- */

static int
check_link(struct request *r, struct file_link *link)
{
	const struct file_link_query query = {
		.sign = exchange_query(r->x, "sign"),
		.t = exchange_query(r->x, "t"),
		.w = exchange_query(r->x, "w"),
	};
	struct arena *arena = request_arena(r);
	struct slice key = files_link_key(r->gateway->files);
	_buf_ struct buf again = {0};
	int e = file_link_check(
		key, arena, link, &query, clock_now_s(), &r->why);

	if (e == 0 || !memchr(link->path.ptr, '%', link->path.len))
		return e;
	buf_init(&again, FILE_PATH_TOP * 4);
	if (text_unurl(&again, link->path, false) < 0)
		return e;
	link->path = slice_of(arena_str(arena, buf_all(&again)), again.len);
	return file_link_check(
		key, arena, link, &query, clock_now_s(), &r->why);
}

static int
come_by_link(struct request *r, enum file_link_may may, struct file_door *door)
{
	struct file_link link = {.may = may, .path = door->path};
	int e = check_link(r, &link);
	bool checks;

	if (e < 0)
		return e;
	door->linked = true;
	door->path = link.path;
	checks = may == FILE_LINK_GET && slice_is(link.who, CHECK_WHO);
	/* whoever has a link reads by it, but for a function's own socket */
	door->scope.in_public = may == FILE_LINK_GET && !checks &&
				(r->on->kind & LISTENER_OPEN);
	if (may == FILE_LINK_PUT || (link.who.len && !checks))
		return read_who(r, link.who, door);
	door->caller = r->caller;
	door->scope.admin = true;
	return 0;
}

int
file_door(struct request *r, enum file_link_may may, struct file_door *door)
{
	int e = 0;

	*door = (struct file_door){.path = r->param};
	if (!r->gateway->files)
		return fault_set(
			&r->why, ERR_UNIMPLEMENTED, "storage is off here");
	if (exchange_query(r->x, "sign").ptr)
		e = come_by_link(r, may, door);
	else
		door->scope.admin = caller_is_admin(&r->caller);
	if (!door->linked)
		door->caller = r->caller;
	door->scope.caller = &door->caller;
	return e < 0 ? e : file_path_check(door->path, &r->why);
}

/* ---- links ---- */

/* The first address served, for who was asked by nobody outside. */
static const char *
own_address(const struct gateway *g, struct arena *arena)
{
	for (size_t i = 0; i < g->listener_count; i++) {
		const struct listener *l = &g->listeners[i];
		char name[128];

		if (!(l->kind & LISTENER_OPEN) ||
			sock_name(l->fd, name, sizeof(name)) < 0)
			continue;
		if (strncmp(name, "0.0.0.0", 7) == 0 ||
			strncmp(name, "[::]", 4) == 0)
			continue;
		return arena_printf(arena, "%s://%s",
			l->kind == LISTENER_TLS ? "https" : "http", name);
	}
	return FILE_INSIDE_URL;
}

const char *
file_base(const struct gateway *g, struct arena *arena, const struct request *r)
{
	const char *url = g->conf->storage_public_url;
	size_t len = strlen(url);
	struct slice host;

	while (len && url[len - 1] == '/')
		len--;
	if (len)
		return arena_str(arena, slice_of(url, len));
	if (!r || !(r->on->kind & LISTENER_OPEN))
		return own_address(g, arena);
	host = exchange_header(r->x, "Host");
	if (!host.len)
		return own_address(g, arena);
	return arena_printf(arena, "%s://%.*s",
		exchange_is_tls(r->x) ? "https" : "http", SLICE_ARG(host));
}

const char *
file_host(const struct gateway *g, struct arena *arena)
{
	const char *base = file_base(g, arena, NULL);
	const char *host = strstr(base, "://");

	host = host ? host + 3 : base;
	return arena_str(arena, slice_of(host, strcspn(host, "/")));
}

/* Each segment encoded, the "/" kept. */
static const char *
encode_path(struct arena *arena, struct slice path)
{
	_buf_ struct buf b = {0};
	struct slice segment;
	bool first = true;

	buf_init(&b, FILE_PATH_TOP * 4);
	while (slice_split(&path, '/', &segment)) {
		if (!first)
			buf_char(&b, '/');
		text_url(&b, segment);
		first = false;
	}
	return arena_str(arena, buf_all(&b));
}

/* The validity that a CDN counts from t on is storage.link_life. */
static const char *
cdn_url(const struct gateway *g, struct arena *arena, const char *path,
	const struct file_link *link)
{
	const struct conf *conf = g->conf;
	struct slice base = slice_str(conf->storage_cdn_url);
	int64_t t = link->until_s - conf->storage_link_life / 1000;

	while (base.len && base.ptr[base.len - 1] == '/')
		base.len--;
	if (!g->cdn_key || !*g->cdn_key)
		return arena_printf(arena, "%.*s/%s", SLICE_ARG(base), path);
	return arena_printf(arena, "%.*s/%s?%s", SLICE_ARG(base), path,
		file_link_cdn(
			slice_str(g->cdn_key), arena, slice_str(path), t));
}

const char *
file_check_url(const struct gateway *g, struct arena *arena, struct slice path,
	int64_t until_s)
{
	const struct file_link link = {.may = FILE_LINK_GET,
		.path = path,
		.until_s = until_s,
		.who = SLICE(CHECK_WHO)};

	return arena_printf(arena, "%s/v1/files/%s?%s",
		file_base(g, arena, NULL), encode_path(arena, path),
		file_link_make(files_link_key(g->files), arena, &link));
}

const char *
file_url(const struct gateway *g, struct arena *arena, const char *base,
	const struct file_link *link)
{
	const char *path = encode_path(arena, link->path);

	/* A CDN asks nobody who he is. */
	if (link->may == FILE_LINK_GET && !link->who.len &&
		*g->conf->storage_cdn_url && strcmp(base, FILE_INSIDE_URL) != 0)
		return cdn_url(g, arena, path, link);
	return arena_printf(arena, "%s/v1/files/%s?%s", base, path,
		file_link_make(files_link_key(g->files), arena, link));
}
