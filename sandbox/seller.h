#pragma once

/*
 * A merchant as WeChat Pay knows him: his number, the mini programs that belong
 * to him, and what his signatures are checked with.  The first one is in the
 * sandbox's own folder; others are made on request, each in a folder of his
 * own, and are there again at the next start.
 */

#include "store.h"

#include "base/crypto.h"
#include "base/val.h"

struct sandbox;

enum { SELLERS_TOP = 64, APPS_TOP = 32 };

struct seller {
	struct item item; /* by mchid */
	struct sandbox *sandbox;
	char *mchid, *serial;
	char *apiv3_key; /* 32 characters */
	char *v2_key;    /* the same, of the older API */
	json_t *apps;    /* his appids */
	char *dir;       /* where his files are */
	char *pem;       /* public key, SPKI */
	struct rsa *rsa; /* verifies his requests */
};

/* The first, and those that were made in earlier runs. */
int sellers_open(
	struct sandbox *s, const char *dir, struct fault *why) _must_check_;
void sellers_init(struct store *sellers);
/* NULL: there is no such merchant. */
struct seller *seller_find(const struct sandbox *s, struct slice mchid);
struct seller *seller_first(const struct sandbox *s);
bool seller_has_app(const struct seller *seller, struct slice appid);
/* A new one; an empty mchid is made up.  `apps`: an array of appids; NULL: the
 * first mini program. */
int seller_make(struct sandbox *s, struct slice mchid, const json_t *apps,
	struct seller **ret, struct fault *why) _must_check_;
/* Further mini programs of his. */
int seller_bind(struct seller *seller, const json_t *apps,
	struct fault *why) _must_check_;
/* What a program that configures a server needs: names, and the files where the
 * secrets are. */
json_t *seller_describe(const struct seller *seller);
