/*
 * A further mini program is one file in the sandbox's directory, secret-APPID,
 * so that it is still there after a restart.  They are never forgotten while
 * the sandbox runs: users, codes and tokens point at them.
 */

#include "mini.h"

#include "control.h"
#include "random.h"

#include "base/mem.h"
#include "base/paths.h"

#include <dirent.h>
#include <errno.h>

#define FILE_HEAD       "secret-"
#define PUSH_TOKEN_FILE "push_token"
#define PUSH_KEY_FILE   "push_key"

enum {
	SECRET_TOP = 256,
	APPID_TOP = 32,
	PUSH_TOKEN_LEN = 32,
	PUSH_KEY_LEN = 43
};

static void
mini_free(struct item *item)
{
	struct mini *m = container_of(item, struct mini, item);

	mem_free(m->appid);
	mem_free(m->secret);
	mem_free(m->original_id);
	mem_free(m->push.url);
	mem_free(m->push.token);
	mem_free(m->push.aes_key);
	mem_free(m);
}

void
mini_init(struct sandbox *s)
{
	store_init(&s->minis, MINIS_TOP, mini_free);
}

void
mini_done(struct sandbox *s)
{
	store_done(&s->minis);
	s->dir = mem_free(s->dir);
}

/* Its original id follows from its appid, so that it is the same ever after. */
static char *
original_id(struct slice appid)
{
	uint8_t sum[SHA256_LEN];
	char text[13];

	crypto_sha256(appid, sum);
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = HEX[sum[i] % 16];
	text[sizeof(text) - 1] = '\0';
	return str_printf("gh_%s", text);
}

static struct mini *
mini_add(struct sandbox *s, struct slice appid, struct slice secret)
{
	struct mini *m = mem_new(struct mini);

	m->appid = str_ndup(appid.ptr, appid.len);
	m->secret = str_ndup(secret.ptr, secret.len);
	m->original_id = original_id(appid);
	store_add(&s->minis, &m->item, appid);
	return m;
}

struct mini *
mini_find(const struct sandbox *s, struct slice appid)
{
	struct item *i =
		appid.len ? store_find(&s->minis, appid)
			  : list_first(&s->minis.age, struct item, in_age);

	return i ? container_of(i, struct mini, item) : NULL;
}

static bool
appid_is_good(struct slice appid)
{
	if (appid.len < 3 || appid.len > APPID_TOP ||
		!slice_starts(appid, "wx"))
		return false;
	for (size_t i = 2; i < appid.len; i++)
		if (!memchr(ALNUM, appid.ptr[i], sizeof(ALNUM) - 1))
			return false;
	return true;
}

static int
secret_read(struct sandbox *s, const char *file, struct fault *why)
{
	_free_ char *path = str_printf("%s/%s", s->dir, file);
	_free_ char *secret = NULL;
	struct slice appid = slice_str(file + sizeof(FILE_HEAD) - 1);
	size_t len;
	int r;

	if (!appid_is_good(appid) || mini_find(s, appid) ||
		s->minis.count == MINIS_TOP)
		return 0;
	r = file_read(path, SECRET_TOP, &secret, &len, why);
	if (r == 0)
		(void)mini_add(s, appid, slice_of(secret, len));
	return r;
}

/* A secret of the first app's in a file of its own, made when it is not there.
 */
static int
secret_need(struct sandbox *s, const char *file, size_t len, char **ret,
	struct fault *why)
{
	_free_ char *path = str_printf("%s/%s", s->dir, file);
	size_t n;
	int r = file_read(path, SECRET_TOP, ret, &n, why);

	if (r != -ENOENT)
		return r;
	*ret = random_name("", len, ALNUM);
	return file_write(path, *ret, len, 0600, why);
}

/* As the console would have them: the secure mode; only the address is open. */
static int
push_open_first(struct sandbox *s, struct mini *m, struct fault *why)
{
	int r = secret_need(
		s, PUSH_TOKEN_FILE, PUSH_TOKEN_LEN, &m->push.token, why);

	m->push.safe = true;
	return r < 0 ? r
		     : secret_need(s, PUSH_KEY_FILE, PUSH_KEY_LEN,
			       &m->push.aes_key, why);
}

void
mini_describe(const struct sandbox *s, json_t *all)
{
	_free_ char *token = str_printf("%s/" PUSH_TOKEN_FILE, s->dir);
	_free_ char *key = str_printf("%s/" PUSH_KEY_FILE, s->dir);

	(void)json_object_set_new(all, "pushTokenFile", json_string(token));
	(void)json_object_set_new(all, "pushKeyFile", json_string(key));
}

