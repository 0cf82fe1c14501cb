-- What watch() needs of the database: a publication with all collections of an
-- environment.  An ordinary owner may make it ("FOR TABLES IN SCHEMA" would
-- need a superuser), so tables are added one by one: what exists by publish,
-- before anybody follows the changes; what comes later where it is made, before
-- anybody can write to it (mpcloud.collection_make).  With them goes the table
-- that says who may read them: a new rule holds from its commit on.

CREATE OR REPLACE FUNCTION mpcloud.publication(sch text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT 'mpcloud_' || CASE WHEN octet_length(sch) <= 55 THEN sch
		ELSE md5(sch) END
$$;

CREATE OR REPLACE FUNCTION mpcloud.is_published(sch text, tab text)
RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (SELECT 1 FROM pg_publication p
		JOIN pg_publication_rel r ON r.prpubid = p.oid
		WHERE p.pubname = mpcloud.publication(sch)
		AND r.prrelid = to_regclass(format('%I.%I', sch, tab)))
$$;

-- The publication's name, with all tables in it.
CREATE OR REPLACE FUNCTION mpcloud.publish(sch text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	pub text := mpcloud.publication(sch);
	r record;
BEGIN
	-- not while a collection is made, which asks whether there is one
	PERFORM pg_advisory_xact_lock(hashtextextended('mpcloud ' || sch, 0));
	IF NOT EXISTS (SELECT 1 FROM pg_publication WHERE pubname = pub) THEN
		EXECUTE format('CREATE PUBLICATION %I', pub);
	END IF;
	FOR r IN SELECT n.nspname, c.relname FROM pg_class c
			JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE (n.nspname = sch AND c.relkind = 'r'
				OR c.oid = 'mpcloud.collections'::regclass)
			AND NOT EXISTS (SELECT 1 FROM pg_publication_rel pr
				JOIN pg_publication p ON p.oid = pr.prpubid
				WHERE p.pubname = pub AND pr.prrelid = c.oid)
			ORDER BY c.relname LOOP
		EXECUTE format('ALTER PUBLICATION %I ADD TABLE %I.%I', pub,
			r.nspname, r.relname);
	END LOOP;
	RETURN pub;
END $$;

-- A table that was just made.  Who may not is told when it is watched.
CREATE OR REPLACE FUNCTION mpcloud.publish_table(sch text, tab text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	pub text := mpcloud.publication(sch);
BEGIN
	IF EXISTS (SELECT 1 FROM pg_publication WHERE pubname = pub) THEN
		EXECUTE format('ALTER PUBLICATION %I ADD TABLE %I.%I', pub, sch,
			tab);
	END IF;
EXCEPTION WHEN insufficient_privilege THEN
	NULL;
END $$;
