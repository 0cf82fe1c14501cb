-- Stored files: what changes a row, in one transaction with its usage, its old
-- content's end and its triggers.  Rows are locked in this order: files by path, the
-- owner's usage, the lane of the total.

-- `bytes` and `files` more or less for an owner.  NULL: it is written; else which
-- quota has no room for it ('user_quota', 'total_quota'), and nothing is.  Of the
-- total each lane holds a share to use up alone; when it is used up, all lanes are
-- locked and what is left is shared out anew, so the sum never exceeds the quota.
CREATE OR REPLACE FUNCTION mpcloud.file_charge(env text, owner text, bytes bigint,
	files bigint, user_quota bigint, total_quota bigint, lane integer)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	has bigint;
	free bigint;
	lanes integer;
BEGIN
	IF owner <> '' THEN
		SELECT u.bytes INTO has FROM mpcloud.file_usage u
			WHERE u.owner = $2 AND u.env = $1 FOR UPDATE;
		IF NOT FOUND THEN
			INSERT INTO mpcloud.file_usage (owner, env) VALUES ($2, $1)
				ON CONFLICT DO NOTHING;
			SELECT u.bytes INTO has FROM mpcloud.file_usage u
				WHERE u.owner = $2 AND u.env = $1 FOR UPDATE;
		END IF;
		IF user_quota > 0 AND bytes > 0 AND has + bytes > user_quota THEN
			RETURN 'user_quota';
		END IF;
	END IF;
	UPDATE mpcloud.file_total t SET bytes = t.bytes + $3,
			files = t.files + $4, room = t.room - $3
		WHERE t.env = $1 AND t.lane = $7 AND (total_quota = 0 OR $3 <= 0
			OR (t.room_of = total_quota AND t.room >= $3));
	IF NOT FOUND THEN
		-- lane -1 counts nothing: who holds it sees all lanes there are
		INSERT INTO mpcloud.file_total (env, lane) VALUES ($1, -1)
			ON CONFLICT DO NOTHING;
		PERFORM FROM mpcloud.file_total t WHERE t.env = $1
			AND t.lane = -1 FOR UPDATE;
		INSERT INTO mpcloud.file_total (env, lane) VALUES ($1, $7)
			ON CONFLICT DO NOTHING;
		PERFORM FROM mpcloud.file_total t WHERE t.env = $1
			ORDER BY t.lane FOR UPDATE;
		SELECT total_quota - sum(t.bytes), count(*) - 1 INTO free, lanes
			FROM mpcloud.file_total t WHERE t.env = $1;
		IF total_quota > 0 AND $3 > 0 AND free < $3 THEN
			RETURN 'total_quota';
		END IF;
		UPDATE mpcloud.file_total t SET
				bytes = t.bytes + CASE WHEN t.lane = $7 THEN $3 ELSE 0 END,
				files = t.files + CASE WHEN t.lane = $7 THEN $4 ELSE 0 END,
				room = greatest(free - $3, 0) / lanes,
				room_of = total_quota
			WHERE t.env = $1 AND t.lane >= 0;
	END IF;
	IF owner <> '' THEN
		UPDATE mpcloud.file_usage u SET bytes = u.bytes + $3,
			files = u.files + $4 WHERE u.owner = $2 AND u.env = $1;
	END IF;
	RETURN NULL;
END $$;

-- A row's content is no longer its own.  gone_at is always another one than before:
-- who ends the entry (storage/gone.c) sees that it is not the one he read.
CREATE OR REPLACE FUNCTION mpcloud.file_let_go(content text, place text,
	now_ms bigint)
RETURNS void LANGUAGE sql AS $$
	INSERT INTO mpcloud.file_gone VALUES ($1, $2, $3)
		ON CONFLICT (content) DO UPDATE SET gone_at = excluded.gone_at
			- (excluded.gone_at = file_gone.gone_at)::integer
$$;

-- What triggers hear of a file.
CREATE OR REPLACE FUNCTION mpcloud.file_event(f mpcloud.files, bucket text)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('path', f.path, 'fileID', 'cloud://' || f.env
		|| '.' || bucket || '/' || f.path, 'size', f.size, 'type', f.type,
		'etag', f.md5, 'sha256', f.sha256, 'openid', f.owner)
$$;

