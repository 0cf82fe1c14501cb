// What stands between a client and a request: certificates by name, OCSP,
// sessions resumed by another process, PROXY headers, clients that attack by
// being slow, and what a connection costs that does nothing.

import assert from 'node:assert';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';

import { Server, certificate, folder, until } from '../lib/raw.mjs';

const head = (...lines) => lines.join('\r\n') + '\r\n\r\n';
const good = head('GET /next HTTP/1.1', 'Host: a');

const shown = async (server, servername, options = {}) => {
	const c = server.connect({ servername, ...options });
	await c.ready;
	const name = c.socket.getPeerCertificate().subject.CN;
	c.socket.destroy();
	return name;
};

test('the certificate shown is the one whose names fit best', async () => {
	const first = certificate('first', 'DNS:first.example');
	const shop = certificate('shop', 'DNS:shop.example,DNS:*.shop.example');
	const pay = certificate('pay', 'DNS:pay.shop.example');
	const s = await Server.start(true, '--tls', first.cert, first.key,
		'--tls', shop.cert, shop.key, '--tls', pay.cert, pay.key);
	for (const [asked, name] of [['first.example', 'first'],
		['shop.example', 'shop'], ['SHOP.example', 'shop'],
		['a.shop.example', 'shop'], ['pay.shop.example', 'pay'],
		['a.b.shop.example', 'first'], ['.shop.example', 'first'],
		['other.example', 'first'], [undefined, 'first']])
		assert.strictEqual(await shown(s, asked), name, String(asked));
	// other ones, while a connection of the old ones goes on
	const old = s.connect({ servername: 'pay.shop.example' });
	await old.ready;
	const next = certificate('next', 'DNS:pay.shop.example');
	writeFileSync(pay.cert, readFileSync(next.cert));
	s.child.kill('SIGHUP');
	await until(() => s.output.includes('not that of the certificate'));
	assert.strictEqual(await shown(s, 'pay.shop.example'), 'pay');
	writeFileSync(pay.key, readFileSync(next.key));
	s.child.kill('SIGHUP');
	await until(() => s.output.includes('certificate: new'));
	assert.strictEqual(await shown(s, 'pay.shop.example'), 'next');
	assert.strictEqual(await shown(s, 'shop.example'), 'shop');
	old.send(good);
	await until(() => old.answers().length === 1);
	old.socket.destroy();
	assert.strictEqual(await s.stop(), 0);
});

// An authority of our own, and what its responder says of a certificate.
function ocsp() {
	const at = (name) => path.join(folder, name);
	const run = (...args) => execFileSync('openssl', args,
		{ stdio: ['ignore', 'pipe', 'ignore'], cwd: folder });
	const ca = certificate('authority', 'DNS:ca.example');
	run('req', '-new', '-newkey', 'ec', '-pkeyopt',
		'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', at('leaf.key'),
		'-out', at('leaf.csr'), '-subj', '/CN=leaf');
	run('x509', '-req', '-in', at('leaf.csr'), '-CA', ca.cert, '-CAkey',
		ca.key, '-set_serial', '77', '-days', '2', '-out', at('leaf.crt'));
	writeFileSync(at('index.txt'),
		'V\t350101000000Z\t\t4D\tunknown\t/CN=leaf\n');
	run('ocsp', '-issuer', ca.cert, '-serial', '77', '-reqout', at('ask.der'));
	run('ocsp', '-index', at('index.txt'), '-rsigner', ca.cert, '-rkey',
		ca.key, '-CA', ca.cert, '-reqin', at('ask.der'), '-respout',
		at('ocsp.der'), '-ndays', '2');
	return { cert: at('leaf.crt'), key: at('leaf.key'), ocsp: at('ocsp.der') };
}

test('an OCSP response is stapled, and not when it has expired', async () => {
	const clock = path.join(folder, 'clock');
	const files = ocsp();
	process.env.MPCLOUD_CLOCK_FILE = clock;
	for (const [days, stapled] of [[0n, true], [3n, false]]) {
		const ns = Buffer.alloc(8);
		ns.writeBigInt64LE(days * 86400n * 1000000000n);
		writeFileSync(clock, ns);
		const s = await Server.start(true, '--tls', files.cert, files.key,
			'--ocsp', files.ocsp);
		const got = await new Promise((done) => {
			const c = tls.connect({ host: '127.0.0.1', port: s.port,
				rejectUnauthorized: false, requestOCSP: true });
			c.on('OCSPResponse', (r) => {
				done(r?.length ? r : null);
				c.destroy();
			});
			c.on('error', () => done(null));
			c.on('secureConnect', () => setImmediate(() => done(null)));
		});
		if (stapled)
			assert.deepStrictEqual(got, readFileSync(files.ocsp));
		else
			assert.strictEqual(got, null);
		await s.stop();
	}
	delete process.env.MPCLOUD_CLOCK_FILE;
	writeFileSync(path.join(folder, 'bad.der'), 'nonsense');
	const ca = certificate('plain');
	// what is none, and one of another certificate
	for (const response of [path.join(folder, 'bad.der'), files.ocsp]) {
		const bad = spawnSync(path.join(process.env.MPCLOUD_BUILD ?? '.',
			'tests/lib/httpd'), ['--tls', ca.cert, ca.key, '--ocsp',
			response], { encoding: 'utf8', timeout: 20000 });
		assert.match(bad.stderr, /OCSP response cannot be used/, response);
	}
});

