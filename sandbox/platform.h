#pragma once

/*
 * WeChat Pay's own keys: the public key, which has no end, and platform
 * certificates, which are replaced.  Which one signs is asked for by the
 * merchant in answers, and WeChat's choice in callbacks.
 */

#include "base/crypto.h"
#include "base/val.h"

struct sandbox;

/* in all; in the list at once */
enum { CERTS_TOP = 64, LISTED_TOP = 8 };

struct signer {
	char *serial; /* of a certificate, or PUB_KEY_ID_… */
	char *pem;    /* a certificate's; NULL: the public key */
	int64_t from_s, until_s;
	struct rsa *rsa;
	bool borrowed; /* the key is the sandbox's */
};

struct platform {
	char *dir;
	struct signer public_key;
	struct signer certs[CERTS_TOP]; /* the newest last */
	unsigned count;
	unsigned listed;         /* only the newest so many are in the list */
	unsigned public_percent; /* of the callbacks */
	uint64_t dice;
	/* What answers are signed with; the first is WeChat's behaviour. */
	enum { ANSWERS_ASKED, ANSWERS_CERTIFICATE, ANSWERS_PUBLIC } answers;
};

int platform_open(
	struct sandbox *s, const char *dir, struct fault *why) _must_check_;
void platform_done(struct platform *p);
/* A new certificate beside the old ones, and the newest from now on. `alone`:
 * the old ones are not listed any more. */
int platform_rotate(
	struct platform *p, bool alone, struct fault *why) _must_check_;
/* The key for an answer to a request that had `asked` as its Wechatpay-Serial,
 * may be empty.  NULL: that is not one of ours. */
struct signer *platform_answers(struct platform *p, struct slice asked);
struct signer *platform_calls_back(struct platform *p);
