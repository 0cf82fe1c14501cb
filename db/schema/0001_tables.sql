-- The tables that the program itself keeps.  Every time is milliseconds since
-- 1970 (UTC) and comes as a parameter: no statement reads the clock.

CREATE TABLE mpcloud.users (
	uid text PRIMARY KEY,
	appid text NOT NULL,
	openid text NOT NULL,
	unionid text,
	session_key bytea,                  -- sealed, see auth/seal.h
	key_generation integer NOT NULL DEFAULT 0,
	created_at bigint NOT NULL,
	last_login_at bigint NOT NULL,
	UNIQUE (appid, openid)
);

-- A family is one login; its refresh tokens follow one another.
CREATE TABLE mpcloud.families (
	sid bigint PRIMARY KEY,
	uid text NOT NULL REFERENCES mpcloud.users (uid) ON DELETE CASCADE,
	appid text NOT NULL,
	created_at bigint NOT NULL,
	used_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	revoked_at bigint,
	reason text
);
CREATE INDEX families_uid ON mpcloud.families (uid);
CREATE INDEX families_expires_at ON mpcloud.families (expires_at);
CREATE INDEX families_revoked_at ON mpcloud.families (revoked_at)
	WHERE revoked_at IS NOT NULL;

CREATE TABLE mpcloud.refresh_tokens (
	hash bytea PRIMARY KEY,             -- SHA-256; the token is not kept
	sid bigint NOT NULL REFERENCES mpcloud.families (sid) ON DELETE CASCADE,
	issued_at bigint NOT NULL,
	used_at bigint                      -- set once: a second use is theft
);
CREATE INDEX refresh_tokens_sid ON mpcloud.refresh_tokens (sid);

CREATE TABLE mpcloud.orders (
	mchid text NOT NULL,
	out_trade_no text NOT NULL,
	appid text NOT NULL,
	openid text NOT NULL,
	uid text,
	description text NOT NULL,
	total bigint NOT NULL,              -- fen
	currency text NOT NULL DEFAULT 'CNY',
	attach text,
	state text NOT NULL,
	prepay_id text,
	prepay_at bigint,
	body text,                          -- the request's JSON as it was sent
	transaction_id text,
	paid_at bigint,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	PRIMARY KEY (mchid, out_trade_no)
);
CREATE INDEX orders_openid ON mpcloud.orders (appid, openid, created_at);

CREATE TABLE mpcloud.collections (
	env text NOT NULL,
	name text NOT NULL,
	permission text NOT NULL DEFAULT 'ADMINONLY' CHECK (permission IN
		('READONLY', 'PRIVATE', 'ADMINWRITE', 'ADMINONLY')),
	created_at bigint NOT NULL,
	PRIMARY KEY (env, name)
);

CREATE TABLE mpcloud.settings (
	name text PRIMARY KEY,
	value jsonb NOT NULL,
	updated_at bigint NOT NULL
);
