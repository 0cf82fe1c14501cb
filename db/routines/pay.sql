-- An order changes its state here and nowhere else, whoever brings the news: a
-- callback, a query, a bill.  Everything about one order begins with its row's
-- lock, so what comes twice or at once is seen one after the other.

-- A function that must answer {errcode: 0} hears of it: CloudBase's protocol for
-- payment callbacks.  Such calls are tried again for about two days.
CREATE OR REPLACE FUNCTION mpcloud.cloudpay_queue(env text, function text,
	key text, event jsonb, caller jsonb, now_ms bigint)
RETURNS void LANGUAGE sql AS $$
	INSERT INTO mpcloud.queue (env, kind, function, event, caller, request_id,
			key, run_at, retries, created_at)
		VALUES ($1, 'cloudpay', $2, $4::text,
			$5 || '{"source":"wx_paycallback"}',
			replace(gen_random_uuid()::text, '-', ''), $3, $6, 300, $6)
		ON CONFLICT (env, function, key) WHERE key IS NOT NULL DO NOTHING
$$;

-- 20261120183000: v2's times are China's.
CREATE OR REPLACE FUNCTION mpcloud.cloudpay_time(ms bigint)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT to_char(timestamp 'epoch' + (ms + 28800000)
		* interval '1 millisecond', 'YYYYMMDDHH24MISS')
$$;

-- What cloudPay's callback tells of a paid order: v2's fields in camel case, and
-- tradeState REFUND when money had gone back by then.
-- There the merchant is a sub-merchant of CloudBase's; here both names say the
-- same.
CREATE OR REPLACE FUNCTION mpcloud.cloudpay_event(o mpcloud.orders)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object('returnCode', 'SUCCESS',
		'resultCode', 'SUCCESS', 'appid', o.appid, 'subAppid', o.appid,
		'mchId', o.mchid, 'subMchId', o.mchid, 'openid', o.openid,
		'subOpenid', o.openid, 'isSubscribe', 'N', 'subIsSubscribe', 'N',
		'outTradeNo', o.out_trade_no, 'transactionId', o.transaction_id,
		'totalFee', o.total, 'cashFee', coalesce(o.payer_total, o.total),
		'couponFee', CASE WHEN o.payer_total < o.total
			THEN o.total - o.payer_total END,
		'feeType', o.currency, 'tradeType', coalesce(o.trade_type, 'JSAPI'),
		'bankType', o.bank_type, 'attach', o.attach,
		'timeEnd', mpcloud.cloudpay_time(o.paid_at),
		'tradeState', CASE o.state WHEN 'REFUND' THEN o.state END,
		'nonceStr', replace(gen_random_uuid()::text, '-', ''),
		'userInfo', jsonb_build_object('appId', o.appid, 'openId',
			o.openid)))
$$;

