-- The content check: a function is asked about what users upload before anybody
-- else may read it (storage/files.h).  The call is in the queue by the transaction
-- that made the row, and its answer is taken by the one that ends the call, so
-- neither is ever without the other.

-- Puts the question about `f`.  asked: {"function", "url"}; file: what triggers
-- hear of it.  The content's name tells this upload from the path's next one.
CREATE OR REPLACE FUNCTION mpcloud.file_check(f mpcloud.files, asked jsonb,
	file jsonb, caller jsonb)
RETURNS integer LANGUAGE sql AS $$
	INSERT INTO mpcloud.queue (env, kind, function, event, caller,
			request_id, run_at, retries, created_at)
		VALUES (f.env, 'check', asked ->> 'function', jsonb_build_object(
			'type', 'check', 'path', f.path, 'fileID', file ->> 'fileID',
			'contentType', f.type, 'size', f.size, 'sha256', f.sha256,
			'openid', f.owner, 'content', f.content,
			'url', asked ->> 'url',
			'time', mpcloud.trigger_time(f.changed_at))::text,
			coalesce(caller, '{}'),
			replace(gen_random_uuid()::text, '-', ''), f.changed_at,
			-- with their back-offs about three hours
			25, f.changed_at)
		RETURNING 1
$$;

-- Somebody still waits for the verdict that this call asks for.
CREATE OR REPLACE FUNCTION mpcloud.file_check_due(id bigint)
RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (SELECT FROM mpcloud.queue q, mpcloud.files f
		WHERE q.id = $1 AND f.env = q.env
		AND f.path = q.event::jsonb ->> 'path'
		AND f.content = q.event::jsonb ->> 'content'
		AND f.state = 'pending')
$$;

-- A call of kind 'check' was answered: it ends as by queue_end, and so does the
-- waiting of the file, if it still has the content that was asked about.  ended:
-- the call was still this claim's, else nothing happens; outcome: good, refused,
-- or gone (the file was deleted or has a newer content).
CREATE OR REPLACE FUNCTION mpcloud.file_check_end(id bigint, claim bigint,
	version integer, pass boolean, reason text, lane integer, now_ms bigint,
	OUT ended boolean, OUT outcome text, OUT calls integer, OUT path text)
LANGUAGE plpgsql AS $$
DECLARE
	q mpcloud.queue;
	e jsonb;
	f mpcloud.files;
	file jsonb;
BEGIN
	calls := 0;
	outcome := 'gone';
	ended := mpcloud.queue_end(id, claim, 'done', version, NULL, 'done', 0,
		now_ms);
	IF NOT ended THEN
		RETURN;
	END IF;
	SELECT * INTO STRICT q FROM mpcloud.queue t WHERE t.id = $1;
	e := q.event;
	path := e ->> 'path';
	SELECT * INTO f FROM mpcloud.files t WHERE t.env = q.env
		AND t.path = (e ->> 'path') AND t.content = (e ->> 'content')
		AND t.state = 'pending' FOR UPDATE;
	IF f.path IS NULL THEN
		RETURN;
	END IF;
	file := mpcloud.file_event(f, '')
		|| jsonb_build_object('fileID', e ->> 'fileID');
	IF pass THEN
		outcome := 'good';
		UPDATE mpcloud.files t SET state = 'ok', told = true
			WHERE t.env = f.env AND t.path = f.path;
		calls := mpcloud.trigger_file(f.env, f.path, CASE WHEN f.told
			THEN 'update' ELSE 'create' END, file, q.caller, now_ms);
		RETURN;
	END IF;
	outcome := 'refused';
	DELETE FROM mpcloud.files t WHERE t.env = f.env AND t.path = f.path;
	PERFORM mpcloud.file_charge(f.env, f.owner, -f.size, -1, 0, 0, lane);
	PERFORM mpcloud.file_let_go(f.content, f.place, now_ms);
	INSERT INTO mpcloud.file_refused VALUES (f.env, f.path,
			coalesce(nullif(q.caller ->> 'openid', ''),
				q.caller ->> 'uid', ''), coalesce(reason, ''), now_ms)
		ON CONFLICT ON CONSTRAINT file_refused_pkey DO UPDATE
			SET uploader = excluded.uploader,
			reason = excluded.reason, refused_at = excluded.refused_at;
	IF f.told THEN
		calls := mpcloud.trigger_file(f.env, f.path, 'delete', file,
			q.caller, now_ms);
	END IF;
END $$;
