// The platform half of the WeChat sandbox, spoken to as WeChat's documentation says.
// What is signed, sealed and uploaded is made and checked here by node:crypto and
// node's own fetch, not by the project's code.
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { createDecipheriv, createHash, createHmac, createSign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { inflateSync } from 'node:zlib';

const folder = mkdtempSync(join(tmpdir(), 'mpcloud-sandbox-api-'));
const clockFile = join(folder, 'clock');
const TEMPLATE = 'T'.repeat(43);
let child, base, first, moved = 0;

/* ---- the program ---- */

function moveClock(seconds) {
	const shift = Buffer.alloc(8);

	moved += seconds;
	shift.writeBigInt64LE(BigInt(moved) * 1000000000n);
	writeFileSync(clockFile, shift, { flag: 'r+' });
}

const now = () => Math.floor(Date.now() / 1000) + moved;

async function start() {
	child = spawn(join(process.env.MPCLOUD_BUILD, 'mpcloud-sandbox'),
		['--listen', '127.0.0.1:0', '--dir', join(folder, 'keys')],
		{ stdio: ['ignore', 'pipe', 'inherit'],
			env: { ...process.env, MPCLOUD_CLOCK_FILE: clockFile } });
	for await (const line of createInterface({ input: child.stdout })) {
		const ready = JSON.parse(line);

		base = ready.base;
		first = { appid: ready.appid, secret: readFileSync(ready.secretFile, 'utf8') };
		return;
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
});

after(async () => {
	await stop();
	rmSync(folder, { recursive: true });
});

/* ---- asking ---- */

const get = async (path) => (await fetch(base + path)).json();
const post = async (path, body) => (await fetch(base + path,
	{ method: 'POST', body: JSON.stringify(body) })).json();
const control = (name, body = {}) => post(`/sandbox/${name}`, body);

async function newApp(appid) {
	const app = await control('apps', appid ? { appid } : {});

	return { ...app, secret: readFileSync(app.secretFile, 'utf8') };
}

const stable = (app = first, more = {}) => post('/cgi-bin/stable_token',
	{ grant_type: 'client_credential', appid: app.appid, secret: app.secret, ...more });
const plain = (app = first) => get(`/cgi-bin/token?grant_type=client_credential&appid=${app.appid}&secret=${app.secret}`);
const tokenOf = async (app) => (await stable(app)).access_token;
const session = (code, app = first) => get(`/sns/jscode2session?appid=${app.appid}&secret=${app.secret}`
	+ `&js_code=${code}&grant_type=authorization_code`);
const counts = async (app = first) => (await get('/sandbox/tokens')).apps.find((a) => a.appid === app.appid);
const ping = async (token) => (await post(`/wxa/ping?access_token=${token}`, {})).errcode;

async function login(who = {}, app = first) {
	const { code } = await control('code', { appid: app.appid, ...who });

	return session(code, app);
}

/* ---- apps ---- */

test('every app has its own secret, users and codes', async () => {
	const other = await newApp('wx00000000000000aa');
	const { code, openid } = await control('code', { appid: other.appid });

	assert.equal(statSync(other.secretFile).mode & 0o777, 0o600);
	assert.notEqual(other.secret, first.secret);
	assert.equal((await session(code)).errcode, 40029, "another app's code");
	assert.equal((await session(code, other)).openid, openid, 'it was not used up');
	assert.equal((await session(code, other)).errcode, 40163);
	assert.equal((await session(code, { ...other, secret: first.secret })).errcode, 40125);
	assert.match((await control('code', { openid })).error, /another app/);
	assert.equal((await control('code', { appid: 'wxnobody' })).error.includes('/sandbox/apps'), true);
	assert.deepEqual((await control('apps', { appid: other.appid })).secretFile, other.secretFile,
		'asked again it is the same');
	assert.match((await control('apps', { appid: '../x' })).error, /appid/);
});

test('apps, their secrets and users outlive a restart', async () => {
	const other = await newApp();
	const user = await login({}, other);

	await stop();
	await start();
	assert.equal(readFileSync((await get('/sandbox/apps')).apps.find((a) => a.appid === other.appid).secretFile, 'utf8'),
		other.secret);
	assert.equal((await login({ openid: user.openid }, other)).openid, user.openid);
});

/* ---- tokens ---- */

test('stable_token and token give tokens that do not disturb each other', async () => {
	const app = await newApp();
	const a = await stable(app), b = await plain(app), c = await plain(app);

	assert.equal(a.expires_in, 7200);
	assert.equal((await stable(app)).access_token, a.access_token);
	assert.notEqual(b.access_token, c.access_token);
	for (const one of [a, b, c])
		assert.equal(await ping(one.access_token), 0, 'also the one that was just replaced');
	moveClock(301);
	assert.equal(await ping(b.access_token), 40001, 'five minutes later it is not the latest');
	assert.equal(await ping(c.access_token), 0);
	assert.equal(await ping(a.access_token), 0);
	moveClock(7200);
	assert.equal(await ping(a.access_token), 42001);
	assert.equal(await ping(c.access_token), 42001);
});

test('a call without a good token is refused with its own code', async () => {
	const token = await tokenOf();

	assert.equal((await post('/wxa/ping', {})).errcode, 41001);
	assert.equal(await ping('x'), 40014);
	assert.equal(await ping(`89_${'a'.repeat(136)}`), 40001, 'never given');
	assert.equal(await ping(token.slice(0, -1)), 40014);
	assert.equal(await ping(token), 0);
});

test('tokens end on request: expired, displaced, or in a storm', async () => {
	const app = await newApp();
	const a = await tokenOf(app);
	const as = (action, more) => control('token', { appid: app.appid, action, ...more });

	assert.deepEqual(await as('expire'), {});
	assert.equal(await ping(a), 42001);
	const b = await tokenOf(app);
	assert.notEqual(a, b);
	await as('invalidate');
	assert.equal(await ping(b), 40001);
	const c = await tokenOf(app);
	assert.equal(await ping(c), 0);
	await as('storm', { count: 2 });
	assert.deepEqual([await ping(c), await ping(c), await ping(c)], [40001, 40001, 0]);
	assert.match((await as('dance')).error, /expire, invalidate or storm/);
	assert.equal(await ping(await tokenOf()), 0, 'another app is not disturbed');
});

test('tokens are counted: asked for, made, good at one time, used, refused', async () => {
	const app = await newApp();

	await stable(app);
	await stable(app);
	assert.deepEqual(await counts(app), { appid: app.appid, fetches: 2, issued: 1, live: 1, liveTop: 1,
		accepted: 0, refused: 0, storm: 0 });
	await ping(await tokenOf(app));
	await control('token', { appid: app.appid, action: 'invalidate' });
	assert.equal((await counts(app)).live, 0);
	await tokenOf(app);
	await plain(app);
	const all = await counts(app);
	assert.deepEqual([all.fetches, all.issued, all.live, all.liveTop, all.accepted], [5, 3, 2, 2, 1]);
});

/* ---- phone numbers ---- */

test('a phone code gives the number once, for five minutes, in the body only', async () => {
	const token = await tokenOf();
	const ask = (code, query = '') => post(`/wxa/business/getuserphonenumber?access_token=${token}${query}`, { code });
	const { code } = await control('phone-code', { phone: '13800138000' });

	assert.equal((await (await fetch(`${base}/wxa/business/getuserphonenumber?access_token=${token}&code=${code}`,
		{ method: 'POST' })).json()).errcode, 40029, 'in the query');
	assert.equal((await get(`/wxa/business/getuserphonenumber?access_token=${token}`)).errcode, 43002);
	const { phone_info: phone, errcode } = await ask(code);
	assert.equal(errcode, 0);
	assert.deepEqual([phone.phoneNumber, phone.purePhoneNumber, phone.countryCode], ['13800138000', '13800138000', '86']);
	assert.equal(phone.watermark.appid, first.appid);
	assert.ok(Math.abs(phone.watermark.timestamp - now()) <= 2);
	assert.equal((await ask(code)).errcode, 40029, 'twice');
	assert.equal((await ask((await control('code')).code)).errcode, 40029, "wx.login's code is none");
	const old = (await control('phone-code')).code;
	moveClock(301);
	assert.equal((await ask(old)).errcode, 40029, 'old');
	const abroad = await ask((await control('phone-code', { phone: '5550100', countryCode: '1' })).code);
	assert.deepEqual([abroad.phone_info.phoneNumber, abroad.phone_info.purePhoneNumber], ['+15550100', '5550100']);
});

test("a phone code of another app is refused as its own, and not used up", async () => {
	const other = await newApp();
	const { code } = await control('phone-code', { appid: other.appid });
	const ask = async (app) => (await post(`/wxa/business/getuserphonenumber?access_token=${await tokenOf(app)}`, { code })).errcode;

	assert.equal(await ask(first), 40013);
	assert.equal(await ask(other), 0);
});

/* ---- session keys ---- */

const hmac = (key) => createHmac('sha256', key).update('').digest('hex');
const asksession = async (path, user, signature, method = 'hmac_sha256') => get(`/wxa/${path}?access_token=${await tokenOf()}`
	+ `&openid=${encodeURIComponent(user.openid)}&signature=${signature}&sig_method=${method}`);

test('a user has one good session_key, signed as text and not as bytes', async () => {
	const old = await login();
	const check = async (signature, method) => (await asksession('checksession', old, signature, method)).errcode;

	assert.equal(await check(hmac(old.session_key)), 0);
	assert.equal(await check(hmac(Buffer.from(old.session_key, 'base64'))), 87009);
	assert.equal(await check(hmac(old.session_key), 'md5'), 87008);
	assert.equal(await check(''), 40097);
	const fresh = await login({ openid: old.openid });
	assert.notEqual(fresh.session_key, old.session_key);
	assert.equal(await check(hmac(old.session_key)), 87009, 'displaced');
	assert.equal(await check(hmac(fresh.session_key)), 0);
	assert.equal((await asksession('checksession', { openid: 'oNobody' }, hmac(fresh.session_key))).errcode, 40003);
	await control('session', { openid: old.openid, action: 'expire' });
	assert.equal(await check(hmac(fresh.session_key)), 87007);
});

test('resetusersessionkey gives another key that ends when the old one would', async () => {
	const user = await login();
	const reset = await asksession('resetusersessionkey', user, hmac(user.session_key));

	assert.deepEqual([reset.errcode, reset.openid], [0, user.openid]);
	assert.equal(Buffer.from(reset.session_key, 'base64').length, 16);
	assert.equal((await asksession('checksession', user, hmac(user.session_key))).errcode, 87009);
	assert.equal((await asksession('checksession', user, hmac(reset.session_key))).errcode, 0);
	assert.equal((await asksession('resetusersessionkey', user, hmac(user.session_key))).errcode, 87009);
	moveClock(3 * 86400);
	assert.equal((await asksession('checksession', user, hmac(reset.session_key))).errcode, 87007);
});

test('a login may keep the session_key, and wx.login may displace it at once', async () => {
	const user = await login();

	assert.equal((await login({ openid: user.openid, keep: true })).session_key, user.session_key);
	const { code } = await control('code', { openid: user.openid, rotate: true });
	assert.equal((await asksession('checksession', user, hmac(user.session_key))).errcode, 87009, 'before the server heard');
	const fresh = await session(code);
	assert.equal((await asksession('checksession', user, hmac(fresh.session_key))).errcode, 0);
	assert.deepEqual(await control('session', { openid: user.openid }), { generation: 2, good: true });
});

function open(data, key) {
	const d = createDecipheriv('aes-128-cbc', Buffer.from(key, 'base64'), Buffer.from(data.iv, 'base64'));

	return JSON.parse(Buffer.concat([d.update(data.encryptedData, 'base64'), d.final()]));
}

test('open data is signed and sealed under the chosen session_key', async () => {
	const user = await login({ unionid: 'uOpen' });
	const data = await control('userdata', { openid: user.openid });
	const inside = open(data, user.session_key);

	assert.equal(data.signature, createHash('sha1').update(data.rawData + user.session_key).digest('hex'));
	assert.deepEqual([inside.openId, inside.unionId, inside.watermark.appid], [user.openid, 'uOpen', first.appid]);
	assert.equal(inside.nickName, JSON.parse(data.rawData).nickName);
	assert.equal(JSON.parse(data.rawData).openId, undefined);
	const fresh = await login({ openid: user.openid });
	const ask = (more) => control('userdata', { openid: user.openid, data: { phoneNumber: '1' }, ...more });
	assert.equal(open(await ask(), fresh.session_key).phoneNumber, '1');
	assert.equal(open(await ask({ key: 'previous' }), user.session_key).phoneNumber, '1');
	assert.equal(open(await ask({ key: 1 }), user.session_key).phoneNumber, '1');
	assert.equal(open(await ask({ watermark: { timestamp: 5, appid: 'wx1' } }), fresh.session_key).watermark.timestamp, 5);
	assert.match((await ask({ key: 3 })).error, /no session_key of generation 3 \(the newest is 2\)/);
	assert.match((await control('userdata', { openid: 'oNobody' })).error, /openid/);
});

test('a cloudID keeps data for who asks the sandbox for it', async () => {
	const user = await login();
	const { cloudID } = await control('cloudid', { openid: user.openid, data: { weRunData: [1] } });

	assert.deepEqual(await get(`/sandbox/cloudid?cloudID=${cloudID}`),
		{ openid: user.openid, appid: first.appid, data: { weRunData: [1] } });
	assert.equal((await fetch(`${base}/sandbox/cloudid?cloudID=x`)).status, 404);
});

test('who has just paid is known by his unionid, for five minutes', async () => {
	const user = await login({ unionid: 'uPaid' });
	const keys = await get('/sandbox/keys');
	const no = 'PAID000001';
	const ask = async (more) => get(`/wxa/getpaidunionid?access_token=${await tokenOf()}&openid=${user.openid}&${more}`);
	const by = `mch_id=${keys.mchid}&out_trade_no=${no}`;
	const body = JSON.stringify({ appid: first.appid, mchid: keys.mchid, description: 'tea', out_trade_no: no,
		notify_url: 'https://shop.example/notify', amount: { total: 100 }, payer: { openid: user.openid } });
	const stamp = String(now()), nonce = 'n'.repeat(32), path = '/v3/pay/transactions/jsapi';
	const signature = createSign('RSA-SHA256').update(`POST\n${path}\n${stamp}\n${nonce}\n${body}\n`)
		.sign(readFileSync(join(folder, 'keys/apiclient_key.pem')), 'base64');

	assert.equal((await ask(by)).errcode, 89300, 'no such order');
	const placed = await fetch(base + path, { method: 'POST', body, headers: { 'content-type': 'application/json',
		accept: 'application/json', 'user-agent': 'test', authorization: 'WECHATPAY2-SHA256-RSA2048 '
			+ `mchid="${keys.mchid}",nonce_str="${nonce}",timestamp="${stamp}",serial_no="${keys.serial}",signature="${signature}"` } });
	assert.equal(placed.status, 200);
	assert.equal((await ask(by)).errcode, 89300, 'not paid');
	const paid = await control('pay', { out_trade_no: no });
	assert.equal((await ask(by)).unionid, 'uPaid');
	if (paid.transaction_id)
		assert.equal((await ask(`transaction_id=${paid.transaction_id}`)).unionid, 'uPaid');
	assert.equal((await get(`/wxa/getpaidunionid?access_token=${await tokenOf()}&openid=oNobody&${by}`)).errcode, 40003);
	moveClock(301);
	assert.equal((await ask(by)).errcode, 89300, 'too late');
});

/* ---- messages ---- */

test('a subscribe message goes to who allowed it, as often as he did', async () => {
	const user = await login();
	const token = await tokenOf();
	const message = { touser: user.openid, template_id: TEMPLATE, page: 'pages/a?b=1', miniprogram_state: 'formal',
		lang: 'zh_CN', data: { thing1: { value: '十个字以内的东西' }, time2: { value: '15:01' }, amount3: { value: '¥12.50元' } } };
	const send = async (more) => (await post(`/cgi-bin/message/subscribe/send?access_token=${token}`, { ...message, ...more }));

	assert.equal((await send()).errcode, 43101, 'not asked');
	assert.match((await control('subscribe', { openid: user.openid, templateId: 'short' })).error, /43 letters/);
	await control('subscribe', { openid: user.openid, templateId: TEMPLATE });
	const bad = await send({ data: { thing1: { value: 'x'.repeat(21) } } });
	assert.equal(bad.errcode, 47003);
	assert.match(bad.errmsg, /data\.thing1\.value/);
	for (const [name, value] of [['number1', 'a'], ['letter1', '1'], ['time1', 'soon'], ['phrase1', '一二三四五六'],
		['thing', 'no number'], ['thing1', ''], ['odd1', 'x'], ['thing1', 5]])
		assert.equal((await send({ data: { [name]: { value } } })).errcode, 47003, `${name} ${value}`);
	assert.equal((await send({ touser: 'oNobody' })).errcode, 40003);
	assert.equal((await send({ template_id: 'T1' })).errcode, 40037);
	assert.equal((await send({ page: '/pages/a' })).errcode, 41030);
	assert.equal((await send()).errcode, 0);
	assert.equal((await send()).errcode, 43101, 'used up');
	const { messages } = await get('/sandbox/messages');
	assert.deepEqual(messages.filter((m) => m.message.touser === user.openid).map((m) => m.message), [message]);
});

test('text is judged by its words, of a user who was here within two hours', async () => {
	const user = await login();
	const check = async (content, more) => post(`/wxa/msg_sec_check?access_token=${await tokenOf()}`,
		{ content, version: 2, scene: 2, openid: user.openid, ...more });
	const said = async (content) => { const { result } = await check(content); return [result.suggest, result.label]; };

	assert.deepEqual(await said('你好'), ['pass', 100]);
	assert.deepEqual(await said('a sandbox-risky word'), ['risky', 20001]);
	assert.deepEqual(await said('a sandbox-review word'), ['review', 20003]);
	assert.equal((await check('x', { scene: 5 })).errcode, 40129);
	assert.equal((await check('x', { openid: 'oNobody' })).errcode, 40003);
	assert.equal((await check('字'.repeat(2500))).errcode, 0);
	assert.equal((await check('字'.repeat(2501))).errcode, 47001);
	moveClock(7201);
	assert.equal((await check('x')).errcode, 61010);
});

test('the rank of a risk is what the address says', async () => {
	const user = await login();
	const rank = async (client_ip, more) => post(`/wxa/getuserriskrank?access_token=${await tokenOf()}`,
		{ appid: first.appid, openid: user.openid, scene: 0, client_ip, ...more });

	assert.equal((await rank('127.0.0.1')).risk_rank, 0);
	assert.equal((await rank('203.0.113.4')).risk_rank, 4);
	assert.equal((await rank('203.0.113.4', { appid: 'wx1' })).errcode, 40013);
});

/* ---- pictures ---- */

// The sizes that a PNG says, after a look at every checksum of it.
function pngSize(png) {
	const crc = (bytes) => {
		let c = 0xffffffff;

		for (const b of bytes) {
			c ^= b;
			for (let i = 0; i < 8; i++)
				c = c & 1 ? c >>> 1 ^ 0xedb88320 : c >>> 1;
		}
		return (c ^ 0xffffffff) >>> 0;
	};
	let at = 8, size, data;

	assert.equal(png.subarray(0, 8).toString('latin1'), '\x89PNG\r\n\x1a\n');
	while (at < png.length) {
		const len = png.readUInt32BE(at), type = png.toString('latin1', at + 4, at + 8);

		assert.equal(png.readUInt32BE(at + 8 + len), crc(png.subarray(at + 4, at + 8 + len)), type);
		if (type === 'IHDR')
			size = [png.readUInt32BE(at + 8), png.readUInt32BE(at + 12)];
		if (type === 'IDAT')
			data = inflateSync(png.subarray(at + 8, at + 8 + len));
		at += 12 + len;
	}
	assert.equal(data.length, size[1] * (1 + Math.ceil(size[0] / 8)));
	return size;
}

test('getwxacodeunlimit answers a picture, or JSON that says what is wrong', async () => {
	const ask = async (body) => fetch(`${base}/wxa/getwxacodeunlimit?access_token=${await tokenOf()}`,
		{ method: 'POST', body: JSON.stringify(body) });
	const errcode = async (body) => (await (await ask(body)).json()).errcode;
	const picture = async (body) => {
		const answer = await ask(body);

		assert.equal(answer.headers.get('content-type'), 'image/png');
		return Buffer.from(await answer.arrayBuffer());
	};

	assert.deepEqual(pngSize(await picture({ scene: 'a=1' })), [430, 430]);
	assert.deepEqual(pngSize(await picture({ scene: 'a=1', width: 1280 })), [1280, 1280]);
	assert.notDeepEqual(await picture({ scene: 'a' }), await picture({ scene: 'b' }));
	assert.deepEqual(await picture({ scene: 'a' }), await picture({ scene: 'a' }));
	assert.equal(await errcode({}), 40097);
	assert.equal(await errcode({ scene: 'x'.repeat(33) }), 40097);
	assert.equal(await errcode({ scene: '中' }), 40097);
	assert.equal(await errcode({ scene: 'a', width: 100 }), 40097);
	assert.equal(await errcode({ scene: 'a', page: '/pages/a' }), 41030);
	assert.equal(await errcode({ scene: 'a', page: 'other/a' }), 41030);
	assert.deepEqual(pngSize(await picture({ scene: 'a', page: 'other/a', check_path: false })), [430, 430]);
	assert.equal(await errcode('text'), 47001);
});

/* ---- any other API ---- */

test('an API of any name is answered with what was asked, but for the token', async () => {
	const token = await tokenOf();

	assert.deepEqual(await post(`/wxa/some/thing?access_token=${token}&a=1%202&b=%E4%B8%AD`, { x: [1, '中'] }),
		{ errcode: 0, errmsg: 'ok', echo: { method: 'POST', path: '/wxa/some/thing', query: { a: '1 2', b: '中' },
			contentType: 'text/plain;charset=UTF-8', body: { x: [1, '中'] } } });
	assert.deepEqual((await get(`/datacube/getweanalysisappiddailysummarytrend?access_token=${token}`)).echo,
		{ method: 'GET', path: '/datacube/getweanalysisappiddailysummarytrend', query: {}, contentType: '', body: null });
	for (const path of ['/cgi-bin/a', '/sns/a', '/wxaapi/a', '/cv/a'])
		assert.equal((await get(`${path}?access_token=${token}`)).echo.path, path);
	assert.equal((await fetch(`${base}/elsewhere?access_token=${token}`)).status, 404);
});

test('uploads are described part by part', async () => {
	const token = await tokenOf();
	const bytes = Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 256));
	const form = new FormData();

	form.append('media', new Blob([bytes], { type: 'image/png' }), 'a;"b".png');
	form.append('note', '中文\r\n--x');
	const { echo } = await (await fetch(`${base}/wxa/img_sec_check?access_token=${token}`, { method: 'POST', body: form })).json();
	assert.deepEqual(echo.body.parts, [
		{ name: 'media', filename: 'a;%22b%22.png', contentType: 'image/png', size: 5000,
			sha256: createHash('sha256').update(bytes).digest('hex') },
		{ name: 'note', value: '中文\r\n--x' }]);
	const cut = await (await fetch(`${base}/wxa/img_sec_check?access_token=${token}`, { method: 'POST',
		headers: { 'content-type': 'multipart/form-data; boundary=b' }, body: '--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1' })).json();
	assert.deepEqual(cut.echo.body, { parts: [], malformed: true });
});

