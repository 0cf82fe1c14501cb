-- $jsonSchema, as db/query_schema.c writes it: types are lists of BSON's names,
-- patterns PostgreSQL's.  A keyword about one type holds for all others.

CREATE OR REPLACE FUNCTION mpcloud.fits_number(n numeric, s jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT (s -> 'minimum' IS NULL
			OR jsonb_typeof(s -> 'minimum') <> 'number'
			OR n > (s -> 'minimum')::numeric
			OR (n = (s -> 'minimum')::numeric
				AND s -> 'exclusiveMinimum' IS DISTINCT FROM 'true'))
		AND (s -> 'maximum' IS NULL
			OR jsonb_typeof(s -> 'maximum') <> 'number'
			OR n < (s -> 'maximum')::numeric
			OR (n = (s -> 'maximum')::numeric
				AND s -> 'exclusiveMaximum' IS DISTINCT FROM 'true'))
		AND (s -> 'multipleOf' IS NULL
			OR jsonb_typeof(s -> 'multipleOf') <> 'number'
			OR s -> 'multipleOf' = '0'
			OR mod(n, (s -> 'multipleOf')::numeric) = 0)
$$;

CREATE OR REPLACE FUNCTION mpcloud.fits_text(t text, s jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT coalesce(length(t) >= (s -> 'minLength')::bigint, true)
		AND coalesce(length(t) <= (s -> 'maxLength')::bigint, true)
		AND coalesce(t ~ (s ->> 'pattern'), true)
$$;

CREATE OR REPLACE FUNCTION mpcloud.fits_array(v jsonb, s jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	len integer := jsonb_array_length(v);
	items jsonb := s -> 'items';
	more jsonb := s -> 'additionalItems';
	heads integer := CASE jsonb_typeof(items)
		WHEN 'array' THEN jsonb_array_length(items) ELSE 0 END;
BEGIN
	IF len < (s -> 'minItems')::bigint OR len > (s -> 'maxItems')::bigint THEN
		RETURN false;
	ELSIF s -> 'uniqueItems' = 'true' AND len <> (SELECT count(DISTINCT e)
			FROM jsonb_array_elements(v) e) THEN
		RETURN false;
	ELSIF jsonb_typeof(items) = 'object' THEN
		RETURN coalesce((SELECT bool_and(mpcloud.fits(e, items))
			FROM jsonb_array_elements(v) e), true);
	ELSIF items IS NULL THEN
		RETURN true;
	ELSIF more = 'false' AND len > heads THEN
		RETURN false;
	END IF;
	RETURN coalesce((SELECT bool_and(mpcloud.fits(a.e, CASE
			WHEN a.n <= heads THEN items -> (a.n - 1)::integer
			WHEN jsonb_typeof(more) = 'object' THEN more
			ELSE '{}' END))
		FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n)), true);
END $$;

-- Members that neither `properties` nor `patternProperties` names.
CREATE OR REPLACE FUNCTION mpcloud.fits_rest(v jsonb, s jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	more jsonb := s -> 'additionalProperties';
BEGIN
	IF more IS NULL OR more = 'true' THEN
		RETURN true;
	END IF;
	RETURN coalesce((SELECT bool_and(more <> 'false'
			AND mpcloud.fits(m.value, more))
		FROM jsonb_each(v) m
		WHERE NOT coalesce(jsonb_exists(s -> 'properties', m.key), false)
			AND NOT EXISTS (SELECT 1 FROM jsonb_object_keys(
				coalesce(s -> 'patternProperties', '{}')) p
				WHERE m.key ~ p)), true);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.fits_object(v jsonb, s jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	count bigint := (SELECT count(*) FROM jsonb_object_keys(v));
BEGIN
	IF count < (s -> 'minProperties')::bigint
			OR count > (s -> 'maxProperties')::bigint THEN
		RETURN false;
	ELSIF EXISTS (SELECT 1 FROM jsonb_array_elements_text(s -> 'required') r
			WHERE NOT jsonb_exists(v, r)) THEN
		RETURN false;
	ELSIF EXISTS (SELECT 1 FROM jsonb_each(s -> 'properties') p
			WHERE jsonb_exists(v, p.key)
				AND NOT mpcloud.fits(v -> p.key, p.value)) THEN
		RETURN false;
	ELSIF EXISTS (SELECT 1 FROM jsonb_each(s -> 'patternProperties') p,
				jsonb_each(v) m
			WHERE m.key ~ p.key
				AND NOT mpcloud.fits(m.value, p.value)) THEN
		RETURN false;
	ELSIF EXISTS (SELECT 1 FROM jsonb_each(s -> 'dependencies') d
			WHERE jsonb_exists(v, d.key) AND NOT CASE
				jsonb_typeof(d.value)
				WHEN 'array' THEN jsonb_exists_all(v, ARRAY(SELECT
					jsonb_array_elements_text(d.value)))
				ELSE mpcloud.fits(v, d.value) END) THEN
		RETURN false;
	END IF;
	RETURN mpcloud.fits_rest(v, s);
END $$;

-- v: not missing.
CREATE OR REPLACE FUNCTION mpcloud.fits(v jsonb, s jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	kind text := mpcloud.type_of(v);
	fits boolean := NOT (s ? 'bsonType')
		OR jsonb_exists(s -> 'bsonType', kind);
BEGIN
	fits := fits AND (NOT (s ? 'type') OR jsonb_exists(s -> 'type', kind));
	IF fits AND s ? 'enum' THEN
		fits := EXISTS (SELECT 1 FROM jsonb_array_elements(s -> 'enum') e
			WHERE e = v);
	END IF;
	IF NOT fits THEN
		RETURN false;
	END IF;
	fits := CASE jsonb_typeof(v)
		WHEN 'number' THEN mpcloud.fits_number(v::numeric, s)
		WHEN 'string' THEN mpcloud.fits_text(v #>> '{}', s)
		WHEN 'array' THEN mpcloud.fits_array(v, s)
		WHEN 'object' THEN kind <> 'object' OR mpcloud.fits_object(v, s)
		ELSE true END;
	IF fits AND s ? 'allOf' THEN
		fits := NOT EXISTS (SELECT 1 FROM jsonb_array_elements(s -> 'allOf') p
			WHERE NOT mpcloud.fits(v, p));
	END IF;
	IF fits AND s ? 'anyOf' THEN
		fits := EXISTS (SELECT 1 FROM jsonb_array_elements(s -> 'anyOf') p
			WHERE mpcloud.fits(v, p));
	END IF;
	IF fits AND s ? 'oneOf' THEN
		fits := 1 = (SELECT count(*) FROM jsonb_array_elements(s -> 'oneOf') p
			WHERE mpcloud.fits(v, p));
	END IF;
	RETURN fits AND (NOT (s ? 'not') OR NOT mpcloud.fits(v, s -> 'not'));
END $$;
