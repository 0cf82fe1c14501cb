// What runs when the bytes are not what they should be: raw sockets against
// tests/lib/httpd, over plain and TLS.  A case (lib/raw-cases.mjs) says what is
// sent, which statuses come back, how many requests ran, and how the last one was
// seen.  The same cases against a whole gateway: listeners.test.mjs.

import assert from 'node:assert';
import { copyFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';

import { Client, Server, certificate, folder, until } from '../lib/raw.mjs';
import { cases, get, good, head, post } from '../lib/raw-cases.mjs';

function includes(whole, part, name) {
	for (const [key, want] of Object.entries(part)) {
		if (want && typeof want === 'object')
			includes(whole[key], want, `${name}.${key}`);
		else
			assert.deepStrictEqual(whole[key], want, `${name}.${key}`);
	}
}

function check_statuses(got, want, name) {
	if (want === 'any 4xx')
		assert.ok(got.length <= 1 && got.every((s) => s >= 400 && s < 500),
			`${name}: ${got}`);
	else if (want === 'one or refused')
		assert.ok(got.length === 1 && (got[0] === 200 || got[0] === 400),
			`${name}: ${got}`);
	else
		assert.deepStrictEqual(got, want, name);
}

async function run_case(server, [name, bytes, want, ran, saw]) {
	const before = await server.stats();
	const c = server.connect();
	const statuses = Array.isArray(want) ? want : [0];
	await c.ready;
	c.send(bytes);
	await until(() => !c.open || c.answers().length >= statuses.length ||
		(want === 'head' && c.bytes.includes('\r\n\r\n')), name);
	if (process.env.RAW_SHOW)
		console.log(name, c.statuses(), c.open, c.answers().at(-1)?.body);
	const refused = c.statuses().at(-1) >= 400;
	if (refused)
		await c.closed; // by the server
	else
		c.socket.end();
	await c.closed;
	const now = await server.stats();
	if (want === 'head') {
		assert.match(c.bytes.toString('latin1'),
			/^HTTP\/1.1 200 [\s\S]*\r\nContent-Length: [1-9]\d*\r\n\r\n$/);
	} else {
		check_statuses(c.statuses(), want, name);
	}
	const expected = want === 'one or refused' && refused ? 0 : ran;
	assert.strictEqual(now.requests - before.requests, expected,
		`${name}: requests that ran`);
	const lines = (what) => (c.bytes.toString('latin1').match(what) ?? []).length;
	assert.ok(lines(/^date:/gim) <= lines(/HTTP\/1\.1 \d/g), `${name}: one Date each`);
	for (const a of c.answers())
		if (a.status >= 400 && a.status !== 505 && a.body.startsWith('{')) {
			assert.match(a.headers['x-request-id'], /^[0-9a-f]{32}$/);
			assert.strictEqual(JSON.parse(a.body).requestId,
				a.headers['x-request-id']);
			assert.match(a.headers.connection, /close/i);
		}
	if (refused)
		assert.ok(now.refused > before.refused, `${name}: counted`);
	if (saw && !refused)
		includes(JSON.parse(c.answers().at(-1).body), saw, name);
}

for (const secure of [false, true])
	test(`the table over ${secure ? 'TLS' : 'plain'}`, async () => {
		const server = await Server.start(secure);
		const failed = [];
		for (const row of cases)
			await run_case(server, row).catch((e) =>
				failed.push(`${row[0]}: ${e.message}`));
		assert.deepStrictEqual(failed, []);
		const stats = await server.stats();
		assert.strictEqual(stats.busy, 1); // this one
		assert.strictEqual(await server.stop(), 0);
	});

const limits = ['--head', '300', '--body', '300', '--idle', '400', '--top',
	'1000', '--memory', '4096'];

for (const secure of [false, true]) {
	const over = secure ? 'over TLS' : 'over plain';

	test(`slow and large requests ${over}`, async () => {
		const s = await Server.start(secure, ...limits);

		// a head, a byte at a time and then no more
		let c = s.connect();
		await c.ready;
		for (const byte of 'GET /x HTTP/1.1\r\nHo')
			c.send(byte);
		await c.closed;
		assert.deepStrictEqual(c.statuses(), [408]);

		// not even a request line
		c = s.connect();
		await c.ready;
		c.send('GET');
		await c.closed;
		assert.deepStrictEqual(c.statuses(), []);

		// nothing between requests
		c = s.connect();
		await c.ready;
		c.send(good);
		await c.closed;
		assert.deepStrictEqual(c.statuses(), [200]);

		// a body that stops
		c = s.connect();
		await c.ready;
		c.send(post('Content-Length: 10') + 'abc');
		await c.closed;
		assert.deepStrictEqual(c.statuses(), [408]);

		// a head larger than the connection's memory
		c = s.connect();
		await c.ready;
		c.send(get(`X-A: ${'a'.repeat(20000)}`) + good);
		await c.closed;
		assert.deepStrictEqual(c.statuses(), [431]);

		// a target larger than it
		c = s.connect();
		await c.ready;
		c.send(head(`GET /${'a'.repeat(20000)} HTTP/1.1`, 'Host: a') +
			good);
		await c.closed;
		assert.ok([414, 431].includes(c.statuses()[0]), c.statuses());
		assert.strictEqual(c.statuses().length, 1);

		// a body larger than allowed: announced, with and without asking,
		// and in chunks
		for (const [lines, body] of [
			[['Content-Length: 200000'], 'a'.repeat(200000)],
			[['Content-Length: 200000', 'Expect: 100-continue'], ''],
			[['Content-Length: 1001'], 'a'.repeat(1001) + good],
			[['Transfer-Encoding: chunked'],
				`400\r\n${'a'.repeat(1024)}\r\n`.repeat(200) +
				'0\r\n\r\n' + good]]) {
			c = s.connect();
			await c.ready;
			c.send(post(...lines) + body);
			await c.closed;
			assert.deepStrictEqual(c.statuses(), [413], lines[0]);
			const [answer] = c.answers();
			assert.match(answer.headers.connection, /close/i);
			assert.strictEqual(JSON.parse(answer.body).code,
				'EXCEED_REQUEST_SIZE_LIMIT');
			assert.strictEqual(JSON.parse(answer.body).requestId,
				answer.headers['x-request-id']);
		}
		c = s.connect(); // exactly what is allowed
		await c.ready;
		c.send(post('Content-Length: 1000') + 'a'.repeat(1000));
		await until(() => c.answers().length === 1);
		assert.strictEqual(JSON.parse(c.answers()[0].body).bodyLength, 1000);
		c.socket.end();
		await c.closed;

		// refused in its head by the upper floor: with a body the
		// connection ends, without it goes on
		c = s.connect();
		await c.ready;
		c.send(head('POST /refuse HTTP/1.1', 'Host: a',
			'Content-Length: 3') + 'abc' + good);
		await c.closed;
		assert.deepStrictEqual(c.statuses(), [403]);
		c = s.connect();
		await c.ready;
		c.send(head('GET /refuse HTTP/1.1', 'Host: a') + good);
		await until(() => c.answers().length === 2);
		assert.deepStrictEqual(c.statuses(), [403, 200]);

		const stats = await s.stats();
		assert.strictEqual(stats.requests, 3);
		assert.strictEqual(await s.stop(), 0);
	});

	// The library, left to itself, runs without a pause for such a client, also
	// when he has gone.
	test(`what fills a buffer keeps no core busy ${over}`, async () => {
		const s = await Server.start(secure, ...limits);

		for (const size of [1000, 5000, 20000, 200000]) {
			const before = (await s.stats()).runs;
			const c = s.connect();
			await c.ready;
			c.socket.on('error', () => {});
			c.send(post('Transfer-Encoding: chunked') +
				`3;${'a'.repeat(size)}`);
			if (size === 20000)
				c.socket.destroy();
			await c.closed; // by the server, when its time is over
			await until(async () => (await s.stats()).busy === 1);
			const runs = (await s.stats()).runs - before;
			assert.ok(runs < 1000, `${size}: ${runs} runs`);
		}
		assert.strictEqual(await s.stop(), 0);
	});

	test(`clients that leave ${over}`, async () => {
		const s = await Server.start(secure);
		const waiting = head('GET /wait HTTP/1.1', 'Host: a');

		// one that has said all it had to say gets the answers that need
		// no waiting
		const half = s.connect();
		await half.ready;
		half.socket.end(good + good);
		await half.closed;
		assert.deepStrictEqual(half.statuses(), [200, 200]);
		// one that waits
		const stays = s.connect();
		await stays.ready;
		stays.send(waiting);
		await until(async () => (await s.stats()).waiting === 1);
		// one that has gone does not
		const gone = s.connect();
		await gone.ready;
		gone.send(waiting + good);
		await until(async () => (await s.stats()).waiting === 2);
		gone.socket.on('error', () => {});
		if (!secure)
			gone.socket.resetAndDestroy();
		gone.socket.destroy();
		// and one in the middle of its body
		const cut = s.connect();
		await cut.ready;
		cut.send(post('Content-Length: 10') + 'abc');
		await until(async () => (await s.stats()).busy >= 4);
		cut.socket.destroy();
		await until(async () => (await s.stats()).busy === 3);

		const other = s.connect();
		await other.ready;
		other.send(head('GET /go HTTP/1.1', 'Host: a'));
		await until(() => other.answers().length === 1);
		await until(() => stays.answers().length === 1);
		assert.strictEqual(stays.answers()[0].body, 'went');
		stays.socket.destroy();
		other.socket.destroy();
		await until(async () => {
			const now = await s.stats();
			return now.busy === 1 && now.connections === 1;
		});
		const stats = await s.stats();
		assert.strictEqual(stats.requests, 5); // 2, wait, wait, go
		assert.strictEqual(stats.ended, 6); // and the cut one
		assert.strictEqual(stats.sent, 4);
		assert.strictEqual(await s.stop(), 0);
	});

	test(`more connections than allowed wait ${over}`, async () => {
		const s = await Server.start(secure, '--connections', '2');
		const a = s.connect(), b = s.connect();
		await a.ready;
		await b.ready;
		a.send(good);
		b.send(good);
		await until(() => a.answers().length + b.answers().length === 2);
		const c = s.connect();
		c.send(good);
		a.socket.destroy();
		await until(() => c.answers().length === 1);
		c.socket.destroy();
		b.socket.destroy();
		assert.strictEqual(await s.stop(), 0);
	});

	test(`draining ends idle connections and lets answers out ${over}`,
		async () => {
			const s = await Server.start(secure);
			const idle = s.connect(), busy = s.connect();
			await idle.ready;
			idle.send(good);
			await busy.ready;
			busy.send(head('GET /wait HTTP/1.1', 'Host: a'));
			await until(() => idle.answers().length === 1);
			await until(async () => (await s.stats()).waiting === 1);
			const helper = s.connect();
			await helper.ready;
			helper.send(good.slice(0, -2));
			s.child.kill('SIGTERM');
			await until(() => s.output.includes('draining'));
			await idle.closed;
			assert.strictEqual(busy.open, true);
			// nobody new
			const late = net.connect(s.port, '127.0.0.1');
			late.on('error', () => {});
			helper.send('\r\n');
			await until(() => helper.answers().length === 1);
			assert.match(helper.answers()[0].headers.connection, /close/i);
			await helper.closed;
			s.child.kill('SIGHUP'); // lets the waiting one go, see httpd.c
			await until(() => busy.answers().length === 1);
			assert.match(busy.answers()[0].headers.connection, /close/i);
			assert.strictEqual(await s.exited, 0);
			late.destroy();
		});
}

// Enough to fill the sockets' buffers on both sides, so that answers are held
// back halfway; and each answer's headers and body are its own.
for (const secure of [false, true]) {
	test(`a client who asks much and reads late gets every answer over ${
		secure ? 'TLS' : 'plain'}`, async () => {
		const count = 30000;
		const s = await Server.start(secure);
		const c = s.connect();
		await c.ready;
		c.socket.removeAllListeners('data');
		c.socket.pause();
		c.send(good.repeat(count - 1) + head('GET /next HTTP/1.1',
			'Host: a', 'Connection: close'));
		// It has stopped, with answers left: then we read.
		let before = 0;
		await until(async () => {
			const { requests } = await s.stats();
			const stands = requests > 1 && requests === before;
			before = requests;
			return stands;
		}, 'the server waits for its reader');
		assert.ok(before < count, `${before} answers fit into the sockets`);
		const parts = [];
		c.socket.on('data', (d) => parts.push(d));
		c.socket.resume();
		await c.closed;
		const text = Buffer.concat(parts).toString('latin1');
		const told = [...text.matchAll(/^X-Request-Id: (\w+)/gm)].map((m) => m[1]);
		const shown = [...text.matchAll(/"id":"(\w+)"/g)].map((m) => m[1]);
		assert.strictEqual(told.length, count);
		assert.deepStrictEqual(told, shown);
		assert.strictEqual(new Set(told).size, count);
		assert.strictEqual(await s.stop(), 0);
	});
}

test('a certificate is replaced without a restart, a bad one is not', async () => {
	const s = await Server.start(true);
	const name = async (options) => {
		const c = s.connect(options);
		await c.ready;
		const subject = c.socket.getPeerCertificate().subject.CN;
		c.send(good);
		await until(() => c.answers().length === 1);
		return [subject, c];
	};
	const [first, old] = await name();
	assert.strictEqual(first, 'localhost');

	const next = certificate('second');
	copyFileSync(next.cert, s.files.cert); // the key is still the first's
	s.child.kill('SIGHUP');
	await until(() => s.output.includes('not that of the certificate'));
	assert.strictEqual((await name())[0], 'localhost');
	writeFileSync(s.files.cert, 'nonsense');
	s.child.kill('SIGHUP');
	await until(() => s.output.includes('cannot be read'));
	assert.strictEqual((await name())[0], 'localhost');

	copyFileSync(next.cert, s.files.cert);
	copyFileSync(next.key, s.files.key);
	s.child.kill('SIGHUP');
	await until(() => s.output.includes('certificate: new'));
	assert.strictEqual((await name())[0], 'second');
	old.send(good); // a connection from before goes on
	await until(() => old.answers().length === 2);
	old.socket.destroy();
	await s.stop();
});

test('TLS 1.2 and 1.3 are spoken, older ones not; sessions are resumed', async () => {
	const s = await Server.start(true);
	for (const [version, spoken] of [['TLSv1.3', 'TLSv1.3'],
		['TLSv1.2', 'TLSv1.2'], ['TLSv1.1', null]]) {
		const c = s.connect({ minVersion: version, maxVersion: version,
			ciphers: 'DEFAULT@SECLEVEL=0' });
		await Promise.race([c.ready, c.closed]);
		assert.strictEqual(c.open ? c.socket.getProtocol() : null, spoken);
		c.socket.destroy();
	}
	let session;
	const first = s.connect();
	first.socket.on('session', (kept) => { session = kept; });
	await first.ready;
	first.send(good);
	await until(() => session && first.answers().length === 1);
	const second = s.connect({ session });
	await second.ready;
	assert.strictEqual(second.socket.isSessionReused(), true);
	// plain bytes to the TLS port disturb nobody
	const plain = net.connect(s.port, '127.0.0.1');
	plain.on('error', () => {});
	plain.write(good);
	await new Promise((ok) => plain.on('close', ok).resume());
	second.send(good);
	await until(() => second.answers().length === 1);
	first.socket.destroy();
	second.socket.destroy();
	assert.strictEqual(await s.stop(), 0);
});

test('the other end of a unix socket is called that', async () => {
	const where = path.join(folder, 'unix.sock');
	const s = await Server.start(false, '--unix', where);
	const c = new Client(s, { path: where, host: undefined, port: undefined });
	await c.ready;
	c.send(good);
	await until(() => c.answers().length === 1);
	const seen = JSON.parse(c.answers()[0].body);
	assert.strictEqual(seen.peer, 'unix');
	c.socket.destroy();
	await s.stop();
});
