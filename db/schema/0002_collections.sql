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
	state text NOT NULL CHECK (state IN ('building', 'ready', 'failed')),
	error text,
	created_at bigint NOT NULL,
	PRIMARY KEY (env, collection, name),
	FOREIGN KEY (env, collection) REFERENCES mpcloud.collections (env, name)
		ON DELETE CASCADE
);