-- The row `fresh` is its path's from now on.  `judged`: the owner of the row that
-- its writer was found to have a right to replace, NULL: of none.  Its own owner
-- is kept.  verdict: ok; exists (`new_only`); judge: the row is another's by now,
-- so ask again who may; user_quota, total_quota.  With `check_by` (file_check.sql)
-- its content has to be checked before triggers hear of it.
CREATE OR REPLACE FUNCTION mpcloud.file_put(fresh mpcloud.files, judged text,
	new_only boolean, user_quota bigint, total_quota bigint, lane integer,
	bucket text, caller jsonb, check_by jsonb, OUT verdict text,
	OUT created_at bigint, OUT owner text, OUT calls integer,
	OUT replaced boolean)
LANGUAGE plpgsql AS $$
DECLARE
	had mpcloud.files;
BEGIN
	fresh.state := CASE WHEN check_by IS NULL THEN 'ok' ELSE 'pending' END;
	fresh.told := check_by IS NULL;
	LOOP
		SELECT * INTO had FROM mpcloud.files f WHERE f.env = fresh.env
			AND f.path = fresh.path FOR UPDATE;
		replaced := FOUND;
		IF replaced THEN
			IF new_only THEN
				verdict := 'exists';
				RETURN;
			ELSIF had.owner IS DISTINCT FROM judged THEN
				verdict := 'judge';
				RETURN;
			END IF;
			fresh.owner := had.owner;
			fresh.created_at := had.created_at;
			verdict := mpcloud.file_charge(fresh.env, fresh.owner,
				fresh.size - had.size, 0, user_quota, total_quota, lane);
			EXIT;
		END IF;
		IF judged IS NOT NULL AND judged <> fresh.owner THEN
			verdict := 'judge';
			RETURN;
		END IF;
		-- taken before it is charged: of two, one waits here
		INSERT INTO mpcloud.files VALUES (fresh.*) ON CONFLICT DO NOTHING;
		IF FOUND THEN
			verdict := mpcloud.file_charge(fresh.env, fresh.owner,
				fresh.size, 1, user_quota, total_quota, lane);
			IF verdict IS NOT NULL THEN
				DELETE FROM mpcloud.files f WHERE f.env = fresh.env
					AND f.path = fresh.path;
			END IF;
			EXIT;
		END IF;
	END LOOP;
	IF verdict IS NOT NULL THEN
		RETURN;
	END IF;
	IF replaced THEN
		UPDATE mpcloud.files f SET (content, place, size, md5, sha256, type,
				cache_control, disposition, meta, class, state,
				changed_at, expires_at, told) = ROW(fresh.content,
				fresh.place, fresh.size, fresh.md5, fresh.sha256,
				fresh.type, fresh.cache_control, fresh.disposition,
				fresh.meta, fresh.class, fresh.state,
				fresh.changed_at, fresh.expires_at,
				f.told OR fresh.told)
			WHERE f.env = fresh.env AND f.path = fresh.path;
		IF had.content <> fresh.content THEN
			PERFORM mpcloud.file_let_go(had.content, had.place,
				fresh.changed_at);
		END IF;
	ELSE
		DELETE FROM mpcloud.file_refused x WHERE x.env = fresh.env
			AND x.path = fresh.path;
	END IF;
	verdict := 'ok';
	created_at := fresh.created_at;
	owner := fresh.owner;
	IF check_by IS NOT NULL THEN
		calls := mpcloud.file_check(fresh, check_by,
			mpcloud.file_event(fresh, bucket), caller);
	ELSE
		calls := mpcloud.trigger_file(fresh.env, fresh.path,
			CASE WHEN replaced AND had.told THEN 'update'
				ELSE 'create' END,
			mpcloud.file_event(fresh, bucket), caller,
			fresh.changed_at);
	END IF;
END $$;

-- verdict: ok, none, judge.
CREATE OR REPLACE FUNCTION mpcloud.file_remove(env text, path text, judged text,
	lane integer, bucket text, caller jsonb, now_ms bigint,
	OUT verdict text, OUT calls integer)
LANGUAGE plpgsql AS $$
DECLARE
	had mpcloud.files;
