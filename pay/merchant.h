#pragma once

/*
 * The merchants this daemon takes money for: [pay] and every [pay MCHID], each
 * with its settings checked and its keys loaded.  Each is counted and never
 * changes: a reload makes new ones, what runs keeps its own.  Only its platform
 * certificates move on (pay/cert.h).
 */

#include "base/crypto.h"
#include "base/err.h"

struct certs;

enum { MERCHANTS_TOP = 65, MERCHANT_APPS_TOP = 64, APIV3_KEY = 32 };

enum merchant_api { MERCHANT_V3, MERCHANT_V2 };
enum merchant_sign { MERCHANT_MD5, MERCHANT_HMAC_SHA256 };

/* Of a string nobody set: "" or NULL.  The PEM members and keys are contents of
 * files, not their names. */
struct merchant_conf {
	const char *mchid, *serial;
	const char *appids; /* with spaces or commas between them */
	const char *notify_url, *api_base, *api_backup;
	const char *private_key_pem, *certificate_pem;
	const char *public_key_pem, *public_key_id;
	const char *certificates; /* downloaded? "auto", "yes", "no" */
	const char *apiv3_key;
	const char *api;              /* "v3", "v2" */
	const char *v2_key, *v2_sign; /* "MD5", "HMAC-SHA256" */
};

struct merchant {
	unsigned refs;
	char *mchid, *serial, *notify_url;
	char *api_base, *api_backup; /* api_backup: "" none */
	char **appids;               /* ended by NULL */
	char *appid;                 /* the first of them */
	enum merchant_api api;
	/* What v3 needs; NULL or "" for a merchant who has v2 only. */
	struct rsa *private_key; /* ours */
	char *apiv3_key;         /* 32 characters */
	struct rsa *public_key;  /* WeChat Pay's; NULL: certificates alone */
	char *public_key_id;     /* PUB_KEY_ID_… or a serial; "" as above */
	struct certs *certs;     /* downloaded; NULL: public key alone */
	/* What v2 needs; "": it has none. */
	char *v2_key;
	enum merchant_sign v2_sign;
	/* PEM, for the connection that refunds of v2 ask for; "" */
	char *certificate_pem, *private_key_pem;
};

/* ERR_CONFIG names the setting and what is wrong with it. */
int merchant_new(struct merchant **ret, const struct merchant_conf *conf,
	struct fault *why) _must_check_;
struct merchant *merchant_ref(struct merchant *m) _returns_value_;
/* NULL; wipes the secrets with the last one. */
struct merchant *merchant_unref(struct merchant *m);
DEFINE_CLEANUP(struct merchant *, merchant_unref)
/* May this mini program pay through it? */
bool merchant_has_app(const struct merchant *m, struct slice appid);
/* The merchant's own string of it; NULL: not one of its. */
const char *merchant_own_app(const struct merchant *m, const char *appid);
/* Has it the keys of v3 (orders, callbacks), and of v2? */
bool merchant_has_v3(const struct merchant *m);
bool merchant_has_v2(const struct merchant *m);
/* The key that made a signature, by the Wechatpay-Serial that came with it:
 * certificates' serials are hex digits of either case, public key ids are
 * exact. NULL: not here (cert_ask may find it). */
struct rsa *merchant_key(const struct merchant *m, struct slice serial);
/* The Wechatpay-Serial to send: which key WeChat Pay shall answer with.  "": we
 * know none yet. */
const char *merchant_wants_serial(const struct merchant *m);

/* All of them; the first is [pay].  Empty: payment is off. */
struct merchants {
	size_t count;
	struct merchant *merchant[MERCHANTS_TOP];
};

struct merchants *merchants_new(void) _returns_value_;
struct merchants *merchants_free(struct merchants *all);
DEFINE_CLEANUP(struct merchants *, merchants_free)
/* Takes over the reference.  ERR_CONFIG: the same mchid twice, too many. */
int merchants_add(struct merchants *all, struct merchant *m,
	struct fault *why) _must_check_;
/* The certificates that the ones before a reload have go on. */
void merchants_inherit(struct merchants *fresh, const struct merchants *old);
/* Borrowed; "" finds the first; NULL: none of ours. */
struct merchant *merchants_find(
	const struct merchants *all, struct slice mchid);
/* The first through which this mini program pays; NULL: none. */
struct merchant *merchants_for_app(
	const struct merchants *all, struct slice appid);
