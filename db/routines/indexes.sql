-- Indexes of collections: see db/index.h.  What is made here is named by C and
-- quoted by format(); CREATE INDEX CONCURRENTLY cannot run inside a function,
-- so statements are kept as text in mpcloud.indexes and run one by one by
-- whoever has claimed them (db/index_work.h).

-- The first array that a path meets; NULL when it meets none.
CREATE OR REPLACE FUNCTION mpcloud.array_met(v jsonb, path text[])
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	step text;
BEGIN
	FOREACH step IN ARRAY path LOOP
		IF jsonb_typeof(v) = 'array' THEN
			RETURN v;
		END IF;
		v := v -> step;
	END LOOP;
	RETURN CASE jsonb_typeof(v) WHEN 'array' THEN v END;
END $$;

-- The least date that a path reaches, in ms; NULL when it reaches none.
CREATE OR REPLACE FUNCTION mpcloud.least_date(v jsonb, path text[])
RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT min((k -> 1)::numeric) FROM unnest(mpcloud.keys_at(v, path)) k
		WHERE k -> 0 = '9'
$$;

-- A function of one document, unless it is there.  Its name says what it
-- computes, so one of that name is the same.
CREATE OR REPLACE FUNCTION mpcloud.index_function(sch text, fn text, kind text,
	body text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF to_regprocedure(format('%I.%I(jsonb)', sch, fn)) IS NULL THEN
		EXECUTE format('CREATE FUNCTION %I.%I(doc jsonb) RETURNS %s'
			' LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS %L',
			sch, fn, kind, body);
	END IF;
END $$;

-- The key of a path in its general form.  A decimal counts as an array here:
-- by its key it is a number, to a condition it is none.
CREATE OR REPLACE FUNCTION mpcloud.index_key_of(doc jsonb, path text[])
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	v jsonb := mpcloud.array_met(doc, path);
BEGIN
	IF v IS NOT NULL THEN
		RETURN jsonb_build_array(200, mpcloud.key(v));
	END IF;
	v := doc #> path;
	IF jsonb_typeof(v) = 'object' THEN
		IF v ? '$numberDecimal' THEN
			RETURN jsonb_build_array(200, mpcloud.key(v));
		END IF;
	END IF;
	RETURN mpcloud.key(v);
END $$;

-- Paths of one or two steps lead to the commonest types in one expression,
-- which is more than twice as fast.
CREATE OR REPLACE FUNCTION mpcloud.index_key(sch text, fn text, path text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	rest text := format('mpcloud.index_key_of(doc, %L)', path);
	at text := CASE cardinality(path) WHEN 1
		THEN format('(doc -> %L)', path[1])
		ELSE format('(doc #> %L)', path) END;
	body text := format('CASE jsonb_typeof(%1$s)'
		' WHEN ''number'' THEN ''[2.2]''::jsonb || %1$s'
		' WHEN ''string'' THEN CASE WHEN octet_length(%1$s #>> ''{}'') <= 500'
		' THEN ''[3]''::jsonb || %1$s ELSE %2$s END'
		' WHEN ''object'' THEN CASE WHEN %1$s ? ''$date''
		THEN ''[9]''::jsonb || (%1$s -> ''$date'') ELSE %2$s END'
		' ELSE %2$s END', at, rest);
BEGIN
	IF cardinality(path) > 2 THEN
		body := rest;
	ELSIF cardinality(path) = 2 THEN
		body := format('CASE jsonb_typeof(doc -> %L)'
			' WHEN ''object'' THEN %s ELSE %s END', path[1], body, rest);
	END IF;
	PERFORM mpcloud.index_function(sch, fn, 'jsonb',
		'BEGIN RETURN ' || body || '; END');
END $$;

CREATE OR REPLACE FUNCTION mpcloud.index_keys(sch text, fn text, path text[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM mpcloud.index_function(sch, fn, 'jsonb[]', format(
		'BEGIN RETURN mpcloud.keys_at(doc, %L); END', path));
END $$;

-- Whether a document is held by a sparse or partial index.  `condition` has its
-- values as $1, $2 …: they become literals here, because an index's predicate
-- knows no parameters.  paths: one of them must lead somewhere, unless NULL.
CREATE OR REPLACE FUNCTION mpcloud.index_holds(sch text, fn text, paths jsonb,
	condition text, params text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	body text := '';
	piece text;
	rest text := condition;
	n integer;
BEGIN
	LOOP
		n := (regexp_match(rest, '\$(\d+)'))[1];
		EXIT WHEN n IS NULL;
		piece := split_part(rest, '$' || n, 1);
		body := body || piece || quote_nullable(params[n]);
		rest := substr(rest, length(piece) + length('$' || n) + 1);
	END LOOP;
	body := '(' || body || rest || ') IS TRUE';
	IF paths IS NOT NULL THEN
		body := body || ' AND (' || (SELECT string_agg(format(
			'doc #> %1$L IS NOT NULL OR mpcloud.crosses(doc, %1$L)',
			ARRAY(SELECT jsonb_array_elements_text(p))), ' OR ')
			FROM jsonb_array_elements(paths) p) || ')';
	END IF;
	PERFORM mpcloud.index_function(sch, fn, 'boolean',
		'BEGIN RETURN ' || body || '; END');
END $$;

-- The words of all fields of a text index.
CREATE OR REPLACE FUNCTION mpcloud.index_words(sch text, fn text, paths jsonb)
RETURNS void LANGUAGE sql AS $$
	SELECT mpcloud.index_function(sch, fn, 'tsvector', format('BEGIN RETURN'
		' mpcloud.text_vector(mpcloud.text_at(doc, %L)); END', paths))
$$;

-- Where a document is, and how far what is asked for reaches: both by PostGIS,
-- whose schema stands in the bodies, because an index is also built where no
-- search_path leads there.
CREATE OR REPLACE FUNCTION mpcloud.index_place(sch text, fn text, goal text,
	path text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	postgis text := (SELECT quote_ident(n.nspname) FROM pg_type t
		JOIN pg_namespace n ON n.oid = t.typnamespace
		WHERE t.oid = to_regtype('geography'));
BEGIN
	PERFORM mpcloud.geo_ready();
	PERFORM mpcloud.index_function(sch, fn, postgis || '.geography', format(
		'BEGIN RETURN (SELECT %1$s.ST_Collect(%1$s.ST_GeomFromGeoJSON('
		's::text)) FROM unnest(mpcloud.geo_shapes(doc, %2$L)) s)'
		'::%1$s.geography; END', postgis, path));
	-- the argument of all these functions is called doc
	PERFORM mpcloud.index_function(sch, goal, postgis || '.geography',
		format('BEGIN IF doc ? ''max'' THEN RETURN %1$s._ST_Expand('
		'%1$s.ST_GeomFromGeoJSON((doc -> ''at'')::text)::%1$s.geography,'
		' least((doc -> ''max'')::float8, 2.1e7));'
		' ELSIF doc ? ''shape'' THEN RETURN %1$s.ST_GeomFromGeoJSON('
		'(doc -> ''shape'')::text)::%1$s.geography; END IF;'
		' RETURN %1$s._ST_Expand(%1$s.ST_GeomFromGeoJSON('
		'(doc -> ''at'')::text)::%1$s.geography,'
		' least((doc -> ''radius'')::float8 * 6380000, 2.1e7)); END',
		postgis));
END $$;

-- The GIN index beside a b-tree.
CREATE OR REPLACE FUNCTION mpcloud.index_beside(relation text)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT regexp_replace(relation, '^system[.]i', 'system.a')
$$;

-- The statements that make an index, from what db/index.c says of it:
-- {"schema", "table", "relation", "method", "unique",
--  "fields": [{"path", "key": function or null for _id, "descends"}],
--  "keys", "holds", "goal": functions or absent, …}
CREATE OR REPLACE FUNCTION mpcloud.index_make(b jsonb)
RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	sch text := b ->> 'schema';
	tab text := b ->> 'table';
	holds text := CASE WHEN b ->> 'holds' IS NOT NULL
		THEN format('%I.%I(doc)', sch, b ->> 'holds') END;
	columns text := (SELECT string_agg(CASE WHEN f.v ->> 'key' IS NULL
			THEN '_id' ELSE format('%I.%I(doc)', sch, f.v ->> 'key') END
			|| CASE WHEN (f.v -> 'descends')::boolean
				THEN ' DESC' ELSE '' END, ', ' ORDER BY f.n)
		FROM jsonb_array_elements(b -> 'fields') WITH ORDINALITY f(v, n));
	list text[];
BEGIN
	-- equal keys are in the order of _id, as lists are
	IF b ->> 'method' = 'btree' AND NOT (b -> 'unique')::boolean THEN
		columns := columns || ', _id';
	END IF;
	list := ARRAY[format('CREATE%s INDEX CONCURRENTLY %I ON %I.%I USING %s'
		' (%s)%s%s', CASE WHEN (b -> 'unique')::boolean THEN ' UNIQUE'
			ELSE '' END, b ->> 'relation', sch, tab, b ->> 'method',
		columns, CASE b ->> 'method' WHEN 'gin'
			THEN ' WITH (fastupdate = off)' ELSE '' END,
		coalesce(' WHERE ' || holds, ''))];
	IF b ->> 'keys' IS NOT NULL THEN
		list := list || format('CREATE INDEX CONCURRENTLY %I ON %I.%I'
			' USING gin (%I.%I(doc)) WITH (fastupdate = off)'
			' WHERE %I.%I(doc) >= ''[200, null]''%s',
			mpcloud.index_beside(b ->> 'relation'), sch, tab, sch,
			b ->> 'keys', sch, b #>> '{fields,0,key}',
			coalesce(' AND ' || holds, ''));
	END IF;
	RETURN list || format('ANALYZE %I.%I', sch, tab);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.index_unmake(b jsonb)
RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg(format('DROP INDEX CONCURRENTLY IF EXISTS %I.%I',
			b ->> 'schema', r))
		FROM unnest(ARRAY[mpcloud.index_beside(b ->> 'relation'),
			b ->> 'relation']) r
$$;

-- Of a TTL index: removes up to $2 documents that have expired at $1.
CREATE OR REPLACE FUNCTION mpcloud.index_expire(b jsonb)
RETURNS text LANGUAGE sql AS $$
	SELECT format('DELETE FROM %1$I.%2$I WHERE _id IN (SELECT _id'
		' FROM %1$I.%2$I WHERE (%1$I.%3$I(doc) >= ''[9, null]'''
		' AND %1$I.%3$I(doc) <= jsonb_build_array(9, $1 - %4$s)'
		' OR %1$I.%3$I(doc) >= ''[200, null]'''
		' AND mpcloud.least_date(doc, %5$L) <= $1 - %4$s)%6$s'
		' LIMIT $2 FOR UPDATE SKIP LOCKED)', b ->> 'schema', b ->> 'table',
		b #>> '{fields,0,key}', (b -> 'expireMs')::bigint,
		ARRAY(SELECT jsonb_array_elements_text(b #> '{fields,0,path}')),
		CASE WHEN b ->> 'holds' IS NULL THEN '' ELSE format(
			' AND %I.%I(doc)', b ->> 'schema', b ->> 'holds') END)
		WHERE b ->> 'expireMs' IS NOT NULL
$$;

CREATE OR REPLACE FUNCTION mpcloud.index_functions(b jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	f jsonb;
	path text[];
BEGIN
	-- two that make the same function at once: one waits
	PERFORM pg_advisory_xact_lock(hashtextextended(
		'mpcloud ' || (b ->> 'schema'), 0));
	FOR f IN SELECT jsonb_array_elements(b -> 'fields') LOOP
		path := ARRAY(SELECT jsonb_array_elements_text(f -> 'path'));
		IF b ->> 'method' = 'gin' THEN
			PERFORM mpcloud.index_words(b ->> 'schema', f ->> 'key',
				f -> 'paths');
		ELSIF b ->> 'method' = 'gist' THEN
			PERFORM mpcloud.index_place(b ->> 'schema', f ->> 'key',
				b ->> 'goal', path);
		ELSIF f ->> 'key' IS NOT NULL THEN
			PERFORM mpcloud.index_key(b ->> 'schema', f ->> 'key', path);
		END IF;
	END LOOP;
	IF b ->> 'keys' IS NOT NULL THEN
		PERFORM mpcloud.index_keys(b ->> 'schema', b ->> 'keys', ARRAY(
			SELECT jsonb_array_elements_text(b #> '{fields,0,path}')));
	END IF;
	IF b ->> 'holds' IS NOT NULL THEN
		PERFORM mpcloud.index_holds(b ->> 'schema', b ->> 'holds',
			b -> 'paths', b ->> 'condition',
			ARRAY(SELECT jsonb_array_elements_text(b -> 'params')));
	END IF;
END $$;

-- Notes an index that shall be.  True: it will be built; false: it is there
-- already, just so.
CREATE OR REPLACE FUNCTION mpcloud.index_add(env text, collection text,
	name text, definition jsonb, build jsonb, now_ms bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	r mpcloud.indexes;
BEGIN
	PERFORM FROM mpcloud.collections c WHERE c.env = $1 AND c.name = $2
		FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'MP404', MESSAGE = format(
			'[ResourceNotFound] Db or Table not exist: %s.', collection);
	END IF;
	SELECT * INTO r FROM mpcloud.indexes i WHERE i.env = $1
		AND i.collection = $2 AND i.name = $3;
	IF r.state = 'dropping' THEN
		RAISE EXCEPTION USING ERRCODE = 'MP409', MESSAGE = format(
			'index %s is being dropped: try again shortly', name);
	ELSIF r.state IN ('building', 'ready') AND r.definition = $4 THEN
		RETURN false;
	ELSIF r.state IN ('building', 'ready') THEN
		RAISE EXCEPTION USING ERRCODE = 'MP409', MESSAGE = format(
			'index %s of collection %s exists with another definition: '
			'drop it first, or choose another name', name, collection);
	END IF;
	SELECT * INTO r FROM mpcloud.indexes i WHERE i.env = $1
		AND i.collection = $2 AND i.name <> $3
		AND i.state IN ('building', 'ready')
		AND i.definition -> 'keys' = $4 -> 'keys'
		AND i.definition -> 'partialFilterExpression'
			IS NOT DISTINCT FROM $4 -> 'partialFilterExpression';
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'MP409', MESSAGE = format(
			'collection %s has an index on these fields already, '
			'named %s', collection, r.name);
	ELSIF (SELECT count(*) FROM mpcloud.indexes i WHERE i.env = $1
			AND i.collection = $2) >= 100 THEN
		RAISE EXCEPTION USING ERRCODE = 'MP400', MESSAGE = format(
			'collection %s has 100 indexes: drop one first', collection);
	END IF;
	PERFORM mpcloud.index_functions(build);
	-- one that failed makes room
	DELETE FROM mpcloud.indexes i WHERE i.env = $1 AND i.collection = $2
		AND i.name = $3;
	INSERT INTO mpcloud.indexes VALUES ($1, $2, $3, $4, build ->> 'relation',
		mpcloud.index_make(build), mpcloud.index_unmake(build),
		mpcloud.index_expire(build), 'building', NULL, now_ms);
	RETURN true;
END $$;

-- From now on nobody uses it; whoever claims it drops it.  False: no such one.
CREATE OR REPLACE FUNCTION mpcloud.index_drop(env text, collection text,
	name text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	UPDATE mpcloud.indexes i SET state = 'dropping' WHERE i.env = $1
		AND i.collection = $2 AND i.name = $3;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	UPDATE mpcloud.collections c
		SET version = nextval('mpcloud.catalog_version')
		WHERE c.env = $1 AND c.name = $2;
	RETURN true;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.index_lock(env text, collection text,
	name text)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
	SELECT hashtextextended(format('mpcloud index %L %L %L', env,
		collection, name), 0)
$$;

-- An index that waits to be built or dropped, for the session that asks: the
-- lock ends with the session, so that another finishes what a dead one began.
CREATE OR REPLACE FUNCTION mpcloud.index_claim(OUT env text,
	OUT collection text, OUT name text, OUT state text, OUT unmake jsonb,
	OUT make jsonb)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	r mpcloud.indexes;
BEGIN
	FOR r IN SELECT * FROM mpcloud.indexes i
			WHERE i.state IN ('building', 'dropping')
			ORDER BY i.created_at, i.name LOOP
		CONTINUE WHEN NOT pg_try_advisory_lock(
			mpcloud.index_lock(r.env, r.collection, r.name));
		-- as it is now that nobody else has it
		SELECT i.state INTO r.state FROM mpcloud.indexes i
			WHERE i.env = r.env AND i.collection = r.collection
			AND i.name = r.name;
		IF FOUND AND r.state IN ('building', 'dropping') THEN
			env := r.env;
			collection := r.collection;
			name := r.name;
			state := r.state;
			unmake := to_jsonb(r.unmake);
			make := CASE state WHEN 'building' THEN to_jsonb(r.make)
				ELSE '[]' END;
			RETURN NEXT;
			RETURN;
		END IF;
		PERFORM pg_advisory_unlock(
			mpcloud.index_lock(r.env, r.collection, r.name));
	END LOOP;
END $$;

-- The claim's end.  error: why it could not be built, or NULL.  A drop that was
-- asked for while it was built stays asked for.
CREATE OR REPLACE FUNCTION mpcloud.index_settle(env text, collection text,
	name text, was text, error text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF was = 'dropping' THEN
		DELETE FROM mpcloud.indexes i WHERE i.env = $1
			AND i.collection = $2 AND i.name = $3
			AND i.state = 'dropping';
	ELSE
		UPDATE mpcloud.indexes i SET error = $5, state = CASE
				WHEN $5 IS NULL THEN 'ready' ELSE 'failed' END
			WHERE i.env = $1 AND i.collection = $2 AND i.name = $3
			AND i.state = 'building';
		UPDATE mpcloud.collections c
			SET version = nextval('mpcloud.catalog_version')
			WHERE c.env = $1 AND c.name = $2;
	END IF;
	PERFORM pg_advisory_unlock(mpcloud.index_lock($1, $2, $3));
END $$;

-- The collection's indexes as JSON, that of _id first.
CREATE OR REPLACE FUNCTION mpcloud.index_list(env text, collection text,
	sch text, tab text, pkey text)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	rel oid := to_regclass(format('%I.%I', sch, tab));
BEGIN
	IF rel IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'MP404', MESSAGE = format(
			'[ResourceNotFound] Db or Table not exist: %s.', collection);
	END IF;
	RETURN (SELECT jsonb_agg(l.item || jsonb_build_object(
			'bytes', coalesce((SELECT sum(pg_relation_size(x.oid))
				FROM pg_class x WHERE x.relnamespace = to_regnamespace(
					quote_ident(sch)) AND x.relname = ANY (l.relations)), 0),
			'uses', coalesce((SELECT sum(s.idx_scan)
				FROM pg_stat_user_indexes s WHERE s.schemaname = sch
				AND s.indexrelname = ANY (l.relations)), 0))
			ORDER BY l.n, l.name)
		FROM (SELECT 0 AS n, '_id_' AS name, ARRAY[pkey] AS relations,
				jsonb_build_object('name', '_id_', 'keys',
				'[{"name": "_id", "direction": "1"}]'::jsonb,
				'unique', true, 'state', 'ready') AS item
			UNION ALL SELECT 1, i.name, ARRAY[i.relation,
					mpcloud.index_beside(i.relation)],
				jsonb_strip_nulls(jsonb_build_object('name', i.name,
				'state', i.state, 'error', i.error,
				'createdAt', i.created_at, 'progress',
				CASE i.state WHEN 'building' THEN (
					SELECT jsonb_build_object('phase', p.phase,
						'done', p.blocks_done + p.tuples_done,
						'total', p.blocks_total + p.tuples_total)
					FROM pg_stat_progress_create_index p
					WHERE p.relid = rel LIMIT 1) END))
				|| (i.definition - 'layout')
			FROM mpcloud.indexes i
			WHERE i.env = $1 AND i.collection = $2) l);
END $$;

-- TTL: removes up to `top` expired documents of one index after the other, and
-- says how many.  Only one session at a time does it; the others find nothing
-- to do.  A document that somebody is changing waits for the next time.
CREATE OR REPLACE FUNCTION mpcloud.expire(env text, now_ms bigint, top integer)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	r record;
	n bigint := 0;
	removed bigint;
BEGIN
	IF NOT pg_try_advisory_xact_lock(hashtextextended(
			'mpcloud expire ' || env, 0)) THEN
		RETURN 0;
	END IF;
	FOR r IN SELECT i.expire FROM mpcloud.indexes i WHERE i.env = $1
			AND i.state = 'ready' AND i.expire IS NOT NULL
			ORDER BY i.collection, i.name LOOP
		EXECUTE r.expire USING now_ms, top;
		GET DIAGNOSTICS removed = ROW_COUNT;
		n := n + removed;
	END LOOP;
	RETURN n;
END $$;
