/*
 * What a ticket must be.
 *
 * The header is believed for nothing: it must say RS256 and may say no more
 * than typ and kid; the key is chosen by the id before the JWT, and is an RSA
 * key whatever the header says, so neither "none" nor HS256 with the public key
 * as the secret leads anywhere.  Base64url is strict, JSON has no member twice.
 *
 * iat, exp and expire are milliseconds: createTicket writes Date.getTime().
 */
#include "auth/custom.h"

#include "base/crypto.h"
#include "base/text.h"

enum {
	SKEW_MS = 5 * 60 * 1000,       /* of the clock that signed it */
	LIFE_MS = 24 * 60 * 60 * 1000, /* at the most, from iat to exp */
};

static const char mark[] = "/@@/";

bool
login_key_id_fits(struct slice id)
{
	for (size_t i = 0; i < id.len; i++) {
		char c = id.ptr[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
			!(c >= 'A' && c <= 'Z') && c != '-' && c != '_')
			return false;
	}
	return id.len > 0 && id.len <= LOGIN_KEY_ID;
}

static int
refuse(struct fault *why, const char *what)
{
	return fault_set(why, ERR_TICKET_BAD, "ticket: %s", what);
}

static int
take_key_id(struct custom_ticket *t, struct slice *ticket, struct fault *why)
{
	const char *at =
		memmem(ticket->ptr, ticket->len, mark, sizeof(mark) - 1);
	struct slice id =
		slice_of(ticket->ptr, at ? (size_t)(at - ticket->ptr) : 0);

	if (!at || !login_key_id_fits(id))
		return refuse(why,
			"must be as createTicket makes it: the key's id, "
			"\"/@@/\", a JWT");
	memcpy(t->key_id, id.ptr, id.len);
	t->key_id[id.len] = '\0';
	*ticket = slice_of(at + sizeof(mark) - 1,
		ticket->len - id.len - (sizeof(mark) - 1));
	return 0;
}

static int
json_of(struct slice part, json_t **ret, struct fault *why)
{
	_buf_ struct buf text;

	buf_init(&text, TICKET_TOP);
	if (!part.len || text_unbase64url(&text, part) < 0 ||
		val_parse(ret, buf_all(&text), NULL) < 0 ||
		!json_is_object(*ret))
		return refuse(why, "the JWT is not base64url of JSON");
	return 0;
}

static bool
is_word(const json_t *obj, const char *key, const char *word)
{
	const json_t *v = json_object_get(obj, key);

	return json_is_string(v) && json_string_length(v) == strlen(word) &&
	       strcmp(json_string_value(v), word) == 0;
}

static int
check_header(struct slice part, struct fault *why)
{
	_json_ json_t *header = NULL;
	const char *key;
	json_t *value;
	int e = json_of(part, &header, why);

	if (e < 0)
		return e;
	if (!is_word(header, "alg", "RS256"))
		return refuse(why, "must be signed RS256");
	json_object_foreach (header, key, value)
		if (strcmp(key, "alg") != 0 && strcmp(key, "typ") != 0 &&
			strcmp(key, "kid") != 0)
			return refuse(why,
				"its header may hold alg, typ and kid only");
	return 0;
}

/* Base64url as rsa_verify wants it. */
static int
take_signature(struct custom_ticket *t, struct slice part, struct fault *why)
{
	_buf_ struct buf raw, text;

	buf_init(&raw, sizeof(t->signature));
	buf_init(&text, sizeof(t->signature) - 1);
	if (!part.len || text_unbase64url(&raw, part) < 0)
		return refuse(why, "its signature is not base64url");
	text_base64(&text, buf_all(&raw));
	if (buf_check(&text) < 0)
		return refuse(why, "its signature is too long");
	memcpy(t->signature, text.ptr, text.len + 1);
	return 0;
}

int
custom_ticket_read(
	struct custom_ticket *t, struct slice ticket, struct fault *why)
{
	struct slice header, claims, rest;
	int e;

