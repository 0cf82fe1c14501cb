/*
 * The files of a merchant have the names they have in WeChat's own download
 * (apiclient_key.pem, apiclient_cert.pem).  What is absent is made, so that a
 * folder of an older sandbox grows what a newer one needs.
 */

#include "seller.h"

#include "pay.h"
#include "random.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/paths.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

enum { FILE_TOP = 16384, NAME_TOP = 64, CERT_YEARS = 5 };

#define YEAR_S (365LL * 86400)

static const struct {
	const char *member, *file;
} files[] = {
	{"apiv3KeyFile", "apiv3_key"},
	{"v2KeyFile", "v2_key"},
	{"privateKeyFile", "apiclient_key.pem"},
	{"certificateFile", "apiclient_cert.pem"},
};

static void
seller_free(struct item *item)
{
	struct seller *m = container_of(item, struct seller, item);

	mem_free(m->mchid);
	mem_free(m->serial);
	mem_free(m->apiv3_key);
	mem_free(m->v2_key);
	mem_free(m->dir);
	mem_free(m->pem);
	json_decref(m->apps);
	(void)rsa_free(m->rsa);
	mem_free(m);
}

void
sellers_init(struct store *sellers)
{
	store_init(sellers, SELLERS_TOP + 1, seller_free);
}

static char *
path_of(const struct seller *m, const char *file)
{
	return str_printf("%s/%s", m->dir, file);
}

static int
text_read(
	const struct seller *m, const char *file, char **ret, struct fault *why)
{
	_free_ char *path = path_of(m, file);
	size_t len;

	return file_read(path, FILE_TOP, ret, &len, why);
}

static int
text_write(const struct seller *m, const char *file, struct slice text,
	struct fault *why)
{
	_free_ char *path = path_of(m, file);

	return file_write(path, text.ptr, text.len, 0600, why);
}

/* A secret of 32 letters, made when absent. */
static int
secret_open(
	const struct seller *m, const char *file, char **ret, struct fault *why)
{
	int r = text_read(m, file, ret, why);

	if (r != -ENOENT)
		return r;
	*ret = random_name("", 32, ALNUM);
	return text_write(m, file, slice_str(*ret), why);
}

static int
pair_make(struct seller *m, struct fault *why)
{
	_buf_ struct buf secret, open;
	int r;

	buf_init(&secret, FILE_TOP);
	buf_init(&open, FILE_TOP);
	r = rsa_generate(&secret, &open);
	if (r < 0)
		return fault_set(why, r, "no key pair could be made");
	r = text_write(m, "apiclient_key.pem", buf_all(&secret), why);
	mem_wipe(secret.ptr, secret.len);
	if (r < 0)
		return r;
	return text_write(m, "apiclient_pub.pem", buf_all(&open), why);
}

static int
certificate_make(const struct seller *m, struct fault *why)
{
	_free_ char *secret = NULL;
	_buf_ struct buf pem;
	int64_t now = clock_now_s();
	int r = text_read(m, "apiclient_key.pem", &secret, why);
	struct cert_ask ask = {
		.serial = m->serial,
		.organization = "mpcloud-sandbox",
		.name = m->mchid,
		.from_s = now - 86400,
		.until_s = now + CERT_YEARS * YEAR_S,
	};

	buf_init(&pem, FILE_TOP);
	if (r < 0)
		return r;
	ask.private_pem = slice_str(secret);
	r = cert_make(&pem, &ask);
	mem_wipe(secret, strlen(secret));
	if (r < 0)
		return fault_set(why, r, "no certificate could be made");
	return text_write(m, "apiclient_cert.pem", buf_all(&pem), why);
}