// openssl's own client; the session is kept in a file between two runs.
function s_client(port, version, ...more) {
	const r = spawnSync('openssl', ['s_client', '-connect',
		`127.0.0.1:${port}`, version, ...more],
	{ input: 'GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
		encoding: 'utf8' });
	assert.match(r.stdout, /\{"hello":1\}/);
	return /^Reused, /m.test(r.stdout);
}

test('a session begun with one process is resumed by another that has the same secret', async () => {
	const files = certificate('resumed');
	const start = (secret) => Server.start(true, '--tls', files.cert,
		files.key, '--secret', secret);
	const [a, b, other] = [await start('s'.repeat(32)),
		await start('s'.repeat(32)), await start('t'.repeat(32))];
	for (const version of ['-tls1_2', '-tls1_3']) {
		const kept = path.join(folder, `session${version}`);
		// the session ticket of 1.3 comes with the answer
		s_client(a.port, version, '-sess_out', kept, '-ign_eof');
		const again = (s) => s_client(s.port, version, '-sess_in', kept,
			'-ign_eof');
		assert.strictEqual(again(a), true, `${version} itself`);
		assert.strictEqual(again(b), true, `${version} another`);
		assert.strictEqual(again(other), false, `${version} a stranger`);
	}
	for (const s of [a, b, other])
		await s.stop();
});

test('old versions and weak ciphers are not spoken', async () => {
	const s = await Server.start(true);
	const speaks = async (options) => {
		const c = s.connect({ ...options });
		await Promise.race([c.ready, c.closed]);
		const cipher = c.open ? c.socket.getCipher().name : null;
		c.socket.destroy();
		return cipher;
	};
	const old = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' };
	for (const good of ['ECDHE-ECDSA-AES128-GCM-SHA256',
		'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305'])
		assert.strictEqual(await speaks({ ...old, ciphers: good }), good);
	for (const weak of ['ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES128-SHA',
		'AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-CCM'])
		assert.strictEqual(await speaks({ ...old,
			ciphers: `${weak}@SECLEVEL=0` }), null, weak);
	assert.match(await speaks({ minVersion: 'TLSv1.3' }), /^TLS_/);
	await s.stop();
});

// --- PROXY headers ----------------------------------------------------------

const v1 = 'PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n';
const v2 = Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
	Buffer.from([0x21, 0x21, 0, 36]),
	Buffer.from('20010db8000000000000000000000001', 'hex'),
	Buffer.alloc(16), Buffer.from([0, 1, 0, 2])]).toString('latin1');
const local = Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
	Buffer.from([0x20, 0, 0, 0])]).toString('latin1');

for (const secure of [false, true])
	test(`a PROXY header says who the client is ${secure ? 'over TLS' : 'over plain'}`,
		async () => {
			const s = await Server.start(secure, '--proxy', '1', '--head',
				'500', '--connections', '20');
			// the header goes before TLS: by hand
			const peer = async (header, pieces = 1) => {
				const raw = net.connect(s.port, '127.0.0.1');
				raw.on('error', () => {});
				const size = Math.ceil(header.length / pieces);
				for (let i = 0; i < header.length; i += size) {
					raw.write(Buffer.from(header.slice(i, i + size),
						'latin1'));
					if (pieces > 1)
						await new Promise((ok) => setImmediate(ok));
				}
				const c = secure ? tls.connect({ socket: raw,
					rejectUnauthorized: false }) : raw;
				c.on('error', () => {});
				let text = '';
				c.on('data', (d) => { text += d; });
				const closed = new Promise((ok) => c.on('close', ok));
				c.write(head('GET /x HTTP/1.1', 'Host: a',
					'Connection: close'));
				await closed;
				return /"peer":"([^"]*)"/.exec(text)?.[1];
			};
			assert.strictEqual(await peer(v1), '192.0.2.7');
			assert.strictEqual(await peer(v2), '2001:db8::1');
			assert.strictEqual(await peer(local), '127.0.0.1');
			assert.strictEqual(await peer('PROXY UNKNOWN\r\n'), '127.0.0.1');
			assert.strictEqual(await peer(v1, 9), '192.0.2.7');
			assert.strictEqual(await peer(v2, 5), '2001:db8::1');
			// not a proxy: closed without a word
			assert.strictEqual(await peer(''), undefined);
			assert.strictEqual(await peer('PROXY TCP4 x y 1 2\r\n'), undefined);
			// half a header, and many who say nothing at all
			const silent = Array.from({ length: 30 }, () => {
				const c = net.connect(s.port, '127.0.0.1');
				c.on('error', () => {});
				c.resume();
				return new Promise((ok) => c.on('close', ok));
			});
			const half = net.connect(s.port, '127.0.0.1');
			half.on('error', () => {});
			half.write(v1.slice(0, 20));
			half.resume();
			await Promise.all([...silent,
				new Promise((ok) => half.on('close', ok))]);
			assert.strictEqual(await peer(v1), '192.0.2.7');
			// it drains with one that has not told yet
			const late = net.connect(s.port, '127.0.0.1');
			late.on('error', () => {});
			await new Promise((ok) => late.on('connect', ok));
			assert.strictEqual(await s.stop(), 0);
			late.destroy();
		});

