-- Collections: a table each, in the schema of its environment.

CREATE OR REPLACE FUNCTION mpcloud.collection_make(env text, name text, sch text,
	tab text, pkey text, now_ms bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	made boolean;
BEGIN
	-- two that make the same schema or table at once: one waits
	PERFORM pg_advisory_xact_lock(hashtextextended('mpcloud ' || sch, 0));
	-- the catalog itself: to_regclass would answer from what this session
	-- remembers, which another's commit meanwhile has not changed yet
	made := NOT EXISTS (SELECT 1 FROM pg_class c
		JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = sch AND c.relname = tab);
	IF made THEN
		EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', sch);
		EXECUTE format('CREATE TABLE %I.%I (_id text COLLATE "C" NOT NULL,'
			' doc jsonb NOT NULL, CONSTRAINT %I PRIMARY KEY (_id),'
			-- what many small changes make of one document
			' CHECK (pg_column_size(doc) <= 16777216'
			' OR octet_length(doc::text) <= 16777216))',
			sch, tab, pkey);
		PERFORM mpcloud.trigger_attach(env, name,
			format('%I.%I', sch, tab)::regclass);
		PERFORM mpcloud.publish_table(sch, tab);
	END IF;
	INSERT INTO mpcloud.collections (env, name, created_at)
		VALUES (env, name, now_ms) ON CONFLICT DO NOTHING;
	RETURN made;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.collection_add(env text, name text, sch text,
	tab text, pkey text, now_ms bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF NOT mpcloud.collection_make(env, name, sch, tab, pkey, now_ms) THEN
		RAISE EXCEPTION USING ERRCODE = 'MP409', MESSAGE = format(
			'[ResourceUnavailable.ResourceExist] Table exist: %s.', name);
	END IF;
	RETURN true;
END $$;

-- With everything that belongs to it.  False: there is none.
CREATE OR REPLACE FUNCTION mpcloud.collection_drop(env text, name text, sch text,
	tab text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	was boolean;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('mpcloud ' || sch, 0));
	EXECUTE format('DROP TABLE IF EXISTS %I.%I', sch, tab);
	DELETE FROM mpcloud.collections c WHERE c.env = $1 AND c.name = $2;
	was := FOUND;
	DELETE FROM mpcloud.slow s WHERE s.env = $1
		AND s.shape ->> 'collection' = $2;
	RETURN was;
END $$;

-- The table of each collection.  Names are made in C (db/coll.c); that of the
-- primary key can be said here as well, and leads to the table.
CREATE OR REPLACE FUNCTION mpcloud.collection_tables(env text)
RETURNS TABLE (name text, rel oid) LANGUAGE sql STABLE AS $$
	SELECT c.name, i.indrelid FROM mpcloud.collections c
		JOIN pg_class p ON p.relname = 'system.' || encode(substr(sha256(
			convert_to(c.name, 'UTF8')), 1, 16), 'hex')
		JOIN pg_namespace n ON n.oid = p.relnamespace
			AND n.nspname = 'env_' || c.env
		JOIN pg_index i ON i.indexrelid = p.oid
		WHERE c.env = $1
$$;

-- Small ones are counted; of large ones PostgreSQL's own estimate is told.
CREATE OR REPLACE FUNCTION mpcloud.collection_list(env text)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	r record;
	list jsonb := '[]';
	n bigint;
	sure boolean;
BEGIN
	FOR r IN SELECT c.name, c.permission, c.created_at, c.rules IS NOT NULL
				AS has_rules, t.rel, p.reltuples,
				pg_total_relation_size(t.rel) AS bytes,
				(SELECT count(*) FROM mpcloud.indexes i
					WHERE i.env = c.env
					AND i.collection = c.name) AS indexes
			FROM mpcloud.collections c
			JOIN mpcloud.collection_tables($1) t ON t.name = c.name
			JOIN pg_class p ON p.oid = t.rel
			WHERE c.env = $1 ORDER BY c.name LOOP
		sure := r.bytes < 50000000;
		n := greatest(r.reltuples, 0);
		IF sure THEN
			EXECUTE format('SELECT count(*) FROM %s', r.rel::regclass)
				INTO n;
		END IF;
		list := list || jsonb_build_object('name', r.name, 'documents', n,
			'estimated', NOT sure, 'bytes', r.bytes, 'permission',
			r.permission, 'rules', r.has_rules, 'indexes',
			r.indexes + 1, 'createdAt', r.created_at);
	END LOOP;
	RETURN list;
END $$;

-- Who may.  What is NULL stays as it is.  False: there is no such collection.
CREATE OR REPLACE FUNCTION mpcloud.collection_set(env text, name text,
	permission text, rules jsonb, shows boolean)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	UPDATE mpcloud.collections c SET
			permission = coalesce($3, c.permission),
			rules = CASE WHEN $3 IS NULL THEN c.rules ELSE $4 END,
			shows_openid = coalesce($5, c.shows_openid),
			version = nextval('mpcloud.catalog_version')
		WHERE c.env = $1 AND c.name = $2;
	RETURN FOUND;
END $$;
