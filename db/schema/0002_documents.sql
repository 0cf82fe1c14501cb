-- What a statement about documents is made of.  A document is jsonb without
-- its _id, which is the row's key.  Errors of class MP carry a sentence for
-- the author of the request: MP400 not valid, MP403 not allowed, MP409 exists.

------------------------------------------------------------------------------
-- Who may: the permission of a collection.  An unknown one is ADMINONLY.

CREATE FUNCTION mpcloud.permission_of(env text, name text)
RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT coalesce((SELECT c.permission FROM mpcloud.collections c
		WHERE c.env = $1 AND c.name = $2), 'ADMINONLY')
$$;

-- True: every document; false: the caller's own.
CREATE FUNCTION mpcloud.gate_read(env text, name text, openid text)
RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
	p text := mpcloud.permission_of(env, name);
BEGIN
	IF p IN ('READONLY', 'ADMINWRITE') THEN
		RETURN true;
	ELSIF p = 'PRIVATE' AND openid <> '' THEN
		RETURN false;
	END IF;
	RAISE EXCEPTION USING ERRCODE = 'MP403', MESSAGE = format(
		'the permission of collection %s is %s: this caller may not read it',
		name, p);
END $$;

-- True: the caller's own documents may be made, changed, removed.
CREATE FUNCTION mpcloud.gate_write(env text, name text, openid text)
RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
	p text := mpcloud.permission_of(env, name);
BEGIN
	IF p IN ('READONLY', 'PRIVATE') AND openid <> '' THEN
		RETURN true;
	END IF;
	RAISE EXCEPTION USING ERRCODE = 'MP403', MESSAGE = format(
		'the permission of collection %s is %s: this caller may not write it',
		name, p);
END $$;

------------------------------------------------------------------------------
-- Collections: a table each, in the schema of its environment.