/* mchid, serial, dir and apps are there; the rest is read or made. */
static int
seller_open(struct seller *m, struct fault *why)
{
	_free_ char *certificate = path_of(m, "apiclient_cert.pem");
	int r = secret_open(m, "apiv3_key", &m->apiv3_key, why);

	if (r == 0)
		r = secret_open(m, "v2_key", &m->v2_key, why);
	if (r == 0)
		r = text_read(m, "apiclient_pub.pem", &m->pem, why);
	if (r == 0 && access(certificate, F_OK) < 0)
		r = certificate_make(m, why);
	if (r < 0)
		return r;
	return rsa_load_public(&m->rsa, slice_str(m->pem), why);
}

static struct seller *
seller_new(struct sandbox *s, struct slice mchid, const char *serial, char *dir,
	json_t *apps)
{
	struct seller *m = mem_new(struct seller);

	m->sandbox = s;
	m->mchid = str_ndup(mchid.ptr, mchid.len);
	m->serial = str_dup(serial);
	m->dir = dir;
	m->apps = apps;
	return m;
}

static int
seller_add(struct sandbox *s, struct seller *m, struct fault *why)
{
	int r = seller_open(m, why);

	if (r < 0) {
		seller_free(&m->item);
		return r;
	}
	store_add(&s->pay->sellers, &m->item, slice_str(m->mchid));
	return 0;
}

/* merchant.json: what is no file of its own. */
static int
seller_load(struct sandbox *s, const char *mchid, struct fault *why)
{
	_free_ char *dir = str_printf("%s/merchants/%s", s->pay->dir, mchid);
	_free_ char *path = str_printf("%s/merchant.json", dir);
	_free_ char *text = NULL;
	_json_ json_t *all = NULL;
	struct slice serial;
	size_t len;
	int r = file_read(path, FILE_TOP, &text, &len, why);

	if (r == -ENOENT)
		return 0; /* it was begun and not finished */
	if (r == 0)
		r = val_parse(&all, slice_of(text, len), why);
	if (r == 0)
		r = val_str(all, "serial", NAME_TOP, &serial, why);
	if (r == 0 && !json_is_array(json_object_get(all, "appids")))
		r = fault_set(why, ERR_FORMAT, "appids: a list is needed");
	if (r < 0)
		return fault_prefix(why, r, "%s", path);
	return seller_add(s,
		seller_new(s, slice_str(mchid), serial.ptr, take(dir),
			json_incref(json_object_get(all, "appids"))),
		why);
}

/* The names of the first are in sandbox.json; merchant.json is there when
 * further appids were bound to him. */
static int
first_load(struct sandbox *s, const char *dir, struct fault *why)
{
	_free_ char *path = str_printf("%s/merchant.json", dir);
	_free_ char *text = NULL;
	_json_ json_t *all = NULL;
	json_t *apps;
	size_t len;

	if (file_read(path, FILE_TOP, &text, &len, NULL) == 0)
		(void)!val_parse(&all, slice_of(text, len), NULL);
	apps = json_object_get(all, "appids");
	return seller_add(s,
		seller_new(s, slice_str(s->keys.mchid), s->keys.serial,
			str_dup(dir),
			json_is_array(apps) ? json_incref(apps)
					    : json_pack("[s]", s->keys.appid)),
		why);
}

int
sellers_open(struct sandbox *s, const char *dir, struct fault *why)
{
	_free_ char *folder = str_printf("%s/merchants", dir);
	struct dirent *e;
	DIR *d;
	int r = first_load(s, dir, why);

	d = r == 0 ? opendir(folder) : NULL;
	while (d && r == 0 && (e = readdir(d)))
		if (e->d_name[0] != '.')
			r = seller_load(s, e->d_name, why);
	if (d)
		(void)closedir(d);
	return r;
}

struct seller *
seller_find(const struct sandbox *s, struct slice mchid)
{
	struct item *i = store_find(&s->pay->sellers, mchid);

	return i ? container_of(i, struct seller, item) : NULL;
}

struct seller *
seller_first(const struct sandbox *s)
{
	return seller_find(s, slice_str(s->keys.mchid));
}

