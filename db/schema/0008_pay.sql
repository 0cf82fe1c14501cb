-- No index but the keys begins with mchid, which nearly all rows share: a statement
-- that was planned while its table was empty would take it for the key.

-- The life of an order after it was placed.  `state` is WeChat Pay's trade_state:
-- CREATED (ours: WeChat has not said yes), NOTPAY, USERPAYING, SUCCESS, REFUND,
-- CLOSED, REVOKED, PAYERROR.  SUCCESS and REFUND both mean that it was paid.

ALTER TABLE mpcloud.orders ADD api text NOT NULL DEFAULT 'v3' CHECK (api IN ('v3', 'v2'));
ALTER TABLE mpcloud.orders ADD env text;
ALTER TABLE mpcloud.orders ADD function text;          -- who is told (cloudPay)
ALTER TABLE mpcloud.orders ADD expires_at bigint;      -- time_expire
ALTER TABLE mpcloud.orders ADD payer_total bigint;
ALTER TABLE mpcloud.orders ADD bank_type text;
ALTER TABLE mpcloud.orders ADD trade_type text;
ALTER TABLE mpcloud.orders ADD refunded bigint NOT NULL DEFAULT 0; -- fen, SUCCESS only
ALTER TABLE mpcloud.orders ADD closed_at bigint;
ALTER TABLE mpcloud.orders ADD told_by text;           -- notify, query, bill
ALTER TABLE mpcloud.orders ADD polls integer NOT NULL DEFAULT 0;
ALTER TABLE mpcloud.orders ADD poll_at bigint;         -- NULL: nobody asks any more
CREATE INDEX orders_poll ON mpcloud.orders (poll_at) WHERE poll_at IS NOT NULL;
CREATE INDEX orders_created ON mpcloud.orders (created_at, mchid);
CREATE INDEX orders_paid ON mpcloud.orders (paid_at, mchid) WHERE paid_at IS NOT NULL;
CREATE UNIQUE INDEX orders_transaction ON mpcloud.orders (mchid, transaction_id)
	WHERE transaction_id IS NOT NULL;

-- `state`: CREATED (ours: WeChat has not said yes), PROCESSING, SUCCESS, CLOSED,
-- ABNORMAL.
CREATE TABLE mpcloud.refunds (
	mchid text NOT NULL,
	out_refund_no text NOT NULL,
	out_trade_no text NOT NULL,
	refund_id text,
	amount bigint NOT NULL,             -- fen
	total bigint NOT NULL,              -- of the order
	currency text NOT NULL DEFAULT 'CNY',
	reason text,
	function text,
	state text NOT NULL DEFAULT 'CREATED',
	body text NOT NULL,                 -- the request as it was sent
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	asked_at bigint,                    -- when WeChat is asked first: a minute
	                                    -- lies between two of one order
	accepted_at bigint,                 -- WeChat's create_time
	refunded_at bigint,
	why text,                           -- of the last asking that failed
	told_by text,
	polls integer NOT NULL DEFAULT 0,
	poll_at bigint,
	PRIMARY KEY (mchid, out_refund_no),
	FOREIGN KEY (mchid, out_trade_no) REFERENCES mpcloud.orders (mchid, out_trade_no)
);
CREATE INDEX refunds_order ON mpcloud.refunds (out_trade_no, mchid);
CREATE INDEX refunds_id ON mpcloud.refunds (refund_id, mchid)
	WHERE refund_id IS NOT NULL;
CREATE INDEX refunds_asked ON mpcloud.refunds (accepted_at, mchid)
	WHERE accepted_at IS NOT NULL;
CREATE INDEX refunds_poll ON mpcloud.refunds (poll_at) WHERE poll_at IS NOT NULL;
CREATE INDEX refunds_done ON mpcloud.refunds (refunded_at, mchid) WHERE refunded_at IS NOT NULL;

