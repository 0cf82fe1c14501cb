// Walks through the shop as its mini program would: the same client file, a
// made-up telephone.  Every step says what it does, and anything that is not as
// it should be ends the walk with a status of 1.
import { strict as assert } from 'node:assert';
import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { makeWx } from './wx.mjs';

// A mini program has its own copy; here it is the one of mpcloud itself.
const client = ['./mpcloud.js', '../../client/mpcloud.js']
	.find((path) => existsSync(new URL(path, import.meta.url)));
if (!client) {
	console.error('walk.mjs: copy mpcloud.js (client/ of mpcloud) beside it');
	process.exit(1);
}
const cloud = createRequire(import.meta.url)(client);

const USAGE = `usage: node walk.mjs [--url http://127.0.0.1:8080] [--sandbox http://127.0.0.1:PORT]
                     [--insecure-ca FILE]

--url          the mpcloud server ($MPCLOUD_URL)
--sandbox      the WeChat sandbox of mpcloud dev ($MPCLOUD_SANDBOX)
--insecure-ca  trust this certificate: for the self-made one of mpcloud dev
`;

const env = process.env;
const options = (() => {
	try {
		const { values } = parseArgs({ options: {
			url: { type: 'string', default: env.MPCLOUD_URL || 'http://127.0.0.1:8080' },
			sandbox: { type: 'string', default: env.MPCLOUD_SANDBOX },
			'insecure-ca': { type: 'string' },
			help: { type: 'boolean' },
		} });
		if (values.help || !values.sandbox)
			throw new Error(values.help ? '' : '--sandbox is needed');
		return values;
	} catch (err) {
		process.stderr.write(`${err.message ? `${err.message}\n` : ''}${USAGE}`);
		process.exit(2);
	}
})();
const ca = options['insecure-ca'] && readFileSync(options['insecure-ca']);

/* ---- saying what happens ---- */

let number = 0;
const say = (text) => process.stdout.write(`     ${text}\n`);
async function step(title, why, work) {
	number += 1;
	process.stdout.write(`${String(number).padStart(2)}.  ${title}\n     (${why})\n`);
	const started = performance.now();
	const result = await work();
	say(`ok, ${(performance.now() - started).toFixed(1)} ms\n`);
	return result;
}
const yuan = (fen) => `¥${(fen / 100).toFixed(2)}`;
const name = ({ zh, en }) => `${zh} (${en})`;

/* ---- the people ---- */

const seen = [];
function telephone() {
	const openid = `oWalk${randomBytes(12).toString('hex').slice(0, 23)}`;
	const phone = cloud.createNewInstance({ url: options.url,
		wx: makeWx({ sandbox: options.sandbox, openid, ca, seen }) });

	return { phone, openid };
}
const call = async (phone, fn, data) =>
	(await phone.callFunction({ name: fn, data })).result;

/* ---- the checks that take more than a line ---- */

async function fromSandbox(path) {
	const answer = await fetch(`${options.sandbox}${path}`);

	assert.equal(answer.status, 200, `${path} of the sandbox`);
	return answer.json();
}

/* What the telephone does before it shows "pay": WeChat would refuse anything
 * else. */
function checkPayment(payment, keys) {
	assert.deepEqual(Object.keys(payment).sort(),
		['nonceStr', 'package', 'paySign', 'signType', 'timeStamp']);
	assert.match(payment.timeStamp, /^\d{10}$/);
	assert.match(payment.nonceStr, /^[0-9A-Za-z]{1,32}$/);
	assert.match(payment.package, /^prepay_id=wx\w+$/);
	assert.equal(payment.signType, 'RSA');
	const text = [keys.appid, payment.timeStamp, payment.nonceStr,
		payment.package, ''].join('\n');

	assert.ok(verify('sha256', Buffer.from(text),
		createPublicKey(keys.merchantPublicKey),
		Buffer.from(payment.paySign, 'base64')),
	'paySign does not verify under the merchant\'s key');
}

async function refused(promise, errCode, what) {
	const err = await promise.then(() => null, (e) => e);

	assert.ok(err, `${what} was allowed`);
	if (errCode)
		assert.equal(err.errCode, errCode, `${what}: ${err.errMsg}`);
	return err;
}

/* ---- the walk ---- */

