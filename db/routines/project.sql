-- Projections.  Objects that are tagged values have no members.

-- `tree` has the shape of the projection: {"a": true, "b": {"c": true}}.
CREATE OR REPLACE FUNCTION mpcloud.doc_pick(v jsonb, tree jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF tree = 'true' THEN
		RETURN v;
	ELSIF mpcloud.is_object(v) THEN
		RETURN (SELECT coalesce(jsonb_object_agg(s.key, s.part), '{}')
			FROM (SELECT t.key, CASE t.value WHEN 'true' THEN v -> t.key
				ELSE mpcloud.doc_pick(v -> t.key, t.value) END AS part
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

CREATE OR REPLACE FUNCTION mpcloud.doc_omit(v jsonb, tree jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF tree = 'true' THEN
		RETURN NULL;
	ELSIF tree IS NULL THEN
		RETURN v;
	ELSIF mpcloud.is_object(v) THEN
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

-- `many` elements of an array after `skip`; a negative skip counts from the
-- end.  Without a skip a negative `many` means the last ones.
CREATE OR REPLACE FUNCTION mpcloud.list_slice(v jsonb, skip bigint, many bigint)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	len bigint := jsonb_array_length(v);
	low bigint := coalesce(skip, CASE WHEN many < 0 THEN many ELSE 0 END);
BEGIN
	IF low < 0 THEN
		low := greatest(len + low, 0);
	END IF;
	RETURN (SELECT coalesce(jsonb_agg(a.e ORDER BY a.n), '[]')
		FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n)
		WHERE a.n > low AND a.n <= low + abs(many));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.doc_slice(v jsonb, path text[], skip bigint,
	many bigint)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	part jsonb := v -> path[1];
BEGIN
	IF jsonb_typeof(v) = 'array' THEN
		RETURN (SELECT coalesce(jsonb_agg(mpcloud.doc_slice(a.e, path, skip,
				many) ORDER BY a.n), '[]')
			FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n));
	ELSIF part IS NULL THEN
		RETURN v;
	ELSIF cardinality(path) > 1 THEN
		part := mpcloud.doc_slice(part, path[2:], skip, many);
	ELSIF jsonb_typeof(part) = 'array' THEN
		part := mpcloud.list_slice(part, skip, many);
	END IF;
	RETURN v || jsonb_build_object(path[1], part);
END $$;

-- A computed field: set in every element of arrays on the way; NULL leaves it
-- out.
CREATE OR REPLACE FUNCTION mpcloud.doc_made(v jsonb, path text[], x jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	whole jsonb := CASE WHEN mpcloud.is_object(v) THEN v ELSE '{}' END;
BEGIN
	IF jsonb_typeof(v) = 'array' THEN
		RETURN (SELECT coalesce(jsonb_agg(mpcloud.doc_made(a.e, path, x)
				ORDER BY a.n), '[]')
			FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n));
	ELSIF x IS NULL THEN
		RETURN v;
	ELSIF cardinality(path) = 1 THEN
		RETURN whole || jsonb_build_object(path[1], x);
	END IF;
	RETURN whole || jsonb_build_object(path[1],
		mpcloud.doc_made(whole -> path[1], path[2:], x));
END $$;

-- The elements of a member, in order.
CREATE OR REPLACE FUNCTION mpcloud.list_at(v jsonb, name text)
RETURNS SETOF jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT e FROM jsonb_array_elements(CASE jsonb_typeof(v -> name)
		WHEN 'array' THEN v -> name END) WITH ORDINALITY a(e, n)
		ORDER BY a.n
$$;