CREATE FUNCTION mpcloud.collection_make(env text, name text, sch text,
	tab text, pkey text, now_ms bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	made boolean := to_regclass(format('%I.%I', sch, tab)) IS NULL;
BEGIN
	-- two that make the same schema or table at once: one waits
	PERFORM pg_advisory_xact_lock(hashtextextended('mpcloud ' || sch, 0));
	made := to_regclass(format('%I.%I', sch, tab)) IS NULL;
	IF made THEN
		EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', sch);
		EXECUTE format('CREATE TABLE %I.%I (_id text COLLATE "C" NOT NULL,'
			' doc jsonb NOT NULL, CONSTRAINT %I PRIMARY KEY (_id),'
			-- what many small changes make of one document
			' CHECK (pg_column_size(doc) <= 33554432))',
			sch, tab, pkey);
	END IF;
	INSERT INTO mpcloud.collections (env, name, created_at)
		VALUES (env, name, now_ms) ON CONFLICT DO NOTHING;
	RETURN made;
END $$;

CREATE FUNCTION mpcloud.collection_add(env text, name text, sch text,
	tab text, pkey text, now_ms bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF NOT mpcloud.collection_make(env, name, sch, tab, pkey, now_ms) THEN
		RAISE EXCEPTION USING ERRCODE = 'MP409', MESSAGE = format(
			'[ResourceUnavailable.ResourceExist] Table exist: %s.', name);
	END IF;
	RETURN true;
END $$;

CREATE FUNCTION mpcloud.collection_permit(env text, name text, sch text,
	tab text, pkey text, now_ms bigint, permission text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	made boolean := mpcloud.collection_make(env, name, sch, tab, pkey, now_ms);
BEGIN
	UPDATE mpcloud.collections c SET permission = $7
		WHERE c.env = $1 AND c.name = $2;
	RETURN made;
END $$;

------------------------------------------------------------------------------
-- Reading: paths, equality, order, projection.

CREATE FUNCTION mpcloud.is_index(key text)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT key ~ '^(0|[1-9][0-9]{0,8})$'
$$;

-- Every value that a dotted path reaches.  Arrays are entered: their objects,
-- and the element that a number names.  NULL stands for "missing there".
CREATE FUNCTION mpcloud.doc_walk(v jsonb, path text[], at integer)
RETURNS SETOF jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	key text := path[at];
	item jsonb;
BEGIN
	IF key IS NULL THEN
		RETURN NEXT v;
	ELSIF jsonb_typeof(v) = 'object' THEN
		IF jsonb_exists(v, key) THEN
			RETURN QUERY SELECT mpcloud.doc_walk(v -> key, path, at + 1);
		ELSE
			RETURN NEXT NULL::jsonb;
		END IF;
	ELSIF jsonb_typeof(v) = 'array' THEN
		IF mpcloud.is_index(key) THEN
			item := v -> key::integer;
			IF item IS NOT NULL THEN
				RETURN QUERY SELECT
					mpcloud.doc_walk(item, path, at + 1);
			END IF;
		END IF;
		FOR item IN SELECT e FROM jsonb_array_elements(v) e LOOP
			IF jsonb_typeof(item) = 'object' THEN
				RETURN QUERY SELECT mpcloud.doc_walk(item, path, at);
			END IF;
		END LOOP;
	ELSE
		RETURN NEXT NULL::jsonb;
	END IF;
END $$;

-- Equal, or an array that has an equal element.
CREATE FUNCTION mpcloud.doc_eq(v jsonb, x jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT v = x OR CASE jsonb_typeof(v) WHEN 'array' THEN EXISTS
		(SELECT 1 FROM jsonb_array_elements(v) e WHERE e = x)
		ELSE false END
$$;

-- The order of values of all types, as MongoDB has it.
CREATE TYPE mpcloud.sort_key AS (rank integer, num numeric, txt text COLLATE "C");

CREATE FUNCTION mpcloud.sort_tagged(v jsonb)
RETURNS mpcloud.sort_key LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE
	WHEN v ? '$date' THEN
		ROW(9, (v -> '$date')::numeric, '')::mpcloud.sort_key
	WHEN v ->> '$numberDouble' = 'Infinity' THEN
		ROW(2, 'Infinity', '')::mpcloud.sort_key
	WHEN v ? '$numberDouble' THEN
		ROW(2, '-Infinity', '')::mpcloud.sort_key
	WHEN v ? '$binary' THEN ROW(6, 0, v::text)::mpcloud.sort_key
	WHEN v ? '$timestamp' THEN ROW(10, 0, v::text)::mpcloud.sort_key
	WHEN v ? '$regularExpression' THEN
		ROW(11, 0, v::text)::mpcloud.sort_key
	ELSE ROW(4, 0, v::text)::mpcloud.sort_key END
$$;

CREATE FUNCTION mpcloud.sort_of(v jsonb)
RETURNS mpcloud.sort_key LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE jsonb_typeof(v)
	WHEN 'number' THEN ROW(2, v::numeric, '')::mpcloud.sort_key
	WHEN 'string' THEN ROW(3, 0, v #>> '{}')::mpcloud.sort_key
	WHEN 'boolean' THEN ROW(8, v::boolean::integer, '')::mpcloud.sort_key
	WHEN 'object' THEN mpcloud.sort_tagged(v)
	WHEN 'array' THEN ROW(5, 0, v::text)::mpcloud.sort_key
	ELSE ROW(1, 0, '')::mpcloud.sort_key END
$$;

-- What a document sorts by: of an array its least element, or its greatest
-- when the order descends.
CREATE FUNCTION mpcloud.sort_at(doc jsonb, path text[], descends boolean)
RETURNS mpcloud.sort_key LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	v jsonb := doc #> path;
BEGIN
	IF jsonb_typeof(v) IS DISTINCT FROM 'array' THEN
		RETURN mpcloud.sort_of(v);
	ELSIF v = '[]' THEN
		RETURN ROW(0, 0, '')::mpcloud.sort_key;
	ELSIF descends THEN
		RETURN (SELECT mpcloud.sort_of(e) FROM jsonb_array_elements(v) e
			ORDER BY mpcloud.sort_of(e) DESC LIMIT 1);
	END IF;
	RETURN (SELECT mpcloud.sort_of(e) FROM jsonb_array_elements(v) e
		ORDER BY mpcloud.sort_of(e) LIMIT 1);
END $$;

-- `tree` has the shape of the projection: {"a": true, "b": {"c": true}}.
CREATE FUNCTION mpcloud.doc_pick(v jsonb, tree jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF tree = 'true' THEN
		RETURN v;
	ELSIF jsonb_typeof(v) = 'object' THEN
		RETURN (SELECT coalesce(jsonb_object_agg(s.key, s.part), '{}')
			FROM (SELECT t.key, mpcloud.doc_pick(v -> t.key, t.value) AS part
				FROM jsonb_each(tree) t) s
			WHERE s.part IS NOT NULL);
	ELSIF jsonb_typeof(v) = 'array' THEN
		RETURN (SELECT coalesce(jsonb_agg(s.part ORDER BY s.n), '[]')
			FROM (SELECT a.n, mpcloud.doc_pick(a.e, tree) AS part
				FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n)) s
			WHERE s.part IS NOT NULL);
	END IF;
	RETURN NULL;
END $$;

CREATE FUNCTION mpcloud.doc_omit(v jsonb, tree jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF tree = 'true' THEN
		RETURN NULL;
	ELSIF tree IS NULL THEN
		RETURN v;
	ELSIF jsonb_typeof(v) = 'object' THEN
		RETURN (SELECT coalesce(jsonb_object_agg(s.key, s.part), '{}')
			FROM (SELECT o.key, mpcloud.doc_omit(o.value, tree -> o.key)
					AS part
				FROM jsonb_each(v) o) s
			WHERE s.part IS NOT NULL);
	ELSIF jsonb_typeof(v) = 'array' THEN
		RETURN (SELECT coalesce(jsonb_agg(mpcloud.doc_omit(a.e, tree)
				ORDER BY a.n), '[]')
			FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n));
	END IF;
	RETURN v;
END $$;

------------------------------------------------------------------------------
-- Changing: each takes a document and gives the changed one.

CREATE FUNCTION mpcloud.refuse(why text)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = 'MP400', MESSAGE = why;
END $$;

CREATE FUNCTION mpcloud.path_text(path text[])
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT left(array_to_string(path, '.'), 80)
$$;

-- {"$date": …} and its like are one value, not an object with members.
CREATE FUNCTION mpcloud.is_tagged(v jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT v ?| '{$date,$numberDouble,$numberDecimal,$binary,$timestamp,$regularExpression}'
$$;

-- $set: objects that are missing on the way are made.
CREATE FUNCTION mpcloud.doc_put(v jsonb, path text[], x jsonb, at integer)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	key text := path[at];
	kind text := coalesce(jsonb_typeof(v), 'missing');
	len integer;
BEGIN
	IF key IS NULL THEN
		RETURN x;
	ELSIF kind = 'missing' THEN
		RETURN jsonb_build_object(key,
			mpcloud.doc_put(NULL, path, x, at + 1));
	ELSIF kind = 'object' AND NOT mpcloud.is_tagged(v) THEN
		RETURN v || jsonb_build_object(key,
			mpcloud.doc_put(v -> key, path, x, at + 1));
	ELSIF kind = 'array' AND mpcloud.is_index(key) THEN
		len := jsonb_array_length(v);
		IF key::integer < len THEN
			RETURN jsonb_set(v, ARRAY[key], mpcloud.doc_put(
				v -> key::integer, path, x, at + 1));
		ELSIF key::integer <= len + 1000 THEN
			RETURN v || (SELECT coalesce(jsonb_agg('null'::jsonb), '[]')
				FROM generate_series(len + 1, key::integer))
				|| jsonb_build_array(
					mpcloud.doc_put(NULL, path, x, at + 1));
		END IF;
	END IF;
	RETURN mpcloud.refuse(format('cannot create field %s in %s: its type is %s',
		left(key, 80), mpcloud.path_text(path[:at - 1]), kind));
END $$;

-- $unset: an element of an array becomes null.
CREATE FUNCTION mpcloud.doc_cut(v jsonb, path text[])
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF v #> path IS NULL THEN
		RETURN v;
	ELSIF jsonb_typeof(v #> path[:cardinality(path) - 1]) = 'array' THEN
		RETURN jsonb_set(v, path, 'null');
	END IF;
	RETURN v #- path;
END $$;

CREATE FUNCTION mpcloud.num_text(x double precision)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	-- a double stays one: 5.0 keeps its scale
	SELECT to_jsonb(CASE WHEN scale(x::text::numeric) = 0
		THEN x::text::numeric + 0.0 ELSE x::text::numeric END)
$$;

-- Integers exactly, all else as doubles.
CREATE FUNCTION mpcloud.num_add(a jsonb, b jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN scale(a::numeric) = 0 AND scale(b::numeric) = 0
		THEN to_jsonb(a::numeric + b::numeric)
		ELSE mpcloud.num_text(a::float8 + b::float8) END
$$;

CREATE FUNCTION mpcloud.num_mul(a jsonb, b jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN scale(a::numeric) = 0 AND scale(b::numeric) = 0
		AND abs(a::numeric * b::numeric) < 9223372036854775808
		THEN to_jsonb(a::numeric * b::numeric)
		ELSE mpcloud.num_text(a::float8 * b::float8) END
$$;

CREATE FUNCTION mpcloud.doc_inc(v jsonb, path text[], x jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	old jsonb := v #> path;
BEGIN
	IF old IS NULL THEN
		RETURN mpcloud.doc_put(v, path, x, 1);
	ELSIF jsonb_typeof(old) <> 'number' THEN
		RETURN mpcloud.refuse(format('cannot $inc %s: its type is %s',
			mpcloud.path_text(path), jsonb_typeof(old)));
	END IF;
	RETURN mpcloud.doc_put(v, path, mpcloud.num_add(old, x), 1);
END $$;

CREATE FUNCTION mpcloud.doc_mul(v jsonb, path text[], x jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	old jsonb := coalesce(v #> path, '0');
BEGIN
	IF jsonb_typeof(old) <> 'number' THEN
		RETURN mpcloud.refuse(format('cannot $mul %s: its type is %s',
			mpcloud.path_text(path), jsonb_typeof(old)));
	END IF;
	RETURN mpcloud.doc_put(v, path, mpcloud.num_mul(old, x), 1);
END $$;

CREATE FUNCTION mpcloud.doc_min(v jsonb, path text[], x jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN v #> path IS NULL
		OR mpcloud.sort_of(x) < mpcloud.sort_of(v #> path)
		THEN mpcloud.doc_put(v, path, x, 1) ELSE v END
$$;

CREATE FUNCTION mpcloud.doc_max(v jsonb, path text[], x jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN v #> path IS NULL
		OR mpcloud.sort_of(x) > mpcloud.sort_of(v #> path)
		THEN mpcloud.doc_put(v, path, x, 1) ELSE v END
$$;

-- The array at a path, NULL when missing.
CREATE FUNCTION mpcloud.array_at(v jsonb, path text[], op text)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	old jsonb := v #> path;
BEGIN
	IF old IS NULL OR jsonb_typeof(old) = 'array' THEN
		RETURN old;
	END IF;
	RETURN mpcloud.refuse(format('cannot %s %s: its type is %s', op,
		mpcloud.path_text(path), jsonb_typeof(old)));
END $$;

-- Elements `low` (from 1) to `high` of an array.
CREATE FUNCTION mpcloud.array_part(v jsonb, low bigint, high bigint)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT coalesce(jsonb_agg(a.e ORDER BY a.n), '[]')
		FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n)
		WHERE a.n BETWEEN low AND high
$$;

CREATE FUNCTION mpcloud.array_sort(v jsonb, path text[], descends boolean)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF descends THEN
		RETURN (SELECT coalesce(jsonb_agg(a.e
			ORDER BY mpcloud.sort_of(a.e #> path) DESC, a.n), '[]')
			FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n));
	END IF;
	RETURN (SELECT coalesce(jsonb_agg(a.e
		ORDER BY mpcloud.sort_of(a.e #> path), a.n), '[]')
		FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n));
END $$;

-- `place`, `top`, `by`: NULL when the modifier is absent; by '{}' sorts by the
-- elements themselves.
CREATE FUNCTION mpcloud.doc_push(v jsonb, path text[], list jsonb,
	place bigint, top bigint, by text[], descends boolean)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	old jsonb := coalesce(mpcloud.array_at(v, path, '$push'), '[]');
	len bigint := jsonb_array_length(old);
BEGIN
	IF place IS NULL OR place >= len THEN
		old := old || list;
	ELSE
		IF place < 0 THEN
			place := greatest(len + place, 0);
		END IF;
		old := mpcloud.array_part(old, 1, place) || list
			|| mpcloud.array_part(old, place + 1, len);
	END IF;
	IF by IS NOT NULL THEN
		old := mpcloud.array_sort(old, by, descends);
	END IF;
	len := jsonb_array_length(old);
	IF top >= 0 THEN
		old := mpcloud.array_part(old, 1, top);
	ELSIF top < 0 THEN
		old := mpcloud.array_part(old, len + top + 1, len);
	END IF;
	RETURN mpcloud.doc_put(v, path, old, 1);
END $$;

CREATE FUNCTION mpcloud.doc_pop(v jsonb, path text[], place integer)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	old jsonb := mpcloud.array_at(v, path, '$pop');
BEGIN
	IF old IS NULL THEN
		RETURN v;
	END IF;
	RETURN mpcloud.doc_put(v, path, old - place, 1);
END $$;

-- $pull, $pullAll: without the elements that equal one of the list.
CREATE FUNCTION mpcloud.doc_pull(v jsonb, path text[], list jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	old jsonb := mpcloud.array_at(v, path, '$pull');
BEGIN
	IF old IS NULL THEN
		RETURN v;
	END IF;
	RETURN mpcloud.doc_put(v, path,
		(SELECT coalesce(jsonb_agg(a.e ORDER BY a.n), '[]')
			FROM jsonb_array_elements(old) WITH ORDINALITY a(e, n)
			WHERE NOT EXISTS (SELECT 1
				FROM jsonb_array_elements(list) x WHERE x = a.e)), 1);
END $$;

CREATE FUNCTION mpcloud.doc_add_to_set(v jsonb, path text[], list jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	old jsonb := coalesce(mpcloud.array_at(v, path, '$addToSet'), '[]');
	item jsonb;
BEGIN
	FOR item IN SELECT x FROM jsonb_array_elements(list) x LOOP
		IF NOT EXISTS (SELECT 1 FROM jsonb_array_elements(old) e
				WHERE e = item) THEN
			old := old || jsonb_build_array(item);
		END IF;
	END LOOP;
	RETURN mpcloud.doc_put(v, path, old, 1);
END $$;

CREATE FUNCTION mpcloud.doc_rename(v jsonb, path text[], new_path text[])
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN v #> path IS NULL THEN v ELSE mpcloud.doc_put(
		mpcloud.doc_cut(v, path), new_path, v #> path, 1) END
$$;
