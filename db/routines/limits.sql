-- Idempotency keys (gateway/idempotency.h).

-- 'run': the caller holds the key and is to run the request; 'replay': it was
-- answered; 'other': the key came with another request; 'running': somebody
-- else holds it.
CREATE OR REPLACE FUNCTION mpcloud.idempotency_claim(
	key bytea, mark bytea, who text, now_ms bigint, lease_ms bigint,
	keep_ms bigint, OUT verdict text, OUT status integer,
	OUT headers text, OUT body bytea)
LANGUAGE plpgsql AS $$
DECLARE
	r mpcloud.idempotency;
BEGIN
	INSERT INTO mpcloud.idempotency
		(scope, fingerprint, holder, lease_until, expires_at)
		VALUES (key, mark, who, now_ms + lease_ms, now_ms + keep_ms)
		ON CONFLICT DO NOTHING;
	IF FOUND THEN
		verdict := 'run';
		RETURN;
	END IF;
	SELECT * INTO r FROM mpcloud.idempotency i WHERE i.scope = key
		FOR UPDATE;
	IF NOT FOUND THEN -- swept or freed between: the next try runs
		verdict := 'running';
	ELSIF r.expires_at <= now_ms
		OR (r.fingerprint = mark AND r.status IS NULL
			AND r.lease_until <= now_ms) THEN
		UPDATE mpcloud.idempotency i SET fingerprint = mark,
			holder = who, lease_until = now_ms + lease_ms,
			expires_at = now_ms + keep_ms, status = NULL,
			headers = NULL, body = NULL
			WHERE i.scope = key;
		verdict := 'run';
	ELSIF r.fingerprint <> mark THEN
		verdict := 'other';
	ELSIF r.status IS NULL THEN
		verdict := 'running';
	ELSE
		verdict := 'replay';
		status := r.status;
		headers := r.headers;
		body := r.body;
	END IF;
END $$;
