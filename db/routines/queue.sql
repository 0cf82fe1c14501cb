-- The queue of calls that nobody waits for: see trigger/queue.h.  What is done
-- to a row and to its attempt is done in one statement.

-- Into the caller's own transaction.  `existed`: a row of this key is there
-- already, which then is the one of this id.  user_top > 0: so many may wait of
-- one user.
CREATE OR REPLACE FUNCTION mpcloud.queue_put(env text, kind text, function text,
	qualifier text, event text, caller jsonb, depth integer, request_id text,
	key text, run_at bigint, retries integer, now_ms bigint,
	user_top integer DEFAULT 0)
RETURNS TABLE (id bigint, existed boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
	IF user_top > 0 AND (SELECT count(*) FROM (SELECT 1 FROM mpcloud.queue q
			WHERE q.env = $1 AND q.kind = 'async'
			AND q.state IN ('waiting', 'running')
			AND q.caller ->> 'uid' = $6 ->> 'uid'
			LIMIT user_top) w) >= user_top THEN
		RAISE EXCEPTION USING ERRCODE = 'MP429', MESSAGE = format(
			'%s asynchronous calls of this user wait already '
			'(functions.queue_user)', user_top);
	END IF;
	FOR try IN 1 .. 2 LOOP
		RETURN QUERY INSERT INTO mpcloud.queue AS q (env, kind, function,
				qualifier, event, caller, depth, request_id, key,
				run_at, retries, created_at)
			VALUES ($1, $2, $3, coalesce($4, ''),
				CASE WHEN coalesce($5, '') = '' THEN '{}' ELSE $5 END,
				coalesce($6, '{}'), coalesce($7, 0), $8,
				nullif($9, ''), greatest($10, 0),
				CASE WHEN $11 >= 0 THEN $11 END, $12)
			ON CONFLICT (env, function, key) WHERE key IS NOT NULL
				DO NOTHING
			RETURNING q.id, false;
		EXIT WHEN FOUND;
		RETURN QUERY SELECT q.id, true FROM mpcloud.queue q
			WHERE q.env = $1 AND q.function = $3 AND q.key = $9;
		EXIT WHEN FOUND; -- else it went away meanwhile
	END LOOP;
END $$;

-- Rows for a gateway that has room for `room` calls.  busy: {function: calls of
-- it under way there}; no function gets more than each_top there, and those
-- with the fewest come first, so that a long line of one does not hold up the
-- others.  What a claim returns is running, until lease_ms from now.
CREATE OR REPLACE FUNCTION mpcloud.queue_claim(env text, claim bigint, node text,
	gateway integer, room integer, each_top integer, busy jsonb,
	lease_ms bigint, now_ms bigint)
RETURNS TABLE (id bigint, kind text, function text, qualifier text, event text,
	caller jsonb, depth integer, request_id text, attempt integer,
	failed integer, retries integer, created_at bigint, missing_at bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	f record;
	n integer;
	share bigint;
BEGIN
	FOR f IN WITH RECURSIVE lines AS (
			(SELECT q.function, q.run_at FROM mpcloud.queue q
				WHERE q.env = $1 AND q.state = 'waiting'
				ORDER BY q.function, q.run_at LIMIT 1)
			UNION ALL
			SELECT n.* FROM lines l, LATERAL (
				SELECT q.function, q.run_at FROM mpcloud.queue q
				WHERE q.env = $1 AND q.state = 'waiting'
				AND q.function > l.function
				ORDER BY q.function, q.run_at LIMIT 1) n
		) SELECT l.function AS name,
			coalesce((busy ->> l.function)::integer, 0) AS calls,
			count(*) OVER () AS lines
			FROM lines l WHERE l.run_at <= now_ms
			AND coalesce((busy ->> l.function)::integer, 0) < each_top
			ORDER BY 2, l.run_at LIMIT greatest(room, 0) LOOP
		share := coalesce(share, greatest(room / f.lines, 1));
		RETURN QUERY WITH due AS MATERIALIZED (
				SELECT q.id FROM mpcloud.queue q
				WHERE q.env = $1 AND q.state = 'waiting'
				AND q.function = f.name AND q.run_at <= now_ms
				ORDER BY q.run_at, q.id
				LIMIT least(room, each_top - f.calls, share)
				FOR UPDATE SKIP LOCKED
			), taken AS (
				UPDATE mpcloud.queue q SET state = 'running',
					claim = $2, owner = node || '/' || gateway,
					lease_until = now_ms + lease_ms,
					attempts = q.attempts + 1,
					run_at = greatest(q.run_at, q.created_at),
					created_at = CASE q.created_at WHEN 0
						THEN now_ms ELSE q.created_at END
				FROM due WHERE q.id = due.id
				RETURNING q.*
			), noted AS (
				INSERT INTO mpcloud.attempts (queue, n, node, gateway,
						request_id, begun_at)
					SELECT t.id, t.attempts, node, gateway,
						t.request_id, now_ms FROM taken t
			) SELECT t.id, t.kind, t.function, t.qualifier, t.event,
				t.caller, t.depth, t.request_id, t.attempts, t.failed,
				t.retries, t.created_at, t.missing_at FROM taken t;
		GET DIAGNOSTICS n = ROW_COUNT;
		room := room - n;
		EXIT WHEN room <= 0;
	END LOOP;
END $$;

-- How an attempt ended.  state: 'done', 'dead', or 'waiting' until run_at.
-- False: it is not this claim's any more, and nothing happens.
CREATE OR REPLACE FUNCTION mpcloud.queue_end(id bigint, claim bigint, outcome text,
	version integer, error text, state text, run_at bigint, now_ms bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	which integer;
BEGIN
	UPDATE mpcloud.queue q SET state = $6, claim = NULL, lease_until = NULL,
			missing_at = NULL,
			failed = q.failed + ($3 = 'failed')::integer,
			run_at = CASE $6 WHEN 'waiting' THEN $7 ELSE q.run_at END,
			done_at = CASE $6 WHEN 'waiting' THEN NULL ELSE $8 END,
			last_error = CASE $6 WHEN 'done' THEN NULL ELSE $5 END
		WHERE q.id = $1 AND q.claim = $2 AND q.state = 'running'
		RETURNING q.attempts INTO which;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	UPDATE mpcloud.attempts a SET ended_at = $8, outcome = $3, error = $5,
			version = nullif($4, 0)
		WHERE a.queue = $1 AND a.n = which;
	RETURN true;
END $$;

-- The function's code was not reached (no room, no such function yet): as if
-- there had been no attempt.  error: why it waits, or NULL.  missing_ms: now, when
-- there is no such function; else NULL.
CREATE OR REPLACE FUNCTION mpcloud.queue_return(id bigint, claim bigint,
	error text, run_at bigint, missing_ms bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	which integer;
BEGIN
	UPDATE mpcloud.queue q SET state = 'waiting', claim = NULL,
			lease_until = NULL, owner = NULL,
			attempts = q.attempts - 1, run_at = $4,
			missing_at = CASE WHEN $5 IS NOT NULL
				THEN coalesce(q.missing_at, $5) END,
			last_error = coalesce($3, q.last_error)
		WHERE q.id = $1 AND q.claim = $2 AND q.state = 'running'
		RETURNING q.attempts + 1 INTO which;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	DELETE FROM mpcloud.attempts a WHERE a.queue = $1
		AND a.n = which;
	RETURN true;
END $$;

-- The gateway lives and is still at them.
CREATE OR REPLACE FUNCTION mpcloud.queue_renew(ids bigint[], claims bigint[],
	until_ms bigint)
RETURNS void LANGUAGE sql AS $$
	UPDATE mpcloud.queue q SET lease_until = until_ms
		FROM unnest(ids, claims) AS c (id, claim)
		WHERE q.id = c.id AND q.claim = c.claim AND q.state = 'running'
$$;

-- Leases that ran out: whoever held them is gone.  What was lost so often that
-- it seems to be its fault is dead.  Rows changed.
CREATE OR REPLACE FUNCTION mpcloud.queue_reap(env text, lost_top integer,
	now_ms bigint)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	n integer;
BEGIN
	WITH late AS MATERIALIZED (
		SELECT q.id FROM mpcloud.queue q WHERE q.env = $1
			AND q.state = 'running' AND q.lease_until < now_ms
			ORDER BY q.lease_until LIMIT 500 FOR UPDATE SKIP LOCKED
	), back AS (
		UPDATE mpcloud.queue q SET claim = NULL, lease_until = NULL,
				state = CASE WHEN q.lost + 1 >= lost_top
					THEN 'dead' ELSE 'waiting' END,
				done_at = CASE WHEN q.lost + 1 >= lost_top
					THEN now_ms END,
				lost = q.lost + 1, run_at = now_ms,
				last_error = 'the gateway that ran it is gone ('
					|| q.owner || ')'
			FROM late WHERE q.id = late.id
			RETURNING q.id, q.attempts, q.last_error
	), noted AS (
		UPDATE mpcloud.attempts a SET ended_at = now_ms, outcome = 'lost',
				error = b.last_error
			FROM back b WHERE a.queue = b.id AND a.n = b.attempts
	) SELECT count(*) INTO n FROM back;
	RETURN n;
END $$;

-- Ended calls whose time is over, `top` of each kind at the most.
CREATE OR REPLACE FUNCTION mpcloud.queue_sweep(env text, done_before bigint,
	dead_before bigint, top integer)
RETURNS bigint LANGUAGE sql AS $$
	WITH gone AS (
		DELETE FROM mpcloud.queue q WHERE q.id = ANY (
			ARRAY(SELECT o.id FROM mpcloud.queue o WHERE o.env = $1
				AND o.state = 'done' AND o.done_at < done_before
				ORDER BY o.done_at LIMIT top FOR UPDATE SKIP LOCKED)
			|| ARRAY(SELECT o.id FROM mpcloud.queue o WHERE o.env = $1
				AND o.state = 'dead' AND o.done_at < dead_before
				ORDER BY o.done_at LIMIT top FOR UPDATE SKIP LOCKED))
			RETURNING 1
	) SELECT count(*) FROM gone
$$;

-- For who looks after it.

CREATE OR REPLACE FUNCTION mpcloud.queue_show_row(q mpcloud.queue)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('id', q.id::text, 'kind', q.kind, 'function',
		q.function, 'qualifier', q.qualifier, 'state', q.state,
		'requestId', q.request_id, 'key', q.key, 'runAt', q.run_at,
		'attempts', q.attempts, 'failed', q.failed, 'retries', q.retries,
		'owner', CASE q.state WHEN 'running' THEN q.owner END,
		'leaseUntil', q.lease_until, 'createdAt', nullif(q.created_at, 0),
		'doneAt', q.done_at, 'error', q.last_error, 'depth', q.depth)
$$;

-- The newest first: of ended ones, those that ended last.  function and state '' :
-- all.
CREATE OR REPLACE FUNCTION mpcloud.queue_list(env text, function text, state text,
	top integer)
RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	list jsonb;
BEGIN
	-- each by an index of its own
	IF $3 IN ('done', 'dead') THEN
		SELECT jsonb_agg(mpcloud.queue_show_row(l) ORDER BY l.done_at DESC,
				l.id DESC) INTO list
			FROM (SELECT q.* FROM mpcloud.queue q WHERE q.env = $1
				AND q.state = $3 AND q.state IN ('done', 'dead')
				AND ($2 = '' OR q.function = $2)
				ORDER BY q.done_at DESC LIMIT top) l;
	ELSIF $3 = 'running' THEN
		SELECT jsonb_agg(mpcloud.queue_show_row(l) ORDER BY l.id DESC)
			INTO list
			FROM (SELECT q.* FROM mpcloud.queue q WHERE q.env = $1
				AND q.state = 'running'
				AND ($2 = '' OR q.function = $2)
				ORDER BY q.lease_until DESC LIMIT top) l;
	ELSE
		SELECT jsonb_agg(mpcloud.queue_show_row(l) ORDER BY l.id DESC)
			INTO list
			FROM (SELECT q.* FROM mpcloud.queue q WHERE q.env = $1
				AND ($2 = '' OR q.function = $2)
				AND ($3 = '' OR q.state = $3)
				ORDER BY q.id DESC LIMIT top) l;
	END IF;
	RETURN jsonb_build_object('calls', coalesce(list, '[]'));
END $$;

-- NULL: there is none of this id.
CREATE OR REPLACE FUNCTION mpcloud.queue_show(env text, id bigint)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT mpcloud.queue_show_row(q) || jsonb_build_object(
			'event', CASE WHEN octet_length(q.event) <= 65536
				THEN q.event END,
			'eventSize', octet_length(q.event), 'caller', q.caller,
			'tries', (SELECT coalesce(jsonb_agg(jsonb_build_object(
				'n', a.n, 'node', a.node, 'gateway', a.gateway,
				'version', a.version, 'begunAt', a.begun_at,
				'endedAt', a.ended_at, 'outcome', a.outcome,
				'error', a.error) ORDER BY a.n), '[]')
				FROM mpcloud.attempts a WHERE a.queue = q.id))
		FROM mpcloud.queue q WHERE q.env = $1 AND q.id = $2
$$;

-- Dead ones, by id or (ids NULL) all of a function ('': of all), wait again with
-- all their retries.  How many.
CREATE OR REPLACE FUNCTION mpcloud.queue_replay(env text, ids bigint[],
	function text, now_ms bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	UPDATE mpcloud.queue q SET state = 'waiting', run_at = now_ms,
			failed = 0, lost = 0, depth = 0, missing_at = NULL,
			done_at = NULL
		WHERE q.env = $1 AND q.state = 'dead'
		AND (ids IS NULL OR q.id = ANY (ids))
		AND ($3 = '' OR q.function = $3);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

-- Away with them, but for those that run just now.  How many.
CREATE OR REPLACE FUNCTION mpcloud.queue_drop(env text, ids bigint[])
RETURNS bigint LANGUAGE sql AS $$
	WITH gone AS (
		DELETE FROM mpcloud.queue q WHERE q.env = $1 AND q.id = ANY (ids)
			AND q.state <> 'running' RETURNING 1
	) SELECT count(*) FROM gone
$$;
