-- What a collection is besides its table: who may, and its indexes.  `version`
-- changes with every change of either; see db/catalog.h.

CREATE SEQUENCE mpcloud.catalog_version;

ALTER TABLE mpcloud.collections
	DROP CONSTRAINT collections_permission_check,
	ADD CHECK (permission IN ('READONLY', 'PRIVATE', 'ADMINWRITE',
		'ADMINONLY', 'CUSTOM')),
	ADD version bigint NOT NULL
		DEFAULT nextval('mpcloud.catalog_version'),
	ADD rules jsonb,                    -- of CUSTOM
	ADD shows_openid boolean NOT NULL DEFAULT false;
CREATE INDEX collections_version ON mpcloud.collections (version);

CREATE TABLE mpcloud.indexes (
	env text NOT NULL,
	collection text NOT NULL,
	name text NOT NULL,
	definition jsonb NOT NULL,          -- see db/index.h
	relation text NOT NULL,             -- PostgreSQL's name of it
	make text[] NOT NULL,               -- statements that build it
	unmake text[] NOT NULL,             -- and that drop it
	expire text,                        -- of TTL: removes documents
	state text NOT NULL CHECK (state IN
		('building', 'ready', 'failed', 'dropping')),
	error text,
	created_at bigint NOT NULL,
	PRIMARY KEY (env, collection, name),
	FOREIGN KEY (env, collection) REFERENCES mpcloud.collections (env, name)
		ON DELETE CASCADE
);

-- Slow statements by their shape; see db/slow.h.
CREATE TABLE mpcloud.slow (
	env text NOT NULL,
	hash text NOT NULL,
	shape jsonb NOT NULL,
	times bigint NOT NULL,
	total_ms bigint NOT NULL,
	top_ms bigint NOT NULL,
	top_rows bigint NOT NULL,
	first_at bigint NOT NULL,
	last_at bigint NOT NULL,
	PRIMARY KEY (env, hash)
);