test('uploaded media are given back byte by byte, to their app', async () => {
	const other = await newApp();
	const token = await tokenOf();
	const form = new FormData();
	const bytes = Buffer.from('\x89PNG\r\n\x1a\n\0\xff', 'latin1');

	form.append('media', new Blob([bytes], { type: 'image/png' }), 'a.png');
	const up = await (await fetch(`${base}/cgi-bin/media/upload?access_token=${token}&type=image`, { method: 'POST', body: form })).json();
	assert.equal(up.type, 'image');
	const down = await fetch(`${base}/cgi-bin/media/get?access_token=${token}&media_id=${up.media_id}`);
	assert.equal(down.headers.get('content-type'), 'image/png');
	assert.deepEqual(Buffer.from(await down.arrayBuffer()), bytes);
	assert.equal((await get(`/cgi-bin/media/get?access_token=${await tokenOf(other)}&media_id=${up.media_id}`)).errcode, 40007);
	assert.equal((await post(`/cgi-bin/media/upload?access_token=${token}&type=image`, {})).errcode, 41005);
});

test('a path answers what a test dictates, so often, after the token was looked at', async () => {
	const token = await tokenOf();
	const ask = (path = '/wxa/dictated') => post(`${path}?access_token=${token}`, {});

	await control('answer', { path: '/wxa/dictated', errcode: 45009, errmsg: 'reach max api daily quota', count: 2 });
	assert.equal((await post('/wxa/dictated', {})).errcode, 41001);
	assert.match((await ask()).errmsg, /^reach max api daily quota, rid: /);
	assert.equal((await ask()).errcode, 45009);
	assert.equal((await ask()).errcode, 0);
	await control('answer', { path: '/wxa/msg_sec_check', answer: { errcode: 0, result: { suggest: 'pass' } } });
	assert.deepEqual(await ask('/wxa/msg_sec_check'), { errcode: 0, result: { suggest: 'pass' } });
	await control('answer', { path: '/wxa/dictated', errcode: 1 });
	await control('answer', { path: '/wxa/dictated', count: 0 });
	assert.equal((await ask()).errcode, 0, 'taken back');
	await control('answer', { path: '/sns/jscode2session', errcode: 40164 });
	assert.equal((await login()).errcode, 40164);
	assert.match((await control('answer', { path: '/x' })).error, /errcode or answer/);
});