BEGIN
	SELECT * INTO had FROM mpcloud.files f WHERE f.env = $1 AND f.path = $2
		FOR UPDATE;
	IF NOT FOUND THEN
		verdict := 'none';
		RETURN;
	ELSIF judged IS NOT NULL AND had.owner <> judged THEN
		verdict := 'judge';
		RETURN;
	END IF;
	DELETE FROM mpcloud.files f WHERE f.env = $1 AND f.path = $2;
	PERFORM mpcloud.file_charge(had.env, had.owner, -had.size, -1, 0, 0, lane);
	PERFORM mpcloud.file_let_go(had.content, had.place, now_ms);
	verdict := 'ok';
	calls := 0;
	IF had.told THEN
		calls := mpcloud.trigger_file($1, $2, 'delete',
			mpcloud.file_event(had, bucket), caller, now_ms);
	END IF;
END $$;

-- `from_path` is at `to_path`, too, or, with `move`, instead.  The copy belongs to
-- `heir` when it is new.  Its content is the same one.
CREATE OR REPLACE FUNCTION mpcloud.file_copy(env text, from_path text,
	to_path text, from_judged text, to_judged text, heir text,
	overwrite boolean, move boolean, user_quota bigint, total_quota bigint,
	lane integer, bucket text, caller jsonb, now_ms bigint, check_by jsonb,
	OUT verdict text, OUT calls integer)
LANGUAGE plpgsql AS $$
DECLARE
	had mpcloud.files;
	put record;
	gone record;
	alone boolean;
BEGIN
	PERFORM FROM mpcloud.files f WHERE f.env = $1
		AND f.path IN (from_path, to_path) ORDER BY f.path FOR UPDATE;
	SELECT * INTO had FROM mpcloud.files f WHERE f.env = $1
		AND f.path = from_path;
	IF NOT FOUND THEN
		verdict := 'none';
		RETURN;
	ELSIF from_judged IS NOT NULL AND had.owner <> from_judged THEN
		verdict := 'judge';
		RETURN;
	ELSIF had.class = 'archive' THEN
		verdict := 'archived';
		RETURN;
	ELSIF had.state <> 'ok' THEN
		verdict := 'held';
		RETURN;
	ELSIF from_path = to_path THEN
		verdict := 'ok';
		calls := 0;
		RETURN;
	END IF;
	-- of a move the old row's bytes become free in the same moment, and are the
	-- same owner's, but onto another's row they become his
	alone := move AND NOT EXISTS (SELECT FROM mpcloud.files t
		WHERE t.env = $1 AND t.path = to_path AND t.owner <> had.owner);
	had.path := to_path;
	had.owner := CASE WHEN move THEN had.owner ELSE heir END;
	had.created_at := now_ms;
	had.changed_at := now_ms;
	SELECT * INTO put FROM mpcloud.file_put(had, to_judged, NOT overwrite,
		CASE WHEN alone THEN 0 ELSE user_quota END,
		CASE WHEN move THEN 0 ELSE total_quota END, lane, bucket, caller,
		check_by);
	verdict := put.verdict;
	calls := put.calls;
	IF verdict = 'ok' AND move THEN
		SELECT * INTO gone FROM mpcloud.file_remove($1, from_path, NULL, lane,
			bucket, caller, now_ms);
		calls := calls + coalesce(gone.calls, 0);
	END IF;
END $$;

-- What files and parts of uploads come to, an owner's or (NULL) all, without the
-- part at `start` of the upload `id`.
CREATE OR REPLACE FUNCTION mpcloud.file_used(env text, owner text, id text,
	start bigint)
RETURNS bigint LANGUAGE sql VOLATILE AS $$
	SELECT coalesce(CASE WHEN $2 IS NULL
			THEN (SELECT sum(t.bytes) FROM mpcloud.file_total t
				WHERE t.env = $1)
			ELSE (SELECT g.bytes FROM mpcloud.file_usage g
				WHERE g.owner = $2 AND g.env = $1) END, 0)::bigint
		+ (SELECT coalesce(sum(p.size), 0)::bigint
			FROM mpcloud.file_uploads o
			JOIN mpcloud.file_parts p ON p.upload = o.id
			WHERE o.env = $1 AND ($2 IS NULL OR o.asker = $2)
			AND NOT (p.upload = $3 AND p.start = $4))
$$;

-- What is known before a part of an upload comes: how many parts it has beside the
-- one at `start`, which a new one replaces, its announced size (-1: not announced),
-- and what its asker's and all files come to with the parts of uploads (0 where
-- it is not asked for).  No row: there is no such upload of theirs.
CREATE OR REPLACE FUNCTION mpcloud.file_part_may(id text, env text, is_admin boolean,
	asker text, start bigint, of_user boolean, of_all boolean)
