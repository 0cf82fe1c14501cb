-- Calls that nobody waits for; see trigger/queue.h.  Every time is milliseconds
-- since 1970 and comes as a parameter, but for rows that a document's change
-- puts here: those have created_at 0 until a gateway takes them up.

CREATE TABLE mpcloud.queue (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	env text NOT NULL,
	kind text NOT NULL CHECK (kind IN
		('async', 'timer', 'document', 'file', 'login', 'pay')),
	function text NOT NULL,
	qualifier text NOT NULL DEFAULT '',
	event text NOT NULL,                -- JSON, byte by byte as it was sent
	caller jsonb NOT NULL DEFAULT '{}', -- uid, openid, unionid, appid, source
	depth integer NOT NULL DEFAULT 0,   -- triggers that led here
	request_id text NOT NULL,
	key text,
	state text NOT NULL DEFAULT 'waiting' CHECK (state IN
		('waiting', 'running', 'done', 'dead')),
	run_at bigint NOT NULL,             -- not before
	attempts integer NOT NULL DEFAULT 0,
	failed integer NOT NULL DEFAULT 0,  -- of those: by the function's fault
	lost integer NOT NULL DEFAULT 0,    -- of those: with their gateway
	retries integer,                    -- NULL: the function's own
	missing_at bigint,                  -- since when there is no such function
	claim bigint,                       -- whose attempt it is
	lease_until bigint,
	owner text,
	created_at bigint NOT NULL,
	done_at bigint,
	last_error text
);
-- What is done is in none of these but the last: claiming costs the same
-- however much has been done.
CREATE INDEX queue_waiting ON mpcloud.queue (env, function, run_at, id)
	WHERE state = 'waiting';
CREATE INDEX queue_running ON mpcloud.queue (env, lease_until)
	WHERE state = 'running';
CREATE INDEX queue_user ON mpcloud.queue (env, (caller ->> 'uid'))
	WHERE state IN ('waiting', 'running') AND kind = 'async';
CREATE UNIQUE INDEX queue_key ON mpcloud.queue (env, function, key)
	WHERE key IS NOT NULL;
CREATE INDEX queue_ended ON mpcloud.queue (env, state, done_at)
	WHERE state IN ('done', 'dead');

CREATE TABLE mpcloud.attempts (
	queue bigint NOT NULL REFERENCES mpcloud.queue (id) ON DELETE CASCADE,
	n integer NOT NULL,
	node text NOT NULL,
	gateway integer NOT NULL,
	request_id text NOT NULL,
	version integer,                    -- that was called
	begun_at bigint NOT NULL,
	ended_at bigint,
	outcome text CHECK (outcome IN ('done', 'failed', 'lost')),
	error text,
	PRIMARY KEY (queue, n)
);

-- What the versions that answer declare, as functions/package_triggers.h
-- writes it.
CREATE TABLE mpcloud.triggers (
	env text NOT NULL,
	function text NOT NULL,
	name text NOT NULL,
	type text NOT NULL,
	spec jsonb NOT NULL,
	PRIMARY KEY (env, function, name)
);
CREATE INDEX triggers_type ON mpcloud.triggers (env, type,
	(spec ->> 'collection'));
