#pragma once

/*
 * What starts a function by itself, as config.json and cloudbaserc.json say it,
 * checked and in one shape (fn_settings.triggers).  Each has a name (a letter,
 * then letters, digits, - and _; 60 at most), a type, and by type:
 *   timer     config (cron), timezone ("" is UTC+8), missed (skip, once, all),
 *             message
 *   http      path ("/api", no slash at its end), methods (upper case; none:
 *             all), auth
 *   document  collection, events (of create, update, delete)
 *   file      prefix ("" is all), events (of create, delete)
 *   login     events (of first, every)
 *   pay       events (of paid, refunded)
 *   push      appid ("" is any), events (MsgType or Event; none: all messages)
 * Of events there is at least one else.  Of two triggers with one name the
 * entry's counts.
 */

#include "base/err.h"
#include "base/val.h"

/* The two arrays, either may be NULL. */
int package_triggers(const json_t *config, const json_t *entry, json_t **ret,
	struct fault *why) _must_check_;
