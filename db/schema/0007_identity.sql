-- Several mini programs under one daemon, users who come without WeChat, their
-- devices, and what WeChat gave us of them.

-- A user of the developer's own accounts (custom login), or of a name and a
-- password, in a mini program's or a web page's environment.
ALTER TABLE mpcloud.users ADD custom_id text;
ALTER TABLE mpcloud.users ADD username text;
ALTER TABLE mpcloud.users ADD password text;           -- argon2id, encoded
ALTER TABLE mpcloud.users ADD blocked_at bigint;       -- may not log in
CREATE UNIQUE INDEX users_custom_id ON mpcloud.users (custom_id)
	WHERE custom_id IS NOT NULL;
CREATE UNIQUE INDEX users_username ON mpcloud.users (username)
	WHERE username IS NOT NULL;
CREATE INDEX users_unionid ON mpcloud.users (unionid)
	WHERE unionid IS NOT NULL;
DROP INDEX mpcloud.users_visitors;
CREATE INDEX users_visitors ON mpcloud.users (last_login_at)
	WHERE openid IS NULL AND custom_id IS NULL AND username IS NULL;

-- A family is a device that is logged in.
ALTER TABLE mpcloud.families ADD device text;          -- what the client calls it
ALTER TABLE mpcloud.families ADD kind text NOT NULL DEFAULT 'wechat';
ALTER TABLE mpcloud.families ADD device_id text;       -- js-sdk's x-device-id
ALTER TABLE mpcloud.families ADD ends_at bigint;       -- whatever it is used for
-- The refresh token stays good: js-sdk 1.x cannot take another.
ALTER TABLE mpcloud.families ADD fixed boolean NOT NULL DEFAULT false;
UPDATE mpcloud.families f SET kind = 'anonymous', fixed = true
	FROM mpcloud.users u WHERE u.uid = f.uid AND u.openid IS NULL;

-- Generations of a user's session_key; what replaced one came at replaced_at.
CREATE TABLE mpcloud.session_keys (
	appid text NOT NULL,
	openid text NOT NULL,
	generation integer NOT NULL,
	sealed bytea NOT NULL,              -- see auth/seal.h
	mark bytea NOT NULL,                -- keyed sum: the same key twice
	created_at bigint NOT NULL,
	replaced_at bigint,                 -- NULL: the newest
	PRIMARY KEY (appid, openid, generation)
);
CREATE INDEX session_keys_replaced ON mpcloud.session_keys (replaced_at)
	WHERE replaced_at IS NOT NULL;
INSERT INTO mpcloud.session_keys
	(appid, openid, generation, sealed, mark, created_at)
	SELECT appid, openid, key_generation, session_key, '', last_login_at
	FROM mpcloud.users WHERE session_key IS NOT NULL AND openid IS NOT NULL;
ALTER TABLE mpcloud.users DROP session_key;
ALTER TABLE mpcloud.users DROP key_generation;

-- One access_token per appid, for all gateways of all machines.
CREATE TABLE mpcloud.access_tokens (
	appid text PRIMARY KEY,
	sealed bytea,                       -- NULL: none
	mark bytea,                         -- keyed sum of the token: compare and drop
	fetched_at bigint NOT NULL DEFAULT 0,
	refresh_at bigint NOT NULL DEFAULT 0,
	expires_at bigint NOT NULL DEFAULT 0,
	lease_until bigint NOT NULL DEFAULT 0, -- somebody is asking WeChat
	lease_by text,
	fetches bigint NOT NULL DEFAULT 0,
	failed_at bigint,
	failure text
);

-- Public halves of the pairs that sign custom login tickets.
CREATE TABLE mpcloud.login_keys (
	id text PRIMARY KEY,
	public_pem text NOT NULL,
	created_at bigint NOT NULL,
	retired_at bigint
);

-- Pushes of WeChat's that were taken: the same one comes up to three times.
CREATE TABLE mpcloud.pushes (
	appid text NOT NULL,
	key text NOT NULL,
	received_at bigint NOT NULL,
	PRIMARY KEY (appid, key)
);
CREATE INDEX pushes_received ON mpcloud.pushes (received_at);
