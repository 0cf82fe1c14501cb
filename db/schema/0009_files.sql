-- Stored files (storage/).

-- A path's row.  `content` names the bytes, under a name that is never used twice;
-- several rows may name one content (a copy copies no bytes).
CREATE TABLE mpcloud.files (
	env text NOT NULL,
	path text COLLATE "C" NOT NULL,
	content text NOT NULL,
	place text NOT NULL,                -- disk, s3: where the content is
	size bigint NOT NULL,
	md5 text NOT NULL,                  -- hex
	sha256 text NOT NULL,               -- hex
	type text NOT NULL,
	owner text NOT NULL DEFAULT '',     -- openid, or uid of one without; '': nobody
	cache_control text,
	disposition text,
	meta jsonb,
	class text NOT NULL DEFAULT 'standard', -- archive: not to be read
	state text NOT NULL DEFAULT 'ok',   -- pending: its content is being checked
	created_at bigint NOT NULL,
	changed_at bigint NOT NULL,
	expires_at bigint,
	told boolean NOT NULL DEFAULT true, -- triggers heard that it exists
	PRIMARY KEY (env, path)
);
CREATE INDEX files_content ON mpcloud.files (content);
CREATE INDEX files_owner ON mpcloud.files (owner, path) WHERE owner <> '';
CREATE INDEX files_expires ON mpcloud.files (expires_at)
	WHERE expires_at IS NOT NULL;
CREATE INDEX files_pending ON mpcloud.files (changed_at) WHERE state = 'pending';

-- Contents that lost a row, put in by the transaction that took it: removed after
-- its commit, when no row names them any more.
CREATE TABLE mpcloud.file_gone (
	content text PRIMARY KEY,
	place text NOT NULL,
	gone_at bigint NOT NULL
);

-- What the content check refused is removed; for a day its uploader is told so.
CREATE TABLE mpcloud.file_refused (
	env text NOT NULL,
	path text COLLATE "C" NOT NULL,
	uploader text NOT NULL,
	reason text NOT NULL,
	refused_at bigint NOT NULL,
	PRIMARY KEY (env, path)
);

-- 'check': of a content, by a function that must answer {pass: true} or
-- {pass: false}.
ALTER TABLE mpcloud.queue DROP CONSTRAINT queue_kind_check;
ALTER TABLE mpcloud.queue ADD CONSTRAINT queue_kind_check CHECK (kind IN
	('async', 'timer', 'document', 'file', 'login', 'pay', 'cloudpay', 'push',
	'check'));

-- What each user's files come to.
CREATE TABLE mpcloud.file_usage (
	owner text NOT NULL,
	env text NOT NULL,
	bytes bigint NOT NULL DEFAULT 0,
	files bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (owner, env)
);

-- What all files come to: the sum of the lanes.  A gateway writes in a lane of its
-- own.  `room`: how much this lane may still take under the quota `room_of`
-- without asking the others.
CREATE TABLE mpcloud.file_total (
	env text NOT NULL,
	lane integer NOT NULL,
	bytes bigint NOT NULL DEFAULT 0,
	files bigint NOT NULL DEFAULT 0,
	room bigint NOT NULL DEFAULT 0,
	room_of bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (env, lane)
);

-- Who may: storage/file_rule.h.  No row: PRIVATE.
CREATE TABLE mpcloud.file_rules (
	env text PRIMARY KEY,
	permission text NOT NULL,
	rules jsonb,
	lifecycle jsonb,
	version bigint NOT NULL,
	changed_at bigint NOT NULL
);

-- Uploads in parts: storage/resume.h.
CREATE TABLE mpcloud.file_uploads (
	id text PRIMARY KEY,
	env text NOT NULL,
	path text COLLATE "C" NOT NULL,
	owner text NOT NULL,                -- whose the file becomes
	asker text NOT NULL,                -- who may go on with it; '': admins
	size bigint,                        -- announced, or NULL
	type text NOT NULL,
	cache_control text,
	disposition text,
	fresh boolean NOT NULL,
	expires_at bigint,
	created_at bigint NOT NULL,
	touched_at bigint NOT NULL
);
CREATE INDEX file_uploads_touched ON mpcloud.file_uploads (touched_at);
CREATE TABLE mpcloud.file_parts (
	upload text NOT NULL REFERENCES mpcloud.file_uploads (id) ON DELETE CASCADE,
	start bigint NOT NULL,
	size bigint NOT NULL,
	md5 text NOT NULL,
	name text NOT NULL UNIQUE,          -- of its bytes, in uploads/
	PRIMARY KEY (upload, start)
);

-- Work that one gateway does for all.
CREATE TABLE mpcloud.file_leases (
	name text PRIMARY KEY,
	holder text NOT NULL,
	until_ms bigint NOT NULL,
	state jsonb
);
