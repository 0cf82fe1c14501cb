-- Slow requests by their shape: what every gateway has seen, together.

CREATE OR REPLACE FUNCTION mpcloud.slow_add(env text, list jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	-- in the order of their keys, so that two gateways do not deadlock
	INSERT INTO mpcloud.slow AS s
		SELECT $1, e ->> 'hash', e -> 'shape', (e -> 'times')::bigint,
			(e -> 'totalMs')::bigint, (e -> 'topMs')::bigint,
			(e -> 'topRows')::bigint, (e -> 'firstAt')::bigint,
			(e -> 'lastAt')::bigint
		FROM jsonb_array_elements(list) e ORDER BY e ->> 'hash'
		ON CONFLICT ON CONSTRAINT slow_pkey DO UPDATE SET
			times = s.times + excluded.times,
			total_ms = s.total_ms + excluded.total_ms,
			top_ms = greatest(s.top_ms, excluded.top_ms),
			top_rows = greatest(s.top_rows, excluded.top_rows),
			last_at = greatest(s.last_at, excluded.last_at);
	-- the newest thousand are kept
	DELETE FROM mpcloud.slow s WHERE s.env = $1 AND s.last_at < (
		SELECT o.last_at FROM mpcloud.slow o WHERE o.env = $1
			ORDER BY o.last_at DESC OFFSET 1000 LIMIT 1);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.slow_list(env text)
RETURNS jsonb LANGUAGE sql AS $$
	SELECT coalesce(jsonb_agg(s.shape || jsonb_build_object('times', s.times,
			'totalMs', s.total_ms, 'topMs', s.top_ms,
			'meanMs', s.total_ms / greatest(s.times, 1),
			'topRows', s.top_rows, 'firstAt', s.first_at,
			'lastAt', s.last_at) ORDER BY s.total_ms DESC, s.hash),
			'[]')
		FROM mpcloud.slow s WHERE s.env = $1
$$;

CREATE OR REPLACE FUNCTION mpcloud.slow_report(env text, list jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	PERFORM mpcloud.slow_add(env, list);
	RETURN mpcloud.slow_list(env);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.slow_clear(env text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM mpcloud.slow s WHERE s.env = $1;
	RETURN FOUND;
END $$;

-- What advice stands on: the slow shapes; each collection's size and indexes,
-- with how often each was used since PostgreSQL counts.
CREATE OR REPLACE FUNCTION mpcloud.advise_facts(env text, list jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	PERFORM mpcloud.slow_add(env, list);
	RETURN jsonb_build_object('slow', mpcloud.slow_list($1), 'collections',
		(SELECT coalesce(jsonb_object_agg(t.name, jsonb_build_object(
			'documents', greatest(p.reltuples, 0)::bigint,
			'indexes', (SELECT coalesce(jsonb_agg(i.definition
				|| jsonb_build_object('name', i.name, 'state', i.state,
				'createdAt', i.created_at) || u.v
				ORDER BY i.name), '[]')
				FROM mpcloud.indexes i,
				LATERAL (SELECT jsonb_build_object('bytes', coalesce(
						sum(pg_relation_size(x.indexrelid)), 0),
						'uses', coalesce(sum(x.idx_scan), 0)) AS v
					FROM pg_stat_user_indexes x
					WHERE x.relid = t.rel AND x.indexrelname IN (
						i.relation,
						mpcloud.index_beside(i.relation))) u
				WHERE i.env = $1 AND i.collection = t.name))), '{}')
			FROM mpcloud.collection_tables($1) t
			JOIN pg_class p ON p.oid = t.rel));
END $$;
