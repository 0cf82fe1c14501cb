// Files, retries and install() of client/mpcloud.js against a made-up server and
// a made-up telephone; client-watch.test.mjs has watch().
import { strict as assert } from 'node:assert';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { holdTimers } from '../lib/timers.mjs';
import { source, until } from '../lib/stack.mjs';

const { Cloud } = createRequire(import.meta.url)(join(source, 'client/mpcloud.js'));
const client = join(source, 'client/mpcloud.js');

/* reply(request) gives {status, body, header}, or null for no answer at all. */
function stage(reply, more) {
	const s = { asked: [], uploads: [], downloads: [] };
	const json = (o, { status = 200, body = {}, header = {} }) => setImmediate(o.success, { statusCode: status,
		data: JSON.stringify(body), header: { 'Content-Type': 'application/json', ...header } });
	const task = () => {
		const t = { aborted: 0, abort: () => { t.aborted += 1; }, listeners: [] };
		for (const name of ['ProgressUpdate', 'HeadersReceived']) {
			t[`on${name}`] = (fn) => t.listeners.push([name, fn]);
			t[`off${name}`] = () => {};
		}
		return t;
	};
	s.wx = {
		request(o) {
			const body = o.data === undefined ? undefined : JSON.parse(o.data);
			s.asked.push({ path: o.url.replace('https://h.example', ''), method: o.method, body, header: o.header });
			const answer = reply(s.asked[s.asked.length - 1], s);
			if (answer) json(o, answer);
			else setImmediate(o.fail, { errMsg: 'request:fail timeout' });
		},
		uploadFile(o) {
			const t = task();
			s.uploads.push({ o, t });
			if (s.onUpload) setImmediate(s.onUpload, o, t);
			return t;
		},
		downloadFile(o) {
			const t = task();
			s.downloads.push({ o, t });
			setImmediate(o.success, { statusCode: s.downloadStatus ?? 200, tempFilePath: 'wxfile://tmp_1' });
			return t;
		},
		...more,
	};
	s.cloud = new Cloud({ url: 'https://h.example', env: 'e', wx: s.wx });
	return s;
}
const meta = { url: 'https://cos.example/up', token: 'tok', authorization: 'sig', fileId: 'cloud://e.b/a/b.txt', cosFileId: 'cid' };
const metaReply = ({ body }) => ({ body: { data: body.action === 'storage.getUploadMetadata' ? meta : {} } });
const fails = (promise) => promise.then(() => { throw new Error('it did not fail'); }, (err) => err);

test('an upload is one form with what the server said, the file last', async () => {
	const s = stage(metaReply);
	s.onUpload = (o) => o.success({ statusCode: 204, data: '' });

	assert.deepEqual(await s.cloud.uploadFile({ cloudPath: '/a/b.txt', filePath: 'wxfile://x', header: { 'x-more': '1' } }),
		{ fileID: meta.fileId, statusCode: 204, errMsg: 'cloud.uploadFile:ok' });
	assert.equal(s.asked[0].body.path, 'a/b.txt');
	const { url, filePath, name, formData, header } = s.uploads[0].o;
	assert.deepEqual({ url, filePath, name, formData, header }, { url: meta.url, filePath: 'wxfile://x', name: 'file',
		header: { accept: 'application/json', 'x-more': '1' },
		formData: { key: 'a/b.txt', signature: 'sig', 'x-cos-security-token': 'tok', 'x-cos-meta-fileid': 'cid' } });
});

test('with a callback there is a task: progress, and abort before anything is sent', async () => {
	const s = stage(metaReply);
	const seen = [];
	const result = new Promise((resolve) => {
		const task = s.cloud.uploadFile({ cloudPath: 'a', filePath: 'x', success: resolve });
		task.onProgressUpdate((e) => seen.push(e.progress));
		task.onHeadersReceived((e) => seen.push(e.header));
	});
	s.onUpload = (o, t) => {
		t.listeners.find(([name]) => name === 'ProgressUpdate')[1]({ progress: 50 });
		t.listeners.find(([name]) => name === 'HeadersReceived')[1]({ header: {} });
		o.success({ statusCode: 200, data: '' });
	};
	await result;
	assert.deepEqual(seen, [50, {}]);

	const err = await new Promise((resolve) => {
		s.cloud.uploadFile({ cloudPath: 'a', filePath: 'x', fail: resolve }).abort();
	});
	assert.deepEqual([err.errMsg, err.errCode, s.uploads.length], ['cloud.uploadFile:fail abort', -1, 1]);
});

