/*
 * Files of known answers.
 */
#include "tests/unit/vectors.h"

#include "base/mem.h"
#include "base/paths.h"
#include "pay/certs.h"

#include <stdlib.h>

json_t *vectors_own, *vectors_pay;

static int
load(json_t **ret, const char *name)
{
	_free_ char *path = path_data(name);
	_free_ char *text = NULL;
	size_t len;

	if (file_read(path, 1 << 20, &text, &len, NULL) < 0)
		return -1;
	return val_parse(ret, slice_of(text, len), NULL);
}

int
vectors_setup(void **state)
{
	(void)state;
	if (load(&vectors_own, "tests/unit/data/wechat-vectors-own.json") < 0)
		return -1;
	return load(&vectors_pay, "tests/unit/data/wechat-vectors-pay.json");
}

int
vectors_teardown(void **state)
{
	(void)state;
	json_decref(vectors_own);
	json_decref(vectors_pay);
	return 0;
}

const json_t *
vector(const json_t *file, const char *id)
{
	const json_t *all = json_object_get(file, "vectors");
	size_t i;
	json_t *v;

	json_array_foreach ((json_t *)(uintptr_t)all, i, v)
		if (strcmp(json_string_value(json_object_get(v, "id")), id) ==
			0)
			return v;
	fail_msg("no vector %s", id);
	return NULL;
}

static const char *seen[128];
static size_t seen_count;

const json_t *
vector_see(const json_t *file, const char *id)
{
	assert_true(seen_count < array_size(seen));
	seen[seen_count++] = id;
	return vector(file, id);
}

static bool
was_seen(const char *id)
{
	for (size_t i = 0; i < seen_count; i++)
		if (strcmp(seen[i], id) == 0)
			return true;
	return false;
}

/* Looked at by test_opendata and test_v2_vectors. */
static bool
is_elsewhere(const char *id, const char *prefix)
{
	return strcmp(prefix, "own-") == 0 &&
	       (strcmp(id, "own-userdata") == 0 ||
		       strncmp(id, "own-v2", 6) == 0);
}

int
vectors_seen(const json_t *file, const char *prefix)
{
	size_t i;
	json_t *v;
	int count = 0;

	json_array_foreach (json_object_get(file, "vectors"), i, v) {
		const char *id = vector_text(v, "id");

		if (strncmp(id, prefix, strlen(prefix)) != 0 ||
			is_elsewhere(id, prefix))
			continue;
		if (!was_seen(id))
			fail_msg("%s was not looked at", id);
		count++;
	}
	return count;
}

const char *
vector_text(const json_t *v, const char *name)
{
	const char *s = json_string_value(json_object_get(v, name));

	if (!s)
		fail_msg("the vector has no %s", name);
	return s;
}

struct slice
vector_slice(const json_t *v, const char *name)
{
	return slice_str(vector_text(v, name));
}

const char *
vector_key(const json_t *file, const char *name)
{
	return vector_text(json_object_get(file, "keys"), name);
}

struct merchant *
vector_merchant(const char *certificates)
{
	const struct merchant_conf conf = {
		.appids = vector_key(vectors_own, "appid"),
		.mchid = vector_key(vectors_own, "mchid"),
		.serial = vector_key(vectors_own, "merchant_serial"),
		.notify_url = "https://example.com/v1/pay/notify",
		.api_base = "http://127.0.0.1:1",
		.private_key_pem =
			vector_key(vectors_own, "merchant_private_key"),
		.public_key_pem = vector_key(vectors_own, "wechatpay_pubkey"),
		.public_key_id = vector_key(vectors_own, "wechatpay_pubkey_id"),
		.certificates = certificates,
		.apiv3_key = vector_key(vectors_own, "api_v3_key"),
		.v2_key = vector_key(vectors_own, "api_v2_key"),
	};
	struct fault why = {0};
	struct merchant *m = NULL;

	if (merchant_new(&m, &conf, &why) < 0)
		fail_msg("%s", why.text);
	if (m->certs)
		assert_int_equal(certs_add(m->certs,
					 slice_str(vector_key(vectors_own,
						 "platform_serial")),
					 slice_str(vector_key(vectors_own,
						 "platform_certificate")),
					 NULL),
			0);
	return m;
}