// --- slow attacks -----------------------------------------------------------

const has_slow = spawnSync('slowhttptest', ['-h']).error === undefined;

// 300 connections that are slow in their own way, and others between them.
for (const [how, ...args] of [
	['slow heads', '-H', '-i', '1'],
	['slow bodies', '-B', '-i', '1', '-s', '8192'],
	['slow reading', '-X', '-w', '10', '-y', '20', '-n', '1', '-z', '5', '-k',
		'3']])
	test(`${how} stop nobody else`, { skip: has_slow ? false
		: 'slowhttptest is not installed' }, async () => {
		const s = await Server.start(false, '--connections', '1000', '--head',
			'1000', '--body', '1000', '--idle', '2000');
		const target = how === 'slow reading' ? '/stream?q=5000000' : '/sink';
		const attack = spawn('slowhttptest', [...args, '-c', '300', '-r',
			'300', '-l', '5', '-u', `http://127.0.0.1:${s.port}${target}`],
		{ stdio: 'ignore' });
		const over = new Promise((ok) => attack.on('exit', ok));
		await until(async () => (await s.stats()).connections > 100,
			'the attack has begun');
		let answered = 0;
		for (let i = 0; i < 200; i++) {
			const c = s.connect();
			await c.ready;
			c.send(good);
			await until(() => c.answers().length === 1 || !c.open);
			answered += c.statuses()[0] === 200;
			c.socket.destroy();
		}
		assert.strictEqual(answered, 200);
		attack.kill();
		await over;
		await until(async () => (await s.stats()).connections === 1,
			'the slow ones are gone');
		assert.strictEqual(await s.stop(), 0);
	});

// Context switches, not time: a server that runs without anything to do is never
// put to sleep of its own will.
const turns = (pid) => Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(
	readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
const ticks = (pid) => readFileSync(`/proc/${pid}/stat`, 'utf8')
	.replace(/^.*\) /, '').split(' ').slice(11, 13)
	.reduce((n, t) => n + Number(t), 0);

test('who begins a TLS handshake and is silent keeps nothing busy', async () => {
	const s = await Server.start(true, '--idle', '700');
	const silent = Array.from({ length: 20 }, (_, i) => {
		const c = net.connect(s.port, '127.0.0.1');
		c.on('error', () => {});
		if (i % 2) // the beginning of a ClientHello
			c.write(Buffer.from('16030100c8010000c40303', 'hex'));
		c.resume();
		return new Promise((ok) => c.on('close', ok));
	});
	await until(async () => (await s.stats()).connections === 21);
	const before = ticks(s.child.pid), slept = turns(s.child.pid);
	await Promise.all(silent); // closed by the idle limit
	assert.ok(turns(s.child.pid) > slept);
	assert.ok(ticks(s.child.pid) - before < 20,
		`${ticks(s.child.pid) - before} hundredths of a second of CPU`);
	assert.strictEqual((await s.stats()).connections, 1);
	assert.strictEqual(await s.stop(), 0);
});

// --- what nothing costs -----------------------------------------------------

const private_kib = (pid) => Number(/^Private_Dirty: +(\d+)/m.exec(
	readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]);

for (const [secure, top, count] of [[false, 10, 1000], [true, 20, 300]])
	test(`an idle connection costs under ${top} KiB ${secure ? 'over TLS'
		: 'over plain'}`, { skip: process.env.MPCLOUD_SANITIZED === 'yes'
		&& 'a sanitizer has its own memory' }, async () => {
		const s = await Server.start(secure, '--connections', '5000');
		const all = [];
		const more = async (n) => {
			const fresh = Array.from({ length: n }, () => s.connect());
			for (const c of fresh) {
				await c.ready;
				c.send(good);
			}
			await until(() => fresh.every((c) => c.answers().length === 1));
			all.push(...fresh);
		};
		await more(300); // what is needed anyway, and kept
		const before = private_kib(s.child.pid);
		await more(count);
		const each = (private_kib(s.child.pid) - before) / count;
		assert.ok(each < top, `${each.toFixed(1)} KiB a connection`);
		for (const c of all)
			c.socket.destroy();
		await until(async () => (await s.stats()).connections === 1);
		await s.stop();
	});