RETURNS TABLE (count bigint, announced bigint, user_used bigint,
	total_used bigint) LANGUAGE sql STABLE AS $$
	SELECT (SELECT count(*) FROM mpcloud.file_parts p
			WHERE p.upload = u.id AND p.start <> $5),
		coalesce(u.size, -1),
		CASE WHEN of_user THEN mpcloud.file_used($2, $4, u.id, $5) ELSE 0 END,
		CASE WHEN of_all THEN mpcloud.file_used($2, NULL, u.id, $5) ELSE 0 END
	FROM mpcloud.file_uploads u
	WHERE u.id = $1 AND u.env = $2 AND (is_admin OR u.asker = $4)
$$;

-- A part that is whole.  Quotas hold for it as they are now: of two that come at
-- once and have not both room, the later finds the earlier, because the owner's
-- usage is locked (the upload, too, so that it neither ends nor is completed
-- meanwhile).  The total is not locked: it may be exceeded by what is committed at
-- one moment.  verdict: NULL, it is there; none (no such upload), user_quota,
-- total_quota.  `old`: the name of what it replaced.  Quotas of 0: none.
CREATE OR REPLACE FUNCTION mpcloud.file_part_put(id text, start bigint,
	size bigint, md5 text, name text, now_ms bigint, user_quota bigint,
	total_quota bigint, OUT verdict text, OUT old text)
LANGUAGE plpgsql AS $$
DECLARE
	u mpcloud.file_uploads;
BEGIN
	UPDATE mpcloud.file_uploads t SET touched_at = $6 WHERE t.id = $1
		RETURNING * INTO u;
	IF NOT FOUND THEN
		verdict := 'none';
		RETURN;
	END IF;
	IF user_quota > 0 THEN
		IF u.asker <> '' THEN
			INSERT INTO mpcloud.file_usage (owner, env)
				VALUES (u.asker, u.env) ON CONFLICT DO NOTHING;
			PERFORM FROM mpcloud.file_usage g WHERE g.owner = u.asker
				AND g.env = u.env FOR UPDATE;
		END IF;
		IF mpcloud.file_used(u.env, u.asker, $1, $2) + $3 > user_quota THEN
			verdict := 'user_quota';
			RETURN;
		END IF;
	END IF;
	IF total_quota > 0
		AND mpcloud.file_used(u.env, NULL, $1, $2) + $3 > total_quota THEN
		verdict := 'total_quota';
		RETURN;
	END IF;
	SELECT p.name INTO old FROM mpcloud.file_parts p
		WHERE p.upload = $1 AND p.start = $2;
	INSERT INTO mpcloud.file_parts AS p (upload, start, size, md5, name)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT ON CONSTRAINT file_parts_pkey DO UPDATE
			SET size = excluded.size, md5 = excluded.md5,
			name = excluded.name;
END $$;

-- Contents whose rows are gone, oldest first.
CREATE OR REPLACE FUNCTION mpcloud.file_gone_list(now_ms bigint, top integer)
RETURNS TABLE (content text, place text, named boolean) LANGUAGE sql AS $$
	SELECT g.content, g.place, EXISTS (SELECT FROM mpcloud.files f
		WHERE f.content = g.content)
	FROM mpcloud.file_gone g WHERE g.gone_at <= now_ms
	ORDER BY g.gone_at LIMIT top
$$;

-- Paths of an environment that begin with `prefix` and follow `behind`, `top` of
-- them.  With a delimiter, paths that hold it behind the prefix are told once as the
-- folder they are in (content NULL): the next path is searched behind the folder, so
-- that a folder costs one look however much is in it.
CREATE OR REPLACE FUNCTION mpcloud.file_list(env text, prefix text, behind text,
	delimiter text, owner text, top integer)
RETURNS SETOF mpcloud.files LANGUAGE plpgsql STABLE AS $$
DECLARE
	f mpcloud.files;
	at text COLLATE "C" := behind;
	cut integer;
	n integer := 0;