	*t = (struct custom_ticket){0};
	if (ticket.len > TICKET_TOP)
		return refuse(why, "is longer than 4096 bytes");
	e = take_key_id(t, &ticket, why);
	if (e < 0)
		return e;
	rest = ticket;
	if (!slice_split(&rest, '.', &header) ||
		!slice_split(&rest, '.', &claims) || !rest.len ||
		memchr(rest.ptr, '.', rest.len))
		return refuse(why, "the JWT must have three parts");
	t->signed_part = slice_of(
		ticket.ptr, (size_t)(claims.ptr + claims.len - ticket.ptr));
	e = check_header(header, why);
	if (e == 0)
		e = take_signature(t, rest, why);
	return e < 0 ? e : json_of(claims, &t->claims, why);
}

void
custom_ticket_done(struct custom_ticket *t)
{
	json_decref(t->claims);
	t->claims = NULL;
}

/* A time in ms; -1: it is there and is none. */
static int64_t
time_of(const json_t *claims, const char *key)
{
	const json_t *v = json_object_get(claims, key);

	if (!v)
		return 0;
	return json_is_integer(v) && json_integer_value(v) > 0
		       ? json_integer_value(v)
		       : -1;
}

static int
check_times(struct custom_ticket *t, int64_t now_ms, struct fault *why)
{
	int64_t iat = time_of(t->claims, "iat"),
		exp = time_of(t->claims, "exp");
	int64_t nbf = time_of(t->claims, "nbf"), end;

	if (iat <= 0 || exp <= 0 || nbf < 0)
		return refuse(why,
			"iat and exp (and nbf) must be times in milliseconds");
	if (exp <= now_ms)
		return refuse(why, exp < 100000000000
					   ? "exp must be in milliseconds"
					   : "it has expired: have the server "
					     "make another");
	if (iat > now_ms + SKEW_MS || nbf > now_ms + SKEW_MS)
		return refuse(why,
			"it is of the future: a clock is wrong, the server's "
			"that made it or this one's");
	if (exp - iat > LIFE_MS)
		return refuse(why, "it is good for more than a day");
	end = time_of(t->claims, "expire");
	if (end < 0 || (end > 0 && end <= now_ms))
		return refuse(
			why, "expire must be a time to come, in milliseconds");
	t->ends_ms = end;
	return 0;
}

/* The SDKs' own rule. */
static int
check_uid(struct custom_ticket *t, struct fault *why)
{
	static const char marks[] = "_-#@~=*(){}[]:.,<>+";
	const json_t *v = json_object_get(t->claims, "uid");
	const char *s = json_string_value(v);
	size_t n = s ? json_string_length(v) : 0;
	bool fits = n >= 4 && n <= CUSTOM_ID_TOP && strlen(s) == n;

	for (size_t i = 0; fits && i < n; i++)
		fits = (s[i] >= '0' && s[i] <= '9') ||
		       (s[i] >= 'a' && s[i] <= 'z') ||
		       (s[i] >= 'A' && s[i] <= 'Z') || strchr(marks, s[i]);
	if (!fits)
		return refuse(why, "uid must be 4 to 32 letters, digits and "
				   "_-#@~=*(){}[]:.,<>+");
	memcpy(t->uid, s, n + 1);
	return 0;
}

int
custom_ticket_says(struct custom_ticket *t, const char *env, int64_t now_ms,
	struct fault *why)
{
	int e;

	if (json_object_get(t->claims, "alg") &&
		!is_word(t->claims, "alg", "RS256"))
		return refuse(why, "alg must be RS256");
	if (!is_word(t->claims, "env", env))
		return refuse(why,
			"env is another environment's: init the SDK with "
			"server.env");
	e = check_times(t, now_ms, why);
	return e < 0 ? e : check_uid(t, why);
}

int
custom_ticket_check(struct custom_ticket *t, struct slice public_pem,
	const char *env, int64_t now_ms, struct fault *why)
{
	_cleanup_(rsa_freep) struct rsa *key = NULL;
	int e;

	e = rsa_load_public(&key, public_pem, why);
	if (e < 0)
		return e;
	if (rsa_verify(key, t->signed_part, slice_str(t->signature)) < 0)
		return refuse(why,
			"its signature does not verify: it was made with "
			"another private key than this id's, or changed");
	return custom_ticket_says(t, env, now_ms, why);
}