test('faults work on every path of the API', async () => {
	const token = await tokenOf();
	const fault = (kind, path) => control('fault', { path, kind });

	await fault('busy', '/wxa/anything');
	await fault('http429', '/wxa/checksession');
	assert.equal((await get(`/wxa/anything?access_token=${token}`)).errcode, -1);
	assert.equal((await fetch(`${base}/wxa/checksession?access_token=${token}`)).status, 429);
	await fault('drop', '/wxa/business/getuserphonenumber');
	await assert.rejects(post(`/wxa/business/getuserphonenumber?access_token=${token}`, {}));
});

/* ---- message push ---- */

const AES_KEY = 'jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C';
const sha1 = (...list) => createHash('sha1').update(list.sort().join('')).digest('hex');

function unseal(encrypt) {
	const key = Buffer.from(`${AES_KEY}=`, 'base64');
	const d = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false);
	let plain = Buffer.concat([d.update(encrypt, 'base64'), d.final()]);
	const pad = plain.at(-1), len = plain.readUInt32BE(16);

	assert.equal(plain.length % 32, 0);
	assert.ok(pad >= 1 && pad <= 32 && plain.subarray(-pad).every((b) => b === pad));
	plain = plain.subarray(0, -pad);
	return { msg: plain.toString('utf8', 20, 20 + len), appid: plain.toString('utf8', 20 + len) };
}

