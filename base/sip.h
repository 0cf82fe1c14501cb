#pragma once

/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a short keyed hash for tables
 * whose keys strangers choose.
 */

#include "base/util.h"

uint64_t sip_hash(const uint64_t key[2], const void *p, size_t len);
