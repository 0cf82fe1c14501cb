-- What calls functions by itself, in the transaction of what happened.

-- ISO 8601 in UTC, as every event says its time.
CREATE OR REPLACE FUNCTION mpcloud.trigger_time(ms bigint)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT to_char(timestamp 'epoch' + ms * interval '1 millisecond',
		'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- A login.  A trigger that names no events wants first logins and all others; it
-- is called once for each.
CREATE OR REPLACE FUNCTION mpcloud.trigger_login(env text, uid text, appid text,
	openid text, unionid text, is_first boolean, now_ms bigint)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	n integer;
	who jsonb := jsonb_build_object('uid', uid, 'openid', coalesce(openid, ''),
		'unionid', coalesce(unionid, ''), 'appid', appid);
BEGIN
	INSERT INTO mpcloud.queue (env, kind, function, event, caller,
			request_id, run_at, created_at)
		SELECT $1, 'login', t.function, (jsonb_build_object('type', 'login',
			'trigger', t.name, 'event', CASE WHEN is_first THEN 'first'
				ELSE 'again' END,
			'time', mpcloud.trigger_time(now_ms)) || who)::text,
			who || '{"source":"wx_trigger"}',
			replace(gen_random_uuid()::text, '-', ''), now_ms, now_ms
		FROM mpcloud.triggers t WHERE t.env = $1 AND t.type = 'login'
			AND (NOT t.spec ? 'events' OR t.spec -> 'events' ? 'every'
			OR is_first AND t.spec -> 'events' ? 'first');
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

-- An order became paid ('paid') or was refunded ('refunded', and `more` says
-- which refund).  Whoever writes its state calls this in the same transaction,
-- after that.
DROP FUNCTION IF EXISTS mpcloud.trigger_pay(text, text, text, text, bigint);
CREATE OR REPLACE FUNCTION mpcloud.trigger_pay(env text, mchid text,
	out_trade_no text, what text, now_ms bigint, more jsonb DEFAULT '{}')
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	n integer;
BEGIN
	-- as patient as cloudPay's calls: 300 attempts are about two days
	INSERT INTO mpcloud.queue (env, kind, function, event, caller,
			request_id, run_at, retries, created_at)
		SELECT $1, 'pay', t.function, (jsonb_build_object('type', 'pay',
			'trigger', t.name, 'event', what, 'outTradeNo', o.out_trade_no,
			'mchid', o.mchid,
			'transactionId', o.transaction_id, 'total', o.total,
			'currency', o.currency, 'description', o.description,
			'attach', o.attach, 'openid', o.openid,
			'time', mpcloud.trigger_time(now_ms)) || more)::text,
			jsonb_build_object('uid', coalesce(o.uid, ''), 'openid',
				o.openid, 'appid', o.appid, 'source', 'wx_paycallback'),
			replace(gen_random_uuid()::text, '-', ''), now_ms, 300, now_ms
		FROM mpcloud.orders o, mpcloud.triggers t
		WHERE o.mchid = $2 AND o.out_trade_no = $3
			AND t.env = $1 AND t.type = 'pay'
			AND (NOT t.spec ? 'events' OR t.spec -> 'events' ? what);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

-- A message of WeChat's, whose name (wechat/push.h) is $3: taken in once, and put
-- into the queue for every function with a trigger that fits one of `events` and the
-- app, as the user who sent it.  The function's event is the message itself, as in
-- CloudBase.  NULL: it was taken in before; else how many calls it became.
CREATE OR REPLACE FUNCTION mpcloud.push_take(env text, appid text, name text,
	events jsonb, event text, openid text, now_ms bigint)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	n integer;
	who jsonb;
BEGIN
	INSERT INTO mpcloud.pushes (appid, key, received_at)
		VALUES ($2, $3, now_ms) ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	who := jsonb_build_object('uid', '', 'openid', openid, 'unionid', '',
		'appid', appid, 'source', 'wx_trigger');
	SELECT who || jsonb_build_object('uid', coalesce(u.uid, ''), 'unionid',
			coalesce(u.unionid, '')) INTO STRICT who
		FROM (SELECT 1) one LEFT JOIN mpcloud.users u
			ON u.appid = $2 AND u.openid = $6 AND $6 <> '';
	INSERT INTO mpcloud.queue (env, kind, function, event, caller,
			request_id, run_at, created_at)
		SELECT $1, 'push', t.function, $5, who,
			replace(gen_random_uuid()::text, '-', ''), now_ms, now_ms
		FROM mpcloud.triggers t WHERE t.env = $1 AND t.type = 'push'
			AND coalesce(t.spec ->> 'appid', '') IN ('', $2)
			AND (NOT t.spec ? 'events' OR t.spec -> 'events' ?|
				ARRAY(SELECT jsonb_array_elements_text($4)));
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

-- A file was 'create'd, 'update'd or 'delete'd.  `file`: what storage says of it.
CREATE OR REPLACE FUNCTION mpcloud.trigger_file(env text, path text, what text,
	file jsonb, caller jsonb, now_ms bigint)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	n integer;
BEGIN
	INSERT INTO mpcloud.queue (env, kind, function, event, caller,
			request_id, run_at, created_at)
		SELECT $1, 'file', t.function, (jsonb_build_object('type', 'file',
			'trigger', t.name, 'operation', what, 'path', path, 'file',
			file, 'time', mpcloud.trigger_time(now_ms)))::text,
			coalesce(caller, '{}'),
			replace(gen_random_uuid()::text, '-', ''), now_ms, now_ms
		FROM mpcloud.triggers t WHERE t.env = $1 AND t.type = 'file'
			AND (NOT t.spec ? 'events' OR t.spec -> 'events' ? what)
			AND starts_with(path, coalesce(t.spec ->> 'prefix', ''));
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

-- A document changed: the row trigger of collections that some function wants to
-- hear of.  The statement's own text says how many triggers led to it
-- (documents/doc.c), so nobody else pays for the count.  The time is put in by
-- the gateway that takes it up: no SQL reads the clock.
CREATE OR REPLACE FUNCTION mpcloud.queue_change()
RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	what text := CASE TG_OP WHEN 'INSERT' THEN 'create'
		WHEN 'UPDATE' THEN 'update' ELSE 'delete' END;
	led text := substring(current_query() FROM '^/\*mpcloud ([a-z0-9]+)\*/');
	k text;
	fresh jsonb;
	old_one jsonb;
	event jsonb;
BEGIN
	IF led = 'import' THEN
		RETURN NULL; -- what is brought in has happened long ago
	END IF;
	IF TG_OP <> 'DELETE' THEN
		k := NEW._id;
		fresh := NEW.doc;
	END IF;
	IF TG_OP <> 'INSERT' THEN
		IF TG_OP = 'UPDATE' AND NEW.doc = OLD.doc THEN
			RETURN NULL;
		END IF;
		k := OLD._id;
		old_one := OLD.doc;
	END IF;
	event := jsonb_build_object('operation', what, 'collection', TG_ARGV[1],
		'id', coalesce(coalesce(fresh, old_one) -> '_id', to_jsonb(k)));
	-- a member _id is there when it is no text; see documents/doc.h
	IF fresh IS NOT NULL AND NOT fresh ? '_id' THEN
		fresh := jsonb_build_object('_id', k) || fresh;
	END IF;
	IF old_one IS NOT NULL AND NOT old_one ? '_id' THEN
		old_one := jsonb_build_object('_id', k) || old_one;
	END IF;
	IF coalesce(pg_column_size(fresh), 0) + coalesce(pg_column_size(old_one),
			0) > 1048576 THEN
		event := event || '{"omitted":true}';
	ELSE
		event := event || jsonb_build_object('doc', fresh);
		IF old_one IS NOT NULL THEN
			event := event || jsonb_build_object('before', old_one);
		END IF;
	END IF;
	INSERT INTO mpcloud.queue (env, kind, function, event, caller, depth,
			request_id, run_at, created_at)
		SELECT TG_ARGV[0], 'document', t.function,
			(jsonb_build_object('type', 'document', 'trigger', t.name)
				|| event)::text,
			'{"source":"wx_trigger"}',
			coalesce(substring(led FROM '[0-9]+$')::integer, 0) + 1,
			replace(gen_random_uuid()::text, '-', ''), 0, 0
		FROM mpcloud.triggers t WHERE t.env = TG_ARGV[0]
			AND t.type = 'document'
			AND t.spec ->> 'collection' = TG_ARGV[1]
			AND (NOT t.spec ? 'events' OR t.spec -> 'events' ? what);
	RETURN NULL;
END $$;

-- One collection's table gets its row trigger, or loses it.  The caller holds
-- the schema's advisory lock (collections.sql).  Waits a moment only: writers
-- would stand behind us.  False: another transaction holds the table.
CREATE OR REPLACE FUNCTION mpcloud.trigger_attach(env text, name text, rel regclass)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	wanted boolean := EXISTS (SELECT 1 FROM mpcloud.triggers t
		WHERE t.env = $1 AND t.type = 'document'
		AND t.spec ->> 'collection' = $2);
	had boolean := EXISTS (SELECT 1 FROM pg_trigger g
		WHERE g.tgrelid = rel AND g.tgname = 'mpcloud_queue');
	patience text := current_setting('lock_timeout');
BEGIN
	IF wanted = had THEN
		RETURN true;
	END IF;
	PERFORM set_config('lock_timeout', '200ms', true);
	IF wanted THEN
		EXECUTE format('CREATE TRIGGER mpcloud_queue AFTER INSERT OR UPDATE '
			'OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION '
			'mpcloud.queue_change(%L, %L)', rel, env, name);
	ELSE
		EXECUTE format('DROP TRIGGER mpcloud_queue ON %s', rel);
	END IF;
	PERFORM set_config('lock_timeout', patience, true);
	RETURN true;
EXCEPTION WHEN lock_not_available THEN
	RETURN false;
END $$;

-- All collections of an environment.  How many still have to wait.
CREATE OR REPLACE FUNCTION mpcloud.triggers_attach(env text)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	c record;
	late integer := 0;
BEGIN
	PERFORM pg_advisory_xact_lock(
		hashtextextended('mpcloud env_' || env, 0));
	FOR c IN SELECT t.name, t.rel FROM mpcloud.collection_tables($1) t
			WHERE EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgrelid = t.rel
				AND g.tgname = 'mpcloud_queue')
			<> EXISTS (SELECT 1 FROM mpcloud.triggers d
				WHERE d.env = $1 AND d.type = 'document'
				AND d.spec ->> 'collection' = t.name) LOOP
		IF NOT mpcloud.trigger_attach(env, c.name, c.rel::regclass) THEN
			late := late + 1;
		END IF;
	END LOOP;
	RETURN late;
