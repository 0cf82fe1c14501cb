-- What auth keeps of users, in one statement each.

-- A session_key that a login gave.  The generation before it stays, so that data
-- which was encrypted before this login still opens (auth/session_key.h); of those,
-- what was replaced before `drop_before` goes.
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
		WHERE k.appid = app AND k.openid = who AND k.replaced_at IS NULL;
	DELETE FROM mpcloud.session_keys k
		WHERE k.appid = app AND k.openid = who
		AND k.replaced_at < drop_before;
	INSERT INTO mpcloud.session_keys
		(appid, openid, generation, sealed, mark, created_at)
		VALUES (app, who, coalesce(newest.generation, 0) + 1, fresh, sum,
			now_ms);
	RETURN coalesce(newest.generation, 0) + 1;
END $$;
