// WeChat Pay's half of the sandbox, spoken to as its documentation says (lib/
// sandbox.mjs) and by two SDKs that others wrote.
import { strict as assert } from 'node:assert';
import { createHash, createPublicKey, createSign, X509Certificate } from 'node:crypto';
import { createRequire } from 'node:module';
import { after, before, beforeEach, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { certificates, Inbox, read, Sandbox, unseal, unsealRefund, verifies,
	xmlRead } from '../lib/sandbox.mjs';
import { lacksPackages, until } from '../lib/stack.mjs';

const require = createRequire(import.meta.url);
const skip = lacksPackages('tests');
const JSAPI = '/v3/pay/transactions/jsapi';
const REFUNDS = '/v3/refund/domestic/refunds';
const HOST = 'https://api.mch.weixin.qq.com';
const sandbox = new Sandbox('sandbox-pay');
const inbox = new Inbox();
let openid, keys, apiv3Key, publicKey;

before(async () => {
	await sandbox.start();
	await inbox.start();
	openid = await sandbox.user();
	keys = await sandbox.ask('/sandbox/keys');
	apiv3Key = read(sandbox.apiv3KeyFile);
	publicKey = read(sandbox.publicKeyFile);
});

after(async () => {
	await inbox.stop();
	assert.equal(await sandbox.end(), 0, 'it ends well');
});

/* Each test begins with an empty inbox and nothing under way. */
beforeEach(async () => {
	await sandbox.ask('/sandbox/notify-fault', { kind: 'none' });
	await sandbox.ask('/sandbox/settings', { notify_schedule: [], refund_delay: 0,
		refund_result: 'SUCCESS', refund_apart: 0, close_after: 0, answers: 'asked' });
	await sandbox.ask('/sandbox/rotate', { public_key_percent: 100 });
	await sandbox.ask('/sandbox/notify', {});
	await until(quiet, 'no callback under way');
	inbox.got.length = 0;
	inbox.flyingTop = 0;
	inbox.answer = () => 204;
});

/* ---- words ---- */

/* No callback under way, no refund to be settled. */
async function quiet() {
	const { waiting, due } = await sandbox.ask('/sandbox/notifications?limit=0');

	return waiting === 0 && due === 0;
}
const deliveries = async (number) =>
	(await sandbox.ask(`/sandbox/notifications?out_trade_no=${number}`)).deliveries;

let numbers = 0;
const newNumber = (start = 'P') => `${start}${Date.now()}${numbers += 1}`;
const newOrder = (more = {}) => ({ appid: sandbox.appid, mchid: sandbox.mchid,
	description: '龙井,250 g', out_trade_no: newNumber(),
	notify_url: `${inbox.base}/notify`, amount: { total: 12800, currency: 'CNY' },
	payer: { openid }, ...more });

async function place(more) {
	const order = newOrder(more);
	const { status, data } = await sandbox.v3('POST', JSAPI, order);

	assert.equal(status, 200, JSON.stringify(data));
	return { ...order, prepay_id: data.prepay_id };
}

const userPays = (number, more = {}) =>
	sandbox.ask('/sandbox/pay', { out_trade_no: number, ...more });

async function paid(more) {
	const order = await place(more);
	const { transaction_id } = await userPays(order.out_trade_no);

	assert.match(transaction_id, /^4200\d{24}$/);
	return { ...order, transaction_id };
}

const query = (number, options) => sandbox.v3('GET',
	`/v3/pay/transactions/out-trade-no/${number}?mchid=${sandbox.mchid}`, undefined, options);

const close = (number) => sandbox.v3('POST',
	`/v3/pay/transactions/out-trade-no/${number}/close`, { mchid: sandbox.mchid });

const refund = (number, fen, more = {}) => sandbox.v3('POST', REFUNDS, {
	out_trade_no: number, out_refund_no: newNumber('R'), notify_url: `${inbox.base}/refund`,
	amount: { refund: fen, total: 12800, currency: 'CNY' }, ...more });

/* A callback as a merchant reads it. */
function opened(one, key = apiv3Key, pem = publicKey) {
	assert.ok(verifies(one, pem), 'its signature');
	const all = JSON.parse(one.raw);

	assert.equal(all.resource_type, 'encrypt-resource');
	assert.equal(all.resource.algorithm, 'AEAD_AES_256_GCM');
	assert.equal(all.resource.nonce.length, 12);
	return { ...all, facts: JSON.parse(unseal(all.resource, key)) };
}

const refused = ({ status, data }, wanted, code) => {
	assert.equal(status, wanted, JSON.stringify(data));
	assert.equal(data.code, code, JSON.stringify(data));
	assert.equal(typeof data.message, 'string');
};

/* ---- orders ---- */

test('an order that nobody has paid is NOTPAY and has no transaction_id', async () => {
	const order = await place();
	const answer = await query(order.out_trade_no);

	assert.equal(answer.status, 200);
	assert.ok(verifies(answer, publicKey));
	assert.deepEqual(answer.data, { appid: sandbox.appid, mchid: sandbox.mchid,
		out_trade_no: order.out_trade_no, trade_state: 'NOTPAY',
		trade_state_desc: '订单未支付', promotion_detail: [],
		amount: { total: 12800, payer_currency: 'CNY' } });
});

test('a paid order is found by both of its numbers', async () => {
	const order = await paid({ attach: 'a&b' });
	const a = await query(order.out_trade_no);
	const b = await sandbox.v3('GET',
		`/v3/pay/transactions/id/${order.transaction_id}?mchid=${sandbox.mchid}`);

	assert.deepEqual(a.data, b.data);
	assert.equal(a.data.trade_state, 'SUCCESS');
	assert.equal(a.data.transaction_id, order.transaction_id);
	assert.equal(a.data.attach, 'a&b');
	assert.deepEqual(a.data.payer, { openid });
	assert.deepEqual(a.data.amount, { total: 12800, payer_total: 12800,
		currency: 'CNY', payer_currency: 'CNY' });
	assert.match(a.data.success_time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00$/);
	assert.ok(Math.abs(Date.parse(a.data.success_time) - sandbox.now()) < 10000);
});

test('a coupon makes payer_total less, total stays', async () => {
	const order = await place();

	await userPays(order.out_trade_no, { coupon: 800 });
	const { data } = await query(order.out_trade_no);
	assert.equal(data.amount.total, 12800);
	assert.equal(data.amount.payer_total, 12000);
	assert.equal(data.promotion_detail[0].amount, 800);
});

test('unknown orders are 404 ORDER_NOT_EXIST', async () => {
	refused(await query(newNumber()), 404, 'ORDER_NOT_EXIST');
	refused(await close(newNumber()), 404, 'ORDER_NOT_EXIST');
	refused(await sandbox.v3('GET', `/v3/pay/transactions/id/4200?mchid=${sandbox.mchid}`),
		404, 'ORDER_NOT_EXIST');
});

test('a query says whose order it asks for', async () => {
	const path = `/v3/pay/transactions/out-trade-no/${(await place()).out_trade_no}`;

	refused(await sandbox.v3('GET', path), 400, 'PARAM_ERROR');
	refused(await sandbox.v3('GET', `${path}?mchid=1900000001`), 400, 'MCH_NOT_EXISTS');
});

test('a closed order stays closed, is not paid, and its number is used up', async () => {
	const { prepay_id, ...order } = await place();
	const answer = await close(order.out_trade_no);

	assert.equal(answer.status, 204);
	assert.equal(answer.raw, '');
	assert.ok(verifies(answer, publicKey), 'an empty body is signed, too');
	assert.equal((await close(order.out_trade_no)).status, 204, 'again');
	assert.equal((await query(order.out_trade_no)).data.trade_state, 'CLOSED');
	assert.match((await userPays(order.out_trade_no)).error, /closed/);
	refused(await sandbox.v3('POST', JSAPI, order), 400, 'ORDER_CLOSED');
	assert.ok(prepay_id);
});

test('a paid order is neither closed nor placed nor paid again', async () => {
	const { prepay_id, transaction_id, ...order } = await paid();

	refused(await close(order.out_trade_no), 400, 'ORDERPAID');
	refused(await sandbox.v3('POST', JSAPI, order), 403, 'OUT_TRADE_NO_USED');
	assert.match((await userPays(order.out_trade_no)).error, /paid already/);
	assert.ok(prepay_id && transaction_id);
});

test('closing waits as long as the setting says', async () => {
	const order = await place();

	await sandbox.ask('/sandbox/settings', { close_after: 300000 });
	refused(await close(order.out_trade_no), 400, 'INVALID_REQUEST');
	sandbox.moveClock(301000);
	assert.equal((await close(order.out_trade_no)).status, 204);
});

test('an order is not paid after its time_expire', async () => {
	const china = (ms) => `${new Date(ms + 8 * 3600000).toISOString().slice(0, 19)}+08:00`;
	const order = await place({ time_expire: china(sandbox.now() + 600000) });

	sandbox.moveClock(601000);
	assert.match((await userPays(order.out_trade_no)).error, /expired/);
});

test('a user who leaves pays nothing', async () => {
	const order = await place();
	const said = await userPays(order.out_trade_no, { result: 'fail' });

	assert.equal(said.errMsg, 'requestPayment:fail cancel');
	assert.equal((await query(order.out_trade_no)).data.trade_state, 'NOTPAY');
	assert.match((await userPays(order.out_trade_no, { openid: 'oSomebodyElse' })).error,
		/another user/);
	assert.equal(inbox.got.length, 0);
});

/* ---- wx.requestPayment ---- */

test('wx.requestPayment pays with the right paySign only', async () => {
	const order = await place();
	const sign = (f) => createSign('RSA-SHA256')
		.update(`${sandbox.appid}\n${f.timeStamp}\n${f.nonceStr}\n${f.package}\n`)
		.sign(read(sandbox.privateKeyFile), 'base64');
	const good = { timeStamp: String(Math.floor(sandbox.now() / 1000)),
		nonceStr: 'abc', package: `prepay_id=${order.prepay_id}`, signType: 'RSA' };
	const call = (more, change = (x) => x) => {
		const f = { ...good, ...more };

		return sandbox.ask('/sandbox/pay', { ...f, paySign: change(sign(f)) });
	};

	assert.match((await call({ package: order.prepay_id })).error, /prepay_id=/);
	assert.match((await call({ timeStamp: String(Date.now()) })).error, /ten digits/);
	assert.match((await call({ signType: 'MD5' })).error, /signType/);
	assert.match((await call({}, (s) => `${s.slice(0, 10)}AAAA${s.slice(14)}`)).error, /paySign/);
	assert.match((await call({ package: 'prepay_id=wx0' })).error, /unknown prepay_id/);
	assert.equal((await query(order.out_trade_no)).data.trade_state, 'NOTPAY');
	assert.equal((await call({})).errMsg, 'requestPayment:ok');
	assert.equal((await query(order.out_trade_no)).data.trade_state, 'SUCCESS');
});

test('a prepay_id is good for two hours', async () => {
	const order = await place();

	sandbox.moveClock(2 * 3600000 + 1000);
	assert.match((await sandbox.ask('/sandbox/pay', { timeStamp: '1700000000', nonceStr: 'a',
		package: `prepay_id=${order.prepay_id}`, signType: 'RSA', paySign: 'AAAA' })).error,
	/older than two hours/);
});

/* ---- callbacks ---- */

test('a payment is told: signed, sealed, with the facts of the query', async () => {
	const order = await paid({ attach: '茶' });

	await until(() => inbox.got.length === 1, 'the callback');
	const [one] = inbox.got;
	const told = opened(one);
	const { data } = await query(order.out_trade_no);

	assert.equal(one.method, 'POST');
	assert.equal(one.url, '/notify');
	assert.equal(one.headers['wechatpay-serial'], sandbox.publicKeyId);
	assert.equal(one.headers['wechatpay-signature-type'], 'WECHATPAY2-SHA256-RSA2048');
	assert.match(one.headers['content-type'], /^application\/json/);
	assert.equal(told.event_type, 'TRANSACTION.SUCCESS');
	assert.equal(told.summary, '支付成功');
	assert.match(told.id, /^EV-\d{25}$/);
	assert.equal(told.resource.associated_data, 'transaction');
	assert.deepEqual(told.facts, data);
	assert.throws(() => unseal(told.resource, 'x'.repeat(32)));
});

test('it is told again by the schedule until it is taken', async () => {
	await sandbox.ask('/sandbox/settings', { notify_schedule: null });
	inbox.answer = (one, n) => (n < 4 ? 500 : 200);
	const order = await paid();

	for (const [n, ms] of [[1, 15000], [2, 15000], [3, 30000]]) {
		await until(async () => (await deliveries(order.out_trade_no)).length === n, `${n}`);
		sandbox.moveClock(ms - 2000);
		await sandbox.ask('/sandbox/counts');
		assert.equal(inbox.got.length, n, 'not before its time');
		sandbox.moveClock(2001);
		await until(() => inbox.got.length === n + 1, `delivery ${n + 1}`);
	}
	await until(quiet, 'it is taken');
	const list = await deliveries(order.out_trade_no);
	const ids = inbox.got.map((one) => opened(one).id);

	assert.deepEqual(list.map((d) => d.status), [500, 500, 500, 200]);
	assert.deepEqual(list.map((d) => d.attempt), [1, 2, 3, 4]);
	assert.equal(new Set(ids).size, 1, 'the id stays');
	assert.equal(new Set(inbox.got.map((one) => one.raw)).size, 4, 'sealed anew');
});

test('the schedule has fifteen times in 24 hours and 4 minutes, then it ends', async () => {
	const { notify_schedule } = await sandbox.ask('/sandbox/settings', { notify_schedule: null });

	assert.deepEqual(notify_schedule.map((ms) => ms / 1000), [15, 15, 30, 180, 600, 1200, 1800,
		1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600]);
	await sandbox.ask('/sandbox/settings', { notify_schedule: [0, 0] });
	inbox.answer = () => 503;
	const order = await paid();

	await until(quiet, 'given up');
	assert.equal((await deliveries(order.out_trade_no)).length, 3);
});

for (const [status, taken] of [[200, true], [204, true], [201, false], [302, false], [404, false]])
	test(`${status} ${taken ? 'takes' : 'does not take'} a callback`, async () => {
		await sandbox.ask('/sandbox/settings', { notify_schedule: [0] });
		inbox.answer = () => ({ status, body: '{"code":"FAIL"}' });
		const order = await paid();

		await until(quiet, 'it ended');
		assert.equal((await deliveries(order.out_trade_no)).length, taken ? 1 : 2);
	});

test('an address of elsewhere is called at notify_to, or not at all', async () => {
	const url = 'https://shop.example.com/v1/pay/notify';
	const order = await paid({ notify_url: url });
	const [none] = await deliveries(order.out_trade_no);

	assert.equal(none.status, 0);
	assert.match(none.error, /notify_to/);
	await sandbox.ask('/sandbox/settings', { notify_to: inbox.base });
	await paid({ notify_url: url });
	await until(() => inbox.got.length === 1, 'the callback');
	assert.equal(inbox.got[0].url, '/v1/pay/notify');
	await sandbox.ask('/sandbox/settings', { notify_to: '' });
});

test('a callback nobody answers is noted with its error', async () => {
	const order = await paid({ notify_url: 'http://127.0.0.1:9/notify' });

	await until(quiet, 'it ended');
	const [one] = await deliveries(order.out_trade_no);
	assert.equal(one.status, 0);
	assert.ok(one.error, JSON.stringify(one));
});

test('one can be sent on request, again and before it is paid', async () => {
	const order = await place();

	await sandbox.ask('/sandbox/notify', { out_trade_no: order.out_trade_no });
	await until(() => inbox.got.length === 1, 'the callback');
	assert.equal(opened(inbox.got[0]).facts.trade_state, 'NOTPAY');
	await userPays(order.out_trade_no);
	await sandbox.ask('/sandbox/notify', { out_trade_no: order.out_trade_no });
	await until(() => inbox.got.length === 3, 'three');
	assert.equal(opened(inbox.got[1]).id, opened(inbox.got[2]).id);
});

/* ---- callbacks that go wrong ---- */

const fault = (kind, more) => sandbox.ask('/sandbox/notify-fault', { kind, ...more });

/* The first delivery suffers and is refused; the genuine one follows. */
async function suffers(kind, more) {
	await sandbox.ask('/sandbox/settings', { notify_schedule: [0, 0] });
	assert.deepEqual(await fault(kind, more), {});
	inbox.answer = (one, n) => (n === 1 ? 401 : 200);
	const order = await paid();

	await until(quiet, 'it ended');
	assert.equal(inbox.got.length, 2);
	assert.equal(opened(inbox.got[1]).facts.transaction_id, order.transaction_id);
	assert.deepEqual((await deliveries(order.out_trade_no)).map((d) => d.fault), [kind, 'none']);
	return inbox.got[0];
}

test('bad_signature does not verify', async () => {
	assert.equal(verifies(await suffers('bad_signature'), publicKey), false);
});

test('stale_timestamp is rightly signed, ten minutes ago', async () => {
	const one = await suffers('stale_timestamp');

	assert.ok(verifies(one, publicKey));
	assert.ok(sandbox.now() / 1000 - one.headers['wechatpay-timestamp'] >= 599);
});

test('wrong_serial names a key that nobody knows', async () => {
	const one = await suffers('wrong_serial');

	assert.match(one.headers['wechatpay-serial'], /^[0-9A-F]{40}$/);
	assert.equal((await certificates(sandbox))[one.headers['wechatpay-serial']], undefined);
});

test('wrong_key is rightly signed and does not open', async () => {
	const one = await suffers('wrong_key');

	assert.ok(verifies(one, publicKey));
	assert.throws(() => unseal(JSON.parse(one.raw).resource, apiv3Key));
});

test('no_headers comes without WeChat Pay\'s headers', async () => {
	const one = await suffers('no_headers');

	assert.deepEqual(Object.keys(one.headers).filter((n) => n.startsWith('wechatpay')), []);
});

test('broken_body is rightly signed and no JSON', async () => {
	const one = await suffers('broken_body');

	assert.ok(verifies(one, publicKey));
	assert.throws(() => JSON.parse(one.raw));
});

test('a probe is followed by the genuine one, even when it was taken', async () => {
	await fault('signtest');
	const order = await paid();

	await until(() => inbox.got.length === 2, 'two');
	const [probe, genuine] = inbox.got;
	assert.ok(probe.headers['wechatpay-signature'].startsWith('WECHATPAY/SIGNTEST/'));
	assert.equal(verifies(probe, publicKey), false);
	assert.equal(opened(genuine).facts.out_trade_no, order.out_trade_no);
});

for (const [kind, look] of [
	['amount', ({ facts }) => facts.amount.total === 12799],
	['appid', ({ facts }) => facts.appid !== sandbox.appid],
	['mchid', ({ facts }) => facts.mchid !== sandbox.mchid],
	['currency', ({ facts }) => facts.amount.currency === 'USD'],
	['openid', ({ facts }) => facts.payer.openid !== openid],
	['order', ({ facts }) => facts.out_trade_no.startsWith('UNKNOWN')],
	['unpaid', ({ facts }) => facts.trade_state === 'NOTPAY' && !facts.transaction_id],
])
	test(`${kind} is rightly signed and sealed, and wrong`, async () => {
		await fault(kind);
		const order = await paid();

		await until(quiet, 'it ended');
		assert.equal(inbox.got.length, 1, 'taken: nothing follows');
		assert.ok(look(opened(inbox.got[0])));
		const { data } = await query(order.out_trade_no);
		assert.equal(data.amount.total, 12800, 'WeChat knows better');
		assert.equal(data.trade_state, 'SUCCESS');
	});

test('drop is never sent', async () => {
	await fault('drop');
	const order = await paid();

	await until(quiet, 'nothing waits');
	assert.equal(inbox.got.length, 0);
	assert.deepEqual((await deliveries(order.out_trade_no)).map((d) => d.fault), ['drop']);
	assert.equal((await query(order.out_trade_no)).data.trade_state, 'SUCCESS');
});

test('delay comes when its time has come', async () => {
	await fault('delay', { delay: 3600000 });
	await paid();
	assert.equal(await quiet(), false);
	assert.equal(inbox.got.length, 0);
	sandbox.moveClock(3600001);
	await until(() => inbox.got.length === 1, 'the late one');
});

test('what waits is sent at once on request', async () => {
	await fault('delay', { delay: 3600000, count: 3 });
	await paid();
	await paid();
	assert.deepEqual(await sandbox.ask('/sandbox/notify', {}), { sent: 2 });
	await until(() => inbox.got.length === 2, 'both');
});

test('duplicate comes twice, one after the other', async () => {
	await fault('duplicate');
	await paid();
	await until(quiet, 'it ended');
	assert.equal(inbox.got.length, 2);
	assert.equal(inbox.flyingTop, 1);
	assert.equal(opened(inbox.got[0]).id, opened(inbox.got[1]).id);
});

test('concurrent comes several times at once', async () => {
	let release;
	const all = new Promise((resolve) => { release = resolve; });

	inbox.answer = async (one, n) => {
		if (n === 6)
			release();
		await all; /* nobody is answered before all are there */
		return 200;
	};
	await fault('concurrent', { copies: 6 });
	await paid();
	await until(quiet, 'they ended');
	assert.equal(inbox.got.length, 6);
	assert.equal(inbox.flyingTop, 6);
	assert.equal(new Set(inbox.got.map((one) => opened(one).id)).size, 1);
});

test('reorder lets the next one pass', async () => {
	await fault('reorder');
	const [first, second] = [await paid(), await paid()];

	await until(() => inbox.got.length === 2, 'both');
	assert.deepEqual(inbox.got.map((one) => opened(one).facts.out_trade_no),
		[second.out_trade_no, first.out_trade_no]);
});

test('faults wait for their order, their event, their count', async () => {
	await fault('drop', { event: 'REFUND' });
	await fault('drop', { out_trade_no: 'somebody else' });
	await fault('amount', { count: 2 });
	const orders = [await paid(), await paid(), await paid()];

	await until(() => inbox.got.length === 3, 'three');
	assert.deepEqual(inbox.got.map((one) => opened(one).facts.amount.total).sort(),
		[12799, 12799, 12800]);
	await refund(orders[0].out_trade_no, 100);
	await until(quiet, 'it ended');
	assert.equal(inbox.got.length, 3, 'the refund\'s was dropped');
});

test('faults by percent are the same with the same seed', async () => {
	const run = async () => {
		inbox.got.length = 0;
		await fault('none');
		await fault('drop', { percent: 30, seed: 7 });
		const list = [];

		for (let i = 0; i < 20; i += 1)
			list.push((await paid()).out_trade_no);
		await until(quiet, 'they ended');
		const told = new Set(inbox.got.map((one) => opened(one).facts.out_trade_no));

		return list.map((number) => told.has(number));
	};
	const first = await run();

	assert.deepEqual(await run(), first);
	assert.ok(first.includes(true) && first.includes(false));
});

test('a fault nobody knows is refused', async () => {
	for (const body of [{ kind: 'flood' }, {}, { kind: 'drop', count: 0 }, { kind: 'drop', percent: 101 }])
		assert.ok((await sandbox.ask('/sandbox/notify-fault', body)).error, JSON.stringify(body));
});

/* ---- keys ---- */

test('the platform certificate opens, and its serial is its own', async () => {
	const list = Object.entries(await certificates(sandbox));

	assert.ok(list.length >= 1);
	for (const [serial, certificate] of list) {
		assert.equal(certificate.serialNumber, serial);
		assert.ok(certificate.verify(certificate.publicKey));
		assert.ok(Date.parse(certificate.validTo) > sandbox.now());
	}
});

test('answers are signed with the key that was asked for', async () => {
	const order = await place();
	const certs = await certificates(sandbox);
	const [serial] = Object.keys(certs);
	const asked = await query(order.out_trade_no, { serial: serial.toLowerCase() });
	const silent = await query(order.out_trade_no, { serial: '' });

	assert.equal(asked.headers['wechatpay-serial'], serial);
	assert.ok(verifies(asked, certs[serial].publicKey));
	assert.ok(silent.headers['wechatpay-serial'] in certs, 'the certificate when none is named');
	assert.ok(verifies(silent, certs[silent.headers['wechatpay-serial']].publicKey));
	refused(await query(order.out_trade_no, { serial: 'A'.repeat(40) }), 400, 'PARAM_ERROR');
});

test('the switch to the public key can be closed', async () => {
	const order = await place();

	await sandbox.ask('/sandbox/settings', { answers: 'certificate' });
	const answer = await query(order.out_trade_no);
	assert.notEqual(answer.headers['wechatpay-serial'], sandbox.publicKeyId);
	assert.ok(verifies(answer,
		(await certificates(sandbox))[answer.headers['wechatpay-serial']].publicKey));
});

test('a new certificate is listed beside the old one, and callbacks switch to it', async () => {
	const order = await place();
	const old = await certificates(sandbox);
	const { certificate } = await sandbox.ask('/sandbox/rotate',
		{ what: 'certificate', public_key_percent: 0 });
	const now = await certificates(sandbox);

	assert.deepEqual(Object.keys(now), [...Object.keys(old), certificate]);
	await userPays(order.out_trade_no);
	await until(() => inbox.got.length === 1, 'the callback');
	assert.equal(inbox.got[0].headers['wechatpay-serial'], certificate);
	opened(inbox.got[0], apiv3Key, now[certificate].publicKey);
	const [first] = Object.keys(old);
	assert.equal((await query(order.out_trade_no, { serial: first })).headers['wechatpay-serial'],
		first, 'the old one signs while it is listed');
	await sandbox.ask('/sandbox/rotate', { what: 'certificate', alone: true });
	assert.equal(Object.keys(await certificates(sandbox)).length, 1);
	assert.notEqual((await query(order.out_trade_no, { serial: first })).headers['wechatpay-serial'],
		first, 'and not afterwards');
});

test('callbacks are shared out between both kinds of keys', async () => {
	await sandbox.ask('/sandbox/rotate', { public_key_percent: 50 });
	for (let i = 0; i < 24; i += 1)
		await paid();
	await until(() => inbox.got.length === 24, 'all');
	const count = inbox.got.filter((one) =>
		one.headers['wechatpay-serial'] === sandbox.publicKeyId).length;

	assert.ok(count > 0 && count < 24, `${count} of 24`);
});

test('certificates are there again after a restart', async () => {
	const old = await certificates(sandbox);

	await sandbox.stop();
	await sandbox.start();
	for (const [serial, certificate] of Object.entries(await certificates(sandbox)))
		if (old[serial])
			assert.equal(certificate.fingerprint256, old[serial].fingerprint256);
	assert.ok(Object.keys(old).every((serial) => serial));
});

test('the merchant\'s certificate has his serial and his key', () => {
	const certificate = new X509Certificate(read(sandbox.merchant.certificateFile));

	assert.equal(certificate.serialNumber, sandbox.serial);
	assert.ok(certificate.publicKey.equals(createPublicKey(keys.merchantPublicKey)));
});

/* ---- refunds ---- */

test('a refund is accepted, settled and told', async () => {
	const order = await paid();

	await until(quiet, 'the payment was told');
	inbox.got.length = 0;
	await sandbox.ask('/sandbox/settings', { refund_delay: 60000 });
	const { status, data } = await refund(order.out_trade_no, 800, { reason: '缺货' });

	assert.equal(status, 200);
	assert.equal(data.status, 'PROCESSING');
	assert.match(data.refund_id, /^50\d{27}$/);
	assert.equal(data.transaction_id, order.transaction_id);
	assert.equal(data.amount.refund, 800);
	assert.equal(data.amount.payer_refund, 800);
	assert.equal('success_time' in data, false);
	assert.equal((await query(order.out_trade_no)).data.trade_state, 'REFUND');
	assert.equal(inbox.got.length, 0);
	sandbox.moveClock(60001);
	await until(() => inbox.got.length === 1, 'the callback');
	const told = opened(inbox.got[0]);
	const asked = await sandbox.v3('GET', `${REFUNDS}/${data.out_refund_no}`);

	assert.equal(inbox.got[0].url, '/refund');
	assert.equal(told.event_type, 'REFUND.SUCCESS');
	assert.equal(told.resource.original_type, 'refund');
	assert.deepEqual(told.facts, { mchid: sandbox.mchid, out_trade_no: order.out_trade_no,
		transaction_id: order.transaction_id, out_refund_no: data.out_refund_no,
		refund_id: data.refund_id, refund_status: 'SUCCESS',
		success_time: asked.data.success_time, user_received_account: '支付用户零钱',
		amount: { total: 12800, refund: 800, payer_total: 12800, payer_refund: 800 } });
	assert.equal(asked.data.status, 'SUCCESS');
});

for (const state of ['ABNORMAL', 'CLOSED'])
	test(`a refund can end ${state}`, async () => {
		const order = await paid();

		await until(quiet, 'the payment was told');
		inbox.got.length = 0;
		await sandbox.ask('/sandbox/settings', { refund_result: state });
		const { data } = await refund(order.out_trade_no, 12800);

		await until(() => inbox.got.length === 1, 'the callback');
		const told = opened(inbox.got[0]);
		assert.equal(told.event_type, `REFUND.${state}`);
		assert.equal(told.facts.refund_status, state);
		assert.equal('success_time' in told.facts, false);
		const again = await refund(order.out_trade_no, 12800);
		assert.equal(again.status, state === 'CLOSED' ? 200 : 400, 'money of a closed one is free');
		assert.equal((await sandbox.v3('GET', `${REFUNDS}/${data.out_refund_no}`)).data.status, state);
	});

test('a test settles a refund as it likes', async () => {
	const order = await paid();

	await sandbox.ask('/sandbox/settings', { refund_delay: 3600000 });
	const { data } = await refund(order.out_trade_no, 100);
	const said = await sandbox.ask('/sandbox/refund',
		{ out_refund_no: data.out_refund_no, status: 'ABNORMAL' });

	assert.equal(said.status, 'ABNORMAL');
	assert.ok((await sandbox.ask('/sandbox/refund', { out_refund_no: 'nobody' })).error);
});

test('one out_refund_no is one refund', async () => {
	const order = await paid();
	const number = newNumber('R');
	const first = await refund(order.out_trade_no, 800, { out_refund_no: number });
	const again = await refund(order.out_trade_no, 800, { out_refund_no: number });

	assert.equal(again.data.refund_id, first.data.refund_id);
	refused(await refund(order.out_trade_no, 900, { out_refund_no: number }),
		400, 'INVALID_REQUEST');
	const [shown] = await sandbox.ask(`/sandbox/orders?out_trade_no=${order.out_trade_no}`);
	assert.equal(shown.refunds.length, 1);
});

test('no more is refunded than was paid, in fifty parts at most', async () => {
	const order = await paid();

	for (let i = 0; i < 50; i += 1)
		assert.equal((await refund(order.out_trade_no, 1)).status, 200, `${i}`);
	refused(await refund(order.out_trade_no, 1), 400, 'INVALID_REQUEST');
	const other = await paid();
	assert.equal((await refund(other.out_trade_no, 12000)).status, 200);
	refused(await refund(other.out_trade_no, 801), 400, 'INVALID_REQUEST');
	assert.equal((await refund(other.out_trade_no, 800)).status, 200);
});

test('refunds of one order wait as long as the setting says', async () => {
	const order = await paid();

	await sandbox.ask('/sandbox/settings', { refund_apart: 60000 });
	assert.equal((await refund(order.out_trade_no, 1)).status, 200);
	refused(await refund(order.out_trade_no, 1), 429, 'FREQUENCY_LIMITED');
	sandbox.moveClock(60001);
	assert.equal((await refund(order.out_trade_no, 1)).status, 200);
});

test('what cannot be refunded is refused', async () => {
	const unpaid = await place();
	const order = await paid();

	refused(await refund(unpaid.out_trade_no, 1), 400, 'INVALID_REQUEST');
	refused(await refund(newNumber(), 1), 404, 'RESOURCE_NOT_EXISTS');
	refused(await refund(order.out_trade_no, 1, { amount: { refund: 1, total: 1, currency: 'CNY' } }),
		400, 'INVALID_REQUEST');
	refused(await sandbox.v3('GET', `${REFUNDS}/nobody`), 404, 'RESOURCE_NOT_EXISTS');
	sandbox.moveClock(366 * 86400000);
	refused(await refund(order.out_trade_no, 1), 400, 'INVALID_REQUEST');
});

for (const [field, more] of [
	['/out_refund_no', { out_refund_no: undefined }],
	['/out_refund_no', { out_refund_no: 'a b' }],
	['/out_refund_no', { out_refund_no: 'x'.repeat(65) }],
	['/transaction_id', { transaction_id: '4200' }],
	['/amount/currency', { amount: { refund: 1, total: 1 } }],
	['/amount/refund', { amount: { refund: 0, total: 1, currency: 'CNY' } }],
	['/notify_url', { notify_url: 'http://shop.example.com/' }],
	['/funds_account', { funds_account: 'MINE' }],
	['/reason', { reason: '茶'.repeat(27) }],
	['', { sub_mchid: '1900000001' }],
])
	test(`a refund with ${JSON.stringify(more)} is PARAM_ERROR`, async () => {
		const answer = await refund('P1234567', 1, more);

		refused(answer, 400, 'PARAM_ERROR');
		assert.equal(answer.data.detail.field, field);
	});

/* ---- requests that go wrong ---- */

test('a refund that was executed and answered SYSTEM_ERROR is there', async () => {
	const order = await paid();
	const number = newNumber('R');

	await sandbox.ask('/sandbox/fault', { path: REFUNDS, kind: 'busy_executed' });
	refused(await refund(order.out_trade_no, 5, { out_refund_no: number }), 500, 'SYSTEM_ERROR');
	assert.equal((await sandbox.v3('GET', `${REFUNDS}/${number}`)).status, 200);
	await sandbox.ask('/sandbox/fault', { path: REFUNDS, kind: 'http429' });
	const other = newNumber('R');
	refused(await refund(order.out_trade_no, 5, { out_refund_no: other }), 429, 'FREQUENCY_LIMITED');
	refused(await sandbox.v3('GET', `${REFUNDS}/${other}`), 404, 'RESOURCE_NOT_EXISTS');
});

test('a connection drops before or after the order was placed', async () => {
	for (const [kind, status] of [['drop', 200], ['drop_before', 404]]) {
		const order = newOrder();

		await sandbox.ask('/sandbox/fault', { path: JSAPI, kind });
		await assert.rejects(sandbox.v3('POST', JSAPI, order), TypeError);
		assert.equal((await query(order.out_trade_no)).status, status, kind);
	}
});

test('a fault is for one address, for its pattern, or for all', async () => {
	const order = await place();
	const pattern = '/v3/pay/transactions/out-trade-no/{}';

	await sandbox.ask('/sandbox/fault', { path: pattern, kind: 'busy' });
	refused(await query(order.out_trade_no), 500, 'SYSTEM_ERROR');
	await sandbox.ask('/sandbox/fault', { path: '/v3/*', kind: 'busy', percent: 99, seed: 3 });
	const states = [];
	for (let i = 0; i < 20; i += 1)
		states.push((await query(order.out_trade_no)).status);
	assert.ok(states.filter((s) => s === 500).length >= 18, `${states}`);
	assert.equal((await sandbox.ask('/sandbox/settings')).error, undefined, 'control stays');
	await sandbox.ask('/sandbox/fault', { kind: 'none' });
	assert.equal((await query(order.out_trade_no)).status, 200);
});

test('any refusal of WeChat Pay\'s can be dictated', async () => {
	const order = await paid();

	await sandbox.ask('/sandbox/answer', { path: REFUNDS, status: 403,
		answer: { code: 'NOT_ENOUGH', message: '基本账户余额不足' } });
	const answer = await refund(order.out_trade_no, 1);
	refused(answer, 403, 'NOT_ENOUGH');
	assert.ok(verifies(answer, publicKey));
	assert.equal((await refund(order.out_trade_no, 1)).status, 200);
});

/* ---- bills ---- */

const chinaDay = (ms) => new Date(ms + 8 * 3600000).toISOString().slice(0, 10);
const bill = (path, options) => sandbox.v3('GET', path, undefined, options);

async function download(data, options) {
	const url = new URL(data.download_url);

	return bill(url.pathname + url.search, { headers: { Accept: '*/*' }, ...options });
}

/* Lines of cells. */
const cells = (text) => text.replace('\ufeff', '').split('\r\n')
	.map((line) => line.replace(/^`/, '').split(line.startsWith('`') ? ',`' : ','));

test('a day\'s bill has its payments and refunds, and its sum is right', async () => {
	/* the beginning of a day of China's that has nothing else */
	const start = Math.ceil((sandbox.now() + 8 * 3600000) / 86400000) * 86400000 - 8 * 3600000;

	sandbox.moveClock(start + 3600000 - sandbox.now());
	const day = chinaDay(sandbox.now());
	const orders = [await paid({ attach: 'x,y' }), await paid()];
	const { data: back } = await refund(orders[0].out_trade_no, 1280);

	await place();
	await until(quiet, 'all is told');
	refused(await bill(`/v3/bill/tradebill?bill_date=${day}`), 400, 'INVALID_REQUEST');
	sandbox.moveClock(86400000);
	const asked = await bill(`/v3/bill/tradebill?bill_date=${day}&bill_type=ALL`);
	assert.equal(asked.status, 200, asked.raw);
	assert.ok(verifies(asked, publicKey));
	assert.equal(asked.data.hash_type, 'SHA1');
	const file = await download(asked.data);

	assert.equal(file.headers['wechatpay-signature'], undefined, 'a download is not signed');
	assert.equal(createHash('sha1').update(file.bytes).digest('hex'), asked.data.hash_value);
	const [head, a, b, c, sumHead, sums, end] = cells(file.raw);
	const rows = [a, b, c].map((row) => Object.fromEntries(row.map((v, i) => [head[i], v])));
	const one = rows.find((row) => row.商户订单号 === orders[0].out_trade_no && row.交易状态 === 'SUCCESS');
	const returned = rows.find((row) => row.交易状态 === 'REFUND');

	assert.equal(head.length, 27);
	assert.deepEqual(end, ['']);
	assert.equal(one.微信订单号, orders[0].transaction_id);
	assert.equal(one.订单金额, '128.00');
	assert.equal(one.应结订单金额, '128.00');
	assert.equal(one.商户数据包, 'x,y');
	assert.equal(one.商品名称, '龙井,250 g');
	assert.equal(one.用户标识, openid);
	assert.equal(one.手续费, '0.77000');
	assert.equal(one.交易时间.slice(0, 10), day);
	assert.equal(returned.商户退款单号, back.out_refund_no);
	assert.equal(returned.微信退款单号, back.refund_id);
	assert.equal(returned.退款金额, '12.80');
	assert.equal(returned.退款状态, 'SUCCESS');
	assert.deepEqual(Object.fromEntries(sums.map((v, i) => [sumHead[i], v])), {
		总交易单数: '3', 应结订单总金额: '256.00', 退款总金额: '12.80', 充值券退款总金额: '0.00',
		手续费总金额: '1.46000', 订单总金额: '256.00', 申请退款总金额: '12.80' });
	/* the other kinds of the same day */
	const kind = async (type) => cells((await download(
		(await bill(`/v3/bill/tradebill?bill_date=${day}&bill_type=${type}`)).data)).raw);
	const success = await kind('SUCCESS');
	const refunds = await kind('REFUND');

	assert.equal(success[0].length, 20);
	assert.equal(success.length, 6);
	assert.equal(refunds[0].length, 29);
	assert.equal(refunds.length, 5);
	assert.equal(refunds[1][refunds[0].indexOf('退款成功时间')].length, 19);
	const funds = cells((await download((await bill(
		`/v3/bill/fundflowbill?bill_date=${day}&account_type=BASIC`)).data)).raw);
	assert.equal(funds[0].length, 11);
	assert.deepEqual(funds.at(-2), ['5', '2', '256.00', '3', '14.26']);
	/* packed; the sum is of what is inside */
	const packed = await bill(`/v3/bill/tradebill?bill_date=${day}&tar_type=GZIP`);
	const inside = gunzipSync((await download(packed.data)).bytes);
	assert.equal(createHash('sha1').update(inside).digest('hex'), packed.data.hash_value);
	assert.deepEqual(inside, file.bytes);
	await differences(day, orders);
	/* five minutes */
	sandbox.moveClock(300001);
	refused(await download(asked.data), 400, 'INVALID_REQUEST');
});

async function differences(day, [first, second]) {
	const numbersOf = async () => {
		const { data } = await bill(`/v3/bill/tradebill?bill_date=${day}&bill_type=SUCCESS`);
		const [head, ...rows] = cells((await download(data)).raw);

		return Object.fromEntries(rows.slice(0, -3).map((row) =>
			[row[head.indexOf('商户订单号')], row[head.indexOf('订单金额')]]));
	};

	await sandbox.ask('/sandbox/bill', { hide: [first.out_trade_no],
		totals: { [second.out_trade_no]: 1 }, extra: [{ out_trade_no: 'NOBODYS', total: 250 }] });
	assert.deepEqual(await numbersOf(), { [second.out_trade_no]: '0.01', NOBODYS: '2.50' });
	await sandbox.ask('/sandbox/bill', { hide: [], totals: {}, extra: [], creating: 1 });
	refused(await bill(`/v3/bill/tradebill?bill_date=${day}`), 400, 'STATEMENT_CREATING');
	await sandbox.ask('/sandbox/bill', { bad_hash: true });
	const { data } = await bill(`/v3/bill/tradebill?bill_date=${day}`);
	assert.notEqual(createHash('sha1').update((await download(data)).bytes).digest('hex'),
		data.hash_value);
	await sandbox.ask('/sandbox/bill', { bad_hash: false, plain: true });
	const { data: plain } = await bill(`/v3/bill/tradebill?bill_date=${day}`);
	assert.match((await download(plain)).raw, /^交易时间[^\r]*\n`/);
	await sandbox.ask('/sandbox/bill', { plain: false });
	const other = await sandbox.ask('/sandbox/merchants', {});
	refused(await download(plain, { merchant: other }), 403, 'NO_AUTH');
}

test('days without trade have no bill, and bad questions none either', async () => {
	const far = chinaDay(sandbox.now() - 60 * 86400000);

	refused(await bill(`/v3/bill/tradebill?bill_date=${far}`), 400, 'NO_STATEMENT_EXIST');
	refused(await bill(`/v3/bill/fundflowbill?bill_date=${far}`), 400, 'NO_STATEMENT_EXIST');
	for (const [question, code] of [['bill_type=ALL', 'PARAM_ERROR'], ['bill_date=20261120', 'PARAM_ERROR'],
		[`bill_date=${far}&bill_type=SOME`, 'PARAM_ERROR'],
		[`bill_date=${far}&tar_type=ZIP`, 'PARAM_ERROR'],
		[`bill_date=${chinaDay(sandbox.now())}`, 'INVALID_REQUEST'],
		[`bill_date=${chinaDay(sandbox.now() - 120 * 86400000)}`, 'INVALID_REQUEST']])
		refused(await bill(`/v3/bill/tradebill?${question}`), 400, code);
	refused(await bill('/v3/billdownload/file?token=nobody'), 400, 'INVALID_REQUEST');
});

/* ---- several merchants ---- */

test('merchants have keys, orders and callbacks of their own', async () => {
	const other = await sandbox.ask('/sandbox/merchants', { appids: [sandbox.appid] });
	const number = newNumber();
	const order = newOrder({ mchid: other.mchid, out_trade_no: number });
	const mine = await place({ out_trade_no: number });

	assert.match(other.mchid, /^16\d{8}$/);
	assert.equal((await sandbox.v3('POST', JSAPI, order, { merchant: other })).status, 200,
		'numbers are unique for each merchant only');
	refused(await sandbox.v3('POST', JSAPI, order), 400, 'MCH_NOT_EXISTS');
	refused(await sandbox.v3('POST', JSAPI, order, { merchant: { ...other, serial: sandbox.serial } }),
		401, 'SIGN_ERROR');
	await userPays(number, { mchid: other.mchid });
	await until(() => inbox.got.length === 1, 'the callback');
	assert.equal(opened(inbox.got[0], read(other.apiv3KeyFile)).facts.mchid, other.mchid);
	assert.equal((await query(mine.out_trade_no)).data.trade_state, 'NOTPAY');
	assert.equal(Object.keys(await certificates(sandbox, { merchant: other })).length,
		Object.keys(await certificates(sandbox)).length);
	await sandbox.stop();
	await sandbox.start();
	assert.ok((await sandbox.ask('/sandbox/merchants')).some((m) => m.serial === other.serial),
		'he is there after a restart');
});

test('an appid is bound to a merchant, or his orders are refused', async () => {
	const more = newOrder({ appid: 'wx00000000000000ff' });

	refused(await sandbox.v3('POST', JSAPI, more), 400, 'APPID_MCHID_NOT_MATCH');
	for (const body of [{ mchid: '12' }, { mchid: 'abcdefgh' }, { appids: 'wx' }, { appids: [1] }])
		assert.ok((await sandbox.ask('/sandbox/merchants', body)).error, JSON.stringify(body));
});

/* ---- v2 ---- */

const v2Order = (more = {}) => ({ body: '龙井', out_trade_no: newNumber('V'), total_fee: '12800',
	spbill_create_ip: '127.0.0.1', notify_url: `${inbox.base}/v2`, trade_type: 'JSAPI', openid, ...more });

for (const type of ['MD5', 'HMAC-SHA256'])
	test(`v2 places, queries and tells orders signed with ${type}`, async () => {
		const more = type === 'MD5' ? {} : { sign_type: type };
		const order = v2Order(more);
		const placed = await sandbox.v2('/pay/unifiedorder', order);

		assert.equal(placed.result_code, 'SUCCESS', JSON.stringify(placed));
		assert.match(placed.prepay_id, /^wx/);
		assert.equal(placed.sign, sandbox.v2Sign(placed, undefined, type));
		inbox.answer = () => ({ status: 200,
			body: '<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>' });
		await userPays(order.out_trade_no);
		await until(() => inbox.got.length === 1, 'the callback');
		const told = xmlRead(inbox.got[0].raw);
		const asked = await sandbox.v2('/pay/orderquery', { out_trade_no: order.out_trade_no, ...more });

		assert.equal(told.sign, sandbox.v2Sign(told, undefined, type));
		assert.equal(told.total_fee, '12800');
		assert.equal(told.openid, openid);
		assert.match(told.time_end, /^\d{14}$/);
		assert.equal(asked.trade_state, 'SUCCESS');
		assert.equal(asked.transaction_id, told.transaction_id);
		assert.equal(asked.sign, sandbox.v2Sign(asked, undefined, type));
		assert.equal((await sandbox.v2('/pay/closeorder', { out_trade_no: order.out_trade_no, ...more })).err_code,
			'ORDERPAID');
	});

test('v2 looks at the words of the answer', async () => {
	await sandbox.ask('/sandbox/settings', { notify_schedule: [0] });
	inbox.answer = () => ({ status: 200, body: '<xml><return_code>FAIL</return_code></xml>' });
	const order = v2Order();

	await sandbox.v2('/pay/unifiedorder', order);
	await userPays(order.out_trade_no);
	await until(quiet, 'given up');
	assert.equal(inbox.got.length, 2);
});

test('v2 refunds, and its news are sealed with the v2 key', async () => {
	const order = v2Order();
	const number = newNumber('R');

	await sandbox.v2('/pay/unifiedorder', order);
	await userPays(order.out_trade_no);
	await until(() => inbox.got.length >= 1, 'the payment was told');
	await sandbox.ask('/sandbox/notify', {});
	inbox.got.length = 0;
	const ask = { out_trade_no: order.out_trade_no, out_refund_no: number, total_fee: '12800',
		refund_fee: '800', notify_url: `${inbox.base}/v2r` };
	const said = await sandbox.v2('/secapi/pay/refund', ask);

	assert.equal(said.result_code, 'SUCCESS', JSON.stringify(said));
	await until(() => inbox.got.some((one) => one.url === '/v2r'), 'the callback');
	const told = xmlRead(inbox.got.find((one) => one.url === '/v2r').raw);
	const inner = xmlRead(unsealRefund(told.req_info, read(sandbox.merchant.v2KeyFile)), 'root');
	const asked = await sandbox.v2('/pay/refundquery', { out_refund_no: number });

	assert.equal(told.sign, undefined);
	assert.equal(told.appid, sandbox.appid);
	assert.equal(inner.refund_status, 'SUCCESS');
	assert.equal(inner.refund_fee, '800');
	assert.match(inner.success_time, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
	assert.equal(asked.refund_id_0, said.refund_id);
	assert.equal(asked.refund_status_0, 'SUCCESS');
	assert.equal(asked.refund_count, '1');
	assert.equal((await sandbox.v2('/secapi/pay/refund', ask)).refund_id, said.refund_id);
	assert.equal((await sandbox.v2('/secapi/pay/refund', { ...ask, refund_fee: '801' })).err_code,
		'REFUND_FEE_MISMATCH');
	assert.equal((await sandbox.v2('/secapi/pay/refund', { ...ask, out_refund_no: newNumber('R'),
		refund_fee: '12001' })).result_code, 'FAIL');
	assert.equal((await sandbox.v2('/pay/refundquery', { out_refund_no: 'nobody' })).err_code,
		'REFUNDNOTEXIST');
	/* the certificate: a header stands for it, and can be asked for */
	const shown = (serial) => sandbox.v2('/secapi/pay/refund', ask,
		{ headers: serial ? { 'X-Client-Cert-Serial': serial } : {} });
	assert.equal((await shown('A'.repeat(40))).return_code, 'FAIL');
	assert.equal((await shown(sandbox.serial)).result_code, 'SUCCESS');
	await sandbox.ask('/sandbox/settings', { v2_certificate: true });
	assert.equal((await shown()).return_msg, '证书验证失败');
	await sandbox.ask('/sandbox/settings', { v2_certificate: false });
});

test('v2 refuses what is not in order, in its own words', async () => {
	const order = v2Order();

	await sandbox.v2('/pay/unifiedorder', order);
	for (const [said, code] of [
		[await sandbox.v2('/pay/unifiedorder', { ...order, total_fee: '1' }), 'OUT_TRADE_NO_USED'],
		[await sandbox.v2('/pay/unifiedorder', v2Order({ openid: '' })), 'LACK_PARAMS'],
		[await sandbox.v2('/pay/unifiedorder', v2Order({ total_fee: '1.5' })), 'PARAM_ERROR'],
		[await sandbox.v2('/pay/unifiedorder', v2Order({ appid: 'wx1' })), 'APPID_MCHID_NOT_MATCH'],
		[await sandbox.v2('/pay/orderquery', { out_trade_no: 'nobody' }), 'ORDERNOTEXIST'],
	]) {
		assert.equal(said.result_code, 'FAIL', JSON.stringify(said));
		assert.equal(said.err_code, code);
		assert.equal(said.sign, sandbox.v2Sign(said), 'refusals are signed');
	}
	const forged = await sandbox.v2('/pay/orderquery', { out_trade_no: order.out_trade_no },
		{ sign: 'A'.repeat(32) });
	assert.deepEqual([forged.return_code, forged.return_msg], ['FAIL', '签名错误']);
	for (const body of ['', '{}', '<xml><a>1</a>', '<!DOCTYPE xml [<!ENTITY x "y">]><xml><a>&x;</a></xml>']) {
		const answer = await fetch(`${sandbox.base}/pay/orderquery`, { method: 'POST', body });

		assert.match(await answer.text(), /FAIL/, body);
	}
});

test('v2\'s bill is the same text', async () => {
	const day = chinaDay(sandbox.now());
	const order = v2Order();

	await sandbox.v2('/pay/unifiedorder', order);
	await userPays(order.out_trade_no);
	sandbox.moveClock(86400000);
	const text = await sandbox.v2('/pay/downloadbill', { bill_date: day.replaceAll('-', ''), bill_type: 'ALL' });

	assert.match(text, new RegExp(`^\ufeff?交易时间[^]*${order.out_trade_no}[^]*总交易单数`));
	const none = await sandbox.v2('/pay/downloadbill', { bill_date: '20200101', bill_type: 'ALL' });
	assert.equal(none.error_code, '20002');
});

/* ---- SDKs that others wrote ---- */

function axiosPlugin(certs, serial) {
	const { Wechatpay } = require('wechatpay-axios-plugin');

	return new Wechatpay({ mchid: sandbox.mchid, serial: sandbox.serial,
		privateKey: read(sandbox.privateKeyFile), certs, baseURL: `${sandbox.base}/`,
		secret: read(sandbox.merchant.v2KeyFile),
		...(serial ? { headers: { 'Wechatpay-Serial': serial } } : {}) });
}

/* They know no other clock than the machine's. */
const realTime = () => sandbox.moveClock(-sandbox.shift);

test('wechatpay-axios-plugin: an order\'s whole life under the public key', { skip }, async () => {
	const pay = axiosPlugin({ [sandbox.publicKeyId]: publicKey }, sandbox.publicKeyId);
	const { Rsa, Aes: { AesGcm }, Formatter } = require('wechatpay-axios-plugin');
	const order = newOrder();
	const params = { mchid: sandbox.mchid };
	const { out_trade_no } = order;

	realTime();
	assert.match((await pay.v3.pay.transactions.jsapi.post(order)).data.prepay_id, /^wx/);
	assert.equal((await pay.v3.pay.transactions.outTradeNo._out_trade_no_
		.get({ params, out_trade_no })).data.trade_state, 'NOTPAY');
	await userPays(out_trade_no);
	const { data } = await pay.v3.pay.transactions.outTradeNo._out_trade_no_.get({ params, out_trade_no });
	assert.equal(data.trade_state, 'SUCCESS');
	await assert.rejects(pay.v3.pay.transactions.outTradeNo._out_trade_no_.close
		.post(params, { out_trade_no }), ({ response }) => response.data.code === 'ORDERPAID');
	const back = await pay.v3.refund.domestic.refunds.post({ transaction_id: data.transaction_id,
		out_refund_no: newNumber('R'), notify_url: `${inbox.base}/refund`,
		amount: { refund: 100, total: 12800, currency: 'CNY' } });
	assert.equal(back.data.amount.refund, 100);
	assert.equal((await pay.v3.refund.domestic.refunds._out_refund_no_
		.get({ out_refund_no: back.data.out_refund_no })).data.refund_id, back.data.refund_id);
	const closed = newOrder();
	await pay.v3.pay.transactions.jsapi.post(closed);
	assert.equal((await pay.v3.pay.transactions.outTradeNo._out_trade_no_.close
		.post(params, { out_trade_no: closed.out_trade_no })).status, 204);
	/* both callbacks, with its own Rsa and AesGcm */
	await until(() => inbox.got.length === 2, 'both callbacks');
	for (const one of inbox.got) {
		const h = (name) => one.headers[`wechatpay-${name}`];
		const { resource: r } = JSON.parse(one.raw);

		assert.ok(Rsa.verify(Formatter.response(h('timestamp'), h('nonce'), one.raw),
			h('signature'), Rsa.from(publicKey, Rsa.KEY_TYPE_PUBLIC)));
		assert.equal(JSON.parse(AesGcm.decrypt(r.ciphertext, apiv3Key, r.nonce, r.associated_data))
			.out_trade_no, out_trade_no);
	}
});

test('wechatpay-axios-plugin: certificates, and bills it can read', { skip }, async () => {
	const { Aes: { AesGcm }, Formatter } = require('wechatpay-axios-plugin');
	const first = axiosPlugin({ [sandbox.publicKeyId]: publicKey }, sandbox.publicKeyId);

	sandbox.moveClock(-sandbox.shift - 86400000);
	const day = chinaDay(sandbox.now());
	const order = await paid();
	await until(quiet, 'it is told');
	realTime();
	const { data: list } = await first.v3.certificates.get();
	const certs = Object.fromEntries(list.data.map(({ serial_no, encrypt_certificate: c }) =>
		[serial_no, AesGcm.decrypt(c.ciphertext, apiv3Key, c.nonce, c.associated_data)]));
	const pay = axiosPlugin(certs);
	const { data } = await pay.v3.bill.tradebill.get({ params: { bill_date: day, bill_type: 'ALL' } });
	const { data: file } = await pay.v3.billdownload.file.get({ baseURL: data.download_url,
		params: Object.fromEntries(new URL(data.download_url).searchParams), responseType: 'arraybuffer' })
		.catch(() => pay.v3.billdownload.file.get({ responseType: 'arraybuffer',
			params: Object.fromEntries(new URL(data.download_url).searchParams) }));
	const { rows, summary } = Formatter.castCsvBill(Buffer.from(file));

	assert.equal(createHash('sha1').update(Buffer.from(file)).digest('hex'), data.hash_value);
	assert.ok(rows.some((row) => row.商户订单号 === order.out_trade_no && row.订单金额 === '128.00'));
	assert.equal(Number(summary.总交易单数), rows.length);
});

test('wechatpay-axios-plugin: v2, signatures checked by it', { skip }, async () => {
	const pay = axiosPlugin({ [sandbox.publicKeyId]: publicKey });
	const { Aes: { AesEcb }, Hash, Transformer } = require('wechatpay-axios-plugin');
	const order = v2Order({ appid: sandbox.appid, mch_id: sandbox.mchid, nonce_str: 'abc', sign_type: 'HMAC-SHA256' });

	realTime();
	const { data: placed } = await pay.v2.pay.unifiedorder.post(order);
	assert.equal(placed.result_code, 'SUCCESS', JSON.stringify(placed));
	await userPays(order.out_trade_no);
	const { data: back } = await pay.v2.secapi.pay.refund.post({ appid: sandbox.appid,
		mch_id: sandbox.mchid, nonce_str: 'abc', out_trade_no: order.out_trade_no,
		out_refund_no: newNumber('R'), total_fee: '12800', refund_fee: '1', notify_url: `${inbox.base}/v2r` });
	assert.equal(back.result_code, 'SUCCESS', JSON.stringify(back));
	await until(() => inbox.got.some((one) => one.url === '/v2r'), 'the refund\'s callback');
	const told = Transformer.toObject(inbox.got.find((one) => one.url === '/v2r').raw);
	const inner = Transformer.toObject(AesEcb.decrypt(told.req_info,
		Hash.md5(read(sandbox.merchant.v2KeyFile))));
	assert.equal(inner.out_trade_no, order.out_trade_no);
});

/* The other SDK knows one address only; the bytes are its own. */
function nodeV3() {
	const Pay = require('wechatpay-node-v3');
	const pay = new Pay({ appid: sandbox.appid, mchid: sandbox.mchid, key: apiv3Key,
		publicKey: Buffer.from(read(sandbox.merchant.certificateFile)),
		privateKey: Buffer.from(read(sandbox.privateKeyFile)) });
	const ask = async (url, options) => {
		const answer = await fetch(sandbox.base + url.slice(HOST.length), options);
		const text = await answer.text();

		return { status: answer.status, raw: text, headers: Object.fromEntries(answer.headers),
			data: /json/.test(answer.headers.get('content-type')) && text ? JSON.parse(text) : text };
	};

	pay.createHttp({
		get: (url, headers) => ask(url, { headers }),
		post: (url, params, headers) => ask(url, { method: 'POST', headers, body: JSON.stringify(params) }),
	});
	return { pay, Pay };
}

test('wechatpay-node-v3: an order\'s whole life, with the certificate', { skip }, async () => {
	const { pay } = nodeV3();
	const { appid, mchid, ...order } = newOrder();

	realTime();
	assert.equal(pay.serial_no.toUpperCase(), sandbox.serial, 'read from the certificate');
	const placed = await pay.transactions_jsapi(order);
	assert.equal(placed.status, 200, JSON.stringify(placed));
	/* its own paySign pays */
	assert.equal((await sandbox.ask('/sandbox/pay', placed.data)).errMsg, 'requestPayment:ok');
	const { data } = await pay.query({ out_trade_no: order.out_trade_no });
	assert.equal(data.trade_state, 'SUCCESS');
	assert.equal((await pay.query({ transaction_id: data.transaction_id })).data.out_trade_no,
		order.out_trade_no);
	const number = newNumber('R');
	const back = await pay.refunds({ out_trade_no: order.out_trade_no, out_refund_no: number,
		notify_url: `${inbox.base}/refund`, amount: { refund: 1, total: 12800, currency: 'CNY' } });
	assert.equal(back.status, 200, JSON.stringify(back));
	assert.equal((await pay.find_refunds(number)).data.out_refund_no, number);
	const second = newOrder();
	await sandbox.v3('POST', JSAPI, second);
	assert.equal((await pay.close(second.out_trade_no)).status, 204);
	assert.ok(appid && mchid);
});

test('wechatpay-node-v3: certificates, signatures and callbacks', { skip }, async () => {
	const { pay } = nodeV3();

	realTime();
	await sandbox.ask('/sandbox/rotate', { public_key_percent: 0 });
	const order = await paid();
	await until(() => inbox.got.length === 1, 'the callback');
	const [one] = inbox.got;
	const h = (name) => one.headers[`wechatpay-${name}`];
	const signed = { timestamp: h('timestamp'), nonce: h('nonce'), serial: h('serial'),
		signature: h('signature'), apiSecret: apiv3Key };
	const { resource: r } = JSON.parse(one.raw);

	assert.equal(await pay.verifySign({ ...signed, body: one.raw }), true,
		'it fetches the certificate itself');
	assert.equal(await pay.verifySign({ ...signed, body: `${one.raw} ` }), false);
	assert.equal(pay.decipher_gcm(r.ciphertext, r.associated_data, r.nonce, apiv3Key).out_trade_no,
		order.out_trade_no);
	assert.equal((await pay.get_certificates(apiv3Key)).at(-1).serial_no, h('serial'));
});

test('wechatpay-node-v3: bills', { skip }, async () => {
	const { pay } = nodeV3();

	sandbox.moveClock(-sandbox.shift - 86400000);
	const day = chinaDay(sandbox.now());
	const order = await paid();
	await until(quiet, 'it is told');
	realTime();
	const { status, data } = await pay.tradebill({ bill_date: day, bill_type: 'ALL' });
	assert.equal(status, 200, JSON.stringify(data));
	const file = await pay.downloadBill(data.download_url.replace(sandbox.base, HOST));
	assert.ok(file.data.includes(order.out_trade_no));
	assert.equal((await pay.fundflowbill({ bill_date: day, account_type: 'BASIC' })).status, 200);
});

/* ---- many ---- */

test('thousands of orders are paid, and each callback is delivered', async () => {
	const many = Number(process.env.SANDBOX_ORDERS ?? 1000);
	const paidNumbers = new Set(), told = new Set();

	/* half of them come several times */
	await fault('duplicate', { percent: 30, seed: 1 });
	await fault('concurrent', { percent: 30, seed: 2, copies: 3 });
	inbox.answer = (one) => {
		told.add(JSON.parse(unseal(JSON.parse(one.raw).resource, apiv3Key)).out_trade_no);
		return 204;
	};
	await Promise.all(Array.from({ length: 20 }, async () => {
		while (paidNumbers.size < many) {
			const order = newOrder();

			paidNumbers.add(order.out_trade_no);
			await sandbox.v3('POST', JSAPI, order);
			await userPays(order.out_trade_no);
		}
	}));
	await until(quiet, 'all are told');
	assert.ok(inbox.got.length > 1.3 * many, `${inbox.got.length} deliveries`);
	assert.equal(told.size, paidNumbers.size);
	assert.ok([...paidNumbers].every((number) => told.has(number)));
});
