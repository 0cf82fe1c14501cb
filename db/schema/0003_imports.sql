-- What `mpcloud db import` has brought in so far.  A part is noted in the same
-- statement that writes its documents, so that an import which was interrupted
-- goes on without a document lost or doubled; the rows go when it is complete.

CREATE TABLE mpcloud.imports (
	id text PRIMARY KEY,
	env text NOT NULL,
	collection text NOT NULL,
	source text NOT NULL,               -- the file, for who looks here
	started_at bigint NOT NULL,
	FOREIGN KEY (env, collection) REFERENCES mpcloud.collections (env, name)
		ON DELETE CASCADE
);
CREATE INDEX imports_collection ON mpcloud.imports (env, collection);

-- Bytes `first` up to `last` of the file, and what they were.
CREATE TABLE mpcloud.import_parts (
	import text NOT NULL REFERENCES mpcloud.imports (id) ON DELETE CASCADE,
	first bigint NOT NULL,
	last bigint NOT NULL,
	documents bigint NOT NULL,
	digest text NOT NULL,
	PRIMARY KEY (import, first)
);
