-- What the operator asks about users (auth/users.h): texts of JSON, put together
-- here.

-- How somebody proves who he is.
CREATE OR REPLACE FUNCTION mpcloud.user_kind(u mpcloud.users)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN u.openid IS NOT NULL THEN 'wechat'
		WHEN u.custom_id IS NOT NULL THEN 'custom'
		WHEN u.username IS NOT NULL THEN 'password'
		WHEN u.blocked_at IS NOT NULL AND u.appid = '' THEN 'deleted'
		ELSE 'anonymous' END
$$;

CREATE OR REPLACE FUNCTION mpcloud.user_json(u mpcloud.users, now_ms bigint)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object('uid', u.uid, 'appid',
		nullif(u.appid, ''), 'kind', mpcloud.user_kind(u), 'openid',
		u.openid, 'unionid', u.unionid, 'username', u.username,
		'customId', u.custom_id, 'createdAt', u.created_at,
		'lastLoginAt', u.last_login_at, 'blockedAt', u.blocked_at,
		'devices', (SELECT count(*) FROM mpcloud.families f
			WHERE f.uid = u.uid AND f.revoked_at IS NULL
			AND f.expires_at > now_ms)))
$$;

-- Everybody to whom this word belongs: uid, username, custom id, openid (of any
-- mini program), unionid.  Each arm reads an index.
CREATE OR REPLACE FUNCTION mpcloud.users_named(who text)
RETURNS SETOF mpcloud.users LANGUAGE sql STABLE AS $$
	WITH RECURSIVE apps AS (
		SELECT min(appid) AS appid FROM mpcloud.users
		UNION ALL
		SELECT (SELECT min(u.appid) FROM mpcloud.users u
			WHERE u.appid > a.appid) FROM apps a
		WHERE a.appid IS NOT NULL
	), found AS (
		SELECT uid FROM mpcloud.users WHERE uid = who
		UNION SELECT uid FROM mpcloud.users WHERE username = lower(who)
		UNION SELECT uid FROM mpcloud.users WHERE custom_id = who
		UNION SELECT uid FROM mpcloud.users WHERE unionid = who
		UNION SELECT u.uid FROM apps a JOIN mpcloud.users u
			ON u.appid = a.appid AND u.openid = who
	)
	SELECT u.* FROM mpcloud.users u JOIN found USING (uid)
$$;

-- The newest first; the page after the one that ended with (after_at, after_uid).
CREATE OR REPLACE FUNCTION mpcloud.users_list(who text, after_at bigint,
	after_uid text, top integer, now_ms bigint)
RETURNS text LANGUAGE sql STABLE AS $$
	WITH page AS (
		SELECT u FROM mpcloud.users u
		WHERE who = '' AND mpcloud.user_kind(u) <> 'deleted'
		AND (after_at IS NULL
			OR (u.created_at, u.uid) < (after_at, after_uid))
		ORDER BY u.created_at DESC, u.uid DESC LIMIT top + 1
	), found AS (
		SELECT u FROM mpcloud.users_named(who) u WHERE who <> ''
		LIMIT top
	), shown AS (
		SELECT u FROM (SELECT u FROM page UNION ALL SELECT u FROM found) a
		ORDER BY (u).created_at DESC, (u).uid DESC LIMIT top
	)
	SELECT jsonb_build_object('users', coalesce((SELECT jsonb_agg(
			mpcloud.user_json(u, now_ms)
			ORDER BY (u).created_at DESC, (u).uid DESC)
			FROM shown), '[]'),
		'more', (SELECT count(*) FROM page) > top)::text
$$;

-- One, with his devices; NULL when there is none.
CREATE OR REPLACE FUNCTION mpcloud.user_show(who text, now_ms bigint)
RETURNS text LANGUAGE sql STABLE AS $$
	SELECT (mpcloud.user_json(u, now_ms) || jsonb_build_object(
		'sessionKeys', (SELECT count(*) FROM mpcloud.session_keys k
			WHERE k.appid = u.appid AND k.openid = u.openid),
		'sessions', coalesce((SELECT jsonb_agg(jsonb_strip_nulls(
			jsonb_build_object('id', lpad(to_hex(f.sid), 16, '0'),
			'device', f.device, 'kind', f.kind, 'createdAt',
			f.created_at, 'usedAt', f.used_at, 'expiresAt',
			f.expires_at)) ORDER BY f.used_at DESC)
			FROM (SELECT * FROM mpcloud.families f
				WHERE f.uid = u.uid AND f.revoked_at IS NULL
				AND f.expires_at > now_ms
				ORDER BY f.used_at DESC LIMIT 200) f),
			'[]')))::text
	FROM mpcloud.users u WHERE u.uid = who
$$;

-- Who he is goes at once; the row stays, nameless, until his last token has
-- ended, since other machines hear of ended sessions from it (auth/upkeep.c).
CREATE OR REPLACE FUNCTION mpcloud.user_delete(who text, now_ms bigint,
	gone_at bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	old mpcloud.users%ROWTYPE;
BEGIN
	SELECT * INTO old FROM mpcloud.users u WHERE u.uid = who FOR UPDATE;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	DELETE FROM mpcloud.session_keys k
		WHERE k.appid = old.appid AND k.openid = old.openid;
	UPDATE mpcloud.users u SET appid = '', openid = NULL, unionid = NULL,
		custom_id = NULL, username = NULL, password = NULL,
		blocked_at = now_ms WHERE u.uid = who;
	UPDATE mpcloud.families f SET device = NULL, device_id = NULL,
		revoked_at = coalesce(f.revoked_at, now_ms),
		reason = coalesce(f.reason, 'deleted'),
		expires_at = least(f.expires_at, gone_at) WHERE f.uid = who;
	RETURN true;
END $$;
