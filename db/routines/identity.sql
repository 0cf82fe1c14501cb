-- What auth keeps of users, in one statement each.

-- Which generations of a user's session_key may still be needed (KEY_KEEP_MS,
-- auth/family.h): the newest, and what was displaced after `since`.  Of logins at
-- the same time the database may hold the earlier key as the newer one, so
-- what came within 30 s of the newest is as new (its twins).
CREATE OR REPLACE FUNCTION mpcloud.session_keys_kept(app text, who text,
	since bigint)
RETURNS SETOF mpcloud.session_keys LANGUAGE sql STABLE AS $$
	SELECT k.* FROM mpcloud.session_keys k
	LEFT JOIN mpcloud.session_keys n ON n.appid = app AND n.openid = who
		AND n.replaced_at IS NULL
	WHERE k.appid = app AND k.openid = who AND (k.replaced_at IS NULL
		OR k.replaced_at > since
		OR k.created_at > n.created_at - 30000)
$$;

-- A session_key that a login gave.  The generations before it stay, so that data
-- which was encrypted before this login still opens (auth/session_key.h); of those,
-- what was displaced before `drop_before` goes.  The caller holds the lock of
-- the user's row.
CREATE OR REPLACE FUNCTION mpcloud.session_key_put(app text, who text, fresh bytea,
	sum bytea, now_ms bigint, drop_before bigint)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	newest mpcloud.session_keys%ROWTYPE;
BEGIN
	SELECT * INTO newest FROM mpcloud.session_keys k
		WHERE k.appid = app AND k.openid = who AND k.replaced_at IS NULL
		FOR UPDATE;
	IF newest.mark = sum THEN
		RETURN newest.generation;
	END IF;
	UPDATE mpcloud.session_keys k SET replaced_at = now_ms
		WHERE k.appid = app AND k.openid = who
		AND (k.replaced_at IS NULL
			OR k.created_at > newest.created_at - 30000);
	DELETE FROM mpcloud.session_keys k
		WHERE k.appid = app AND k.openid = who
		AND k.replaced_at < drop_before;
	INSERT INTO mpcloud.session_keys
		(appid, openid, generation, sealed, mark, created_at)
		VALUES (app, who, coalesce(newest.generation, 0) + 1, fresh, sum,
			now_ms);
	RETURN coalesce(newest.generation, 0) + 1;
END $$;

-- Displaced generations that nobody can need go, `top` at a time.
CREATE OR REPLACE FUNCTION mpcloud.session_keys_sweep(before bigint, top integer)
RETURNS bigint LANGUAGE sql AS $$
	WITH gone AS (
		DELETE FROM mpcloud.session_keys k USING (
			SELECT o.appid, o.openid, o.generation
			FROM mpcloud.session_keys o
			WHERE o.replaced_at < before AND NOT EXISTS (
				SELECT FROM mpcloud.session_keys n
				WHERE n.appid = o.appid AND n.openid = o.openid
				AND n.replaced_at IS NULL
				AND o.created_at > n.created_at - 30000)
			LIMIT top) old
		WHERE k.appid = old.appid AND k.openid = old.openid
		AND k.generation = old.generation RETURNING 1)
	SELECT count(*) FROM gone
$$;