// A server for pushes; answers what `answer` says.
async function receiver(answer, run) {
	const got = [];
	const server = createServer(async (request, response) => {
		const url = new URL(request.url, 'http://x');
		let body = '';

		for await (const part of request)
			body += part;
		got.push({ method: request.method, path: url.pathname, query: Object.fromEntries(url.searchParams),
			type: request.headers['content-type'], body });
		answer(response, got.at(-1), got.length);
	});

	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	try {
		await run(`http://127.0.0.1:${server.address().port}/push?own=1`, got);
	} finally {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	}
}

const success = (response) => response.end('success');

test('a plain message is signed over token, timestamp and nonce', () => receiver(success, async (url, got) => {
	const user = await login();
	const result = await control('push', { url, token: 'tok', msg: { FromUserName: user.openid, MsgType: 'text', Content: '中 & <b>' } });
	const [one] = got, msg = JSON.parse(one.body);

	assert.deepEqual(result, { accepted: true, deliveries: [{ accepted: true, attempts: [{ status: 200, body: 'success' }] }] });
	assert.equal(one.query.signature, sha1('tok', one.query.timestamp, one.query.nonce));
	assert.deepEqual([one.query.own, one.query.openid, one.query.encrypt_type, one.path], ['1', user.openid, undefined, '/push']);
	assert.ok(Math.abs(Number(one.query.timestamp) - now()) <= 2);
	assert.equal(msg.Content, '中 & <b>');
	assert.match(one.body, /"MsgId":\d{17}[,}]/);
	assert.match(msg.ToUserName, /^gh_/);
}));

