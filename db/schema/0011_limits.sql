-- API keys (auth/api_key.h) and idempotency keys.

-- A key of one of the operator's own programs.  Its secret is shown once: what
-- is kept is its SHA-256, and the secret itself sealed, because a signature
-- (HMAC) cannot be checked without it.
CREATE TABLE mpcloud.api_keys (
	id text PRIMARY KEY,
	name text NOT NULL,
	hash bytea NOT NULL,
	sealed bytea NOT NULL,              -- see auth/seal.h
	routes text[] NOT NULL,             -- names of declared routes; {}: all
	created_at bigint NOT NULL,
	expires_at bigint,                  -- NULL: never
	revoked_at bigint
);
CREATE UNIQUE INDEX api_keys_name ON mpcloud.api_keys (name)
	WHERE revoked_at IS NULL;

-- Nonces of signatures, for as long as their timestamps are taken.
CREATE TABLE mpcloud.api_nonces (
	key_id text NOT NULL,
	nonce text NOT NULL,
	seen_at bigint NOT NULL,
	PRIMARY KEY (nonce, key_id)
);
CREATE INDEX api_nonces_seen ON mpcloud.api_nonces (seen_at);

-- Requests with an Idempotency-Key: under way (status NULL, until lease_until)
-- or answered.
CREATE TABLE mpcloud.idempotency (
	scope bytea PRIMARY KEY,            -- SHA-256 of caller, route and key
	fingerprint bytea NOT NULL,         -- of method, target and body
	holder text NOT NULL,               -- request id of who runs it
	lease_until bigint NOT NULL,
	expires_at bigint NOT NULL,
	status integer,
	headers text,                       -- a JSON object
	body bytea                          -- NULL: it was not kept
);
CREATE INDEX idempotency_expires ON mpcloud.idempotency (expires_at);