test('a store\'s refusal has its words, said in JSON or in COS\'s XML', async () => {
	const s = stage(metaReply);
	for (const [data, code, number] of [['{"code":"STORAGE_EXCEED_AUTHORITY","message":"no"}', 'STORAGE_EXCEED_AUTHORITY', -503002],
		['<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>', 'AccessDenied', -1]]) {
		s.onUpload = (o) => o.success({ statusCode: 403, data });
		const err = await fails(s.cloud.uploadFile({ cloudPath: 'a', filePath: 'x' }));
		assert.deepEqual([err.code, err.errCode, err.statusCode, /no$/.test(err.errMsg)], [code, number, 403, true]);
	}
});

test('temporary addresses: each file has a state of its own', async () => {
	const s = stage(() => ({ body: { data: { download_list: [
		{ fileID: 'cloud://e.b/a', tempFileURL: 'https://f.example/a', maxAge: 60, code: 'SUCCESS' },
		{ fileid: 'cloud://e.b/b', code: 'STORAGE_FILE_NONEXIST', message: 'none' }] } } }));
	const { fileList, errMsg } = await s.cloud.getTempFileURL({ fileList: [{ fileID: 'cloud://e.b/a', maxAge: 60 }, 'cloud://e.b/b'] });

	assert.equal(errMsg, 'cloud.getTempFileURL:ok');
	assert.deepEqual(s.asked[0].body.file_list, [{ fileid: 'cloud://e.b/a', max_age: 60 }, { fileid: 'cloud://e.b/b' }]);
	assert.deepEqual(fileList[0], { fileID: 'cloud://e.b/a', status: 0, errMsg: 'ok', tempFileURL: 'https://f.example/a', maxAge: 60 });
	assert.deepEqual([fileList[1].fileID, fileList[1].status, fileList[1].tempFileURL], ['cloud://e.b/b', -503003, '']);
	for (const list of [[], new Array(51).fill('a'), 'a'])
		assert.equal((await fails(s.cloud.getTempFileURL({ fileList: list }))).errCode, -501007);
});

test('a download goes by a temporary address; what is not there is told without one', async () => {
	const s = stage(({ body }) => ({ body: { data: { download_list: [body.file_list[0].fileid === 'cloud://e.b/a' ?
		{ fileid: 'cloud://e.b/a', download_url: 'https://f.example/a' } : { fileid: 'x', code: 'STORAGE_FILE_NONEXIST' }] } } }));

	assert.deepEqual(await s.cloud.downloadFile({ fileID: 'cloud://e.b/a' }),
		{ tempFilePath: 'wxfile://tmp_1', statusCode: 200, errMsg: 'cloud.downloadFile:ok' });
	assert.equal(s.downloads[0].o.url, 'https://f.example/a');
	assert.equal((await fails(s.cloud.downloadFile({ fileID: 'x' }))).errCode, -503003);
	assert.equal(s.downloads.length, 1);
});

test('a network that is lost is no abort of the page\'s, whatever the telephone calls it', async () => {
	const s = stage(metaReply);
	s.onUpload = (o) => o.fail({ errMsg: 'uploadFile:fail java.net.SocketException: Software caused connection abort' });

	const err = await fails(s.cloud.uploadFile({ cloudPath: 'a', filePath: 'x' }));
	assert.deepEqual([err.errCode, err.code], [-601003, 'NETWORK']);
	assert.match(err.errMsg, /^cloud\.uploadFile:fail -601003 network error\. .*connection abort$/);
});

test('in Node.js an answer that breaks off is an error, and half a file is none', async () => {
	const folder = mkdtempSync(join(tmpdir(), 'mpc-client-'));
	const { TMPDIR } = process.env;
	const body = JSON.stringify({ data: { download_list: [{ fileid: 'cloud://e.f/a', download_url: '' }] } });
	let reply = null;
	const server = createServer((req, res) => reply(req, res));
	await new Promise((done) => server.listen(0, '127.0.0.1', done));
	const url = `http://127.0.0.1:${server.address().port}`;
	const cloud = new Cloud({ url, env: 'e', retries: 0 });
	const half = (res, text) => {
		res.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length * 2 });
		res.write(text, () => res.destroy());
	};

	process.env.TMPDIR = folder;
	try {
		reply = (req, res) => half(res, body);
		assert.equal((await fails(cloud.callFunction({ name: 'f' }))).code, 'NETWORK', 'a call');
		reply = (req, res) => (req.method === 'GET' ? half(res, 'x'.repeat(5000)) :
			res.setHeader('content-type', 'application/json').end(body.replace('"download_url":""', `"download_url":"${url}/file"`)));
		const err = await fails(cloud.downloadFile({ fileID: 'cloud://e.f/a' }));
		assert.equal(err.code, 'NETWORK', 'a download');
		await until(() => readdirSync(folder).length === 0, 'nothing is left of it');
	} finally {
		if (TMPDIR === undefined) delete process.env.TMPDIR;
		else process.env.TMPDIR = TMPDIR;
		server.close();
		server.closeAllConnections();
		rmSync(folder, { recursive: true });
	}
});

