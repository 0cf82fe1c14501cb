-- For who looks after payments.  Times are milliseconds, amounts fen.

CREATE OR REPLACE FUNCTION mpcloud.pay_row(o mpcloud.orders)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('outTradeNo', o.out_trade_no, 'mchid', o.mchid,
		'appid', o.appid, 'state', o.state, 'total', o.total,
		'refunded', o.refunded, 'currency', o.currency,
		'description', o.description, 'openid', o.openid,
		'transactionId', o.transaction_id, 'createdAt', o.created_at,
		'paidAt', o.paid_at, 'toldBy', o.told_by)
$$;

-- The merchant of this number, or ('') all that have orders: each one's newest
-- orders stand in an index.
CREATE OR REPLACE FUNCTION mpcloud.pay_mchids(mchid text)
RETURNS SETOF text LANGUAGE sql STABLE AS $$
	WITH RECURSIVE m AS (
		(SELECT o.mchid FROM mpcloud.orders o ORDER BY o.mchid LIMIT 1)
		UNION ALL SELECT (SELECT o.mchid FROM mpcloud.orders o
				WHERE o.mchid > m.mchid ORDER BY o.mchid LIMIT 1)
			FROM m WHERE m.mchid IS NOT NULL
	) SELECT m.mchid FROM m WHERE m.mchid IS NOT NULL
		AND ($1 = '' OR m.mchid = $1)
$$;

-- The newest first.  Texts '' and times 0: all.
CREATE OR REPLACE FUNCTION mpcloud.pay_list(mchid text, state text, openid text,
	since bigint, until bigint, top integer)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('orders', coalesce(jsonb_agg(mpcloud.pay_row(l)
			ORDER BY l.created_at DESC, l.out_trade_no), '[]'))
		FROM (SELECT t.* FROM mpcloud.pay_mchids($1) m, LATERAL (
				SELECT * FROM mpcloud.orders o WHERE o.mchid = m
				AND ($2 = '' OR o.state = $2)
				AND ($3 = '' OR o.openid = $3)
				AND o.created_at >= $4
				AND ($5 = 0 OR o.created_at < $5)
				ORDER BY o.created_at DESC LIMIT top) t
			ORDER BY t.created_at DESC LIMIT top) l
$$;

CREATE OR REPLACE FUNCTION mpcloud.refund_row(r mpcloud.refunds)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('outRefundNo', r.out_refund_no,
		'outTradeNo', r.out_trade_no, 'mchid', r.mchid, 'state', r.state,
		'amount', r.amount, 'total', r.total, 'currency', r.currency,
		'refundId', r.refund_id, 'reason', r.reason, 'why', r.why,
		'function', r.function, 'createdAt', r.created_at,
		'askedAt', r.asked_at, 'refundedAt', r.refunded_at,
		'pollAt', r.poll_at, 'polls', r.polls, 'toldBy', r.told_by)
$$;

CREATE OR REPLACE FUNCTION mpcloud.refund_list(mchid text, state text,
	since bigint, until bigint, top integer)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('refunds', coalesce(jsonb_agg(
			mpcloud.refund_row(l) ORDER BY l.created_at DESC,
			l.out_refund_no), '[]'))
		FROM (SELECT * FROM mpcloud.refunds r WHERE ($1 = '' OR r.mchid = $1)
			AND ($2 = '' OR r.state = $2)
			AND r.created_at >= $3 AND ($4 = 0 OR r.created_at < $4)
			ORDER BY r.created_at DESC LIMIT top) l
$$;

CREATE OR REPLACE FUNCTION mpcloud.pay_inbox_row(i mpcloud.pay_inbox)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('id', i.id, 'mchid', i.mchid, 'kind', i.kind,
		'eventId', i.event_id, 'outTradeNo', i.out_trade_no,
		'outRefundNo', i.out_refund_no, 'transactionId', i.transaction_id,
		'receivedAt', i.received_at, 'repeats', i.repeats,
		'outcome', i.outcome, 'why', i.why, 'serial', i.serial)
$$;

CREATE OR REPLACE FUNCTION mpcloud.pay_inbox_list(mchid text, outcome text,
	since bigint, top integer)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('news', coalesce(jsonb_agg(
			mpcloud.pay_inbox_row(l) ORDER BY l.id DESC), '[]'))
		FROM (SELECT * FROM mpcloud.pay_inbox i
			WHERE ($1 = '' OR i.mchid = $1) AND ($2 = '' OR i.outcome = $2)
			AND i.received_at >= $3
			ORDER BY i.id DESC LIMIT top) l
$$;

