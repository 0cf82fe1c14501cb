// Bodies that do not lie in memory, and connections that become something
// else: uploads into a sink, files, streams, upgrades; plain and over TLS.

import assert from 'node:assert';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { test } from 'node:test';

import { Server, folder, until } from '../lib/raw.mjs';

const head = (...lines) => lines.join('\r\n') + '\r\n\r\n';
const good = head('GET /next HTTP/1.1', 'Host: a');
const post = (target, ...lines) =>
	head(`POST ${target} HTTP/1.1`, 'Host: a', ...lines);

// FNV-1a, 64 bits: what httpd says of the bytes it was given.
function sum_of(bytes) {
	let h = 0xcbf29ce484222325n;
	for (const b of bytes)
		h = BigInt.asUintN(64, (h ^ BigInt(b)) * 0x100000001b3n);
	return h.toString(16).padStart(16, '0');
}

function pattern(size) {
	const b = Buffer.alloc(size);
	for (let i = 0; i < size; i++)
		b[i] = 97 + (i % 26);
	return b;
}

// By node's own client: status, headers and body, or the error.
function ask(server, options, body) {
	return new Promise((ok) => {
		const r = (server.secure ? https : http).request({
			host: '127.0.0.1', port: server.port,
			rejectUnauthorized: false, agent: server.agent,
			...options }, (res) => {
			const parts = [];
			res.on('data', (d) => parts.push(d));
			res.on('error', () => {});
			res.on('close', () => ok({ status: res.statusCode,
				headers: res.headers, whole: res.complete,
				body: Buffer.concat(parts) }));
		});
		r.on('error', (error) => ok({ error }));
		if (body && typeof body.next === 'function') {
			for (const part of body)
				r.write(part);
			r.end();
		} else {
			r.end(body);
		}
	});
}

