/*
 * Each secret is a file of its own, as on a real server, so that `mpcloud dev`
 * gives the daemon the same settings that an operator would write. sandbox.json
 * names them all and is written last: when it is there, so is the rest.
 */

#include "keys.h"

#include "random.h"

#include "base/mem.h"
#include "base/paths.h"

#include <errno.h>

enum { FILE_TOP = 16384, NAME_TOP = 256 };

/* The members of sandbox.json that are not paths. */
static const struct {
	const char *member;
	size_t at;
	const char *start; /* how a new one begins */
	size_t len;        /* letters after that */
	const char *letters;
	const char *file; /* a secret's own file */
} names[] = {
	{"appid", offsetof(struct keys, appid), "wx", 16, HEX, NULL},
	{"secret", offsetof(struct keys, secret), "", 32, HEX, "secret"},
	{"mchid", offsetof(struct keys, mchid), "19", 8, DIGITS, NULL},
	/* 20 bytes whose first bit is 0: DER would put another before them */
	{"serial", offsetof(struct keys, serial), "5", 39, HEX_UP, NULL},
	{"publicKeyId", offsetof(struct keys, public_key_id), "PUB_KEY_ID_0",
		27, DIGITS, NULL},
	{"apiv3Key", offsetof(struct keys, apiv3_key), "", 32, ALNUM,
		"apiv3_key"},
};

/* Files with a key pair each; the members of sandbox.json that say where. */
#define MERCHANT_KEY "apiclient_key.pem"
#define MERCHANT_PUB "apiclient_pub.pem"
#define PLATFORM_KEY "platform_key.pem"
#define PLATFORM_PUB "pub_key.pem"

static const struct {
	const char *member, *file;
} files[] = {
	{"secretFile", "secret"},
	{"apiv3KeyFile", "apiv3_key"},
	{"privateKeyFile", MERCHANT_KEY},
	{"publicKeyFile", PLATFORM_PUB},
	{"v2KeyFile", "v2_key"}, /* seller.c makes these two */
	{"certificateFile", "apiclient_cert.pem"},
};

static char **
name_of(struct keys *k, size_t i)
{
	return (char **)(void *)((char *)k + names[i].at);
}

static int
put(const char *dir, const char *file, struct slice text, struct fault *why)
{
	_free_ char *path = str_printf("%s/%s", dir, file);

	return file_write(path, text.ptr, text.len, 0600, why);
}

static int
pair_make(const char *dir, const char *key, const char *pub, struct fault *why)
{
	_buf_ struct buf secret, open;
	int r;

	buf_init(&secret, FILE_TOP);
	buf_init(&open, FILE_TOP);
	r = rsa_generate(&secret, &open);
	if (r < 0)
		return fault_set(why, r, "no key pair could be made");
	r = put(dir, key, buf_all(&secret), why);
	mem_wipe(secret.ptr, secret.len);
	if (r < 0)
		return r;
	return put(dir, pub, buf_all(&open), why);
}

static void
files_put(struct buf *json, const char *dir)
{
	for (size_t i = 0; i < array_size(files); i++) {
		_free_ char *path = str_printf("%s/%s", dir, files[i].file);

		buf_printf(json, ",\n\t\"%s\": ", files[i].member);
		buf_json(json, slice_str(path));
	}
}

/* sandbox.json's text, and the secrets' own files. */
static int
names_make(struct keys *k, const char *dir, struct buf *json, struct fault *why)
{
	int r;

	buf_char(json, '{');
	for (size_t i = 0; i < array_size(names); i++) {
		struct slice name;

		*name_of(k, i) = random_name(
			names[i].start, names[i].len, names[i].letters);
		name = slice_str(*name_of(k, i));
		buf_printf(
			json, "%s\n\t\"%s\": ", i ? "," : "", names[i].member);
		buf_json(json, name);
		r = names[i].file ? put(dir, names[i].file, name, why) : 0;
		if (r < 0)
			return r;
	}
	files_put(json, dir);
	buf_str(json, "\n}\n");
	return buf_check(json);
}

static int
keys_make(struct keys *k, const char *dir, struct fault *why)
{
	_buf_ struct buf json;
	int r;

	buf_init(&json, FILE_TOP);
	r = pair_make(dir, MERCHANT_KEY, MERCHANT_PUB, why);
	if (r < 0)
		return r;
	r = pair_make(dir, PLATFORM_KEY, PLATFORM_PUB, why);
	if (r < 0)
		return r;
	r = names_make(k, dir, &json, why);
	if (r < 0)
		return r;
	return put(dir, "sandbox.json", buf_all(&json), why);
}

static int
names_read(struct keys *k, struct slice text, struct fault *why)
{
	_json_ json_t *all = NULL;
	int r = val_parse(&all, text, why);

	for (size_t i = 0; r == 0 && i < array_size(names); i++) {
		struct slice name;

		r = val_str(all, names[i].member, NAME_TOP, &name, why);
		if (r == 0)
			*name_of(k, i) = str_ndup(name.ptr, name.len);
	}
	return r < 0 ? fault_prefix(why, r, "sandbox.json") : 0;
}

static int
pem_read(const char *dir, const char *file, char **ret, struct fault *why)
{
	_free_ char *path = str_printf("%s/%s", dir, file);
	size_t len;

	return file_read(path, FILE_TOP, ret, &len, why);
}

static int
pems_read(struct keys *k, const char *dir, struct fault *why)
{
	_free_ char *secret = NULL;
	int r;

	r = pem_read(dir, PLATFORM_KEY, &secret, why);
	if (r < 0)
		return r;
	r = rsa_load_private(&k->platform, slice_str(secret), why);
	mem_wipe(secret, strlen(secret));
	if (r < 0)
		return r;
	r = pem_read(dir, PLATFORM_PUB, &k->platform_pem, why);
	if (r < 0)
		return r;
	r = pem_read(dir, MERCHANT_PUB, &k->merchant_pem, why);
	if (r < 0)
		return r;
	return rsa_load_public(&k->merchant, slice_str(k->merchant_pem), why);
}

int
keys_open(struct keys *ret, const char *dir, struct fault *why)
{
	_free_ char *path = str_printf("%s/sandbox.json", dir);
	_free_ char *text = NULL;
	size_t len;
	int r;

	r = file_read(path, FILE_TOP, &text, &len, why);
	if (r == -ENOENT)
		r = keys_make(ret, dir, why);
	else if (r == 0)
		r = names_read(ret, slice_of(text, len), why);
	return r < 0 ? r : pems_read(ret, dir, why);
}

json_t *
keys_describe(const struct keys *k, const char *dir)
{
	json_t *all = json_pack("{s:s,s:s,s:s,s:s}", "appid", k->appid, "mchid",
		k->mchid, "serial", k->serial, "publicKeyId", k->public_key_id);

	for (size_t i = 0; i < array_size(files); i++) {
		_free_ char *path = str_printf("%s/%s", dir, files[i].file);

		(void)json_object_set_new(
			all, files[i].member, json_string(path));
	}
	return all;
}

void
keys_done(struct keys *k)
{
	for (size_t i = 0; i < array_size(names); i++)
		*name_of(k, i) = mem_free(*name_of(k, i));
	k->merchant_pem = mem_free(k->merchant_pem);
	k->platform_pem = mem_free(k->platform_pem);
	k->merchant = rsa_free(k->merchant);
	k->platform = rsa_free(k->platform);
}