BEGIN
	IF delimiter = '' THEN
		RETURN QUERY SELECT * FROM mpcloud.files x WHERE x.env = $1
			AND x.path > at AND x.path >= prefix
			AND starts_with(x.path, prefix)
			AND (prefix = '' OR x.path < prefix || U&'\+10FFFF')
			AND ($5 IS NULL OR x.owner = $5)
			ORDER BY x.path LIMIT top;
		RETURN;
	END IF;
	-- behind a folder: behind all that is in it
	IF at <> '' AND right(at, length(delimiter)) = delimiter THEN
		at := at || U&'\+10FFFF';
	END IF;
	WHILE n < top LOOP
		SELECT * INTO f FROM mpcloud.files x WHERE x.env = $1
			AND x.path > at AND x.path >= prefix
			AND (prefix = '' OR x.path < prefix || U&'\+10FFFF')
			AND ($5 IS NULL OR x.owner = $5)
			ORDER BY x.path LIMIT 1;
		EXIT WHEN NOT FOUND OR NOT starts_with(f.path, prefix);
		cut := strpos(substr(f.path, length(prefix) + 1), delimiter);
		at := f.path;
		IF cut > 0 THEN
			f.path := left(f.path, length(prefix) + cut
				+ length(delimiter) - 1);
			f.content := NULL;
			at := f.path || U&'\+10FFFF';
		END IF;
		RETURN NEXT f;
		n := n + 1;
	END LOOP;
END $$;

-- The work named `work` is `holder`'s until `until_ms`, unless another has it.
CREATE OR REPLACE FUNCTION mpcloud.file_lease(work text, holder text, now_ms bigint,
	until_ms bigint)
RETURNS boolean LANGUAGE sql AS $$
	WITH got AS (
		INSERT INTO mpcloud.file_leases AS l (name, holder, until_ms)
			VALUES ($1, $2, $4)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder,
				until_ms = excluded.until_ms
			WHERE l.until_ms <= $3 OR l.holder = excluded.holder
			RETURNING 1)
	SELECT EXISTS (SELECT FROM got)
$$;

-- Files whose time is over, `top` of them: their own, or that of the first rule of
-- the environment's lifecycle whose prefix fits ([{"prefix", "expire", "archive"}],
-- in ms since the last change).  Rows that somebody else holds come the next time.
CREATE OR REPLACE FUNCTION mpcloud.files_expire(env text, now_ms bigint,
	top integer, lane integer, bucket text, OUT removed integer,
	OUT calls integer)
LANGUAGE plpgsql AS $$
DECLARE
	p text;
	one record;
BEGIN
	removed := 0;
	calls := 0;
	DELETE FROM mpcloud.file_refused x WHERE x.env = $1
		AND x.refused_at < now_ms - 86400000;
	FOR p IN
		SELECT f.path FROM mpcloud.files f WHERE f.env = $1
			AND f.expires_at <= now_ms
			ORDER BY f.path LIMIT top FOR UPDATE SKIP LOCKED LOOP
		SELECT * INTO one FROM mpcloud.file_remove($1, p, NULL, lane, bucket,
			'{"source":"wx_trigger"}', now_ms);
		removed := removed + (one.verdict = 'ok')::integer;
		calls := calls + coalesce(one.calls, 0);
	END LOOP;
	FOR p IN
		SELECT f.path FROM mpcloud.file_rules r,
			jsonb_array_elements(r.lifecycle) WITH ORDINALITY l (rule, nr),
			mpcloud.files f
			WHERE r.env = $1 AND f.env = $1 AND l.rule ? 'expire'
			AND f.path >= (l.rule ->> 'prefix')
			AND f.path < (l.rule ->> 'prefix') || U&'\+10FFFF'
			AND f.changed_at <= now_ms - (l.rule ->> 'expire')::bigint
			AND NOT EXISTS (SELECT FROM jsonb_array_elements(r.lifecycle)
					WITH ORDINALITY b (rule, nr)
				WHERE b.nr < l.nr
				AND starts_with(f.path, b.rule ->> 'prefix'))
			ORDER BY f.path LIMIT top - removed
			FOR UPDATE OF f SKIP LOCKED LOOP
		SELECT * INTO one FROM mpcloud.file_remove($1, p, NULL, lane, bucket,
			'{"source":"wx_trigger"}', now_ms);
		removed := removed + (one.verdict = 'ok')::integer;
		calls := calls + coalesce(one.calls, 0);
	END LOOP;
END $$;

