-- What a user's statement was made for must still be so, and what his rules
-- compare.  The rule_… functions are total: no value makes one raise an error,
-- because rules also look at documents that the caller may not see.

CREATE OR REPLACE FUNCTION mpcloud.fresh(env text, name text, version bigint)
RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
	IF EXISTS (SELECT 1 FROM mpcloud.collections c WHERE c.env = $1
			AND c.name = $2 AND c.version = $3) THEN
		RETURN true;
	END IF;
	RAISE EXCEPTION USING ERRCODE = 'MP410',
		MESSAGE = 'the definition of the collection is another now';
END $$;

-- A date is its milliseconds, an ObjectId its text.
CREATE OR REPLACE FUNCTION mpcloud.rule_plain(v jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN jsonb_typeof(v) <> 'object' THEN v
		WHEN jsonb_typeof(v -> '$date') = 'number' THEN v -> '$date'
		WHEN jsonb_typeof(v -> '$oid') = 'string' THEN v -> '$oid'
		ELSE v END
$$;

-- a == b.  Of two that are not there it is not known; NaN equals nothing.
CREATE OR REPLACE FUNCTION mpcloud.rule_eq(a jsonb, b jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN a IS NULL AND b IS NULL THEN NULL
		ELSE coalesce(mpcloud.rule_plain(a) = mpcloud.rule_plain(b)
			AND a <> '{"$numberDouble": "NaN"}', false) END
$$;

CREATE OR REPLACE FUNCTION mpcloud.rule_number(v jsonb)
RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE jsonb_typeof(v) WHEN 'number' THEN v::numeric
		WHEN 'object' THEN CASE v ->> '$numberDouble'
			WHEN 'Infinity' THEN 'Infinity'::numeric
			WHEN '-Infinity' THEN '-Infinity'::numeric END END
$$;

-- -1, 0, 1: numbers and dates by value, texts by their characters; NULL for
-- what has no order.
CREATE OR REPLACE FUNCTION mpcloud.rule_order(a jsonb, b jsonb)
RETURNS integer LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	x jsonb := mpcloud.rule_plain(a);
	y jsonb := mpcloud.rule_plain(b);
	n numeric;
	m numeric;
BEGIN
	IF jsonb_typeof(x) = 'string' AND jsonb_typeof(y) = 'string' THEN
		RETURN CASE WHEN x = y THEN 0
			WHEN (x #>> '{}') COLLATE "C" < (y #>> '{}') THEN -1
			ELSE 1 END;
	END IF;
	n := mpcloud.rule_number(x);
	m := mpcloud.rule_number(y);
	RETURN CASE WHEN n < m THEN -1 WHEN n = m THEN 0 WHEN n > m THEN 1 END;
END $$;

-- if (v): as JavaScript has it.
CREATE OR REPLACE FUNCTION mpcloud.rule_truth(v jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT coalesce(v <> ALL (ARRAY['null', 'false', '0', '""',
		'{"$numberDouble": "NaN"}']::jsonb[]), false)
$$;

-- x in list: of what is no list it is not known; what is not there has nothing.
CREATE OR REPLACE FUNCTION mpcloud.rule_in(x jsonb, list jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF list IS NULL THEN
		RETURN false;
	ELSIF jsonb_typeof(list) <> 'array' THEN
		RETURN NULL;
	END IF;
	RETURN x IS NOT NULL AND EXISTS (SELECT 1
		FROM jsonb_array_elements(list) e WHERE mpcloud.rule_eq(x, e));
END $$;

-- The same of a text that cannot be an ObjectId's.
CREATE OR REPLACE FUNCTION mpcloud.rule_has(list jsonb, x text)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN list IS NULL THEN false
		WHEN jsonb_typeof(list) = 'array' THEN list ? x END
$$;

-- What `${v}` writes; NULL for what no id is made of.
CREATE OR REPLACE FUNCTION mpcloud.rule_text(v jsonb)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE jsonb_typeof(v) WHEN 'string' THEN v #>> '{}'
		WHEN 'number' THEN trim_scale(v::numeric)::text
		WHEN 'object' THEN CASE jsonb_typeof(v -> '$oid')
			WHEN 'string' THEN v ->> '$oid' END END
$$;

-- v[k] with a k that the document says.
CREATE OR REPLACE FUNCTION mpcloud.rule_member(v jsonb, k jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	name text := mpcloud.rule_text(k);
BEGIN
	IF name LIKE '$%' THEN
		RETURN NULL;
	ELSIF jsonb_typeof(v) = 'array' THEN
		RETURN CASE WHEN mpcloud.is_index(name)
			THEN v -> name::integer END;
	END IF;
	RETURN v -> name;
END $$;