-- Every callback that verified, once: what WeChat said, and what became of it.
-- `outcome`: applied, repeat (nothing new), quarantined (does not fit; `why` says
-- what), released (an operator has looked at it).
CREATE TABLE mpcloud.pay_inbox (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	mchid text NOT NULL,
	event_id text NOT NULL,             -- WeChat's; v2: a sum of the body
	kind text NOT NULL,                 -- TRANSACTION.SUCCESS, REFUND.SUCCESS …
	out_trade_no text,
	out_refund_no text,
	transaction_id text,
	resource jsonb NOT NULL,            -- decrypted
	raw bytea NOT NULL,                 -- the body as it came
	serial text,                        -- of the key that verified it
	received_at bigint NOT NULL,
	repeats integer NOT NULL DEFAULT 0,
	outcome text NOT NULL,
	why text,
	UNIQUE (mchid, event_id)
);
CREATE INDEX pay_inbox_order ON mpcloud.pay_inbox (out_trade_no, mchid);
CREATE INDEX pay_inbox_quarantine ON mpcloud.pay_inbox (received_at)
	WHERE outcome = 'quarantined';

-- Platform certificates, so that a restart does not begin without one.
CREATE TABLE mpcloud.pay_certificates (
	mchid text NOT NULL,
	serial text NOT NULL,
	pem text NOT NULL,
	effective_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	fetched_at bigint NOT NULL,
	PRIMARY KEY (mchid, serial)
);

-- Who does what only one gateway should, and since when.
CREATE TABLE mpcloud.pay_leases (
	mchid text NOT NULL,
	what text NOT NULL,                 -- certificates
	taken_at bigint NOT NULL,
	PRIMARY KEY (mchid, what)
);

-- One trade bill of a day, and where it and our orders differ.
CREATE TABLE mpcloud.pay_bills (
	mchid text NOT NULL,
	day text NOT NULL,                  -- 2026-11-20, China's
	state text NOT NULL,                -- waiting, running, empty, done, failed
	hash text,
	lines integer,
	looked_at bigint NOT NULL,
	next_at bigint,
	why text,
	sums jsonb,                         -- as `mpcloud pay reconcile` shows them
	PRIMARY KEY (mchid, day)
);
-- What a bill says, line by line; a `refund` names its order too.
CREATE TABLE mpcloud.pay_bill_lines (
	mchid text NOT NULL,
	day text NOT NULL,
	line integer NOT NULL,
	kind text NOT NULL,                 -- paid, refund, revoked
	at bigint NOT NULL,
	appid text NOT NULL,
	openid text NOT NULL,
	transaction_id text NOT NULL,
	out_trade_no text NOT NULL,
	trade_type text NOT NULL,
	bank_type text NOT NULL,
	currency text NOT NULL,
	total bigint NOT NULL,              -- fen
	refund_id text NOT NULL DEFAULT '',
	out_refund_no text NOT NULL DEFAULT '',
	refund bigint NOT NULL DEFAULT 0,   -- fen
	refund_state text NOT NULL DEFAULT '',
	PRIMARY KEY (mchid, day, line)
);
CREATE INDEX pay_bill_lines_order ON mpcloud.pay_bill_lines (out_trade_no, mchid);
CREATE TABLE mpcloud.pay_differences (
	mchid text NOT NULL,
	day text NOT NULL,
	kind text NOT NULL,                 -- see pay/reconcile.h
	out_trade_no text NOT NULL,
	out_refund_no text NOT NULL DEFAULT '',
	ours text,
	theirs text,
	found_at bigint NOT NULL,
	settled_at bigint,                  -- repaired, or seen by the operator
	settled_by text,
	PRIMARY KEY (mchid, day, kind, out_trade_no, out_refund_no)
);

-- 'cloudpay': a payment's or refund's own function, which must answer
-- {errcode: 0}; 'push': a message of WeChat's.
ALTER TABLE mpcloud.queue DROP CONSTRAINT queue_kind_check;
ALTER TABLE mpcloud.queue ADD CONSTRAINT queue_kind_check CHECK (kind IN
	('async', 'timer', 'document', 'file', 'login', 'pay', 'cloudpay', 'push'));
