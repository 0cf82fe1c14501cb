-- Timers: see trigger/timer.h.  Times of cron expressions are computed by
-- gateways; here they are compared, set, and turned into rows of mpcloud.queue.

-- What a gateway has to do: run a timer that is 'due'; one row 'next' says when
-- the earliest of the others comes.  `whole`: compare with all that is declared,
-- too: 'sync' a timer that is new or has another expression or zone; rows whose
-- timer is gone go.
CREATE OR REPLACE FUNCTION mpcloud.timers_look(env text, now_ms bigint, top integer,
	whole boolean)
RETURNS TABLE (what text, function text, name text, spec jsonb, at bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
	IF whole AND EXISTS (SELECT FROM mpcloud.timers m WHERE m.env = $1 AND NOT EXISTS
			(SELECT FROM mpcloud.triggers t WHERE t.env = m.env
			AND t.function = m.function AND t.name = m.name
			AND t.type = 'timer')) THEN
		DELETE FROM mpcloud.timers d WHERE (d.env, d.function, d.name) IN
			(SELECT m.env, m.function, m.name FROM mpcloud.timers m
			WHERE m.env = $1 AND NOT EXISTS
				(SELECT FROM mpcloud.triggers t WHERE t.env = m.env
				AND t.function = m.function AND t.name = m.name
				AND t.type = 'timer')
			FOR UPDATE SKIP LOCKED);
	END IF;
	IF whole THEN
		RETURN QUERY SELECT 'sync', t.function, t.name, t.spec, m.next_at
			FROM mpcloud.triggers t LEFT JOIN mpcloud.timers m
				ON m.env = t.env AND m.function = t.function
				AND m.name = t.name
			WHERE t.env = $1 AND t.type = 'timer'
				AND (m.expression, m.zone) IS DISTINCT FROM
				(t.spec ->> 'config',
					coalesce(t.spec ->> 'timezone', ''))
			ORDER BY t.function, t.name LIMIT top;
	END IF;
	RETURN QUERY SELECT 'due', m.function, m.name, t.spec, m.next_at
		FROM mpcloud.timers m, mpcloud.triggers t
		WHERE m.env = $1 AND m.next_at <= now_ms
			AND t.env = m.env AND t.function = m.function
			AND t.name = m.name AND t.type = 'timer'
			AND t.spec ->> 'config' = m.expression
			AND coalesce(t.spec ->> 'timezone', '') = m.zone
		ORDER BY m.next_at LIMIT top;
	RETURN QUERY SELECT 'next', '', '', NULL::jsonb, min(m.next_at)
		FROM mpcloud.timers m WHERE m.env = $1 AND m.next_at > now_ms;
END $$;

-- Timers that are new or changed: [{function, name, expression, zone, next,
-- error}].  Whoever comes first sets them; a trigger that is another one by now
-- is left alone.
CREATE OR REPLACE FUNCTION mpcloud.timers_sync(env text, list jsonb)
RETURNS void LANGUAGE sql AS $$
	INSERT INTO mpcloud.timers AS m (env, function, name, expression, zone,
			next_at, error)
		SELECT $1, s.function, s.name, s.expression, s.zone, s.next, s.error
		FROM jsonb_to_recordset(list) AS s (function text, name text,
			expression text, zone text, next bigint, error text)
		WHERE EXISTS (SELECT FROM mpcloud.triggers t WHERE t.env = $1
			AND t.function = s.function AND t.name = s.name
			AND t.type = 'timer' AND t.spec ->> 'config' = s.expression
			AND coalesce(t.spec ->> 'timezone', '') = s.zone)
		ORDER BY s.function, s.name
		ON CONFLICT ON CONSTRAINT timers_pkey DO UPDATE
			SET expression = excluded.expression,
				zone = excluded.zone, next_at = excluded.next_at,
				error = excluded.error
			WHERE (m.expression, m.zone) IS DISTINCT FROM
				(excluded.expression, excluded.zone)
$$;

-- Runs of timers that are due: [{function, name, seen, next, missed, runs: [{at,
-- time, event}]}].  A timer whose next time is not `seen` any more, or that
-- another gateway is just at, is left to whoever has it; else all of it happens
-- or nothing.  The rows are those that happened.
CREATE OR REPLACE FUNCTION mpcloud.timers_fire(env text, list jsonb, now_ms bigint)
RETURNS TABLE (function text, name text, runs integer, missed bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	f record;
	r record;
	run bigint;
	n integer;
BEGIN
	FOR f IN SELECT s.* FROM jsonb_to_recordset(list) AS s (function text,
			name text, seen bigint, next bigint, missed bigint,
			runs jsonb) ORDER BY s.function, s.name LOOP
		PERFORM FROM mpcloud.timers m WHERE m.env = $1
			AND m.function = f.function AND m.name = f.name
			AND m.next_at = f.seen FOR UPDATE SKIP LOCKED;
		CONTINUE WHEN NOT FOUND;
		run := NULL;
		n := 0;
		FOR r IN SELECT e.* FROM jsonb_to_recordset(f.runs) AS e (at bigint,
				time text, event text) ORDER BY e.at LOOP
			SELECT q.id INTO run FROM mpcloud.queue_put($1, 'timer',
				f.function, '', r.event,
				'{"source":"wx_trigger"}', 0,
				replace(gen_random_uuid()::text, '-', ''),
				format('timer/%s/%s/%s/%s', $1, f.function, f.name,
					r.time), r.at, -1, now_ms) q;
			n := n + 1;
		END LOOP;
		UPDATE mpcloud.timers m SET next_at = f.next,
				last_at = coalesce((SELECT max((e ->> 'at')::bigint)
					FROM jsonb_array_elements(f.runs) e), m.last_at),
				last_run = coalesce(run, m.last_run),
				seq = m.seq + n, missed = m.missed + f.missed
			WHERE m.env = $1 AND m.function = f.function
				AND m.name = f.name;
		RETURN QUERY SELECT f.function, f.name, n, f.missed;
	END LOOP;
END $$;

-- For who looks after them.  function '': all.
CREATE OR REPLACE FUNCTION mpcloud.timers_list(env text, function text)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('timers', coalesce(jsonb_agg(
		jsonb_build_object('function', t.function, 'name', t.name,
			'expression', t.spec ->> 'config',
			'zone', coalesce(t.spec ->> 'timezone', ''),
			'missedPolicy', coalesce(t.spec ->> 'missed', 'skip'),
			'nextAt', m.next_at, 'lastAt', m.last_at,
			'runs', coalesce(m.seq, 0),
			'missed', coalesce(m.missed, 0), 'error', m.error,
			'lastRun', CASE WHEN m.last_run IS NOT NULL THEN
				jsonb_build_object('id', m.last_run::text,
					'state', q.state, 'attempts', q.attempts,
					'doneAt', q.done_at,
					'error', q.last_error) END)
		ORDER BY t.function, t.name), '[]'))
	FROM mpcloud.triggers t
		LEFT JOIN mpcloud.timers m ON m.env = t.env
			AND m.function = t.function AND m.name = t.name
		LEFT JOIN mpcloud.queue q ON q.id = m.last_run
	WHERE t.env = $1 AND t.type = 'timer' AND ($2 = '' OR t.function = $2)
$$;
