-- Projections.

-- `tree` has the shape of the projection: {"a": true, "b": {"c": true}}.
CREATE OR REPLACE FUNCTION mpcloud.doc_pick(v jsonb, tree jsonb)
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

CREATE OR REPLACE FUNCTION mpcloud.doc_omit(v jsonb, tree jsonb)
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
