-- Imports and exports; see db/bulk.h.

-- When it was begun, now or before, and which parts are done.  Imports that
-- nobody came back to for 30 days are forgotten.
CREATE OR REPLACE FUNCTION mpcloud.import_begin(id text, env text, name text,
	source text, now_ms bigint, anew boolean)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM mpcloud.imports i
		WHERE i.started_at < now_ms - 2592000000
		OR (anew AND i.id = $1);
	IF NOT EXISTS (SELECT 1 FROM mpcloud.collections c
			WHERE c.env = $2 AND c.name = $3) THEN
		RAISE EXCEPTION USING ERRCODE = 'MP404', MESSAGE = format(
			'[ResourceNotFound] Db or Table not exist: %s.', name);
	END IF;
	INSERT INTO mpcloud.imports VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT DO NOTHING;
	RETURN (SELECT jsonb_build_object('startedAt', i.started_at, 'parts',
		(SELECT coalesce(jsonb_agg(jsonb_build_array(p.first, p.last,
			p.documents, p.digest) ORDER BY p.first), '[]')
			FROM mpcloud.import_parts p WHERE p.import = $1))
		FROM mpcloud.imports i WHERE i.id = $1);
END $$;

-- The documents after key `after`, in the order of the keys: `top` of them at
-- the most, and none more once `bytes` of text are there.  Row by row, because
-- a thousand documents may be 16 GiB.
CREATE OR REPLACE FUNCTION mpcloud.export_page(sch text, tab text, after text,
	top integer, bytes bigint)
RETURNS TABLE (key text, typed text, whole text) LANGUAGE plpgsql STABLE AS $$
DECLARE
	r record;
	total bigint := 0;
BEGIN
	FOR r IN EXECUTE format('SELECT _id, doc FROM %I.%I WHERE _id > $1'
			' ORDER BY _id LIMIT $2', sch, tab) USING after, top LOOP
		key := r._id;
		typed := r.doc -> '_id';
		whole := r.doc;
		RETURN NEXT;
		total := total + octet_length(whole);
		EXIT WHEN total >= bytes;
	END LOOP;
END $$;

-- All collections with what an export says of them besides their documents.
CREATE OR REPLACE FUNCTION mpcloud.export_definitions(env text)
RETURNS jsonb LANGUAGE sql AS $$
	SELECT coalesce(jsonb_agg(jsonb_build_object(
			'name', c.name,
			'documents', l.e -> 'documents',
			'permission', c.permission,
			'rules', c.rules,
			'showOpenid', c.shows_openid,
			'indexes', (SELECT coalesce(jsonb_agg(
					jsonb_build_object('name', i.name)
					|| (i.definition - 'layout')
					ORDER BY i.name), '[]')
				FROM mpcloud.indexes i WHERE i.env = c.env
				AND i.collection = c.name
				AND i.state <> 'dropping'))
			ORDER BY c.name), '[]')
		FROM jsonb_array_elements(mpcloud.collection_list($1)) l (e)
		JOIN mpcloud.collections c ON c.env = $1
			AND c.name = l.e ->> 'name'
$$;