END $$;

-- What a function's version that answers declares: [{name, type, …}].  Every
-- gateway of every node says it; only what is different is written.  True: it
-- was different.
CREATE OR REPLACE FUNCTION mpcloud.triggers_set(env text, function text,
	specs jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	changed boolean;
BEGIN
	IF NOT EXISTS (
			(SELECT s.e ->> 'name', s.e ->> 'type', s.e
				FROM jsonb_array_elements(specs) s (e)
			EXCEPT SELECT t.name, t.type, t.spec FROM mpcloud.triggers t
				WHERE t.env = $1 AND t.function = $2)
			UNION ALL
			(SELECT t.name, t.type, t.spec FROM mpcloud.triggers t
				WHERE t.env = $1 AND t.function = $2
			EXCEPT SELECT s.e ->> 'name', s.e ->> 'type', s.e
				FROM jsonb_array_elements(specs) s (e))) THEN
		RETURN false;
	END IF;
	-- one after the other, and not beside a collection that is being made
	PERFORM pg_advisory_xact_lock(
		hashtextextended('mpcloud env_' || env, 0));
	DELETE FROM mpcloud.triggers t WHERE t.env = $1 AND t.function = $2
		AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(specs) s (e)
			WHERE s.e ->> 'name' = t.name);
	changed := FOUND;
	INSERT INTO mpcloud.triggers AS t (env, function, name, type, spec)
		SELECT $1, $2, s.e ->> 'name', s.e ->> 'type', s.e
		FROM jsonb_array_elements(specs) s (e)
		ON CONFLICT ON CONSTRAINT triggers_pkey DO UPDATE
			SET type = excluded.type, spec = excluded.spec
			WHERE (t.type, t.spec) IS DISTINCT FROM
				(excluded.type, excluded.spec);
	RETURN changed OR FOUND;
END $$;
