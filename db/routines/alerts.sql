-- Alerts: conditions that hold long enough are fired once, however many gateways
-- look at them, told again while they last, and told when they end.

-- What the database knows of alerts' conditions.  Calls that wait are counted to a
-- ceiling, so a long queue is not walked through every few seconds.
CREATE OR REPLACE FUNCTION mpcloud.alert_facts(env text, now_ms bigint)
RETURNS TABLE (waiting bigint, dead bigint, differences bigint, quarantined bigint,
	abnormal bigint) LANGUAGE sql STABLE AS $$
	SELECT (SELECT count(*) FROM (SELECT FROM mpcloud.queue q WHERE q.env = $1
			AND q.state = 'waiting' AND q.run_at <= now_ms - 10000
			LIMIT 1000000) late),
		(SELECT count(*) FROM mpcloud.queue q WHERE q.env = $1
			AND q.state = 'dead' AND q.done_at > now_ms - 3600000),
		(SELECT count(*) FROM mpcloud.pay_differences d
			WHERE d.settled_at IS NULL),
		(SELECT count(*) FROM mpcloud.pay_inbox i
			WHERE i.outcome = 'quarantined'),
		(SELECT count(*) FROM mpcloud.refunds r WHERE r.state = 'ABNORMAL')
$$;

-- How conditions stand: `facts` [{name, node, holds, value, text, severity,
-- for_ms}].  What has to be told becomes a notice for the webhook, when there is
-- one, and a call of `function` ('' for none) in the same transaction.  How many
-- notices.
CREATE OR REPLACE FUNCTION mpcloud.alerts_note(env text, facts jsonb, webhook boolean,
	function text, repeat_ms bigint, now_ms bigint)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	f record;
	a mpcloud.alerts;
	what text;
	n integer := 0;
BEGIN
	FOR f IN SELECT * FROM jsonb_to_recordset(facts) x (name text, node text,
			holds boolean, value bigint, text text, severity text,
			for_ms bigint) ORDER BY x.name LOOP
		IF f.holds THEN
			INSERT INTO mpcloud.alerts AS t (env, name, node, severity,
					holds_since, value, text)
				VALUES ($1, f.name, f.node, f.severity, now_ms, f.value,
					f.text)
				ON CONFLICT ON CONSTRAINT alerts_pkey DO UPDATE
				SET holds_since = coalesce(t.holds_since, now_ms),
					value = f.value, text = f.text,
					severity = f.severity
				RETURNING * INTO a;
		ELSE
			UPDATE mpcloud.alerts t SET holds_since = NULL
				WHERE t.env = $1 AND t.name = f.name AND t.node = f.node
				AND t.holds_since IS NOT NULL
				RETURNING * INTO a;
			IF NOT FOUND THEN
				CONTINUE;
			END IF;
		END IF;
		what := CASE
			WHEN NOT f.holds AND a.firing_since IS NOT NULL THEN 'resolved'
			WHEN NOT f.holds THEN NULL
			WHEN a.firing_since IS NULL AND now_ms - a.holds_since >= f.for_ms
				THEN 'firing'
			WHEN a.firing_since IS NOT NULL AND a.notice IS NULL
				AND a.notice_at + repeat_ms <= now_ms THEN 'firing' END;
		CONTINUE WHEN what IS NULL;
		n := n + 1;
		UPDATE mpcloud.alerts t SET
				firing_since = CASE WHEN f.holds
					THEN coalesce(t.firing_since, now_ms) END,
				started_at = coalesce(t.firing_since, now_ms),
				ended_at = CASE WHEN NOT f.holds THEN now_ms END,
				notice = CASE WHEN webhook THEN what END,
				notice_at = now_ms, lease_until = 0, attempts = 0
			WHERE t.env = $1 AND t.name = f.name AND t.node = f.node
			RETURNING * INTO a;
		IF function <> '' THEN
			INSERT INTO mpcloud.queue (env, kind, function, event, caller,
					request_id, run_at, created_at)
				VALUES ($1, 'async', $4, jsonb_build_object('type', 'alert',
					'name', a.name, 'status', what,
					'severity', a.severity, 'node', a.node,
					'value', a.value, 'text', a.text,
					'startsAt', mpcloud.trigger_time(a.started_at),
					'time', mpcloud.trigger_time(now_ms))::text,
					'{"source":"wx_trigger"}',
					replace(gen_random_uuid()::text, '-', ''), now_ms,
					now_ms);
		END IF;
	END LOOP;
	RETURN n;
END $$;

-- Notices nobody is delivering just now: they are the asker's until lease_ms from
-- now.  A notice that is not told waits longer each time, a quarter of an hour at
-- most.
CREATE OR REPLACE FUNCTION mpcloud.alerts_claim(env text, lease_ms bigint, now_ms bigint)
RETURNS SETOF mpcloud.alerts LANGUAGE sql AS $$
	UPDATE mpcloud.alerts a SET attempts = a.attempts + 1, lease_until = now_ms
			+ least(lease_ms * (1 << least(a.attempts, 10)), 900000)
		FROM (SELECT name, node FROM mpcloud.alerts d
			WHERE d.env = $1 AND d.notice IS NOT NULL
				AND d.lease_until <= now_ms
			ORDER BY d.notice_at LIMIT 20 FOR UPDATE SKIP LOCKED) due
		WHERE a.env = $1 AND a.name = due.name AND a.node = due.node
		RETURNING a.*
$$;

-- The notice of `notice_at` was delivered, or was not because of `failure`.
CREATE OR REPLACE FUNCTION mpcloud.alert_told(env text, name text, node text,
	notice_at bigint, failure text, now_ms bigint)
RETURNS void LANGUAGE sql AS $$
	UPDATE mpcloud.alerts a SET failure = $5,
			notice = CASE WHEN $5 IS NOT NULL THEN a.notice END,
			told_at = CASE WHEN $5 IS NULL THEN now_ms ELSE a.told_at END
		WHERE a.env = $1 AND a.name = $2 AND a.node = $3
			AND a.notice_at = $4
$$;

-- For `mpcloud alerts`: those that fire first, then those that were, the newest
-- first.
CREATE OR REPLACE FUNCTION mpcloud.alerts_list(env text)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
			'name', a.name, 'node', a.node, 'severity', a.severity,
			'status', CASE WHEN a.firing_since IS NOT NULL THEN 'firing'
				WHEN a.holds_since IS NOT NULL THEN 'pending'
				ELSE 'ended' END,
			'value', a.value, 'text', a.text,
			'startedAt', nullif(a.started_at, 0), 'endedAt', a.ended_at,
			'holdsSince', a.holds_since, 'notice', a.notice,
			'toldAt', nullif(a.told_at, 0), 'attempts', a.attempts,
			'failure', a.failure))
		ORDER BY a.firing_since IS NULL, a.holds_since IS NULL,
			a.started_at DESC, a.name), '[]')
	FROM mpcloud.alerts a WHERE a.env = $1
$$;
