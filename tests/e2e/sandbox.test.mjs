// The WeChat sandbox, spoken to as the documentation of WeChat says: strings
// to sign are built here from that text, and two SDKs that others wrote place
// an order and check the answer.
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { createPrivateKey, createPublicKey, createSign, createVerify, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { lacksPackages } from '../lib/stack.mjs';

const require = createRequire(import.meta.url);
const skip = lacksPackages('tests');
const JSAPI = '/v3/pay/transactions/jsapi';
const folder = mkdtempSync(join(tmpdir(), 'mpcloud-sandbox-'));
const clockFile = join(folder, 'clock');
let child, base, settings, keys;

/* ---- the program ---- */

function moveClock(seconds) {
	const shift = Buffer.alloc(8);

	shift.writeBigInt64LE(BigInt(seconds) * 1000000000n);
	writeFileSync(clockFile, shift, { flag: 'r+' });
}

async function start() {
	child = spawn(join(process.env.MPCLOUD_BUILD, 'mpcloud-sandbox'),
		['--listen', '127.0.0.1:0', '--dir', join(folder, 'keys')],
		{ stdio: ['ignore', 'pipe', 'inherit'],
			env: { ...process.env, MPCLOUD_CLOCK_FILE: clockFile } });
	for await (const line of createInterface({ input: child.stdout })) {
		const ready = JSON.parse(line);

		base = ready.base;
		return ready;
	}
	throw new Error('the sandbox did not start');
}

async function stop() {
	const over = new Promise((resolve) => child.once('exit', resolve));

	child.kill('SIGTERM');
	assert.equal(await over, 0, 'it ends well');
}

before(async () => {
	writeFileSync(clockFile, Buffer.alloc(8));
	await start();
	settings = JSON.parse(readFileSync(join(folder, 'keys/sandbox.json'), 'utf8'));
	keys = await json('/sandbox/keys');
});

after(async () => {
	await stop();
	rmSync(folder, { recursive: true });
});

/* ---- asking ---- */

async function json(path, body, headers) {
	const answer = await fetch(base + path, body === undefined ? {} :
		{ method: 'POST', body: JSON.stringify(body), headers });

	return answer.json();
}

const newCode = async (who = {}) => (await json('/sandbox/code', who)).code;
const fault = (path, kind, more) => json('/sandbox/fault', { path, kind, ...more });

function login(code, more = {}) {
	const query = new URLSearchParams({ appid: settings.appid,
		secret: settings.secret, js_code: code,
		grant_type: 'authorization_code', ...more });

	for (const [key, value] of [...query])
		if (value === '')
			query.delete(key);
	return json(`/sns/jscode2session?${query}`);
}

const token = (more) => json('/cgi-bin/stable_token', {
	grant_type: 'client_credential', appid: settings.appid,
	secret: settings.secret, ...more });

const openidOf = async () => (await login(await newCode())).openid;

let orders = 0;
const newOrder = async (more) => ({
	appid: settings.appid, mchid: settings.mchid, description: '龙井 250 g',
	out_trade_no: `T${Date.now()}${orders += 1}`,
	notify_url: 'https://shop.example.com/v1/pay/notify',
	amount: { total: 12800, currency: 'CNY' },
	payer: { openid: await openidOf() }, ...more });

/* "WECHATPAY2-SHA256-RSA2048": five lines, each ended by a newline. */
function authorization(text, more = {}) {
	const f = { method: 'POST', url: JSAPI, mchid: settings.mchid,
		nonce_str: randomBytes(16).toString('hex').toUpperCase(),
		timestamp: String(Math.floor(Date.now() / 1000)),
		serial_no: settings.serial, ...more };
	const signer = createSign('RSA-SHA256');

	signer.update(`${f.method}\n${f.url}\n${f.timestamp}\n${f.nonce_str}\n${text}\n`);
	const signature = signer.sign(createPrivateKey(
		readFileSync(settings.privateKeyFile)), 'base64');

	return `WECHATPAY2-SHA256-RSA2048 mchid="${f.mchid}",nonce_str="${f.nonce_str}",` +
		`timestamp="${f.timestamp}",serial_no="${f.serial_no}",signature="${signature}"`;
}

async function place(body, { headers = {}, text, sign } = {}) {
	const sent = text === undefined ? JSON.stringify(body) : text;
	const answer = await fetch(base + JSAPI, { method: 'POST', body: sent,
		headers: { Accept: 'application/json', 'Content-Type': 'application/json',
			'User-Agent': 'mpcloud-tests',
			'Wechatpay-Serial': settings.publicKeyId,
			Authorization: authorization(sent, sign), ...headers } });
	const raw = await answer.text();

	return { status: answer.status, headers: answer.headers, raw,
		data: JSON.parse(raw) };
}

/* "timestamp\nnonce\nbody\n" under WeChat Pay's key. */
function verifies({ headers, raw }) {
	const check = createVerify('RSA-SHA256');

	check.update(`${headers.get('wechatpay-timestamp')}\n${headers.get('wechatpay-nonce')}\n${raw}\n`);
	return check.verify(createPublicKey(readFileSync(settings.publicKeyFile)),
		headers.get('wechatpay-signature') || '', 'base64');
}

/* ---- keys ---- */

test('keys are made once, for their owner only', async () => {
	for (const name of ['secretFile', 'apiv3KeyFile', 'privateKeyFile', 'publicKeyFile'])
		assert.equal(statSync(settings[name]).mode & 0o777, 0o600, name);
	assert.equal(statSync(join(folder, 'keys')).mode & 0o777, 0o700);
	assert.equal(readFileSync(settings.apiv3KeyFile, 'utf8').length, 32);
	assert.match(settings.publicKeyId, /^PUB_KEY_ID_\d+$/);
	assert.match(settings.serial, /^[0-9A-F]{40}$/);
	assert.equal(createPublicKey(keys.merchantPublicKey).asymmetricKeyDetails.modulusLength, 2048);
	const before_ = readFileSync(join(folder, 'keys/sandbox.json'), 'utf8');

	await stop();
	const ready = await start();
	assert.equal(readFileSync(join(folder, 'keys/sandbox.json'), 'utf8'), before_);
	assert.deepEqual(await json('/sandbox/keys'), keys);
	assert.equal(ready.appid, settings.appid);
	assert.ok(!JSON.stringify(ready).includes(settings.secret));
});

test('it listens on loopback only', async () => {
	const other = spawn(join(process.env.MPCLOUD_BUILD, 'mpcloud-sandbox'),
		['--listen', '0.0.0.0:0', '--dir', join(folder, 'other')], { stdio: 'ignore' });

	assert.equal(await new Promise((resolve) => other.once('exit', resolve)), 1);
});

/* ---- sns/jscode2session ---- */

test('a code is good once', async () => {
	const code = await newCode();
	const first = await login(code);

	assert.match(first.openid, /^o[\w-]{27}$/);
	assert.equal(Buffer.from(first.session_key, 'base64').length, 16);
	assert.equal(first.session_key.length, 24);
	assert.equal('unionid' in first, false);
	assert.equal((await login(code)).errcode, 40163);
});

test('the answer is JSON called text/plain', async () => {
	const code = await newCode();
	const answer = await fetch(`${base}/sns/jscode2session?appid=${settings.appid}` +
		`&secret=${settings.secret}&js_code=${code}&grant_type=authorization_code`);

	assert.match(answer.headers.get('content-type'), /^text\/plain/);
	assert.ok((await answer.json()).openid);
});

test('a code ends after five minutes', async () => {
	const [young, old] = [await newCode(), await newCode()];

	moveClock(299);
	assert.ok((await login(young)).openid);
	moveClock(301);
	assert.equal((await login(old)).errcode, 40029);
	moveClock(0);
});

test('the same openid is the same user with another session_key', async () => {
	const who = { openid: 'oSomebodyInParticular', unionid: 'uSomebody' };
	const a = await login(await newCode(who));
	const b = await login(await newCode({ openid: who.openid }));

	assert.equal(a.openid, who.openid);
	assert.equal(a.unionid, who.unionid);
	assert.equal(b.unionid, who.unionid, 'a unionid stays');
	assert.notEqual(a.session_key, b.session_key);
});

for (const [what, more, errcode] of [
	['an unknown code', { js_code: '0abc' }, 40029],
	['no code', { js_code: '' }, 41008],
	['another appid', { appid: 'wx0000000000000000' }, 40013],
	['no appid', { appid: '' }, 41002],
	['a wrong secret', { secret: 'x' }, 40125],
	['no secret', { secret: '' }, 41004],
])
	test(`${what} gives ${errcode} and does not use up the code`, async () => {
		const code = await newCode();

		assert.equal((await login(code, more)).errcode, errcode);
		assert.ok((await login(code)).openid);
	});

test('a high-risk user gives 40226', async () => {
	assert.equal((await login(await newCode({ blocked: true }))).errcode, 40226);
});

test('a user logs in a hundred times a minute', async () => {
	const openid = `o${randomBytes(10).toString('hex')}`;

	/* Stand at the beginning of a minute, or the count starts anew. */
	moveClock(60 - Math.floor(Date.now() / 1000) % 60);
	for (let i = 0; i < 100; i += 1)
		assert.ok((await login(await newCode({ openid }))).openid);
	assert.equal((await login(await newCode({ openid }))).errcode, 45011);
	moveClock(0);
});

/* ---- cgi-bin/stable_token ---- */

test('the stable token is the same until five minutes before its end', async () => {
	const first = await token();

	assert.ok(first.access_token.length > 100);
	assert.ok(first.expires_in <= 7200 && first.expires_in > 7100);
	moveClock(6800);
	const later = await token();
	assert.equal(later.access_token, first.access_token);
	assert.ok(later.expires_in <= 400);
	moveClock(6950);
	const renewed = await token();
	assert.notEqual(renewed.access_token, first.access_token);
	assert.equal(renewed.expires_in, 7200);
	moveClock(0);
});

test('force_refresh waits thirty seconds', async () => {
	const first = await token();
	const forced = await token({ force_refresh: true });

	assert.notEqual(forced.access_token, first.access_token);
	assert.equal((await token()).access_token, forced.access_token);
	assert.equal((await token({ force_refresh: true })).errcode, 45011);
	moveClock(31);
	assert.ok((await token({ force_refresh: true })).access_token);
	moveClock(0);
});

test('the token asks for POST, JSON and the right names', async () => {
	assert.equal((await json('/cgi-bin/stable_token')).errcode, 43002);
	assert.equal((await token({ grant_type: 'password' })).errcode, 40002);
	assert.equal((await token({ appid: undefined })).errcode, 41002);
	assert.equal((await token({ secret: undefined })).errcode, 41004);
	assert.equal((await token({ appid: 'wx' })).errcode, 40013);
	assert.equal((await token({ secret: 'wrong' })).errcode, 40125);
	assert.equal((await json('/cgi-bin/stable_token', 'text')).errcode, 47001);
});

/* ---- orders ---- */

test('an order is answered with a prepay_id under WeChat Pay\'s signature', async () => {
	const from = Math.floor(Date.now() / 1000);
	const answer = await place(await newOrder());

	assert.equal(answer.status, 200, answer.raw);
	assert.match(answer.data.prepay_id, /^wx\d{14}[0-9a-f]{20}$/);
	assert.equal(answer.headers.get('wechatpay-serial'), settings.publicKeyId);
	assert.equal(answer.headers.get('wechatpay-signature-type'), 'WECHATPAY2-SHA256-RSA2048');
	assert.ok(answer.headers.get('request-id'));
	const at = Number(answer.headers.get('wechatpay-timestamp'));
	assert.ok(at >= from && at <= Date.now() / 1000, `${at}`);
	assert.ok(verifies(answer));
	assert.equal(verifies({ ...answer, raw: `${answer.raw} ` }), false);
});

test('asked again in the same words an order gives another prepay_id', async () => {
	const order = await newOrder();
	const { amount, ...rest } = order;
	const [a, b] = [await place(order), await place({ amount, ...rest })];

	assert.equal(b.status, 200);
	assert.notEqual(a.data.prepay_id, b.data.prepay_id);
});

test('asked again with another amount an order is refused', async () => {
	const order = await newOrder();

	await place(order);
	const again = await place({ ...order, amount: { total: 1, currency: 'CNY' } });

	assert.equal(again.status, 400);
	assert.equal(again.data.code, 'INVALID_REQUEST');
	assert.equal(again.data.message, '请求重入时，参数与首次请求时不一致');
});

test('an openid of an earlier run is known', async () => {
	const order = await newOrder();

	await stop();
	await start();
	assert.equal((await place(order)).status, 200);
});

for (const [what, more] of [
	['signed over other bytes', { text: '{} ' }],
	['of another merchant', { sign: { mchid: '1900000001' } }],
	['with an unknown serial', { sign: { serial_no: 'A'.repeat(40) } }],
	['six minutes old', { sign: { timestamp: String(Math.floor(Date.now() / 1000) - 360) } }],
	['six minutes early', { sign: { timestamp: String(Math.floor(Date.now() / 1000) + 360) } }],
	['in milliseconds', { sign: { timestamp: String(Date.now()) } }],
	['with a nonce of 33 letters', { sign: { nonce_str: 'a'.repeat(33) } }],
	['with an empty nonce', { sign: { nonce_str: '' } }],
	['for another method', { sign: { method: 'GET' } }],
	['for another path', { sign: { url: '/v3/pay/transactions/native' } }],
	['for the path with a query', { sign: { url: `${JSAPI}?a=1` } }],
])
	test(`a request ${what} is 401 SIGN_ERROR`, async () => {
		const order = await newOrder();
		const text = JSON.stringify(order);
		const answer = await place(order, { ...more, text,
			headers: more.text ? { Authorization: authorization(more.text) } : {} });

		assert.equal(answer.status, 401);
		assert.equal(answer.data.code, 'SIGN_ERROR');
		assert.equal(answer.headers.get('wechatpay-signature'), null);
		assert.equal((await place(order)).status, 200, 'nothing was placed');
	});

for (const [what, change] of [
	['is missing', () => ''],
	['has another scheme', (a) => a.replace('WECHATPAY2', 'WECHATPAY3')],
	['lacks a field', (a) => a.replace(/timestamp="\d+",/, '')],
	['has a field twice', (a) => a.replace(/(mchid="\d+",)/, '$1$1')],
	['has a field too many', (a) => `${a},more="1"`],
	['has no quotes', (a) => a.replace(/"/g, '')],
	['has a signature that is no base64', (a) => a.replace(/signature="..../, 'signature="*.*.')],
])
	test(`an Authorization that ${what} is 401`, async () => {
		const order = await newOrder();
		const good = authorization(JSON.stringify(order));
		const answer = await place(order, { headers: { Authorization: change(good) } });

		assert.notEqual(change(good), good);
		assert.equal(answer.status, 401, answer.raw);
	});

for (const [field, more] of [
	['/out_trade_no', { out_trade_no: 'short' }],
	['/out_trade_no', { out_trade_no: 'x'.repeat(33) }],
	['/out_trade_no', { out_trade_no: 'with blank' }],
	['/description', { description: undefined }],
	['/description', { description: '茶'.repeat(43) }],
	['/notify_url', { notify_url: 'http://shop.example.com/' }],
	['/notify_url', { notify_url: 'https://shop.example.com/?a=1' }],
	['/notify_url', { notify_url: 'https://192.168.1.2/notify' }],
	['/notify_url', { notify_url: 'https://localhost/notify' }],
	['/time_expire', { time_expire: '2018-06-08 10:34:56' }],
	['/attach', { attach: null }],
	['/amount', { amount: undefined }],
	['/amount/total', { amount: { total: 0 } }],
	['/amount/total', { amount: { total: 1.5 } }],
	['/amount/total', { amount: { total: '100' } }],
	['/amount/currency', { amount: { total: 1, currency: 'USD' } }],
	['/payer', { payer: 'openid' }],
	['/payer/openid', { payer: {} }],
	['/payer/openid', { payer: { openid: 'oNobodyWeKnow' } }],
	['/detail/goods_detail/1/unit_price', { detail: { goods_detail: [
		{ merchant_goods_id: 'a', quantity: 1, unit_price: 1 },
		{ merchant_goods_id: 'b', quantity: 1 }] } }],
	['/scene_info/payer_client_ip', { scene_info: { device_id: '1' } }],
	['/settle_info/profit_sharing', { settle_info: { profit_sharing: 1 } }],
	['', { out_trade_number: '1' }],
])
	test(`${JSON.stringify(more)} is PARAM_ERROR at ${field || 'the top'}`, async () => {
		const answer = await place(await newOrder(more));

		assert.equal(answer.status, 400, answer.raw);
		assert.equal(answer.data.code, 'PARAM_ERROR');
		assert.equal(answer.data.detail.field, field);
		assert.equal(answer.data.detail.location, 'body');
	});

test('every optional field is taken', async () => {
	const answer = await place(await newOrder({
		time_expire: '2099-06-08T10:34:56+08:00', attach: 'a', goods_tag: 'WXG',
		support_fapiao: true, settle_info: { profit_sharing: false },
		notify_url: 'https://shop.example.com:8443/a/b',
		detail: { cost_price: 608800, invoice_id: '1', goods_detail: [
			{ merchant_goods_id: '1', wechatpay_goods_id: '2',
				goods_name: 'tea', quantity: 1, unit_price: 528800 }] },
		scene_info: { payer_client_ip: '14.23.150.211', device_id: '1',
			store_info: { id: '1', name: 's', area_code: '440305', address: 'x' } },
	}));

	assert.equal(answer.status, 200, answer.raw);
});

test('a body that is no JSON is PARAM_ERROR', async () => {
	const answer = await place(null, { text: '{"appid":' });

	assert.equal(answer.status, 400);
	assert.equal(answer.data.code, 'PARAM_ERROR');
});

test('another appid and another mchid have codes of their own', async () => {
	assert.equal((await place(await newOrder({ appid: 'wx1' }))).data.code, 'APPID_MCHID_NOT_MATCH');
	assert.equal((await place(await newOrder({ mchid: '1900000001' }))).data.code, 'MCH_NOT_EXISTS');
});

test('an unknown Wechatpay-Serial is refused', async () => {
	const answer = await place(await newOrder(), { headers: { 'Wechatpay-Serial': 'PUB_KEY_ID_1' } });

	assert.equal(answer.status, 400);
});

/* ---- faults ---- */

test('busy comes as often as asked, and nothing happens meanwhile', async () => {
	const [code, order] = [await newCode(), await newOrder()];

	await fault('/sns/jscode2session', 'busy', { count: 2 });
	assert.equal((await login(code)).errcode, -1);
	assert.equal((await login(code)).errcode, -1);
	assert.ok((await login(code)).openid);
	await fault(JSAPI, 'busy');
	const answer = await place(order);
	assert.equal(answer.status, 500);
	assert.equal(answer.data.code, 'SYSTEM_ERROR');
	assert.equal((await place({ ...order, attach: 'changed' })).status, 200);
});

test('drop closes without an answer, and the code is used up', async () => {
	const code = await newCode();

	await fault('/sns/jscode2session', 'drop');
	await assert.rejects(login(code), TypeError);
	assert.equal((await login(code)).errcode, 40163);
});

test('delay answers late', async () => {
	const started = performance.now();

	await fault(JSAPI, 'delay', { delay: 300 });
	assert.equal((await place(await newOrder())).status, 200);
	assert.ok(performance.now() - started >= 299);
});

test('a client that leaves during a delay does no harm', async () => {
	await fault('/sandbox/counts', 'delay', { delay: 50 });
	await assert.rejects(fetch(`${base}/sandbox/counts`, { signal: AbortSignal.timeout(10) }));
	await fault('/sandbox/counts', 'delay', { delay: 100 });
	assert.ok(await json('/sandbox/counts'));
});

for (const kind of ['bad_signature', 'signtest'])
	test(`${kind} does not verify`, async () => {
		await fault(JSAPI, kind);
		const answer = await place(await newOrder());

		assert.equal(answer.status, 200);
		assert.equal(verifies(answer), false);
		assert.equal(answer.headers.get('wechatpay-signature').startsWith('WECHATPAY/SIGNTEST/'),
			kind === 'signtest');
		assert.ok(verifies(await place(await newOrder())), 'the next one does');
	});

test('stale_timestamp is signed rightly, ten minutes ago', async () => {
	await fault(JSAPI, 'stale_timestamp');
	const answer = await place(await newOrder());

	assert.ok(verifies(answer));
	assert.ok(Date.now() / 1000 - answer.headers.get('wechatpay-timestamp') >= 599);
});

test('wrong_serial names a key that is not ours', async () => {
	await fault(JSAPI, 'wrong_serial');
	const answer = await place(await newOrder());

	assert.notEqual(answer.headers.get('wechatpay-serial'), settings.publicKeyId);
});

test('no_signature leaves the headers out', async () => {
	await fault(JSAPI, 'no_signature');
	assert.equal((await place(await newOrder())).headers.get('wechatpay-signature'), null);
});

test('http429 is FREQUENCY_LIMITED', async () => {
	await fault(JSAPI, 'http429');
	const answer = await place(await newOrder());

	assert.equal(answer.status, 429);
	assert.equal(answer.data.code, 'FREQUENCY_LIMITED');
});

test('faults can be taken back', async () => {
	await fault(JSAPI, 'busy', { count: 100 });
	await json('/sandbox/fault', { kind: 'none' });
	assert.equal((await place(await newOrder())).status, 200);
});

test('a fault nobody knows is refused', async () => {
	for (const body of [{ kind: 'flood', path: JSAPI }, { kind: 'busy' }, {}, []])
		assert.ok((await json('/sandbox/fault', body)).error, JSON.stringify(body));
});

/* ---- control ---- */

test('requests are counted', async () => {
	const before_ = await json('/sandbox/counts');

	await login(await newCode());
	await login('x');
	const now = await json('/sandbox/counts');
	assert.equal(now['/sns/jscode2session'] - before_['/sns/jscode2session'], 2);
	assert.equal(now['/sandbox/code'] - before_['/sandbox/code'], 1);
	assert.equal(now[JSAPI], before_[JSAPI]);
});

test('an unknown path is 404', async () => {
	assert.equal((await fetch(`${base}/v3/pay/transactions/native`)).status, 404);
	assert.equal((await fetch(base + JSAPI)).status, 404);
});

/* ---- SDKs that others wrote ---- */

test('wechatpay-axios-plugin places an order and verifies the answer', { skip }, async () => {
	const { Wechatpay } = require('wechatpay-axios-plugin');
	const pay = new Wechatpay({ mchid: settings.mchid, serial: settings.serial,
		privateKey: readFileSync(settings.privateKeyFile),
		certs: { [settings.publicKeyId]: readFileSync(settings.publicKeyFile) },
		baseURL: `${base}/`,
		headers: { Accept: 'application/json', 'Content-Type': 'application/json',
			'User-Agent': 'mpcloud-tests', 'Wechatpay-Serial': settings.publicKeyId } });
	const { data } = await pay.v3.pay.transactions.jsapi.post(await newOrder());

	assert.match(data.prepay_id, /^wx/);
	await fault(JSAPI, 'bad_signature');
	await assert.rejects(pay.v3.pay.transactions.jsapi.post(await newOrder()),
		/EV3_RES_HEADER_SIGNATURE_DIGEST|Verify the response/);
	await fault(JSAPI, 'stale_timestamp');
	await assert.rejects(pay.v3.pay.transactions.jsapi.post(await newOrder()), /time offset/);
	await fault(JSAPI, 'wrong_serial');
	await assert.rejects(pay.v3.pay.transactions.jsapi.post(await newOrder()), /Cannot found the serial/);
});

test('wechatpay-node-v3 places an order', { skip }, async () => {
	const Pay = require('wechatpay-node-v3');
	const pay = new Pay({ appid: settings.appid, mchid: settings.mchid,
		serial_no: settings.serial, publicKey: readFileSync(settings.publicKeyFile),
		privateKey: readFileSync(settings.privateKeyFile) });

	/* It knows one address only; the bytes are its own. */
	pay.createHttp({ async post(url, params, headers) {
		const answer = await fetch(base + new URL(url).pathname,
			{ method: 'POST', headers, body: JSON.stringify(params) });

		return { status: answer.status, data: await answer.json() };
	} });
	const { appid, mchid, ...order } = await newOrder();
	const { status, data } = await pay.transactions_jsapi(order);

	assert.equal(status, 200, JSON.stringify(data));
	assert.match(data.package, /^prepay_id=wx/);
});