int
mini_open(struct sandbox *s, const char *dir, struct fault *why)
{
	struct dirent *entry;
	DIR *all;
	int r;

	s->dir = str_dup(dir);
	r = push_open_first(s,
		mini_add(
			s, slice_str(s->keys.appid), slice_str(s->keys.secret)),
		why);
	if (r < 0)
		return r;
	all = opendir(dir);
	if (!all)
		return fault_set(why, -errno, "%s: it cannot be read", dir);
	while (r == 0 && (entry = readdir(all)))
		if (slice_starts(slice_str(entry->d_name), FILE_HEAD))
			r = secret_read(s, entry->d_name, why);
	(void)closedir(all);
	return r;
}

struct errcode
mini_check(const struct sandbox *s, struct slice appid, struct slice secret,
	struct mini **ret)
{
	struct mini *m;

	if (appid.len == 0)
		return (struct errcode){41002, "appid missing"};
	if (secret.len == 0)
		return (struct errcode){41004, "appsecret missing"};
	m = mini_find(s, appid);
	if (!m)
		return (struct errcode){40013, "invalid appid"};
	if (!slice_is(secret, m->secret))
		return (struct errcode){40125, "invalid appsecret"};
	*ret = m;
	return (struct errcode){0, NULL};
}

struct mini *
mini_named(const struct sandbox *s, const json_t *ask, struct answer *a)
{
	struct slice appid;
	struct fault why = {0};
	struct mini *m = NULL;

	if (val_str_or(ask, "appid", APPID_TOP, SLICE(""), &appid, &why) == 0) {
		m = mini_find(s, appid);
		if (!m)
			(void)fault_set(&why, ERR_PARAM,
				"appid: the sandbox does not play this one; "
				"POST "
				"/sandbox/apps makes it");
	}
	if (!m)
		control_refuse(a, &why);
	return m;
}

/* ---- POST and GET /sandbox/apps ---- */

static void
put_mini(const struct sandbox *s, struct buf *to, const struct mini *m)
{
	bool first = strcmp(m->appid, s->keys.appid) == 0;
	_free_ char *path =
		first ? str_printf("%s/secret", s->dir)
		      : str_printf("%s/" FILE_HEAD "%s", s->dir, m->appid);

	buf_str(to, "{\"appid\":");
	buf_json(to, slice_str(m->appid));
	buf_str(to, ",\"secretFile\":");
	buf_json(to, slice_str(path));
	buf_printf(to, ",\"originalId\":\"%s\"}", m->original_id);
}

/* The same appid again: the app that is there. */
static int
mini_make(struct sandbox *s, struct slice appid, struct mini **ret,
	struct fault *why)
{
	_free_ char *named = appid.len ? str_ndup(appid.ptr, appid.len)
				       : random_name("wx", 16, HEX);
	_free_ char *secret = random_name("", 32, HEX);
	_free_ char *path = str_printf("%s/" FILE_HEAD "%s", s->dir, named);
	int r;

	*ret = mini_find(s, slice_str(named));
	if (*ret)
		return 0;
	if (!appid_is_good(slice_str(named)))
		return fault_set(why, ERR_PARAM,
			"appid: wx and up to 30 letters and digits");
	if (s->minis.count == MINIS_TOP)
		return fault_set(
			why, ERR_TOO_BIG, "%d apps are the most", MINIS_TOP);
	r = file_write(path, secret, strlen(secret), 0600, why);
	if (r == 0)
		*ret = mini_add(s, slice_str(named), slice_str(secret));
	return r;
}

void
control_apps_new(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL;
	struct slice appid;
	struct fault why = {0};
	struct mini *m = NULL;
	int r = control_parse(x, &ask, &why);

	if (r == 0)
		r = val_str_or(
			ask, "appid", APPID_TOP, SLICE(""), &appid, &why);
	if (r == 0)
		r = mini_make(s, appid, &m, &why);
	if (r < 0)
		control_refuse(a, &why);
	else
		put_mini(s, &a->body, m);
}

void
control_apps(struct sandbox *s, struct exchange *x, struct answer *a)
{
	bool first = true;

	(void)x;
	buf_str(&a->body, "{\"apps\":[");
	list_for_each (at, &s->minis.age) {
		struct item *i = container_of(at, struct item, in_age);

		buf_str(&a->body, first ? "" : ",");
		put_mini(s, &a->body, container_of(i, struct mini, item));
		first = false;
	}
	buf_str(&a->body, "]}");
}
