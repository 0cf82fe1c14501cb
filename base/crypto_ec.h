#pragma once

/*
 * ECDSA on P-256 with SHA-256, as JOSE has it (RFC 7518, section 3.4: ES256):
 * keys are the private number, signatures are r and s of 32 bytes each.
 */

#include "base/crypto.h"

enum { EC_NUMBER = 32, EC_SIGNATURE = 2 * EC_NUMBER };

struct ec;
/* `number` is the private key, big-endian.  ERR_FORMAT: it is not between 0 and
 * the order of the curve. */
int ec_load_private(struct ec **ret, struct slice number) _must_check_;
/* Its public point; also ERR_FORMAT when it is not on the curve. */
int ec_load_public(
	struct ec **ret, struct slice x, struct slice y) _must_check_;
struct ec *ec_free(struct ec *ec);
DEFINE_CLEANUP(struct ec *, ec_free)
void ec_point(const struct ec *ec, uint8_t x[EC_NUMBER], uint8_t y[EC_NUMBER]);
/* A new private number. */
void ec_generate(uint8_t ret[EC_NUMBER]);
/* The s of our signatures is in the lower half (both halves verify). */
int ec_sign(
	struct ec *ec, struct slice in, uint8_t ret[EC_SIGNATURE]) _must_check_;
/* ERR_FORMAT when it does not verify, and when its s is in the upper half: of
 * the two signatures that can be made from one, one is taken. */
int ec_verify(
	struct ec *ec, struct slice in, struct slice signature) _must_check_;