-- Somebody has looked at what was quarantined.  NULL: there is none of this id;
-- else its row as it is now, `released` false when it was not quarantined.
CREATE OR REPLACE FUNCTION mpcloud.pay_release(id bigint, why text)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	i mpcloud.pay_inbox;
	is_done boolean;
BEGIN
	UPDATE mpcloud.pay_inbox t SET outcome = 'released',
			why = concat_ws('; ', t.why, nullif($2, ''))
		WHERE t.id = $1 AND t.outcome = 'quarantined';
	is_done := FOUND;
	SELECT * INTO i FROM mpcloud.pay_inbox t WHERE t.id = $1;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	RETURN mpcloud.pay_inbox_row(i)
		|| jsonb_build_object('released', is_done);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.difference_row(d mpcloud.pay_differences)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('mchid', d.mchid, 'day', d.day, 'kind', d.kind,
		'outTradeNo', d.out_trade_no, 'outRefundNo',
		nullif(d.out_refund_no, ''), 'ours', d.ours::jsonb, 'theirs',
		d.theirs::jsonb, 'foundAt', d.found_at, 'settledAt', d.settled_at,
		'settledBy', d.settled_by)
$$;

-- All there is about an order; of several merchants' ones of this number, the
-- newest.  NULL: there is none.
CREATE OR REPLACE FUNCTION mpcloud.pay_show(mchid text, no text)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT mpcloud.pay_row(o) || jsonb_build_object('api', o.api,
			'env', o.env, 'uid', o.uid, 'attach', o.attach,
			'function', o.function, 'expiresAt', o.expires_at,
			'payerTotal', o.payer_total, 'bankType', o.bank_type,
			'tradeType', o.trade_type, 'closedAt', o.closed_at,
			'updatedAt', o.updated_at, 'prepayAt', o.prepay_at,
			'polls', o.polls, 'pollAt', o.poll_at,
			'refunds', (SELECT coalesce(jsonb_agg(mpcloud.refund_row(r)
				ORDER BY r.created_at), '[]') FROM mpcloud.refunds r
				WHERE r.mchid = o.mchid
				AND r.out_trade_no = o.out_trade_no),
			'news', (SELECT coalesce(jsonb_agg(mpcloud.pay_inbox_row(i)
				ORDER BY i.id), '[]') FROM mpcloud.pay_inbox i
				WHERE i.mchid = o.mchid
				AND i.out_trade_no = o.out_trade_no),
			'calls', (SELECT coalesce(jsonb_agg(mpcloud.queue_show_row(q)
				ORDER BY q.id), '[]') FROM mpcloud.queue q
				WHERE q.kind IN ('pay', 'cloudpay')
				AND strpos(q.event, '"outTradeNo": "' || o.out_trade_no
					|| '"') > 0),
			'differences', (SELECT coalesce(jsonb_agg(
				mpcloud.difference_row(d) ORDER BY d.found_at), '[]')
				FROM mpcloud.pay_differences d WHERE d.mchid = o.mchid
				AND d.out_trade_no = o.out_trade_no))
		FROM mpcloud.orders o
		WHERE o.out_trade_no = $2 AND ($1 = '' OR o.mchid = $1)
		ORDER BY o.created_at DESC LIMIT 1
$$;

-- The days from..to (2026-11-20) as they were compared.
CREATE OR REPLACE FUNCTION mpcloud.bill_show(mchid text, day_from text,
	day_to text)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('days', (SELECT coalesce(jsonb_agg(
				jsonb_build_object('mchid', b.mchid, 'day', b.day, 'state',
					b.state, 'lines', b.lines, 'hash', b.hash, 'why', b.why,
					'lookedAt', b.looked_at, 'nextAt', b.next_at, 'sums',
					b.sums) ORDER BY b.day, b.mchid), '[]')
				FROM mpcloud.pay_bills b WHERE ($1 = '' OR b.mchid = $1)
				AND b.day BETWEEN $2 AND $3 AND b.looked_at > 0),
		'differences', (SELECT coalesce(jsonb_agg(mpcloud.difference_row(d)
				ORDER BY d.day, d.mchid, d.kind, d.out_trade_no), '[]')
				FROM mpcloud.pay_differences d
				WHERE ($1 = '' OR d.mchid = $1)
				AND d.day BETWEEN $2 AND $3))
$$;

-- Somebody has looked at the differences of an order.  How many.
CREATE OR REPLACE FUNCTION mpcloud.pay_settle(mchid text, no text,
	now_ms bigint)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	n integer;
BEGIN
	UPDATE mpcloud.pay_differences d SET settled_at = now_ms,
			settled_by = 'operator'
		WHERE d.out_trade_no = $2 AND ($1 = '' OR d.mchid = $1)
			AND d.settled_at IS NULL;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN jsonb_build_object('settled', n);
END $$;