test('a sealed message has msg_signature over the seal too, and ends in the appid', () => receiver(success, async (url, got) => {
	await control('push', { url, token: 'tok', aesKey: AES_KEY, mode: 'safe', format: 'xml',
		msg: { FromUserName: 'oSomeone', MsgType: 'event', Event: 'user_enter_tempsession', CreateTime: 5 } });
	const { query, body, type } = got[0];
	const encrypt = /<Encrypt><!\[CDATA\[(.*?)\]\]><\/Encrypt>/.exec(body)[1];
	const inside = unseal(encrypt);

	assert.equal(type, 'text/xml');
	assert.equal(query.encrypt_type, 'aes');
	assert.equal(query.msg_signature, sha1('tok', query.timestamp, query.nonce, encrypt));
	assert.equal(query.signature, sha1('tok', query.timestamp, query.nonce));
	assert.equal(inside.appid, first.appid);
	assert.match(inside.msg, /^<xml>.*<CreateTime>5<\/CreateTime>.*<Event><!\[CDATA\[user_enter_tempsession\]\]><\/Event>.*<\/xml>$/);
	assert.ok(!body.includes('tempsession'));
}));

test('in compatible mode both are there', () => receiver(success, async (url, got) => {
	await control('push', { url, token: 'tok', aesKey: AES_KEY, mode: 'both', msg: { Content: 'x' } });
	const body = JSON.parse(got[0].body);

	assert.equal(body.Content, 'x');
	assert.equal(JSON.parse(unseal(body.Encrypt).msg).Content, 'x');
}));

