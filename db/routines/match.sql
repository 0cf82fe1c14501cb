-- Reading: paths, equality, order, projection.

CREATE OR REPLACE FUNCTION mpcloud.is_index(key text)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT key ~ '^(0|[1-9][0-9]{0,8})$'
$$;

-- Every value that a dotted path reaches.  Arrays are entered: their objects,
-- and the element that a number names.  NULL stands for "missing there".
CREATE OR REPLACE FUNCTION mpcloud.doc_walk(v jsonb, path text[], at integer)
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
CREATE OR REPLACE FUNCTION mpcloud.doc_eq(v jsonb, x jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT v = x OR CASE jsonb_typeof(v) WHEN 'array' THEN EXISTS
		(SELECT 1 FROM jsonb_array_elements(v) e WHERE e = x)
		ELSE false END
$$;

-- The order of values of all types, as MongoDB has it.
DO $$ BEGIN
	CREATE TYPE mpcloud.sort_key AS (rank integer, num numeric,
		txt text COLLATE "C");
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.sort_tagged(v jsonb)
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

CREATE OR REPLACE FUNCTION mpcloud.sort_of(v jsonb)
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
CREATE OR REPLACE FUNCTION mpcloud.sort_at(doc jsonb, path text[], descends boolean)
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
