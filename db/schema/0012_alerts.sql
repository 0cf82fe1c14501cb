-- Alerts (gateway/alert.h): how each condition stands, and what has to be told
-- about it.  A row comes with the first time its condition holds.

CREATE TABLE mpcloud.alerts (
	env text NOT NULL,
	name text NOT NULL,                 -- of gateway/alert.def
	node text NOT NULL,                 -- the machine, '' for all of them
	severity text NOT NULL,
	holds_since bigint,                 -- NULL: the condition does not hold
	firing_since bigint,                -- NULL: it is not firing
	started_at bigint NOT NULL DEFAULT 0, -- of the last firing
	ended_at bigint,
	value bigint NOT NULL,
	text text NOT NULL,
	notice text CHECK (notice IN ('firing', 'resolved')), -- to be delivered
	notice_at bigint NOT NULL DEFAULT 0,
	told_at bigint NOT NULL DEFAULT 0,
	lease_until bigint NOT NULL DEFAULT 0,
	attempts integer NOT NULL DEFAULT 0,
	failure text,
	PRIMARY KEY (name, node, env)
);

-- What alerts ask for every few seconds.
CREATE INDEX refunds_abnormal ON mpcloud.refunds (updated_at)
	WHERE state = 'ABNORMAL';
CREATE INDEX pay_differences_open ON mpcloud.pay_differences (found_at)
	WHERE settled_at IS NULL;
