-- When each timer runs next; see trigger/timer.h.  The timers themselves are
-- rows of mpcloud.triggers: what stands here is what they have come to.  Times
-- are milliseconds since 1970.

CREATE TABLE mpcloud.timers (
	env text NOT NULL,
	function text NOT NULL,
	name text NOT NULL,
	expression text NOT NULL,
	zone text NOT NULL,
	next_at bigint,              -- NULL: never again
	last_at bigint,              -- for when the last run was planned
	last_run bigint,             -- mpcloud.queue.id
	seq bigint NOT NULL DEFAULT 0, -- runs so far
	missed bigint NOT NULL DEFAULT 0, -- times that were passed over
	error text,                  -- why it does not run
	PRIMARY KEY (env, function, name)
);
CREATE INDEX timers_next ON mpcloud.timers (env, next_at);
