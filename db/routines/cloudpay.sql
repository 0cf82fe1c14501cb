-- Orders and refunds in the words of API v2, which cloudPay speaks: the SDKs
-- make outTradeNo of out_trade_no and so on.  The merchant is a sub-merchant of
-- CloudBase's there; here both names say the same.

CREATE OR REPLACE FUNCTION mpcloud.cloudpay_head(o mpcloud.orders)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('return_code', 'SUCCESS', 'return_msg', 'OK',
		'appid', o.appid, 'mch_id', o.mchid, 'sub_appid', o.appid,
		'sub_mch_id', o.mchid, 'nonce_str',
		replace(gen_random_uuid()::text, '-', ''), 'sign', '',
		'result_code', 'SUCCESS', 'out_trade_no', o.out_trade_no,
		'transaction_id', coalesce(o.transaction_id, ''),
		'total_fee', o.total, 'fee_type', o.currency)
$$;

-- Which order is meant and which of its refunds: by one of these numbers, the
-- first that is not ''.  Of several refunds one that has not ended comes first.
-- No row: there is none in this environment.
CREATE OR REPLACE FUNCTION mpcloud.cloudpay_find(env text, mchid text, no text,
	tx text, refund_no text, refund_id text)
RETURNS TABLE (out_trade_no text, out_refund_no text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
	found text := nullif($3, '');
BEGIN
	IF found IS NULL AND $4 <> '' THEN
		SELECT o.out_trade_no INTO found FROM mpcloud.orders o
			WHERE o.mchid = $2 AND o.transaction_id = $4;
	ELSIF found IS NULL AND $5 <> '' THEN
		SELECT r.out_trade_no INTO found FROM mpcloud.refunds r
			WHERE r.mchid = $2 AND r.out_refund_no = $5;
	ELSIF found IS NULL THEN
		SELECT r.out_trade_no INTO found FROM mpcloud.refunds r
			WHERE r.mchid = $2 AND r.refund_id = $6;
	END IF;
	RETURN QUERY SELECT o.out_trade_no, r.out_refund_no
		FROM mpcloud.orders o LEFT JOIN mpcloud.refunds r
			ON r.mchid = o.mchid AND r.out_trade_no = o.out_trade_no
			AND ($5 = '' OR r.out_refund_no = $5)
			AND ($6 = '' OR r.refund_id = $6)
		WHERE o.mchid = $2 AND o.out_trade_no = found
			AND coalesce(o.env, $1) = $1
		ORDER BY (r.state IN ('SUCCESS', 'CLOSED')) NULLS LAST,
			r.created_at LIMIT 1;
END $$;

-- queryOrder's answer.
CREATE OR REPLACE FUNCTION mpcloud.cloudpay_order(mchid text, no text)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_strip_nulls(mpcloud.cloudpay_head(o) || jsonb_build_object(
			'openid', o.openid, 'sub_openid', o.openid,
			'is_subscribe', 'N', 'sub_is_subscribe', 'N',
			'trade_type', coalesce(o.trade_type, 'JSAPI'),
			'trade_state', CASE o.state WHEN 'CREATED' THEN 'NOTPAY'
				ELSE o.state END,
			'trade_state_desc', CASE o.state WHEN 'SUCCESS'
				THEN '支付成功' WHEN 'REFUND' THEN '转入退款'
				WHEN 'CLOSED' THEN '订单已关闭'
				WHEN 'REVOKED' THEN '已撤销'
				WHEN 'USERPAYING' THEN '用户支付中'
				WHEN 'PAYERROR' THEN '支付失败'
				ELSE '订单未支付' END,
			'bank_type', o.bank_type, 'attach', o.attach,
			'cash_fee', CASE WHEN o.paid_at IS NOT NULL
				THEN coalesce(o.payer_total, o.total) END,
			'coupon_fee', CASE WHEN o.payer_total < o.total
				THEN o.total - o.payer_total END,
			'time_end', mpcloud.cloudpay_time(o.paid_at)))
		FROM mpcloud.orders o WHERE o.mchid = $1 AND o.out_trade_no = $2
$$;

CREATE OR REPLACE FUNCTION mpcloud.cloudpay_state(state text)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE state WHEN 'CREATED' THEN 'PROCESSING'
		WHEN 'CLOSED' THEN 'REFUNDCLOSE' WHEN 'ABNORMAL' THEN 'CHANGE'
		ELSE state END
$$;

-- refund's answer.
CREATE OR REPLACE FUNCTION mpcloud.cloudpay_refund(mchid text, no text)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT mpcloud.cloudpay_head(o) || jsonb_build_object(
			'out_refund_no', r.out_refund_no,
			'refund_id', coalesce(r.refund_id, ''),
			'refund_fee', r.amount, 'settlement_refund_fee', r.amount,
			'settlement_total_fee', r.total, 'cash_refund_fee', r.amount,
			'cash_fee', coalesce(o.payer_total, o.total),
			'refund_status', mpcloud.cloudpay_state(r.state),
			'coupon_type_list', '[]'::jsonb,
			'coupon_refund_fee_list', '[]'::jsonb,
			'coupon_refund_id_list', '[]'::jsonb)
		FROM mpcloud.refunds r JOIN mpcloud.orders o ON o.mchid = r.mchid
			AND o.out_trade_no = r.out_trade_no
		WHERE r.mchid = $1 AND r.out_refund_no = $2
$$;

-- queryRefund's answer, of one refund or ('') all of an order: as lists, which
-- is how CloudBase names them, and numbered as API v2 does.
CREATE OR REPLACE FUNCTION mpcloud.cloudpay_refunds(mchid text, no text,
	refund_no text)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	WITH r AS (
		SELECT *, (row_number() OVER (ORDER BY t.created_at,
				t.out_refund_no) - 1)::text AS n
			FROM mpcloud.refunds t WHERE t.mchid = $1
			AND t.out_trade_no = $2 AND ($3 = '' OR t.out_refund_no = $3)
	), fields AS (
		SELECT r.n, f.* FROM r, LATERAL (VALUES
			('out_refund_no', to_jsonb(r.out_refund_no)),
			('refund_id', to_jsonb(coalesce(r.refund_id, ''))),
			('refund_channel', '"ORIGINAL"'::jsonb),
			('refund_fee', to_jsonb(r.amount)),
			('settlement_refund_fee', to_jsonb(r.amount)),
			('refund_status',
				to_jsonb(mpcloud.cloudpay_state(r.state))),
			('refund_account',
				'"REFUND_SOURCE_RECHARGE_FUNDS"'::jsonb),
			('refund_recv_accout', '""'::jsonb),
			('refund_success_time', to_jsonb(coalesce(to_char(
				timestamp 'epoch' + (r.refunded_at / 1000 + 28800)
				* interval '1 second', 'YYYY-MM-DD HH24:MI:SS'), '')))
		) AS f (name, value)
	)
	SELECT mpcloud.cloudpay_head(o)
		|| jsonb_build_object('cash_fee', coalesce(o.payer_total, o.total),
			'refund_count', (SELECT count(*) FROM r),
			'total_refund_count', (SELECT count(*) FROM r),
			'refund_fee', (SELECT coalesce(sum(r.amount), 0) FROM r))
		|| (SELECT coalesce(jsonb_object_agg(f.name || '_' || f.n, f.value),
			'{}') FROM fields f)
		|| (SELECT coalesce(jsonb_object_agg(l.name || '_list', l.list),
			'{}') FROM (SELECT f.name, jsonb_agg(f.value ORDER BY
				f.n::integer) AS list FROM fields f GROUP BY f.name) l)
		FROM mpcloud.orders o WHERE o.mchid = $1 AND o.out_trade_no = $2
$$;
