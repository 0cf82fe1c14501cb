-- Conditions that jsonpath cannot say.  All are total.  Each takes a value, the
-- path from it, and looks at what the path reaches and, of arrays, at their
-- elements; with a path of no steps it looks at the value alone.

-- What a condition on `path` is tried on.
CREATE OR REPLACE FUNCTION mpcloud.tried(v jsonb, path text[])
RETURNS jsonb[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT mpcloud.reach(v, path, path <> '{}')
$$;

-- Null also matches what is missing.
CREATE OR REPLACE FUNCTION mpcloud.doc_eq(v jsonb, path text[], x jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	item jsonb;
BEGIN
	FOREACH item IN ARRAY mpcloud.tried(v, path) LOOP
		IF item = x OR (item IS NULL AND x = 'null') THEN
			RETURN true;
		END IF;
	END LOOP;
	RETURN false;
END $$;

-- `op`: -2 less, -1 less or equal, 1 greater or equal, 2 greater; within the
-- value's type only, NaN being one of its own.
CREATE OR REPLACE FUNCTION mpcloud.doc_compare(v jsonb, path text[], op integer,
	x jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	goal jsonb := mpcloud.key(x);
	rank numeric := (goal -> 0)::numeric;
	item jsonb;
	k jsonb;
	r numeric;
BEGIN
	FOREACH item IN ARRAY mpcloud.tried(v, path) LOOP
		k := mpcloud.key(item);
		r := (k -> 0)::numeric;
		IF item IS NOT NULL AND trunc(r) = trunc(rank)
				AND (r = 2.0) = (rank = 2.0)
				AND (CASE op WHEN -2 THEN k < goal
					WHEN -1 THEN k <= goal
					WHEN 1 THEN k >= goal
					ELSE k > goal END) THEN
			RETURN true;
		END IF;
	END LOOP;
	RETURN false;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.doc_exists(v jsonb, path text[])
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT EXISTS (SELECT 1 FROM unnest(mpcloud.reach(v, path)) r
		WHERE r IS NOT NULL)
$$;

CREATE OR REPLACE FUNCTION mpcloud.doc_type(v jsonb, path text[], types jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	item jsonb;
BEGIN
	FOREACH item IN ARRAY mpcloud.tried(v, path) LOOP
		IF jsonb_exists(types, mpcloud.type_of(item)) THEN
			RETURN true;
		END IF;
	END LOOP;
	RETURN false;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.doc_size(v jsonb, path text[], size bigint)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	item jsonb;
BEGIN
	FOREACH item IN ARRAY mpcloud.reach(v, path) LOOP
		IF jsonb_typeof(item) = 'array' THEN
			IF jsonb_array_length(item) = size THEN
				RETURN true;
			END IF;
		END IF;
	END LOOP;
	RETURN false;
END $$;

-- What stands behind the point is cut off, as MongoDB does.
CREATE OR REPLACE FUNCTION mpcloud.doc_mod(v jsonb, path text[], divisor bigint,
	remainder bigint)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	item jsonb;
BEGIN
	FOREACH item IN ARRAY mpcloud.tried(v, path) LOOP
		IF jsonb_typeof(item) = 'number' THEN
			IF mod(trunc(item::numeric), divisor) = remainder THEN
				RETURN true;
			END IF;
		END IF;
	END LOOP;
	RETURN false;
END $$;

-- `stored`: the expression itself, which is found as well.
CREATE OR REPLACE FUNCTION mpcloud.doc_regex(v jsonb, path text[], pattern text,
	stored jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	item jsonb;
BEGIN
	FOREACH item IN ARRAY mpcloud.tried(v, path) LOOP
		CASE jsonb_typeof(item)
		WHEN 'string' THEN
			IF item #>> '{}' ~ pattern THEN
				RETURN true;
			END IF;
		WHEN 'object' THEN
			IF item = stored THEN
				RETURN true;
			END IF;
		ELSE NULL;
		END CASE;
	END LOOP;
	RETURN false;
END $$;

-- The elements of the arrays that a path reaches.
CREATE OR REPLACE FUNCTION mpcloud.elements(v jsonb, path text[])
RETURNS SETOF jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT e FROM unnest(mpcloud.reach(v, path)) r, jsonb_array_elements(
		CASE jsonb_typeof(r) WHEN 'array' THEN r END) e
$$;