for (const secure of [false, true]) {
	const over = secure ? 'over TLS' : 'over plain';
	const bytes = Buffer.from(pattern(300000).map((b, i) => b ^ (i >> 8)));

	test(`a sink is given every byte once, also when it has to wait ${over}`,
		async () => {
			const s = await Server.start(secure);
			for (const q of ['', '?q=wait'])
				for (const chunked of [false, true]) {
					const name = `${q} chunked: ${chunked}`;
					const r = await ask(s, { method: 'POST',
						path: `/sink${q}`, headers: chunked ? {}
							: { 'content-length': bytes.length } },
					chunked ? [bytes.subarray(0, 7),
						bytes.subarray(7, 100000),
						bytes.subarray(100000)].values() : bytes);
					assert.strictEqual(r.status, 200, name);
					assert.deepStrictEqual(JSON.parse(r.body), {
						took: bytes.length, sum: sum_of(bytes),
						length: chunked ? -1 : bytes.length, body: 0,
					}, name);
				}
			const r = await ask(s, { method: 'POST', path: '/sink' });
			assert.strictEqual(JSON.parse(r.body).took, 0);
			assert.strictEqual(JSON.parse(r.body).length, 0);
			assert.strictEqual(await s.stop(), 0);
		});

	test(`two uploads in one packet go to their own sinks ${over}`, async () => {
		const s = await Server.start(secure);
		const c = s.connect();
		await c.ready;
		c.send(post('/sink?q=wait', 'Content-Length: 3') + 'abc' +
			post('/sink', 'Transfer-Encoding: chunked') +
			'2\r\nde\r\n1\r\nf\r\n0\r\n\r\n' + good);
		await until(() => c.answers().length === 3);
		const [a, b] = c.answers().map((x) => JSON.parse(x.body));
		assert.deepStrictEqual([a.took, a.sum], [3, sum_of(Buffer.from('abc'))]);
		assert.deepStrictEqual([b.took, b.sum], [3, sum_of(Buffer.from('def'))]);
		c.socket.destroy();
		assert.strictEqual(await s.stop(), 0);
	});

	test(`a body that is held back is not asked for ${over}`, async () => {
		const s = await Server.start(secure);
		let c = s.connect();
		await c.ready;
		c.send(post('/pause', 'Content-Length: 3', 'Expect: 100-continue'));
		await until(() => c.statuses().length === 1);
		assert.deepStrictEqual(c.statuses(), [100]);
		c.send('abc' + good);
		await until(() => c.statuses().length === 3);
		assert.deepStrictEqual(c.statuses(), [100, 200, 200]);
		assert.strictEqual(JSON.parse(c.answers()[1].body).took, 3);
		c.socket.destroy();

		// refused after all: no 100, and the connection ends
		c = s.connect();
		await c.ready;
		c.send(post('/pause?q=no', 'Content-Length: 3',
			'Expect: 100-continue'));
		await c.closed;
		assert.deepStrictEqual(c.statuses(), [403]);
		// with the body there already, and nothing to wait for
		c = s.connect();
		await c.ready;
		c.send(post('/pause', 'Content-Length: 3') + 'abc' + good);
		await until(() => c.statuses().length === 2);
		assert.deepStrictEqual(c.statuses(), [200, 200]);
		c.socket.destroy();
		// no body at all
		c = s.connect();
		await c.ready;
		c.send(post('/pause') + good);
		await until(() => c.statuses().length === 2);
		c.socket.destroy();
		assert.strictEqual(await s.stop(), 0);
	});

	test(`an answer before the body's end keeps the connection when little is left, else closes it ${over}`,
		async () => {
			const s = await Server.start(secure);
			const large = 'a'.repeat(3000000);
			const small = 'a'.repeat(30000);

			for (const q of ['early', 'late']) {
				let c = s.connect();
				await c.ready;
				c.send(post(`/sink?q=${q}`, 'Content-Length: 30000') +
					small.slice(0, 2000));
				if (q === 'late') // answered while we keep silent
					await until(async () => (await s.stats()).late === 1);
				c.send(small.slice(2000) + good);
				await until(() => c.answers().length === 2);
				assert.deepStrictEqual(c.statuses(), [409, 200], q);
				assert.strictEqual(c.answers()[0].body, q);
				c.socket.destroy();

				// more than may be thrown away, and nobody knows how much
				for (const [lines, body] of [
					['Content-Length: 3000000', large],
					['Transfer-Encoding: chunked',
						`2dc6c0\r\n${large}\r\n0\r\n\r\n`]]) {
					c = s.connect();
					await c.ready;
					c.send(post(`/sink?q=${q}`, lines) +
						body.slice(0, 20000));
					await until(() => c.answers().length === 1);
					c.send(body.slice(20000) + good);
					await c.closed;
					assert.deepStrictEqual(c.statuses(), [409], q);
					const [answer] = c.answers();
					assert.strictEqual(answer.headers.connection, 'close');
					assert.strictEqual(answer.body, q);
					assert.match(answer.headers['x-request-id'],
						/^[0-9a-f]{32}$/);
				}
			}
			// a sink that fails
			const c = s.connect();
			await c.ready;
			c.send(post('/sink?q=fail', 'Content-Length: 2000') +
				'a'.repeat(2000) + good);
			await c.closed;
			assert.deepStrictEqual(c.statuses(), [413]);
			assert.strictEqual(JSON.parse(c.answers()[0].body).code,
				'EXCEED_REQUEST_SIZE_LIMIT');
			await until(async () => (await s.stats()).busy === 1);
			assert.strictEqual(await s.stop(), 0);
		});

	test(`a client that leaves its upload ends it ${over}`, async () => {
		const s = await Server.start(secure);
		const c = s.connect();
		await c.ready;
		c.send(post('/sink', 'Content-Length: 2000') + 'a'.repeat(1000));
		await until(async () => (await s.stats()).busy === 2);
		c.socket.destroy();
		await until(async () => (await s.stats()).cut === 1);
		// also one whose sink waits
		const d = s.connect();
		await d.ready;
		d.send(post('/sink?q=stop', 'Content-Length: 2000') + 'a'.repeat(1000));
		await until(async () => (await s.stats()).busy === 2);
		d.socket.destroy();
		await ask(s, { path: '/go' });
		await until(async () => (await s.stats()).cut === 2);
		assert.strictEqual(await s.stop(), 0);
	});

	test(`an upload has time while it gets on, and none when it does not ${over}`,
		async () => {
			const s = await Server.start(secure, '--body', '400');
			// 400 ms must bring 409 bytes; 100 every 50 ms do, for longer
			// than one limit
			let c = s.connect();
			await c.ready;
			c.send(post('/sink', 'Content-Length: 2400'));
			for (let i = 0; i < 24; i++) {
				await new Promise((ok) => setTimeout(ok, 50));
				c.send('a'.repeat(100));
			}
			await until(() => c.answers().length === 1);
			assert.deepStrictEqual(c.statuses(), [200]);
			c.socket.destroy();
			// a byte now and then does not
			c = s.connect();
			await c.ready;
			c.send(post('/sink', 'Content-Length: 2400'));
			const drip = setInterval(() => c.send('a'), 50);
			await c.closed;
			clearInterval(drip);
			assert.deepStrictEqual(c.statuses(), [408]);
			assert.strictEqual(await s.stop(), 0);
		});

	test(`files are sent from any place, and streams of any length ${over}`,
		async () => {
			const file = path.join(folder, 'file.bin');
			const want = Buffer.from(pattern(1000000).map(
				(b, i) => b ^ (i >> 8)));
			writeFileSync(file, want);
			const s = await Server.start(secure, '--file', file);
			s.agent = new (secure ? https : http).Agent({ keepAlive: true,
				maxSockets: 1 });
			for (const [from, len] of [[0, 1000000], [1, 1], [999999, 1],
				[500, 0], [12345, 300000]]) {
				const r = await ask(s, { path: `/file?q=${from}-${len}` });
				assert.strictEqual(r.status, 200);
				assert.strictEqual(r.headers['content-length'], `${len}`);
				assert.ok(r.body.equals(want.subarray(from, from + len)));
			}
			let r = await ask(s, { method: 'HEAD', path: '/file?q=0-1000' });
			assert.strictEqual(r.headers['content-length'], '1000');
			assert.strictEqual(r.body.length, 0);

			for (const q of ['1', '0', '100000', '1000000', '300000,wait',
				'100000,chunk', '0,chunk', '300000,chunk,wait']) {
				r = await ask(s, { path: `/stream?q=${q}` });
				const size = Number.parseInt(q, 10);
				assert.strictEqual(r.status, 200, q);
				assert.strictEqual(r.headers['x-kind'], 'stream');
				assert.strictEqual(r.headers['content-length'],
					q.includes('chunk') ? undefined : `${size}`, q);
				assert.ok(r.body.equals(pattern(size)), q);
				assert.ok(r.whole);
			}
			// one that breaks off cannot be taken for whole
			for (const q of ['100000,fail', '100000,chunk,fail']) {
				r = await ask(s, { path: `/stream?q=${q}`, agent: false });
				assert.strictEqual(r.whole, false, q);
				assert.ok(r.body.length <= 50000 + 32768, q);
			}
			// nor a file that is shorter than was said
			r = await ask(s, { path: '/file?q=500000-1000000',
				agent: false });
			assert.strictEqual(r.whole, false);
			assert.strictEqual(r.body.length, 500000);
			const { busy } = await s.stats();
			assert.strictEqual(busy, 1);
			s.agent.destroy();
			assert.strictEqual(await s.stop(), 0);
		});

	test(`an HTTP/1.0 client gets a stream that ends with its connection ${over}`,
		async () => {
			const s = await Server.start(secure);
			const c = s.connect();
			await c.ready;
			c.send('GET /stream?q=50000,chunk HTTP/1.0\r\n\r\n');
			await c.closed;
			const text = c.bytes.toString('latin1');
			assert.ok(!/transfer-encoding/i.test(text.slice(0, 500)));
			assert.strictEqual(text.slice(text.indexOf('\r\n\r\n') + 4),
				pattern(50000).toString('latin1'));
			assert.strictEqual(await s.stop(), 0);
		});

	test(`who does not read is closed, who reads slowly is not ${over}`,
		async () => {
			const s = await Server.start(secure, '--body', '300');
			const c = s.connect();
			await c.ready;
			c.socket.pause();
			c.send(head('GET /stream?q=100000000 HTTP/1.1', 'Host: a'));
			await until(async () => (await s.stats()).busy === 2);
			await until(async () => (await s.stats()).busy === 1);
			assert.strictEqual((await s.stats()).cut, 1);
			c.socket.destroy();
			// this one reads for longer than several limits
			const d = s.connect();
			await d.ready;
			d.send(head('GET /stream?q=8000000 HTTP/1.1', 'Host: a'));
			const turn = setInterval(() => {
				d.socket.resume();
				setTimeout(() => d.socket.pause(), 5);
			}, 50);
			await until(() => d.bytes.length > 8000000, 'all is read');
			clearInterval(turn);
			d.socket.destroy();
			assert.strictEqual((await s.stats()).cut, 1);
			assert.strictEqual(await s.stop(), 0);
		});

	test(`a connection becomes something else, and its bytes are its user's ${over}`,
		async () => {
			const s = await Server.start(secure);
			const ask_up = head('GET /upgrade HTTP/1.1', 'Host: a',
				'Connection: Upgrade', 'Upgrade: echo');
			const c = s.connect();
			await c.ready;
			c.send(good + ask_up + 'early'); // behind another request
			await until(() => c.bytes.toString('latin1').endsWith('early'));
			assert.deepStrictEqual(c.statuses().slice(0, 2), [200, 101]);
			const up = c.answers()[1];
			assert.strictEqual(up.headers.upgrade, 'echo');
			assert.match(up.headers.connection, /upgrade/i);
			const before = c.bytes.length;
			c.socket.write(bytes);
			await until(() => c.bytes.length === before + bytes.length);
			assert.strictEqual(
				createHash('sha256').update(c.bytes.subarray(before))
					.digest('hex'),
				createHash('sha256').update(bytes).digest('hex'));
			let stats = await s.stats();
			assert.strictEqual(stats.upgrades, 1);
			assert.strictEqual(stats.busy, 1); // this one
			assert.strictEqual(stats.connections, 2);
			// the server ends it
			c.send('bye');
			await c.closed;
			assert.ok(c.bytes.toString('latin1').endsWith('bye'));
			await until(async () => (await s.stats()).connections === 1);
			// the client leaves
			const d = s.connect();
			await d.ready;
			d.send(ask_up);
			await until(() => d.statuses().length === 1);
			d.socket.destroy();
			await until(async () => (await s.stats()).upgrades === 0);
			await until(async () => (await s.stats()).connections === 1);
			// a hundred at once, and what is left when the server ends
			const many = Array.from({ length: 40 }, () => s.connect());
			for (const m of many) {
				await m.ready;
				m.send(ask_up + 'x');
			}
			await until(() => many.every((m) =>
				m.bytes.toString('latin1').endsWith('x')));
			for (const m of many.slice(0, 30))
				m.send('bye');
			for (const m of many.slice(0, 30))
				await m.closed;
			await until(async () => (await s.stats()).upgrades === 10);
			stats = await s.stats();
			assert.strictEqual(stats.connections, 11);
			s.child.kill('SIGTERM');
			await until(() => s.output.includes('draining'));
			const [last] = many.slice(-1); // still served while it drains
			const seen = last.bytes.length;
			last.send('still');
			await until(() => last.bytes.length === seen + 5);
			for (const m of many.slice(30))
				m.socket.destroy();
			assert.strictEqual(await s.exited, 0);
		});
}

test('an upload is not held back by another one that waits', async () => {
	const s = await Server.start(false);
	const c = s.connect();
	await c.ready;
	c.send(post('/sink?q=stop', 'Content-Length: 2000') + 'a'.repeat(1000));
	await until(async () => (await s.stats()).busy === 2);
	const r = await ask(s, { method: 'POST', path: '/sink' }, 'abc');
	assert.strictEqual(JSON.parse(r.body).took, 3);
	await ask(s, { path: '/go' });
	c.send('a'.repeat(1000));
	await until(() => c.answers().length === 1);
	assert.strictEqual(JSON.parse(c.answers()[0].body).took, 2000);
	c.socket.destroy();
	await once(c.socket, 'close');
	assert.strictEqual(await s.stop(), 0);
});