test('CDN members, however deep, become addresses; other members stay what they are', async () => {
	const written = [];
	const s = stage(({ path, body }) => (path === '/v1/functions/f' ? { body: null } :
		{ body: { data: body.action === 'storage.getUploadMetadata' ? { ...meta, fileId: `cloud://e.b/${body.path}` } :
			{ download_list: [{ fileid: body.file_list[0].fileid, tempFileURL: `https://f.example/${body.file_list[0].fileid.slice(-4)}` }] } } }), {
		env: { USER_DATA_PATH: 'wxfile://usr' },
		getFileSystemManager: () => ({ unlink: ({ filePath }) => written.push(`-${filePath}`),
			writeFile: ({ filePath, data, encoding, success }) => { written.push(`+${filePath}`, encoding, data); setImmediate(success); } }) });
	s.onUpload = (o) => o.success({ statusCode: 200, data: '' });
	const { CDN } = s.cloud;
	const when = new Date(0);

	await s.cloud.callFunction({ name: 'f', data: { a: CDN('text'), deep: [{ b: new CDN({ type: 'filePath', filePath: 'wxfile://own' }) }], when } });
	const { body } = s.asked[s.asked.length - 1];
	assert.match(body.a, /^https:\/\/f\.example\//);
	assert.match(body.deep[0].b, /^https:\/\/f\.example\//);
	assert.equal(body.when, '1970-01-01T00:00:00.000Z');
	assert.equal(s.uploads[1].o.filePath === 'wxfile://own' || s.uploads[0].o.filePath === 'wxfile://own', true);
	assert.equal(written[0].slice(1), written[3].slice(1), 'what was written is removed');
	assert.deepEqual(written.slice(1, 3), ['utf8', 'text']);
	assert.match(s.uploads.find(({ o }) => o.filePath !== 'wxfile://own').o.formData.key, /^tmp\/cdn\//);
});

test('what may be asked twice is asked again when no answer came; what may not is not', async () => {
	const timers = holdTimers();
	try {
		let lost = 0;
		const s = stage(() => (lost-- > 0 ? null : { body: { data: { list: [], total: 3 } } }));
		lost = 2;
		const counted = s.cloud.database().collection('a').count();
		await timers.tick(3000);
		assert.equal((await counted).total, 3);
		assert.equal(s.asked.length, 3);

		lost = 9;
		const got = fails(s.cloud.database().collection('a').get());
		await timers.tick(20000);
		assert.equal((await got).code, 'NETWORK');
		assert.equal(s.asked.length, 6, 'twice again, and no more');

		lost = 9;
		assert.equal((await fails(s.cloud.callFunction({ name: 'f' }))).code, 'NETWORK');
		assert.equal((await fails(s.cloud.database().collection('a').add({ data: { a: 1 } }))).code, 'NETWORK');
		assert.equal(s.asked.length, 8, 'once each');
		const keyed = fails(s.cloud.callFunction({ name: 'f', idempotencyKey: 'k1' }));
		await timers.tick(20000);
		await keyed;
		assert.deepEqual(s.asked.slice(8).map((a) => a.header['idempotency-key']), ['k1', 'k1', 'k1']);
	} finally {
		timers.restore();
	}
});

test('a limit is waited for as long as Retry-After says, up to five seconds', async () => {
	const timers = holdTimers();
	try {
		let refused = 1;
		let after = '3';
		const s = stage(() => (refused-- > 0 ? { status: 429, body: { code: 'EXCEED_RATELIMIT', message: 'slow down' },
			header: after === null ? {} : { 'Retry-After': after } } : { body: 7 }));
		const called = s.cloud.callFunction({ name: 'f' });
		await timers.tick(2999);
		assert.equal(s.asked.length, 1, 'not before');
		await timers.tick(300);
		assert.equal((await called).result, 7);

		for (after of ['60', null]) {
			refused = 1;
			const err = await fails(s.cloud.callFunction({ name: 'f' }));
			assert.deepEqual([err.errCode, err.retryAfter], [-501003, after === null ? undefined : 60]);
		}
	} finally {
		timers.restore();
	}
});

test('install() takes the place of wx.cloud also where that cannot be assigned', () => {
	const fresh = () => { delete createRequire(import.meta.url).cache[client]; return createRequire(import.meta.url)(client); };
	try {
		for (const how of [{ writable: true, configurable: true }, { writable: false, configurable: true }]) {
			globalThis.wx = Object.defineProperty({ request() {} }, 'cloud', { value: { init() {} }, ...how });
			const cloud = fresh();
			assert.equal(cloud.install({ url: 'https://h.example' }), cloud);
			assert.equal(globalThis.wx.cloud, cloud);
		}
		globalThis.wx = Object.freeze({ request() {}, cloud: {} });
		assert.throws(() => fresh().install({ url: 'https://h.example' }), /does not let wx\.cloud be replaced: in each file/);
	} finally {
		delete globalThis.wx;
	}
});

test('init says what it needs', () => {
	assert.throws(() => new Cloud({ env: 'e', wx: {} }), /cloud\.init: url: .*https:\/\/cloud\.example\.com/);
	assert.throws(() => new Cloud().database(), /cloud\.init comes first/);
});

test('callContainer goes to the path, with the service as a header, and gives every status', async () => {
	const s = stage(() => ({ status: 404, body: { a: 1 }, header: { 'X-Request-Id': 'r1' } }));
	assert.deepEqual(await s.cloud.callContainer({ path: '/api/x', service: 'shop', method: 'GET', data: { q: 'ä b' }, header: { 'x-a': '1' } }),
		{ data: { a: 1 }, statusCode: 404, header: { 'Content-Type': 'application/json', 'X-Request-Id': 'r1' }, callID: 'r1', errMsg: 'cloud.callContainer:ok' });
	assert.deepEqual([s.asked[0].path, s.asked[0].method, s.asked[0].header], ['/api/x?q=%C3%A4%20b', 'GET', { 'x-wx-service': 'shop', 'x-a': '1' }]);
	const gateway = new s.cloud.services.Gateway({ id: 'g' });
	await gateway.call({ path: '/api/y', data: { b: 2 } });
	assert.deepEqual([s.asked[1].path, s.asked[1].method, s.asked[1].body], ['/api/y', 'POST', { b: 2 }]);
	assert.match((await fails(s.cloud.callContainer({ path: 'x' }))).errMsg, /path: begins with "\/"/);
});

test('outside of WeChat a container\'s socket is as wx\'s: several listeners, callbacks of send and close, silent errors', async () => {
	class Plain { // as npm's ws: throws until it is open
		constructor(url, protocols) { Object.assign(this, { url, protocols, sent: [], readyState: 0 }); Plain.last = this; }
		send(data) { if (!this.readyState) throw new Error('WebSocket is not open'); this.sent.push(data); }
		close(code, reason) { if (code === 1) throw new Error('invalid code'); this.onclose({ code, reason }); }
	}
	const cloud = new Cloud({ url: 'http://h.example', env: 'e', WebSocket: Plain });
	const { socketTask } = await cloud.connectContainer({ service: 'chat', path: '/room' });
	const told = [];
	const calls = (what) => ({ success: (r) => told.push(`${what} ${r.errMsg}`), fail: (r) => told.push(`${what} ${r.errMsg}`), complete: () => told.push(`${what} complete`) });

	assert.equal(Plain.last.url, 'ws://h.example/v1/cloudrun/chat/room');
	Plain.last.onerror({ message: 'nobody listens' });
	socketTask.onMessage(({ data }) => told.push(`a ${data}`));
	socketTask.onMessage(({ data }) => told.push(`b ${data}`));
	socketTask.onClose(({ code }) => told.push(`closed ${code}`));
	const step = async (act) => { act(); await new Promise(setImmediate); return told.splice(0); };
	assert.deepEqual(await step(() => socketTask.send({ data: 'x', ...calls('early') })), ['early sendSocketMessage:fail WebSocket is not open', 'early complete']);
	Plain.last.readyState = 1;
	assert.deepEqual(await step(() => socketTask.send({ data: 'y', ...calls('now') })), ['now sendSocketMessage:ok', 'now complete']);
	assert.deepEqual(await step(() => Plain.last.onmessage({ data: 'm' })), ['a m', 'b m']);
	assert.deepEqual(await step(() => socketTask.close({ code: 1, ...calls('wrong') })), ['wrong closeSocket:fail invalid code', 'wrong complete']);
	assert.deepEqual(await step(() => socketTask.close(calls('close'))), ['closed 1000', 'close closeSocket:ok', 'close complete']);
	assert.deepEqual(Plain.last.sent, ['y']);
});

test('extend.AI says what to do instead', () => {
	const { AI } = stage(() => null).cloud.extend;
	assert.throws(() => AI.createModel('hunyuan'), /call your provider from a function/);
	assert.throws(() => AI.bot.sendMessage({}), /cloud\.extend\.AI\.bot\.sendMessage:fail/);
});