-- When WeChat is asked next after the polls'th time: 5 s after the payment was
-- handed out came the first, then at about 30 s, 60 s, 3 min, 10 min, 30 min,
-- then hourly, up to an eighth later so that what was ordered together is not
-- asked together; and at its end, if that comes before.  What could not be closed
-- at its end: after a minute, then the less often the longer that is ago.
CREATE OR REPLACE FUNCTION mpcloud.pay_poll_next(no text, polls integer,
	expires_at bigint, now_ms bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
	SELECT least(now_ms + d.ms + abs(hashtext(no || polls)::bigint) % (d.ms / 8),
			CASE WHEN expires_at > 0
				THEN greatest(expires_at, now_ms + 60000,
					now_ms + (now_ms - expires_at) / 2) END)
		FROM (SELECT coalesce((ARRAY[25000, 30000, 120000, 420000, 1200000])
			[greatest(polls, 1)], 3600000)::bigint AS ms) d
$$;

-- What does not fit between what WeChat says and the order; NULL: all does.
CREATE OR REPLACE FUNCTION mpcloud.pay_misfit(o mpcloud.orders, appid text,
	transaction_id text, openid text, currency text, total bigint,
	state text)
RETURNS text LANGUAGE sql STABLE AS $$
	SELECT CASE
	WHEN o.mchid IS NULL THEN 'no order of this number is known here'
	WHEN $7 NOT IN ('NOTPAY', 'USERPAYING', 'SUCCESS', 'REFUND', 'CLOSED',
		'REVOKED', 'PAYERROR') THEN format('trade_state %s is not known', $7)
	WHEN $2 <> o.appid AND ($2 <> '' OR p.paid)
		THEN format('appid %s is not the order''s %s', $2, o.appid)
	WHEN $6 <> o.total AND ($6 > 0 OR p.paid)
		THEN format('total %s is not the order''s %s fen', $6, o.total)
	WHEN $5 <> o.currency AND ($5 <> '' OR p.paid)
		THEN format('currency %s is not the order''s %s', $5, o.currency)
	WHEN $4 <> o.openid AND $4 <> ''
		THEN 'openid is not that of the order''s payer'
	WHEN p.paid AND $3 = '' THEN 'it is paid, and has no transaction_id'
	WHEN p.paid AND $3 <> o.transaction_id
		THEN format('transaction_id %s, but it was paid as %s', $3,
			o.transaction_id)
	WHEN p.paid AND o.transaction_id IS NULL THEN (
		SELECT format('transaction_id %s is that of order %s', $3,
				t.out_trade_no)
			FROM mpcloud.orders t WHERE t.mchid = o.mchid
			AND t.transaction_id = $3)
	END FROM (SELECT $7 IN ('SUCCESS', 'REFUND') AS paid) p
$$;

-- `told_by`: notify (then event_id, raw and serial go into the inbox, where an
-- event that was there before is a repeat), query, bill.  `outcome` as
-- pay/ledger.h has them.  at_ms 0, payer_total -1, empty texts: not said.
CREATE OR REPLACE FUNCTION mpcloud.pay_apply(env text, told_by text, mchid text,
	event_id text, kind text, appid text, out_trade_no text,
	transaction_id text, openid text, currency text, total bigint,
	payer_total bigint, trade_type text, bank_type text, state text,
	at_ms bigint, resource jsonb, raw bytea, serial text, now_ms bigint)
RETURNS TABLE (outcome text, why text) LANGUAGE plpgsql
-- a plan made while the inbox was empty would read all of it for ever
SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
	o mpcloud.orders;
	was record;
BEGIN
	SELECT * INTO o FROM mpcloud.orders r
		WHERE r.mchid = $3 AND r.out_trade_no = $7 FOR UPDATE;
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
	why := mpcloud.pay_misfit(o, $6, $8, $9, $10, $11, $15);
	outcome := CASE WHEN why IS NOT NULL THEN 'quarantined'
		WHEN $15 IN ('SUCCESS', 'REFUND')
			THEN mpcloud.pay_paid($1, $2, o, $8, $12, $13, $14, $15,
				$16, now_ms)
		ELSE mpcloud.pay_unpaid($2, o, $15, now_ms) END;
	IF outcome = 'applied' AND $15 = 'SUCCESS'
			AND o.state IN ('CLOSED', 'REVOKED', 'PAYERROR') THEN
		why := format('it was %s here, and is paid after all', o.state);
	ELSIF outcome = 'applied' AND $15 = 'REFUND' AND o.state <> 'SUCCESS' THEN
		why := 'money was paid and went back, both before anybody heard of '
			'it here: look before it is delivered';
	END IF;
	IF told_by = 'query' AND o.poll_at IS NOT NULL
			AND outcome = 'quarantined' THEN
		UPDATE mpcloud.orders r SET poll_at = mpcloud.pay_poll_next(
				r.out_trade_no, r.polls, NULL, now_ms)
			WHERE r.mchid = $3 AND r.out_trade_no = $7;
	END IF;
	IF told_by = 'notify' OR outcome = 'quarantined' THEN
		INSERT INTO mpcloud.pay_inbox AS i (mchid, event_id, kind,
				out_trade_no, transaction_id, resource, raw, serial,
				received_at, outcome, why)
			VALUES ($3, CASE told_by WHEN 'notify' THEN $4
					ELSE $2 || ' ' || md5($17::text) END,
				CASE told_by WHEN 'notify' THEN $5 ELSE $2 END,
				$7, nullif($8, ''), $17, coalesce($18, ''), $19,
				now_ms, outcome, why)
			ON CONFLICT ON CONSTRAINT pay_inbox_mchid_event_id_key
				DO UPDATE SET repeats = i.repeats + 1
			RETURNING i.repeats > 0 AS again INTO was;
		IF was.again AND outcome <> 'quarantined' THEN
			outcome := 'repeat';
		END IF;
	END IF;
	RETURN NEXT;
END $$;

-- Paid: once.  A closed order whose money came all the same is paid, too.
-- REFUND: it was paid and (a part of) it has been paid back since.
CREATE OR REPLACE FUNCTION mpcloud.pay_paid(env text, told_by text,
	was mpcloud.orders, transaction_id text, payer_total bigint,
	trade_type text, bank_type text, state text, at_ms bigint,
	now_ms bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	o mpcloud.orders;
BEGIN
	IF was.state = $8 OR was.state = 'REFUND' THEN
		RETURN 'repeat';
	END IF;
	IF was.state = 'SUCCESS' THEN
		UPDATE mpcloud.orders r SET state = $8, updated_at = now_ms
			WHERE r.mchid = was.mchid
			AND r.out_trade_no = was.out_trade_no;
		RETURN 'applied';
	END IF;
	UPDATE mpcloud.orders r SET state = $8, transaction_id = $4,
			paid_at = CASE WHEN at_ms > 0 THEN at_ms ELSE now_ms END,
			payer_total = CASE WHEN $5 >= 0 THEN $5 END,
			trade_type = nullif($6, ''), bank_type = nullif($7, ''),
			told_by = $2, poll_at = NULL, updated_at = now_ms
		WHERE r.mchid = was.mchid AND r.out_trade_no = was.out_trade_no
		RETURNING * INTO o;
	env := coalesce(o.env, env);
	PERFORM mpcloud.trigger_pay(env, o.mchid, o.out_trade_no, 'paid', now_ms,
		CASE o.state WHEN 'REFUND' THEN '{"tradeState":"REFUND"}'::jsonb
		ELSE '{}' END);
	IF o.function IS NOT NULL THEN
		PERFORM mpcloud.cloudpay_queue(env, o.function,
			format('paid %s %s', o.mchid, o.out_trade_no),
			mpcloud.cloudpay_event(o), jsonb_build_object('uid',
				coalesce(o.uid, ''), 'openid', o.openid, 'appid',
				o.appid), now_ms);
	END IF;
	RETURN 'applied';
END $$;

-- News of an order that nobody has paid.  A paid one stays paid: the news is
-- older than what we know.  So does a closed one.
CREATE OR REPLACE FUNCTION mpcloud.pay_unpaid(told_by text, was mpcloud.orders,
	state text, now_ms bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	is_over boolean := $3 IN ('CLOSED', 'REVOKED');
BEGIN
	IF was.state IN ('SUCCESS', 'REFUND', 'CLOSED', 'REVOKED') THEN
		RETURN 'ignored';
	END IF;
	UPDATE mpcloud.orders r SET state = $3,
			closed_at = CASE WHEN is_over THEN now_ms END,
			told_by = CASE WHEN is_over THEN $1 END,
			poll_at = CASE WHEN is_over THEN NULL
				WHEN $1 = 'query' THEN mpcloud.pay_poll_next(
					r.out_trade_no, r.polls, r.expires_at, now_ms)
				ELSE r.poll_at END,
			updated_at = CASE WHEN was.state = $3 THEN r.updated_at
				ELSE now_ms END
		WHERE r.mchid = was.mchid AND r.out_trade_no = was.out_trade_no;
	RETURN CASE WHEN was.state = $3 THEN 'ignored' ELSE 'applied' END;
END $$;

-- Orders that WeChat should be asked about, for whoever has room for `top`: they
-- are his until lease_ms from now.
CREATE OR REPLACE FUNCTION mpcloud.pay_due(mchid text, now_ms bigint,
	lease_ms bigint, top integer)
RETURNS TABLE (out_trade_no text, appid text, expires_at bigint)
LANGUAGE sql AS $$
	WITH due AS MATERIALIZED (
		SELECT o.out_trade_no AS no FROM mpcloud.orders o
			WHERE o.poll_at <= now_ms AND o.mchid = $1
			ORDER BY o.poll_at LIMIT top FOR UPDATE SKIP LOCKED
	) UPDATE mpcloud.orders o SET poll_at = now_ms + lease_ms,
			polls = o.polls + 1
		FROM due WHERE o.mchid = $1 AND o.out_trade_no = due.no
		RETURNING o.out_trade_no, o.appid, coalesce(o.expires_at, 0)
$$;

-- WeChat could not be asked: again at at_ms, as if it had not been tried.
CREATE OR REPLACE FUNCTION mpcloud.pay_poll_later(mchid text, out_trade_no text,
	at_ms bigint)
RETURNS void LANGUAGE sql AS $$
	UPDATE mpcloud.orders o SET poll_at = at_ms,
			polls = greatest(o.polls - 1, 0)
		WHERE o.mchid = $1 AND o.out_trade_no = $2
			AND o.poll_at IS NOT NULL
$$;

-- WeChat knows of no such order (yet): asked again as if it had said NOTPAY.
CREATE OR REPLACE FUNCTION mpcloud.pay_poll_missing(mchid text,
	out_trade_no text, now_ms bigint)
RETURNS void LANGUAGE sql AS $$
	UPDATE mpcloud.orders o SET poll_at = mpcloud.pay_poll_next(
			o.out_trade_no, o.polls, o.expires_at, now_ms)
		WHERE o.mchid = $1 AND o.out_trade_no = $2
			AND o.poll_at IS NOT NULL
$$;
