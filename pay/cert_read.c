/*
 * What GET /v3/certificates answers: each certificate sealed with the APIv3
 * key, which so is the first thing that a wrong key shows by.
 */
#include "base/val.h"
#include "pay/cert.h"
#include "pay/sign.h"

enum { PEM_TOP = 16 * 1024, SERIAL_TOP = CERT_SERIAL_TOP };

/* One element of "data". */
static int
cert_take(struct certs *to, const struct merchant *m, const json_t *v,
	struct fault *why)
{
	const json_t *sealed = json_object_get(v, "encrypt_certificate");
	struct slice serial, how, nonce, aad, text;
	_buf_ struct buf pem;
	int r;

	buf_init(&pem, PEM_TOP);
	if (val_str(v, "serial_no", SERIAL_TOP, &serial, NULL) < 0 ||
		val_str(sealed, "algorithm", 32, &how, NULL) < 0 ||
		val_str(sealed, "nonce", 64, &nonce, NULL) < 0 ||
		val_str_or(sealed, "associated_data", 64, SLICE(""), &aad,
			NULL) < 0 ||
		val_str(sealed, "ciphertext", PEM_TOP, &text, NULL) < 0)
		return fault_set(why, ERR_FORMAT,
			"the answer about certificates is not of its form");
	r = sign_open_resource(
		&pem, slice_str(m->apiv3_key), how, nonce, aad, text);
	if (r < 0)
		return fault_set(why, ERR_PAY_DECRYPT,
			"the certificates did not open: apiv3_key_file is not "
			"the APIv3 key of merchant %s (it was set anew in the "
			"merchant platform?)",
			m->mchid);
	return certs_add(to, serial, buf_all(&pem), why);
}

int
certs_read(struct certs *ret, const struct merchant *m, struct slice body,
	struct fault *why)
{
	_json_ json_t *v = NULL;
	const json_t *data;
	int r = val_parse(&v, body, why);

	if (r < 0)
		return fault_set(why, ERR_FORMAT,
			"the answer about certificates is not JSON");
	data = json_object_get(v, "data");
	if (!json_is_array(data) || !json_array_size(data))
		return fault_set(why, ERR_FORMAT,
			"the answer about certificates has none");
	for (size_t i = 0; i < json_array_size(data); i++) {
		r = cert_take(ret, m, json_array_get(data, i), why);
		if (r < 0)
			return r;
	}
	return 0;
}
