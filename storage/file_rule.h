#pragma once

/*
 * Who may do what with a path: CloudBase's simple permissions, or its JSON
 * rules for storage:
 *
 *   {"read": true, "write": "resource.openid == auth.openid"}
 *
 * create, update and delete fall back to write; what is absent is false.  Known
 * are auth, resource.openid (whose the file is; of a new one: who writes it),
 * resource.path and now; comparisons are those of documents/rule.h.  A project
 * that has said nothing is PRIVATE: the owner reads and writes, functions may
 * all. Source: docs.cloudbase.net, "storage: security rules".
 */

#include "documents/access.h"
#include "storage/files.h"

struct file_rules;

/* `permission`: READONLY, PRIVATE, ADMINWRITE, ADMINONLY, or CUSTOM with
 * `rules`, the text of an object.  Errors name the rule and the column. */
int file_rules_new(struct file_rules **ret, struct slice permission,
	struct slice rules, struct fault *why) _must_check_;
/* Nobody but admins may. */
struct file_rules *file_rules_none(void) _returns_value_;
struct file_rules *file_rules_free(struct file_rules *r);
DEFINE_CLEANUP(struct file_rules *, file_rules_free)

/* 0 or ERR_FILE_DENIED.  `r` NULL: PRIVATE.  owner: of the file, NULL when
 * there is none. */
int file_may(const struct file_rules *r, enum access_act act,
	const struct file_scope *scope, struct slice path, const char *owner,
	int64_t now_ms, struct fault *why) _must_check_;

/* Whose files alone he may read; NULL: it depends, or of everybody. */
const char *file_rules_owner(
	const struct file_rules *r, const struct file_scope *scope);

/* Whose a file is that he makes: his openid, or his uid when he has none; ""
 * for an admin. */
const char *file_scope_owner(const struct file_scope *scope) _returns_value_;
