-- Collections: a table each, in the schema of its environment.

CREATE OR REPLACE FUNCTION mpcloud.collection_make(env text, name text, sch text,
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

CREATE OR REPLACE FUNCTION mpcloud.collection_permit(env text, name text,
	sch text, tab text, pkey text, now_ms bigint, permission text,
	rules jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	made boolean := mpcloud.collection_make(env, name, sch, tab, pkey, now_ms);
BEGIN
	UPDATE mpcloud.collections c SET permission = $7, rules = $8,
			version = nextval('mpcloud.catalog_version')
		WHERE c.env = $1 AND c.name = $2;
	RETURN made;
END $$;