test('a message is tried three times, signed anew, until it is taken', async () => {
	await receiver((response, request, n) => { response.statusCode = n < 3 ? 500 : 200; response.end(n < 3 ? '' : 'success'); },
		async (url, got) => {
			const result = await control('push', { url, token: 'tok', msg: { Content: 'x' } });

			assert.equal(result.accepted, true);
			assert.deepEqual(result.deliveries[0].attempts.map((a) => a.status), [500, 500, 200]);
			assert.equal(new Set(got.map((g) => g.query.nonce)).size, 3);
			assert.equal(new Set(got.map((g) => g.body)).size, 1, 'the same message');
		});
	await receiver((response) => response.end('no'), async (url, got) => {
		const result = await control('push', { url, token: 'tok', msg: {} });

		assert.equal(result.accepted, false);
		assert.equal(got.length, 3);
	});
	await receiver(() => {}, async (url) => {
		const result = await control('push', { url, token: 'tok', msg: {}, tries: 1, timeout: 50 });

		assert.equal(result.accepted, false);
		assert.equal(result.deliveries[0].attempts.length, 1);
		assert.ok(result.deliveries[0].attempts[0].error);
	});
});

test('copies of a message come after each other or all at once', async () => {
	let waiting = [];

	await receiver(success, async (url, got) => {
		const result = await control('push', { url, token: 'tok', msg: { Content: 'x' }, repeat: 5 });

		assert.equal(result.deliveries.length, 5);
		assert.equal(got.length, 5);
		assert.equal(new Set(got.map((g) => g.body)).size, 1);
	});
	// nobody is answered before all five are there
	await receiver((response) => {
		waiting.push(response);
		if (waiting.length === 5)
			waiting.forEach((r) => r.end('success'));
	}, async (url) => {
		assert.equal((await control('push', { url, token: 'tok', msg: {}, repeat: 5, together: true })).accepted, true);
	});
});

