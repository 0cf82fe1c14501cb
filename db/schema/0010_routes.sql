-- The routes that an environment's project declares: its routes.json as it was
-- deployed, and which copy of each static folder it speaks of (a name in
-- state_dir/sites of every machine it was deployed on).  One row an
-- environment; a gateway reads it whole.

CREATE TABLE mpcloud.routes (
	env text PRIMARY KEY,
	version bigint NOT NULL,
	file json NOT NULL,  -- json, not jsonb: the author's order
	sites json NOT NULL, -- {"dist": "dist-3f2a…"}
	at bigint NOT NULL   -- ms since 1970
);