-- Whether the first rule of the lifecycle whose prefix fits sends `f` to the archive
-- by now.  What was restored is there to be read: its time begins anew.
CREATE OR REPLACE FUNCTION mpcloud.file_may_archive(f mpcloud.files, lifecycle jsonb,
	now_ms bigint)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
	SELECT f.class = 'standard' AND f.place = 'disk' AND f.state = 'ok'
		AND coalesce((SELECT greatest(f.changed_at,
					(f.meta ->> 'restored_at')::bigint)
				<= now_ms - (l.rule ->> 'archive')::bigint
			FROM jsonb_array_elements(lifecycle)
				WITH ORDINALITY l (rule, nr)
			WHERE starts_with(f.path, l.rule ->> 'prefix')
			ORDER BY l.nr LIMIT 1), false)
$$;

-- Contents on disk that every row naming them says may be archived.
CREATE OR REPLACE FUNCTION mpcloud.files_to_archive(env text, now_ms bigint,
	top integer)
RETURNS SETOF text LANGUAGE sql STABLE AS $$
	WITH due AS (
		SELECT f.content FROM mpcloud.file_rules r,
			jsonb_array_elements(r.lifecycle) l (rule), mpcloud.files f
		WHERE r.env = $1 AND f.env = $1 AND l.rule ? 'archive'
			AND f.path >= (l.rule ->> 'prefix')
			AND f.path < (l.rule ->> 'prefix') || U&'\+10FFFF'
			AND f.changed_at <= now_ms - (l.rule ->> 'archive')::bigint
			AND f.class = 'standard'
			AND mpcloud.file_may_archive(f, r.lifecycle, now_ms)
			AND NOT EXISTS (SELECT FROM mpcloud.files x
				WHERE x.content = f.content AND NOT (x.env = $1 AND
				mpcloud.file_may_archive(x, r.lifecycle, now_ms)))
		LIMIT top)
	SELECT DISTINCT d.content FROM due d
$$;

-- Those of the contents, which have their other name already, that their rows say
-- are archived from now on.  Who copies one of the rows is waited for, or waits: a
-- row that he has made meanwhile is seen by the second statement, and its content
-- stays.
CREATE OR REPLACE FUNCTION mpcloud.files_archive(env text, contents jsonb,
	now_ms bigint)
RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM FROM mpcloud.files f WHERE f.content IN
		(SELECT jsonb_array_elements_text(contents))
		ORDER BY f.path FOR UPDATE;
	RETURN QUERY WITH moved AS (
		UPDATE mpcloud.files f SET class = 'archive'
			FROM mpcloud.file_rules r
			WHERE r.env = $1 AND f.content IN
				(SELECT jsonb_array_elements_text(contents))
			AND NOT EXISTS (SELECT FROM mpcloud.files x
				WHERE x.content = f.content AND NOT (x.env = $1 AND
				mpcloud.file_may_archive(x, r.lifecycle, now_ms)))
			RETURNING f.content)
		SELECT DISTINCT m.content FROM moved m;
END $$;

-- Back again: those of the contents whose rows say so from now on.
CREATE OR REPLACE FUNCTION mpcloud.files_restore(contents jsonb, now_ms bigint)
RETURNS SETOF text LANGUAGE sql AS $$
	WITH moved AS (
		UPDATE mpcloud.files f SET class = 'standard',
				meta = coalesce(f.meta, '{}')
					|| jsonb_build_object('restored_at', now_ms)
			WHERE f.content IN
				(SELECT jsonb_array_elements_text(contents))
			RETURNING f.content)
	SELECT DISTINCT m.content FROM moved m
$$;

-- Of these names in one folder: 'objects' or 'archive' (contents that no row looks
-- for there), 'uploads'.
CREATE OR REPLACE FUNCTION mpcloud.file_litter(names jsonb, folder text)
RETURNS SETOF text LANGUAGE sql STABLE AS $$
	SELECT n.name FROM jsonb_array_elements_text(names) n (name)
	WHERE CASE folder
		WHEN 'uploads' THEN NOT EXISTS (SELECT FROM mpcloud.file_parts p
			WHERE p.name = n.name)
		ELSE NOT EXISTS (SELECT FROM mpcloud.files f
			WHERE f.content = n.name AND f.place = 'disk'
			AND (f.class = 'archive') = (folder = 'archive'))
		END
$$;