async function walk() {
	const keys = await fromSandbox('/sandbox/keys');
	const { phone, openid } = telephone();
	const db = phone.database();

	await step('Log in', 'wx.login\'s code goes to POST /v1/login; WeChat tells the server who it is, and we get tokens', async () => {
		const { uid, expiresIn } = await phone.login();

		assert.ok(uid && expiresIn > 0);
		assert.ok(!seen.some((text) => text.includes(openid) ||
			text.includes('session_key')), 'openid and session_key stay on the server');
		say(`user ${uid}, the access token is good for ${expiresIn} s`);
	});

	const { goods } = await step('List the goods', 'the cloud function goods-list, an unmodified wx-server-sdk 2.6.3 inside', async () => {
		const list = await call(phone, 'goods-list');

		assert.equal(list.goods.length, 5, 'five goods are on sale');
		for (const g of list.goods)
			say(`${yuan(g.price).padStart(8)}  ${name(g.name)}, ${g.stock} left`);
		return list;
	});

	await step('Look at a price', 'the function price-native, written in C', async () => {
		for (const g of goods.slice(0, 2)) {
			const { price } = await call(phone, 'price-native', { id: g.id });

			assert.equal(price, g.price, `price of ${g.id}`);
			say(`${name(g.name)}: ${yuan(price)}`);
		}
	});

	await step('Read a document without a function', 'cloud.database() in the page; goods are ADMINWRITE: all may read, none may write', async () => {
		const { data } = await db.collection('goods').doc(goods[0].id).get();

		assert.equal(data.price, goods[0].price);
		say(`goods/${data._id}: ${name(data.name)}`);
		const err = await refused(db.collection('goods').doc(data._id)
			.update({ data: { price: 1 } }), -502003, 'a lower price');
		say(`making it cheaper: ${err.errMsg}`);
	});

	const items = [{ id: goods[0].id, count: 2 }, { id: goods[1].id, count: 1 }];
	const total = goods[0].price * 2 + goods[1].price;
	const placed = await step('Place an order', 'order-create reads the prices itself, writes the order down and asks WeChat Pay for a prepay_id', async () => {
		const order = await call(phone, 'order-create', { items });

		assert.equal(order.total, total);
		assert.match(order.outTradeNo, /^[0-9A-Za-z]{6,32}$/);
		say(`order ${order.outTradeNo}: ${yuan(order.total)}`);
		return order;
	});

	await step('Check what wx.requestPayment gets', 'the telephone would refuse parameters that the merchant did not sign', async () => {
		checkPayment(placed.payment, keys);
		say(`${placed.payment.package}, paySign verifies`);
	});

	await step('Read the order back', 'order-get: the document and the state of its payment', async () => {
		const { order, state } = await call(phone, 'order-get',
			{ outTradeNo: placed.outTradeNo });

		assert.equal(order.total, total);
		assert.deepEqual(order.items.map(({ id, count }) => ({ id, count })), items);
		assert.equal(state, 'NOTPAY');
		say(`order ${order.outTradeNo}: ${yuan(order.total)}, ${state}`);
	});

	await step('Pay it again', 'POST /v1/pay/orders: the same order, parameters signed anew', async () => {
		const { data } = await phone.request({ path: '/v1/pay/orders',
			data: { outTradeNo: placed.outTradeNo } });

		assert.equal(data.outTradeNo, placed.outTradeNo);
		checkPayment(data.payment, keys);
		say(`${data.payment.package}, paySign verifies`);
	});

	await step('Be somebody else', 'orders are PRIVATE: a second telephone must see nothing of the first', async () => {
		const other = telephone().phone;
		const own = await db.collection('orders')
			.where({ outTradeNo: placed.outTradeNo }).get();
		const theirs = await other.database().collection('orders')
			.where({ outTradeNo: placed.outTradeNo }).get();

		assert.equal(own.data.length, 1);
		assert.equal(theirs.data.length, 0);
		const err = await refused(call(other, 'order-get',
			{ outTradeNo: placed.outTradeNo }), 0, 'a stranger\'s order');
		say(`the first sees 1 order, the second 0; order-get: ${err.errMsg}`);
	});

	await step('Log out', 'the session ends on the server; the next call would log in anew', async () => {
		const { errMsg } = await phone.logout();

		assert.equal(phone.tokens, null);
		say(errMsg);
	});
}

process.stdout.write(`The tea shop, at ${options.url}\n\n`);
try {
	await walk();
	process.stdout.write(`All ${number} steps went as they should.\n`);
} catch (err) {
	process.stdout.write(`     FAILED: ${err.errMsg || err.message}\n`);
	if (err.requestID)
		process.stdout.write(`     request id ${err.requestID}: the server's log knows more\n`);
	process.exitCode = 1;
}