test('the console checks an address with an echostr', async () => {
	await receiver((response, { query }) => response.end(query.echostr), async (url, got) => {
		const result = await control('push-check', { url, token: 'tok', echostr: 'a b&c' });

		assert.equal(result.accepted, true);
		assert.equal(got[0].method, 'GET');
		assert.equal(got[0].query.echostr, 'a b&c');
		assert.equal(got[0].query.signature, sha1('tok', got[0].query.timestamp, got[0].query.nonce));
	});
	await receiver((response) => response.end('hello'), async (url) =>
		assert.equal((await control('push-check', { url, token: 'tok' })).accepted, false));
});

test('the result of a media check comes by message push', () => {
	let told;
	const came = new Promise((resolve) => { told = resolve; });

	return receiver((response, request) => { response.end('success'); told(request); }, async (url) => {
		const user = await login();

		await control('push-url', { url, token: 'tok', aesKey: AES_KEY, mode: 'safe', format: 'json' });
		const answer = await post(`/wxa/media_check_async?access_token=${await tokenOf()}`,
			{ media_url: 'https://example.com/sandbox-risky.png', media_type: 2, version: 2, scene: 1, openid: user.openid });
		const msg = JSON.parse(unseal(JSON.parse((await came).body).Encrypt).msg);

		assert.equal(answer.errcode, 0);
		assert.deepEqual([msg.Event, msg.trace_id, msg.FromUserName, msg.result.suggest],
			['wxa_media_check', answer.trace_id, user.openid, 'risky']);
		await control('push-url', {});
		assert.match((await control('push', { msg: {} })).error, /push-url/);
	});
});

test('what a control request says wrongly is named', async () => {
	const of = async (name, body) => (await control(name, body)).error;
	const url = 'http://127.0.0.1:1/';

	assert.match(await of('push', { url, token: 't' }), /^msg/);
	assert.match(await of('push', { url, token: 't', msg: {}, mode: 'odd' }), /^mode: plain, safe, both/);
	assert.match(await of('push', { url, token: 't', msg: {}, mode: 'safe', aesKey: 'short' }), /^aesKey/);
	assert.match(await of('push', { url, token: 't', msg: { 'a b': 1 }, format: 'xml' }), /XML/);
	assert.match(await of('phone-code', { phone: 'x' }), /digits/);
	assert.match(await of('session', { action: 'dance' }), /show, rotate or expire/);
});
