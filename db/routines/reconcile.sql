-- A day's bill of WeChat's beside our orders and refunds.  Days are China's,
-- written 2026-11-20.

CREATE OR REPLACE FUNCTION mpcloud.bill_day(ms bigint)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT to_char(timestamp 'epoch' + (ms + 28800000)
		* interval '1 millisecond', 'YYYY-MM-DD')
$$;

-- Its first millisecond.
CREATE OR REPLACE FUNCTION mpcloud.bill_begins(day text)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
	SELECT (extract(epoch FROM to_date(day, 'YYYY-MM-DD')::timestamp)
		* 1000)::bigint - 28800000
$$;

-- A day whose bill has to be looked at, for one gateway: for lease_ms nobody
-- else gets it.  Days since the first order, `back` of them at the most, up to
-- `last`.
CREATE OR REPLACE FUNCTION mpcloud.bill_next(mchid text, last text, back integer,
	now_ms bigint, lease_ms bigint)
RETURNS TABLE (day text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
	INSERT INTO mpcloud.pay_bills AS b (mchid, day, state, looked_at, next_at)
		SELECT $1, to_char(d, 'YYYY-MM-DD'), 'waiting', 0, 0
			FROM generate_series(greatest(to_date($2, 'YYYY-MM-DD') - back + 1,
				(SELECT to_date(mpcloud.bill_day(o.created_at),
					'YYYY-MM-DD') FROM mpcloud.orders o
					WHERE o.mchid = $1
					ORDER BY o.created_at LIMIT 1)),
				to_date($2, 'YYYY-MM-DD'), '1 day') d
			WHERE EXISTS (SELECT FROM mpcloud.orders o WHERE o.mchid = $1)
		ON CONFLICT DO NOTHING;
	RETURN QUERY UPDATE mpcloud.pay_bills b SET looked_at = now_ms,
			next_at = now_ms + lease_ms
		FROM (SELECT w.day AS d FROM mpcloud.pay_bills w
			WHERE w.mchid = $1 AND w.next_at <= now_ms AND w.day <= $2
			ORDER BY w.day LIMIT 1 FOR UPDATE SKIP LOCKED) due
		WHERE b.mchid = $1 AND b.day = due.d RETURNING b.day;
END $$;

-- The bill is about to come in, line by line.  False: somebody else is at this
-- day just now, and has been for less than lease_ms.
CREATE OR REPLACE FUNCTION mpcloud.bill_begin(mchid text, day text,
	now_ms bigint, lease_ms bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO mpcloud.pay_bills AS b (mchid, day, state, looked_at, next_at)
		VALUES ($1, $2, 'running', now_ms, now_ms + lease_ms)
		ON CONFLICT ON CONSTRAINT pay_bills_pkey DO UPDATE SET
			state = 'running', looked_at = now_ms,
			next_at = now_ms + lease_ms
			WHERE b.state <> 'running' OR b.next_at <= now_ms;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	DELETE FROM mpcloud.pay_bill_lines l WHERE l.mchid = $1 AND (l.day = $2
		OR l.day < mpcloud.bill_day(mpcloud.bill_begins($2)
			- 8640000000)); -- 100 days
	RETURN true;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.bill_put(mchid text, day text, lines jsonb,
	until_ms bigint)
RETURNS void LANGUAGE sql AS $$
	UPDATE mpcloud.pay_bills b SET next_at = until_ms
		WHERE b.mchid = $1 AND b.day = $2;
	INSERT INTO mpcloud.pay_bill_lines (mchid, day, line, kind, at, appid,
			openid, transaction_id, out_trade_no, trade_type, bank_type,
			currency, total, refund_id, out_refund_no, refund, refund_state)
		SELECT $1, $2, l.* FROM jsonb_to_recordset($3) AS l (line integer,
			kind text, at bigint, appid text, openid text, tx text, no text,
			trade text, bank text, currency text, total bigint, rid text,
			rno text, refund bigint, rstate text)
$$;

-- Every difference of the day; pay/reconcile.h tells the kinds.
CREATE OR REPLACE FUNCTION mpcloud.bill_differences(mchid text, day text)
RETURNS TABLE (kind text, no text, rno text, ours jsonb, theirs jsonb)
LANGUAGE sql STABLE AS $$
	WITH lines AS MATERIALIZED (
		SELECT * FROM mpcloud.pay_bill_lines l
			WHERE l.mchid = $1 AND l.day = $2
	), paid AS (
		SELECT CASE WHEN o.mchid IS NULL THEN 'unknown_order'
			WHEN o.total <> l.total OR o.appid <> l.appid
				OR o.currency <> l.currency THEN 'amount'
			WHEN o.paid_at IS NULL THEN 'unpaid_here'
			WHEN o.transaction_id <> l.transaction_id THEN 'transaction'
			END AS kind, l.out_trade_no AS no, '' AS rno,
			CASE WHEN o.mchid IS NOT NULL THEN jsonb_build_object('state',
				o.state, 'total', o.total, 'transactionId',
				o.transaction_id, 'appid', o.appid) END AS ours,
			jsonb_build_object('state', 'SUCCESS', 'total', l.total,
				'transactionId', l.transaction_id, 'appid', l.appid,
				'at', l.at) AS theirs
		FROM lines l LEFT JOIN mpcloud.orders o
			ON o.mchid = $1 AND o.out_trade_no = l.out_trade_no
		WHERE l.kind = 'paid'
	), refunded AS (
		SELECT CASE WHEN r.mchid IS NULL THEN 'refund_unknown'
			WHEN r.amount <> l.refund OR r.out_trade_no <> l.out_trade_no
				THEN 'refund_amount'
			WHEN l.refund_state = 'SUCCESS' AND r.state <> 'SUCCESS'
				THEN 'refund_unfinished'
			WHEN l.refund_state IN ('FAIL', 'CHANGE')
				AND r.state = 'SUCCESS' THEN 'refund_state'
			END AS kind, l.out_trade_no AS no, l.out_refund_no AS rno,
			CASE WHEN r.mchid IS NOT NULL THEN jsonb_build_object('state',
				r.state, 'refund', r.amount, 'refundId', r.refund_id)
				END AS ours,
			jsonb_build_object('state', l.refund_state, 'refund', l.refund,
				'refundId', l.refund_id, 'at', l.at) AS theirs
		FROM lines l LEFT JOIN mpcloud.refunds r
			ON r.mchid = $1 AND r.out_refund_no = l.out_refund_no
		WHERE l.kind = 'refund'
	)
	SELECT DISTINCT ON (kind, no) * FROM paid WHERE kind IS NOT NULL
	UNION ALL SELECT DISTINCT ON (kind, rno) * FROM refunded
		WHERE kind IS NOT NULL
	UNION ALL SELECT CASE l.kind WHEN 'paid' THEN 'twice'
			ELSE 'refund_twice' END, min(l.out_trade_no), l.out_refund_no,
			NULL, jsonb_build_object('lines', count(*), 'total',
				sum(l.total), 'refund', sum(l.refund))
		FROM lines l WHERE l.kind IN ('paid', 'refund')
		GROUP BY l.kind, CASE l.kind WHEN 'paid' THEN l.out_trade_no END,
			l.out_refund_no HAVING count(*) > 1
	UNION ALL SELECT 'missing_there', o.out_trade_no, '',
			jsonb_build_object('state', o.state, 'total', o.total,
				'transactionId', o.transaction_id, 'at', o.paid_at), NULL
		FROM mpcloud.orders o WHERE o.mchid = $1
			AND o.paid_at >= mpcloud.bill_begins($2)
			AND o.paid_at < mpcloud.bill_begins($2) + 86400000
			AND NOT EXISTS (SELECT FROM mpcloud.pay_bill_lines l
				WHERE l.mchid = $1 AND l.out_trade_no = o.out_trade_no
				AND l.kind = 'paid')
	UNION ALL SELECT 'refund_missing', r.out_trade_no, r.out_refund_no,
			jsonb_build_object('state', r.state, 'refund', r.amount,
				'refundId', r.refund_id, 'at', r.accepted_at), NULL
		FROM mpcloud.refunds r WHERE r.mchid = $1 AND r.state = 'SUCCESS'
			AND r.accepted_at >= mpcloud.bill_begins($2)
			AND r.accepted_at < mpcloud.bill_begins($2) + 86400000
			AND NOT EXISTS (SELECT FROM mpcloud.pay_bill_lines l
				WHERE l.mchid = $1 AND l.out_trade_no = r.out_trade_no
				AND l.out_refund_no = r.out_refund_no)
$$;

-- Writes them down, and gives those lines that the ledger can repair: paid
-- there and not here, refunds that are done there.
CREATE OR REPLACE FUNCTION mpcloud.bill_compare(mchid text, day text,
	now_ms bigint)
RETURNS TABLE (kind text, out_trade_no text, out_refund_no text, appid text,
	openid text, transaction_id text, trade_type text, bank_type text,
	currency text, total bigint, refund_id text, refund bigint, at bigint)
LANGUAGE sql AS $$
	WITH found AS MATERIALIZED (
		SELECT * FROM mpcloud.bill_differences($1, $2)
	), noted AS (
		INSERT INTO mpcloud.pay_differences AS d (mchid, day, kind,
				out_trade_no, out_refund_no, ours, theirs, found_at)
			SELECT $1, $2, f.kind, f.no, f.rno, f.ours::text,
				f.theirs::text, now_ms FROM found f
			ON CONFLICT (mchid, day, kind, out_trade_no, out_refund_no)
				DO UPDATE SET ours = excluded.ours,
				theirs = excluded.theirs,
				settled_at = CASE WHEN d.settled_by IN ('bill', 'gone')
					THEN NULL ELSE d.settled_at END,
				settled_by = CASE WHEN d.settled_by IN ('bill', 'gone')
					THEN NULL ELSE d.settled_by END
	), gone AS (
		UPDATE mpcloud.pay_differences d SET settled_at = now_ms,
				settled_by = 'gone'
			WHERE d.mchid = $1 AND d.day = $2 AND d.settled_at IS NULL
				AND NOT EXISTS (SELECT FROM found f WHERE f.kind = d.kind
					AND f.no = d.out_trade_no
					AND f.rno = d.out_refund_no)
	)
	SELECT DISTINCT ON (f.kind, f.no, f.rno) f.kind, l.out_trade_no,
			l.out_refund_no, l.appid, l.openid, l.transaction_id,
			l.trade_type, l.bank_type, l.currency, l.total, l.refund_id,
			l.refund, l.at
		FROM found f JOIN mpcloud.pay_bill_lines l ON l.mchid = $1
			AND l.day = $2 AND l.out_trade_no = f.no
			AND l.out_refund_no = f.rno
		WHERE f.kind = 'unpaid_here' AND l.kind = 'paid'
			OR f.kind = 'refund_unfinished' AND l.kind = 'refund'
$$;

-- The end of it: what the ledger repaired is settled, the sums are kept.
-- state: 'done', 'empty' (no money moved that day), 'waiting' (WeChat is
-- still making it), 'failed' (and why).  next_at 0: never again by itself.
-- How many differences of the day wait for somebody.
CREATE OR REPLACE FUNCTION mpcloud.bill_end(mchid text, day text, state text,
	why text, hash text, next_at bigint, now_ms bigint)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	n integer;
	begins bigint := mpcloud.bill_begins($2);
	ours jsonb;
	theirs jsonb;
BEGIN
	UPDATE mpcloud.pay_differences d SET settled_at = now_ms,
			settled_by = 'bill'
		WHERE d.mchid = $1 AND d.day = $2 AND d.settled_at IS NULL
			AND (d.kind = 'unpaid_here' AND EXISTS (
				SELECT FROM mpcloud.orders o WHERE o.mchid = $1
					AND o.out_trade_no = d.out_trade_no
					AND o.paid_at IS NOT NULL)
			OR d.kind = 'refund_unfinished' AND EXISTS (
				SELECT FROM mpcloud.refunds r WHERE r.mchid = $1
					AND r.out_refund_no = d.out_refund_no
					AND r.state = 'SUCCESS'));
	SELECT jsonb_build_object('paid', count(*) FILTER (WHERE l.kind = 'paid'),
			'total', coalesce(sum(l.total) FILTER (WHERE l.kind = 'paid'), 0),
			'refunds', count(*) FILTER (WHERE l.kind = 'refund'),
			'refunded', coalesce(sum(l.refund) FILTER (
				WHERE l.kind = 'refund'), 0)) INTO theirs
		FROM mpcloud.pay_bill_lines l WHERE l.mchid = $1 AND l.day = $2;
	SELECT jsonb_build_object('paid', count(*), 'total',
			coalesce(sum(o.total), 0)) INTO ours
		FROM mpcloud.orders o WHERE o.mchid = $1
			AND o.paid_at >= begins AND o.paid_at < begins + 86400000;
	SELECT ours || jsonb_build_object('refunds', count(*), 'refunded',
			coalesce(sum(r.amount), 0)) INTO ours
		FROM mpcloud.refunds r WHERE r.mchid = $1 AND r.accepted_at >= begins
			AND r.accepted_at < begins + 86400000;
	INSERT INTO mpcloud.pay_bills AS b (mchid, day, state, hash, lines,
			looked_at, next_at, why, sums)
		VALUES ($1, $2, $3, nullif($5, ''), (SELECT count(*)
				FROM mpcloud.pay_bill_lines l
				WHERE l.mchid = $1 AND l.day = $2), now_ms,
			nullif($6, 0), nullif($4, ''),
			jsonb_build_object('ours', ours, 'theirs', theirs))
		ON CONFLICT ON CONSTRAINT pay_bills_pkey DO UPDATE SET
			state = excluded.state, hash = excluded.hash,
			lines = excluded.lines, looked_at = now_ms,
			next_at = excluded.next_at, why = excluded.why,
			sums = excluded.sums;
	SELECT count(*) INTO n FROM mpcloud.pay_differences d
		WHERE d.mchid = $1 AND d.day = $2 AND d.settled_at IS NULL;
	RETURN n;
END $$;
