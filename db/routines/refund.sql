-- A refund changes its state here and nowhere else.  Every routine locks the
-- order's row before the refund's, so that what two gateways do to one order
-- comes one after the other.  ABNORMAL money has left the merchant and not
-- reached the user: it counts as refunded; only CLOSED gives its amount back.

-- The number of a refund: the same order and key give the same one, always.
CREATE OR REPLACE FUNCTION mpcloud.refund_no(mchid text, out_trade_no text,
	key text)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT 'rf' || left(encode(sha256(convert_to(
		mchid || ' ' || out_trade_no || ' ' || key, 'UTF8')), 'hex'), 30)
$$;

-- For people: who asks in fen and who asks in yuan read the same sentence.
CREATE OR REPLACE FUNCTION mpcloud.refund_fen(fen bigint)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT format('%s fen (¥%s)', fen, (fen / 100.0)::numeric(20, 2))
$$;

-- When to ask next, after so many times.  CREATED: WeChat may not know of it.
CREATE OR REPLACE FUNCTION mpcloud.refund_next(state text, polls integer,
	now_ms bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
	SELECT now_ms + 1000 * CASE state
		WHEN 'CREATED' THEN (ARRAY[15, 30, 60, 120, 300, 600, 1800,
			3600])[least(polls, 7) + 1]
		WHEN 'PROCESSING' THEN (ARRAY[30, 60, 300, 600, 1800, 3600, 10800,
			21600])[least(polls, 7) + 1]
		WHEN 'ABNORMAL' THEN 86400 END
$$;

-- A wish for a refund.  `no`: the caller's own number, or '' for one made of
-- `key`; without a key, of the amount: asking twice for the same amount of an
-- order is one refund (one that WeChat closed does not count).  amount 0: all
-- that is left.  Of what is there already with this number, outcome is
-- 'existed'; else 'made', or what is wrong: 'missing', 'unpaid', 'conflict',
-- 'much', 'many', and `why` says it.  send: now is the time to ask WeChat (of
-- 'existed' too, when it has not said yes); else a poll will.
CREATE OR REPLACE FUNCTION mpcloud.refund_put(env text, mchid text,
	out_trade_no text, no text, key text, amount bigint, reason text,
	function text, notify_url text, now_ms bigint)
RETURNS TABLE (outcome text, why text, send boolean, out_refund_no text,
	body text, state text, r_amount bigint, total bigint, api text,
	appid text, transaction_id text, left_now bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	o mpcloud.orders;
	r mpcloud.refunds;
	used bigint;
	many integer;
	closed integer;
	last bigint;
	n text := nullif($4, '');
	at bigint;
BEGIN
	SELECT * INTO o FROM mpcloud.orders t WHERE t.mchid = $2
		AND t.out_trade_no = $3
		AND ($1 = '' OR coalesce(t.env, $1) = $1) FOR UPDATE;
	IF NOT FOUND THEN
		RETURN QUERY SELECT 'missing', 'there is no order of this number',
			false, '', '', '', 0::bigint, 0::bigint, '', '', '',
			0::bigint;
		RETURN;
	END IF;
	SELECT coalesce(sum(t.amount) FILTER (WHERE t.state <> 'CLOSED'), 0),
			count(*), max(t.asked_at), count(*) FILTER (
				WHERE t.state = 'CLOSED' AND $6 IN (0, t.amount))
		INTO used, many, last, closed
		FROM mpcloud.refunds t
		WHERE t.mchid = $2 AND t.out_trade_no = $3;
	IF n IS NULL THEN
		n := mpcloud.refund_no($2, $3, CASE
			WHEN $5 <> '' THEN 'key ' || $5
			WHEN $6 = 0 THEN 'rest ' || closed
			ELSE 'amount ' || $6 || ' ' || closed END);
	END IF;
	SELECT * INTO r FROM mpcloud.refunds t
		WHERE t.mchid = $2 AND t.out_refund_no = n;
	IF FOUND AND (r.out_trade_no <> $3 OR $6 > 0 AND r.amount <> $6) THEN
		RETURN QUERY SELECT 'conflict', format('a refund of this number '
			'exists for order %s with the amount %s: a refund is repeated '
			'with the same order and amount, another one needs another '
			'key', r.out_trade_no, mpcloud.refund_fen(r.amount)), false, n, '', r.state,
			r.amount, o.total, o.api, o.appid,
			coalesce(o.transaction_id, ''), o.total - used;
		RETURN;
	ELSIF FOUND THEN
		RETURN QUERY SELECT 'existed', coalesce(r.why, ''),
			r.state = 'CREATED' AND r.asked_at <= now_ms, n, r.body,
			r.state, r.amount, o.total, o.api, o.appid,
			coalesce(o.transaction_id, ''), o.total - used;
		RETURN;
	END IF;
	amount := CASE $6 WHEN 0 THEN o.total - used ELSE $6 END;
	outcome := CASE WHEN o.state NOT IN ('SUCCESS', 'REFUND') THEN 'unpaid'
		WHEN amount <= 0 OR amount > o.total - used THEN 'much'
		WHEN many >= 50 THEN 'many' END;
	IF outcome IS NOT NULL THEN
		RETURN QUERY SELECT outcome, CASE outcome
			WHEN 'unpaid' THEN format('this order is not paid (its state '
				'is %s): only what was paid can be refunded', o.state)
			WHEN 'much' THEN format('of this order''s %s, %s are refunded or '
				'being refunded: %s are left', mpcloud.refund_fen(o.total),
				mpcloud.refund_fen(used),
				mpcloud.refund_fen(o.total - used))
			ELSE 'this order has 50 refunds, and WeChat Pay takes no more'
			END, false, n, '', '', amount, o.total, o.api, o.appid,
			coalesce(o.transaction_id, ''), o.total - used;
		RETURN;
	END IF;
	-- WeChat wants a minute between two refunds of one order
	at := greatest(now_ms, coalesce(last + 61000, 0));
	body := jsonb_strip_nulls(jsonb_build_object('out_trade_no', $3,
		'out_refund_no', n, 'reason', nullif($7, ''), 'notify_url',
		nullif($9, ''), 'amount', jsonb_build_object('refund', amount,
			'total', o.total, 'currency', o.currency)))::text;
	INSERT INTO mpcloud.refunds AS t (mchid, out_refund_no, out_trade_no,
			amount, total, currency, reason, function, body, created_at,
			updated_at, asked_at, poll_at)
		VALUES ($2, n, $3, amount, o.total, o.currency, nullif($7, ''),
			nullif($8, ''), body, now_ms, now_ms, at,
			CASE WHEN at > now_ms THEN at ELSE now_ms + 15000 END);
	RETURN QUERY SELECT 'made', '', at <= now_ms, n, body, 'CREATED', amount,
		o.total, o.api, o.appid, coalesce(o.transaction_id, ''),
		o.total - used - amount;
END $$;

-- Refunds whose time to be asked about has come, for one gateway: for lease_ms
-- nobody else gets them.
CREATE OR REPLACE FUNCTION mpcloud.refund_due(mchid text, now_ms bigint,
	lease_ms bigint, top integer)
RETURNS TABLE (out_refund_no text) LANGUAGE sql AS $$
	UPDATE mpcloud.refunds t SET poll_at = now_ms + lease_ms
		FROM (SELECT d.out_refund_no AS no FROM mpcloud.refunds d
			WHERE d.mchid = $1 AND d.poll_at <= now_ms
			ORDER BY d.poll_at LIMIT top FOR UPDATE SKIP LOCKED) due
		WHERE t.mchid = $1 AND t.out_refund_no = due.no
		RETURNING t.out_refund_no
$$;

-- What a poll or an action needs to ask WeChat about it.
CREATE OR REPLACE FUNCTION mpcloud.refund_get(env text, mchid text, no text)
RETURNS TABLE (out_trade_no text, state text, body text, amount bigint,
	total bigint, api text, appid text, transaction_id text, refund_id text,
	why text, created_at bigint, refunded_at bigint, reason text,
	currency text, asked_at bigint)
LANGUAGE sql STABLE AS $$
	SELECT r.out_trade_no, r.state, r.body, r.amount, r.total, o.api, o.appid,
		coalesce(o.transaction_id, ''), coalesce(r.refund_id, ''),
		coalesce(r.why, ''), r.created_at, coalesce(r.refunded_at, 0),
		coalesce(r.reason, ''), r.currency, coalesce(r.asked_at, 0)
	FROM mpcloud.refunds r JOIN mpcloud.orders o
		ON o.mchid = r.mchid AND o.out_trade_no = r.out_trade_no
	WHERE r.mchid = $2 AND r.out_refund_no = $3
		AND ($1 = '' OR coalesce(o.env, $1) = $1)
$$;

-- WeChat was asked and said nothing that counts (`refused`: it said no, and
-- does not know the number either: then it is CLOSED).  Its state.
CREATE OR REPLACE FUNCTION mpcloud.refund_failed(mchid text, no text,
	why text, refused boolean, now_ms bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r mpcloud.refunds;
BEGIN
	PERFORM 1 FROM mpcloud.orders o JOIN mpcloud.refunds t
		ON t.mchid = o.mchid AND t.out_trade_no = o.out_trade_no
		WHERE t.mchid = $1 AND t.out_refund_no = $2 FOR UPDATE OF o;
	UPDATE mpcloud.refunds t SET why = $3, updated_at = now_ms,
			state = CASE WHEN refused AND t.state = 'CREATED'
				THEN 'CLOSED' ELSE t.state END,
			polls = t.polls + 1,
			poll_at = CASE WHEN refused AND t.state = 'CREATED' THEN NULL
				WHEN t.poll_at IS NOT NULL THEN
				mpcloud.refund_next(t.state, t.polls, now_ms) END
		WHERE t.mchid = $1 AND t.out_refund_no = $2
		RETURNING * INTO r;
	RETURN r.state;
END $$;

-- What CloudBase gives to the function that is told of a refund: the fields of
-- WeChat's notice in its spelling.
CREATE OR REPLACE FUNCTION mpcloud.refund_event(o mpcloud.orders,
	r mpcloud.refunds, account text)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('returnCode', 'SUCCESS', 'appid', o.appid,
		'mchId', o.mchid, 'subAppid', o.appid, 'subMchId', o.mchid,
		'nonceStr', replace(gen_random_uuid()::text, '-', ''),
		'transactionId', coalesce(o.transaction_id, ''),
		'outTradeNo', o.out_trade_no, 'refundId', coalesce(r.refund_id, ''),
		'outRefundNo', r.out_refund_no, 'totalFee', r.total,
		'settlementTotalFee', r.total, 'refundFee', r.amount,
		'settlementRefundFee', r.amount, 'refundStatus', CASE r.state
			WHEN 'CLOSED' THEN 'REFUNDCLOSE' WHEN 'ABNORMAL' THEN 'CHANGE'
			ELSE r.state END,
		'successTime', CASE WHEN r.refunded_at IS NOT NULL THEN
			to_char(timestamp 'epoch' + (r.refunded_at / 1000 + 28800)
				* interval '1 second', 'YYYY-MM-DD HH24:MI:SS')
			ELSE '' END,
		'refundRecvAccout', account, 'refundAccount',
		'REFUND_SOURCE_RECHARGE_FUNDS', 'refundRequestSource', 'API',
		'userInfo', jsonb_build_object('appId', o.appid, 'openId', o.openid))
$$;

-- What does not fit between what WeChat says and the refund; NULL: all does.
CREATE OR REPLACE FUNCTION mpcloud.refund_misfit(o mpcloud.orders,
	r mpcloud.refunds, out_trade_no text, transaction_id text,
	out_refund_no text, refund_id text, state text, refund bigint,
	total bigint)
RETURNS text LANGUAGE sql STABLE AS $$
	SELECT CASE
	WHEN o.mchid IS NULL THEN 'no order of this number is known here'
	WHEN r.mchid IS NULL THEN format('no refund %s was asked for here: '
		'somebody made it in the merchant platform, or another program did',
		$5)
	WHEN r.out_trade_no <> $3 THEN format('the refund is of order %s, WeChat '
		'says %s', r.out_trade_no, $3)
	WHEN r.amount <> $8 THEN format('refund %s is not the %s fen that were '
		'asked for', $8, r.amount)
	WHEN r.total <> $9 AND $9 > 0 THEN format('total %s is not the order''s '
		'%s fen', $9, r.total)
	WHEN o.transaction_id <> $4 AND $4 <> '' THEN format('transaction_id %s, '
		'but the order was paid as %s', $4, o.transaction_id)
	WHEN r.refund_id <> $6 AND $6 <> '' THEN format('refund_id %s, but WeChat '
		'called it %s before', $6, r.refund_id)
	WHEN $7 NOT IN ('PROCESSING', 'SUCCESS', 'CLOSED', 'ABNORMAL')
		THEN format('status %s is not known', $7)
	WHEN r.state = 'SUCCESS' AND $7 = 'CLOSED' OR r.state = 'CLOSED'
		AND r.refund_id IS NOT NULL AND $7 = 'SUCCESS'
		THEN format('status %s, but it was %s', $7, r.state)
	END
$$;

-- News of a refund; as mpcloud.pay_apply (pay.sql), which see.  resource: what
-- WeChat said, of which user_received_account and create_time are used.  A
-- refund that WeChat refused (CLOSED, without a refund_id) may come to life
-- after all: refusals are not signed.
CREATE OR REPLACE FUNCTION mpcloud.refund_apply(env text, told_by text,
	mchid text, event_id text, kind text, out_trade_no text,
	transaction_id text, out_refund_no text, refund_id text, state text,
	refund bigint, total bigint, at_ms bigint, resource jsonb, raw bytea,
	serial text, now_ms bigint)
RETURNS TABLE (outcome text, why text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	o mpcloud.orders;
	r mpcloud.refunds;
	was record;
	is_final boolean;
BEGIN
	SELECT * INTO o FROM mpcloud.orders t
		WHERE t.mchid = $3 AND t.out_trade_no = $6 FOR UPDATE;
	SELECT * INTO r FROM mpcloud.refunds t
		WHERE t.mchid = $3 AND t.out_refund_no = $8 FOR UPDATE;
	IF told_by = 'notify' THEN
		UPDATE mpcloud.pay_inbox i SET repeats = i.repeats + 1
			WHERE i.mchid = $3 AND i.event_id = $4
			RETURNING i.outcome, i.why INTO was;
		IF FOUND THEN
			RETURN QUERY SELECT CASE was.outcome WHEN 'quarantined'
				THEN was.outcome ELSE 'repeat' END, was.why;
			RETURN;
		END IF;
	END IF;
	is_final := r.state = 'SUCCESS'
		OR r.state = 'CLOSED' AND r.refund_id IS NOT NULL;
	why := mpcloud.refund_misfit(o, r, $6, $7, $8, $9, $10, $11, $12);
	outcome := CASE WHEN why IS NOT NULL THEN 'quarantined'
		WHEN r.state = $10 THEN 'repeat'
		WHEN is_final OR r.state = 'ABNORMAL' AND $10 = 'PROCESSING'
			THEN 'ignored' -- older than what we know
		ELSE 'applied' END;
	IF outcome <> 'quarantined' THEN
		PERFORM mpcloud.refund_change($1, $2, r, outcome, $9, $10, $13, $14,
			now_ms);
	ELSIF told_by = 'query' THEN
		UPDATE mpcloud.refunds t SET why = refund_apply.why, polls = t.polls + 1,
				poll_at = CASE WHEN t.poll_at IS NOT NULL
					THEN now_ms + 86400000 END
			WHERE t.mchid = $3 AND t.out_refund_no = $8;
	END IF;
	IF told_by = 'notify' OR outcome = 'quarantined' THEN
		INSERT INTO mpcloud.pay_inbox AS i (mchid, event_id, kind,
				out_trade_no, out_refund_no, transaction_id, resource, raw,
				serial, received_at, outcome, why)
			VALUES ($3, CASE told_by WHEN 'notify' THEN $4
					ELSE $2 || ' ' || md5($14::text) END,
				CASE told_by WHEN 'notify' THEN $5 ELSE $2 END,
				$6, $8, nullif($7, ''), $14, coalesce($15, ''), $16,
				now_ms, CASE outcome WHEN 'ignored' THEN 'repeat'
					ELSE outcome END, why)
			ON CONFLICT ON CONSTRAINT pay_inbox_mchid_event_id_key
				DO UPDATE SET repeats = i.repeats + 1;
	END IF;
	RETURN NEXT;
END $$;

-- Writes it down, `applied`: tells the author's functions, too.
CREATE OR REPLACE FUNCTION mpcloud.refund_change(env text, told_by text,
	was mpcloud.refunds, outcome text, refund_id text, state text,
	at_ms bigint, resource jsonb, now_ms bigint)
RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	o mpcloud.orders;
	r mpcloud.refunds;
	is_new boolean := $4 = 'applied';
BEGIN
	UPDATE mpcloud.refunds t SET
			state = CASE WHEN is_new THEN $6 ELSE t.state END,
			told_by = CASE WHEN is_new THEN $2 ELSE t.told_by END,
			why = NULL,
			refund_id = coalesce(t.refund_id, nullif($5, '')),
			accepted_at = coalesce(t.accepted_at,
				mpcloud.refund_time($8 ->> 'create_time')),
			refunded_at = CASE WHEN is_new AND $6 = 'SUCCESS' THEN
				CASE WHEN $7 > 0 THEN $7 ELSE now_ms END
				ELSE t.refunded_at END,
			updated_at = now_ms,
			polls = CASE WHEN is_new THEN 0 ELSE t.polls + 1 END,
			poll_at = CASE WHEN is_new
				THEN mpcloud.refund_next($6, 0, now_ms)
				WHEN $2 = 'query' AND t.poll_at IS NOT NULL
				THEN mpcloud.refund_next(t.state, t.polls, now_ms)
				ELSE t.poll_at END
		WHERE t.mchid = was.mchid AND t.out_refund_no = was.out_refund_no
		RETURNING * INTO r;
	IF NOT is_new OR $6 = 'PROCESSING' THEN
		RETURN;
	END IF;
	UPDATE mpcloud.orders t SET updated_at = now_ms,
			refunded = t.refunded + CASE $6 WHEN 'SUCCESS'
				THEN r.amount ELSE 0 END,
			state = CASE $6 WHEN 'SUCCESS' THEN 'REFUND'
				ELSE t.state END
		WHERE t.mchid = r.mchid AND t.out_trade_no = r.out_trade_no
		RETURNING * INTO o;
	IF $6 = 'SUCCESS' THEN
		PERFORM mpcloud.trigger_pay(coalesce(o.env, $1), o.mchid,
			o.out_trade_no, 'refunded', now_ms, jsonb_build_object(
				'outRefundNo', r.out_refund_no, 'refundId',
				r.refund_id, 'refund', r.amount, 'refunded',
				o.refunded, 'reason', r.reason));
	END IF;
	IF r.function IS NOT NULL THEN
		PERFORM mpcloud.cloudpay_queue(coalesce(o.env, $1), r.function,
			format('refund %s %s %s', r.mchid, r.out_refund_no, r.state),
			mpcloud.refund_event(o, r,
				coalesce($8 ->> 'user_received_account', '')),
			jsonb_build_object('uid', coalesce(o.uid, ''), 'openid',
				o.openid, 'appid', o.appid), now_ms);
	END IF;
END $$;

-- RFC 3339, or NULL.
CREATE OR REPLACE FUNCTION mpcloud.refund_time(text text)
RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN (extract(epoch FROM text::timestamptz) * 1000)::bigint;
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END $$;