bool
seller_has_app(const struct seller *m, struct slice appid)
{
	for (size_t i = 0; i < json_array_size(m->apps); i++)
		if (slice_is(appid,
			    json_string_value(json_array_get(m->apps, i))))
			return true;
	return false;
}

static int
mchid_check(const struct sandbox *s, struct slice mchid, struct fault *why)
{
	for (size_t i = 0; i < mchid.len; i++)
		if (mchid.ptr[i] < '0' || mchid.ptr[i] > '9')
			return fault_set(why, ERR_PARAM,
				"mchid: 8 to 10 digits are needed");
	if (mchid.len < 8 || mchid.len > 10)
		return fault_set(
			why, ERR_PARAM, "mchid: 8 to 10 digits are needed");
	if (seller_find(s, mchid))
		return fault_set(why, ERR_PARAM,
			"mchid: this merchant is there already");
	if (s->pay->sellers.count >= SELLERS_TOP)
		return fault_set(why, ERR_TOO_BIG, "too many merchants");
	return 0;
}

static int
apps_check(const json_t *apps, struct fault *why)
{
	size_t n = json_array_size(apps);

	for (size_t i = 0; i < n; i++)
		if (json_string_length(json_array_get(apps, i)) == 0 ||
			json_string_length(json_array_get(apps, i)) > 32)
			n = 0;
	if (!apps || (n > 0 && n <= APPS_TOP))
		return 0;
	return fault_set(why, ERR_PARAM, "appids: a list of appids is needed");
}

static int
seller_write(const struct seller *m, struct fault *why)
{
	_json_ json_t *all =
		json_pack("{s:s,s:O}", "serial", m->serial, "appids", m->apps);
	_buf_ struct buf text;

	buf_init(&text, FILE_TOP);
	val_put(&text, all);
	return text_write(m, "merchant.json", buf_all(&text), why);
}

int
seller_make(struct sandbox *s, struct slice mchid, const json_t *apps,
	struct seller **ret, struct fault *why)
{
	_free_ char *made = random_name("16", 8, DIGITS);
	_free_ char *folder = str_printf("%s/merchants", s->pay->dir);
	_free_ char *serial = random_name("5", 39, HEX_UP);
	struct slice name = mchid.len ? mchid : slice_str(made);
	struct seller *m;
	int r = mchid_check(s, name, why);

	if (r == 0)
		r = apps_check(apps, why);
	if (r == 0)
		r = dir_make(folder, 0700, why);
	if (r < 0)
		return r;
	m = seller_new(s, name, serial,
		str_printf("%s/%.*s", folder, SLICE_ARG(name)),
		apps ? json_deep_copy(apps) : json_pack("[s]", s->keys.appid));
	r = dir_make(m->dir, 0700, why);
	if (r == 0)
		r = pair_make(m, why);
	if (r == 0) /* last: a folder without it does not count */
		r = seller_write(m, why);
	if (r < 0) {
		seller_free(&m->item);
		return r;
	}
	r = seller_add(s, m, why);
	if (r == 0)
		*ret = m;
	return r;
}

int
seller_bind(struct seller *m, const json_t *apps, struct fault *why)
{
	int r = apps_check(apps, why);

	for (size_t i = 0; r == 0 && i < json_array_size(apps); i++) {
		json_t *app = json_array_get(apps, i);

		if (!seller_has_app(m, slice_str(json_string_value(app))) &&
			json_array_size(m->apps) < APPS_TOP)
			(void)json_array_append(m->apps, app);
	}
	return r < 0 ? r : seller_write(m, why);
}

json_t *
seller_describe(const struct seller *m)
{
	json_t *all = json_pack("{s:s,s:s,s:O}", "mchid", m->mchid, "serial",
		m->serial, "appids", m->apps);

	for (size_t i = 0; i < array_size(files); i++) {
		_free_ char *path = path_of(m, files[i].file);

		(void)json_object_set_new(
			all, files[i].member, json_string(path));
	}
	return all;
}
