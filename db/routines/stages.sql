-- Stages of pipelines.  Documents are jsonb with their _id; SQL's NULL is what
-- is missing.

-- Fields that a projection names, {"b": true, "c": {"d": true}}, below a value.
CREATE OR REPLACE FUNCTION mpcloud.stage_pick(v jsonb, tree jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF tree = 'true' THEN
		RETURN v;
	ELSIF jsonb_typeof(v) = 'array' THEN
		RETURN coalesce((SELECT jsonb_agg(s.part ORDER BY s.n) FROM (
			SELECT a.n, mpcloud.stage_pick(a.e, tree) AS part
			FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n)) s
			WHERE s.part IS NOT NULL), '[]');
	ELSIF mpcloud.is_object(v) THEN
		RETURN coalesce((SELECT jsonb_object_agg(s.key, s.part) FROM (
			SELECT t.key, mpcloud.stage_pick(v -> t.key, t.value) AS part
			FROM jsonb_each(tree) t) s WHERE s.part IS NOT NULL), '{}');
	END IF;
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.stage_omit(v jsonb, tree jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF tree = 'true' THEN
		RETURN NULL;
	ELSIF tree IS NULL THEN
		RETURN v;
	ELSIF jsonb_typeof(v) = 'array' THEN
		RETURN coalesce((SELECT jsonb_agg(mpcloud.stage_omit(a.e, tree)
			ORDER BY a.n)
			FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n)), '[]');
	ELSIF mpcloud.is_object(v) THEN
		RETURN coalesce((SELECT jsonb_object_agg(s.key, s.part) FROM (
			SELECT o.key, mpcloud.stage_omit(o.value, tree -> o.key) AS part
			FROM jsonb_each(v) o) s WHERE s.part IS NOT NULL), '{}');
	END IF;
	RETURN v;
END $$;

-- `x` at a path, in each element of arrays on the way; what is no object there
-- becomes one.  A missing x removes.
CREATE OR REPLACE FUNCTION mpcloud.stage_put(v jsonb, path text[], x jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	part jsonb;
BEGIN
	IF path = '{}' THEN
		RETURN x;
	ELSIF jsonb_typeof(v) = 'array' THEN
		RETURN coalesce((SELECT jsonb_agg(mpcloud.stage_put(a.e, path, x)
			ORDER BY a.n)
			FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n)), '[]');
	ELSIF NOT mpcloud.is_object(v) THEN
		v := '{}';
	END IF;
	part := mpcloud.stage_put(v -> path[1], path[2:], x);
	IF part IS NULL THEN
		RETURN v - path[1];
	END IF;
	RETURN v || jsonb_build_object(path[1], part);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.stage_set(v jsonb, path jsonb, x jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN mpcloud.stage_put(v, ARRAY(SELECT jsonb_array_elements_text(path)), x);
END $$;

-- What is not there stays away: #- would raise an error at an array.
CREATE OR REPLACE FUNCTION mpcloud.stage_remove(v jsonb, path text[])
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN CASE WHEN v #> path IS NULL THEN v ELSE v #- path END;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.stage_root(v jsonb, what text)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF NOT mpcloud.is_object(v) THEN
		RETURN mpcloud.refuse(format('''%s'' expression must evaluate to an '
			'object, but resulting value was: %s. Type of resulting value: '
			'''%s''.', what, left(coalesce(v::text, 'MISSING'), 60),
			mpcloud.type_of(v)));
	END IF;
	RETURN v;
END $$;

-- $unwind: the elements and their places; what is no array is its own element.
CREATE OR REPLACE FUNCTION mpcloud.stage_unwind(a jsonb, keeps boolean)
RETURNS TABLE (v jsonb, i bigint) LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF jsonb_typeof(a) = 'array' THEN
		RETURN QUERY SELECT e.e, e.n - 1
			FROM jsonb_array_elements(a) WITH ORDINALITY e(e, n);
	ELSIF a <> 'null' OR (keeps AND a IS NOT NULL) THEN
		v := a;
		RETURN NEXT;
	END IF;
END $$;

-- $group: what a value is to a sum.  Inlined.
CREATE OR REPLACE FUNCTION mpcloud.is_int(v jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN jsonb_typeof(v) = 'number' THEN scale(v::numeric) = 0
		ELSE false END
$$;

CREATE OR REPLACE FUNCTION mpcloud.to_double(v jsonb)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE jsonb_typeof(v) WHEN 'number' THEN v::float8
		WHEN 'object' THEN mpcloud.float_of(v) END
$$;

CREATE OR REPLACE FUNCTION mpcloud.is_num(v jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE jsonb_typeof(v) WHEN 'number' THEN true
		WHEN 'object' THEN mpcloud.float_of(v) IS NOT NULL ELSE false END
$$;

-- The order of values of all types, as aggregates.
CREATE OR REPLACE FUNCTION mpcloud.lesser(a jsonb, b jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
BEGIN
	RETURN CASE WHEN mpcloud.value_cmp(b, a) < 0 THEN b ELSE a END;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.greater(a jsonb, b jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
BEGIN
	RETURN CASE WHEN mpcloud.value_cmp(b, a) > 0 THEN b ELSE a END;
END $$;

CREATE OR REPLACE AGGREGATE mpcloud.least(jsonb) (SFUNC = mpcloud.lesser,
	STYPE = jsonb, COMBINEFUNC = mpcloud.lesser, PARALLEL = SAFE);
CREATE OR REPLACE AGGREGATE mpcloud.greatest(jsonb) (SFUNC = mpcloud.greater,
	STYPE = jsonb, COMBINEFUNC = mpcloud.greater, PARALLEL = SAFE);
CREATE OR REPLACE AGGREGATE mpcloud.merged(jsonb) (SFUNC = jsonb_concat,
	STYPE = jsonb, INITCOND = '{}');

-- The least of all numbers and the least of all other values.
CREATE OR REPLACE FUNCTION mpcloud.lesser_of(n numeric, v jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN CASE WHEN n IS NULL THEN coalesce(v, 'null')
		WHEN v IS NULL THEN to_jsonb(n)
		ELSE mpcloud.lesser(to_jsonb(n), v) END;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.greater_of(n numeric, v jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN CASE WHEN n IS NULL THEN coalesce(v, 'null')
		WHEN v IS NULL THEN to_jsonb(n)
		ELSE mpcloud.greater(to_jsonb(n), v) END;
END $$;

-- $bucket: the boundaries, checked.
CREATE OR REPLACE FUNCTION mpcloud.stage_bounds(list jsonb, other jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	a jsonb;
	b jsonb;
BEGIN
	FOR i IN 0 .. jsonb_array_length(list) - 2 LOOP
		a := list -> i;
		b := list -> i + 1;
		IF trunc((mpcloud.key(a) -> 0)::numeric)
				<> trunc((mpcloud.key(b) -> 0)::numeric) THEN
			RETURN mpcloud.refuse(format('All values in the ''boundaries'' '
				'option to $bucket must have the same type. Found '
				'conflicting types %s and %s.', mpcloud.type_of(a),
				mpcloud.type_of(b)));
		ELSIF mpcloud.value_cmp(a, b) >= 0 THEN
			RETURN mpcloud.refuse(format('The ''boundaries'' option to '
				'$bucket must be sorted, but elements %s and %s are not '
				'in ascending order (%s is not less than %s).', i, i + 1,
				a, b));
		END IF;
	END LOOP;
	IF other IS NOT NULL AND mpcloud.value_cmp(other, list -> 0) >= 0
			AND mpcloud.value_cmp(other, list -> -1) < 0 THEN
		RETURN mpcloud.refuse('The $bucket ''default'' field must be less than '
			'the lowest boundary or greater than or equal to the highest '
			'boundary.');
	END IF;
	RETURN list;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.stage_bucket(v jsonb, list jsonb, other jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	low integer := 0;
	high integer := jsonb_array_length(list) - 1;
	mid integer;
BEGIN
	IF v IS NULL OR mpcloud.value_cmp(v, list -> 0) < 0
			OR mpcloud.value_cmp(v, list -> high) >= 0 THEN
		RETURN coalesce(other, mpcloud.refuse('$switch could not find a '
			'matching branch for an input, and no default was specified: '
			'give the $bucket a default'));
	END IF;
	WHILE high - low > 1 LOOP
		mid := (low + high) / 2;
		IF mpcloud.value_cmp(v, list -> mid) < 0 THEN
			high := mid;
		ELSE
			low := mid;
		END IF;
	END LOOP;
	RETURN list -> low;
END $$;

-- $bucketAuto: how many documents each value has, in order → the bucket of
-- each.  A bucket takes its share and the rest of its last value.
CREATE OR REPLACE FUNCTION mpcloud.stage_cuts(counts bigint[], buckets bigint)
RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	share bigint := greatest(1, floor((SELECT sum(c) FROM unnest(counts) c)
		/ buckets + 0.5)::bigint);
	cuts bigint[] := '{}';
	bucket bigint := 1;
	full_of bigint := 0;
	c bigint;
BEGIN
	FOREACH c IN ARRAY counts LOOP
		IF full_of >= share AND bucket < buckets THEN
			bucket := bucket + 1;
			full_of := 0;
		END IF;
		full_of := full_of + c;
		cuts := cuts || bucket;
	END LOOP;
	RETURN cuts;
END $$;

-- $lookup: the key of a value in column _id (db/value_key.c).
CREATE OR REPLACE FUNCTION mpcloud.id_json(v jsonb)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	CASE jsonb_typeof(v)
	WHEN 'number' THEN
		IF v::numeric = trunc(v::numeric) AND abs(v::numeric) < 9.2e18 THEN
			RETURN trunc(v::numeric)::text;
		END IF;
		RETURN v::text;
	WHEN 'array' THEN
		RETURN '[' || coalesce((SELECT string_agg(mpcloud.id_json(a.e), ','
			ORDER BY a.n)
			FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n)), '') || ']';
	WHEN 'object' THEN
		RETURN '{' || coalesce((SELECT string_agg(to_jsonb(o.key)::text || ':'
			|| mpcloud.id_json(o.value), ',' ORDER BY o.key COLLATE "C")
			FROM jsonb_each(v) o), '') || '}';
	ELSE RETURN v::text;
	END CASE;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.id_key(v jsonb)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF jsonb_typeof(v) = 'string' THEN
		RETURN v #>> '{}';
	ELSIF v IS NULL THEN
		RETURN NULL;
	ELSIF jsonb_typeof(v) = 'object' AND v ? '$oid' THEN
		RETURN v ->> '$oid';
	END IF;
	RETURN chr(1) || mpcloud.id_json(v);
END $$;

-- The values of a row that are looked up: of arrays their elements; what is
-- missing is null.
CREATE OR REPLACE FUNCTION mpcloud.lookup_values(v jsonb, path text[])
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	x jsonb := v -> path[1];
BEGIN
	IF cardinality(path) = 1 AND jsonb_typeof(x) IS DISTINCT FROM 'array' THEN
		RETURN jsonb_build_array(x);
	END IF;
	RETURN coalesce((SELECT jsonb_agg(DISTINCT coalesce(e.e, 'null'))
		FROM unnest(mpcloud.reach(v, path)) r, LATERAL (
			SELECT a FROM jsonb_array_elements(CASE jsonb_typeof(r)
				WHEN 'array' THEN r ELSE jsonb_build_array(r) END) a) e(e)),
		'[]');
END $$;

CREATE OR REPLACE FUNCTION mpcloud.lookup_ids(list jsonb)
RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN ARRAY(SELECT mpcloud.id_key(e) FROM jsonb_array_elements(list) e);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.lookup_keys(list jsonb)
RETURNS jsonb[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN ARRAY(SELECT mpcloud.key(e) FROM jsonb_array_elements(list) e);
END $$;

-- All values by which a document can be found at a path.
CREATE OR REPLACE FUNCTION mpcloud.lookup_all(v jsonb, path text[])
RETURNS jsonb[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	x jsonb := v -> path[1];
BEGIN
	IF cardinality(path) = 1 AND jsonb_typeof(x) IS DISTINCT FROM 'array' THEN
		RETURN ARRAY[coalesce(x, 'null')];
	END IF;
	RETURN ARRAY(SELECT DISTINCT coalesce(t, 'null')
		FROM unnest(mpcloud.tried(v, path)) t);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.lookup_hit(v jsonb, path text[], list jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	x jsonb;
BEGIN
	FOREACH x IN ARRAY mpcloud.lookup_all(v, path) LOOP
		IF jsonb_typeof(x) IN ('object', 'array') THEN
			IF EXISTS (SELECT 1 FROM jsonb_array_elements(list) e
					WHERE e = x) THEN
				RETURN true;
			END IF;
		ELSIF list @> x THEN
			RETURN true;
		END IF;
	END LOOP;
	RETURN false;
END $$;

-- $graphLookup: values to begin and to go on with; what is missing is none.
CREATE OR REPLACE FUNCTION mpcloud.graph_start(v jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN CASE WHEN v IS NULL THEN '[]' WHEN jsonb_typeof(v) = 'array' THEN v
		ELSE jsonb_build_array(v) END;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.graph_values(v jsonb, path text[])
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN mpcloud.graph_start(mpcloud.path_get(v, path));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.graph_next(lists jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN coalesce((SELECT jsonb_agg(DISTINCT e)
		FROM jsonb_array_elements(lists) l, jsonb_array_elements(l) e), '[]');
END $$;

-- $redact: the objects right below a value, those in arrays too.
CREATE OR REPLACE FUNCTION mpcloud.stage_below(x jsonb)
RETURNS TABLE (path text[], v jsonb) LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF jsonb_typeof(x) = 'array' THEN
		RETURN QUERY SELECT ARRAY[(a.n - 1)::text] || coalesce(b.path, '{}'),
				coalesce(b.v, a.e)
			FROM jsonb_array_elements(x) WITH ORDINALITY a(e, n)
			LEFT JOIN LATERAL mpcloud.stage_below(CASE jsonb_typeof(a.e)
				WHEN 'array' THEN a.e ELSE '[]' END) b ON TRUE
			WHERE mpcloud.is_object(a.e) OR b.path IS NOT NULL
			ORDER BY a.n;
	ELSE
		RETURN QUERY SELECT ARRAY[o.key] || coalesce(b.path, '{}'),
				coalesce(b.v, o.value)
			FROM jsonb_each(x) o
			LEFT JOIN LATERAL mpcloud.stage_below(CASE jsonb_typeof(o.value)
				WHEN 'array' THEN o.value ELSE '[]' END) b ON TRUE
			WHERE mpcloud.is_object(o.value) OR b.path IS NOT NULL;
	END IF;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.stage_verdict(v jsonb)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
BEGIN
	IF v IS NULL OR v NOT IN ('"descend"', '"prune"', '"keep"') THEN
		PERFORM mpcloud.refuse('$redact''s expression should not return '
			'anything aside from the variables $$KEEP, $$DESCEND, and '
			'$$PRUNE, but returned ' || left(coalesce(v, 'null')::text, 60));
	END IF;
	RETURN v #>> '{}';
END $body$;

-- From the last to the first, so that places in arrays stay what they were.
CREATE OR REPLACE FUNCTION mpcloud.stage_cut(v jsonb, cuts jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	FOR i IN REVERSE jsonb_array_length(cuts) - 1 .. 0 LOOP
		v := v #- ARRAY(SELECT jsonb_array_elements_text(cuts -> i));
	END LOOP;
	RETURN v;
END $$;

-- An id for a document that a pipeline made without one.
CREATE OR REPLACE FUNCTION mpcloud.stage_id(now_ms bigint)
RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT lpad(to_hex(now_ms / 1000), 8, '0')
		|| left(replace(gen_random_uuid()::text, '-', ''), 24)
$$;

-- $out (matched: 'out') and $merge.  True when done.
CREATE OR REPLACE FUNCTION mpcloud.stage_out(env text, name text, sch text, tab text,
	pkey text, now_ms bigint, matched text, missing text, docs jsonb[])
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	doc jsonb;
	k text;
	into_table text := format('%I.%I', sch, tab);
	old jsonb;
BEGIN
	PERFORM mpcloud.collection_make(env, name, sch, tab, pkey, now_ms);
	IF matched = 'out' THEN
		-- what is there again is changed, if at all: that is what its
		-- triggers hear
		EXECUTE format('DELETE FROM %s WHERE _id <> ALL ($1)', into_table)
			USING ARRAY(SELECT mpcloud.id_key(d -> '_id')
				FROM unnest(docs) d
				WHERE mpcloud.id_key(d -> '_id') IS NOT NULL);
	END IF;
	FOREACH doc IN ARRAY coalesce(docs, '{}') LOOP
		IF jsonb_typeof(doc -> '_id') = 'array' THEN
			PERFORM mpcloud.refuse('an _id cannot be an array');
		END IF;
		k := coalesce(mpcloud.id_key(doc -> '_id'), mpcloud.stage_id(now_ms));
		IF jsonb_typeof(doc -> '_id') = 'string' THEN
			doc := doc - '_id';
		END IF;
		IF matched <> 'out' THEN
			EXECUTE format('SELECT doc FROM %s WHERE _id = $1 FOR UPDATE',
				into_table) INTO old USING k;
			IF old IS NULL AND missing = 'fail' THEN
				PERFORM mpcloud.refuse('$merge could not find a matching '
					'document in the target collection for at least one '
					'document in the source collection');
			ELSIF old IS NOT NULL AND matched = 'fail' THEN
				RAISE EXCEPTION USING ERRCODE = 'unique_violation',
					MESSAGE = '$merge: a document with this _id exists';
			END IF;
			IF old IS NULL AND missing = 'discard'
					OR old IS NOT NULL AND matched = 'keepExisting' THEN
				CONTINUE;
			ELSIF matched = 'merge' THEN
				doc := coalesce(old, '{}') || doc;
			END IF;
		END IF;
		EXECUTE format('INSERT INTO %s AS t (_id, doc) VALUES ($1, $2) '
			'ON CONFLICT (_id) DO UPDATE SET doc = excluded.doc '
			'WHERE t.doc::text <> excluded.doc::text', into_table)
			USING k, doc;
	END LOOP;
	RETURN true;
END $$;

-- $indexStats, $collStats.
CREATE OR REPLACE FUNCTION mpcloud.stage_index(i jsonb, sch text, pkey text)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT (i - 'relation') || jsonb_build_object('accesses', jsonb_build_object(
		'ops', coalesce((SELECT s.idx_scan FROM pg_stat_user_indexes s
			WHERE s.schemaname = sch
			AND s.indexrelname = coalesce(i ->> 'relation', pkey)), 0)))
$$;

CREATE OR REPLACE FUNCTION mpcloud.stage_coll_stats(env text, name text, sch text,
	tab text, n bigint)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('ns', env || '.' || name, 'count', n,
		'storageStats', jsonb_build_object('count', n,
			'size', pg_table_size(format('%I.%I', sch, tab)::regclass),
			'storageSize', pg_table_size(format('%I.%I', sch, tab)::regclass),
			'totalIndexSize', pg_indexes_size(format('%I.%I', sch, tab)::regclass),
			'totalSize', pg_total_relation_size(
				format('%I.%I', sch, tab)::regclass),
			'nindexes', (SELECT count(*) FROM pg_indexes
				WHERE schemaname = sch AND tablename = tab)))
$$;
