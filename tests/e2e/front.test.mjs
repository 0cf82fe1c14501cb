// deploy/haproxy.cfg and deploy/nginx.conf, run as they are but for paths and
// ports: HTTP/2 at the proxy, and what the server behind sees of the client.

import assert from 'node:assert';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';

import { freePort } from '../lib/port.mjs';
import { Server, certificate, folder, until } from '../lib/raw.mjs';

const source = process.env.MPCLOUD_SOURCE ?? '.';
const children = [];
after(() => children.forEach((c) => c.kill('SIGKILL')));

const has = (program) => spawnSync(program, ['-v']).error === undefined;

// The file with its words replaced; each must be there.
function adapted(file, words) {
	let text = readFileSync(path.join(source, 'deploy', file), 'utf8');
	for (const [from, to] of words) {
		assert.ok(text.includes(from), `${file}: ${from}`);
		text = text.replaceAll(from, to);
	}
	const name = path.join(folder, file);
	writeFileSync(name, text);
	return name;
}

function run(program, args) {
	const c = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
	children.push(c);
	c.said = '';
	c.stdout.on('data', (d) => { c.said += d; });
	c.stderr.on('data', (d) => { c.said += d; });
	return c;
}

async function listens(port, child) {
	await until(() => child.exitCode !== null || new Promise((done) => {
		const c = net.connect(port, '127.0.0.1', () => { c.destroy(); done(true); });
		c.on('error', () => done(false));
	}), 'the proxy listens');
	assert.strictEqual(child.exitCode, null, child.said);
}

// One client at an address of his own, several requests on one connection.
async function ask_h2(port, from, requests) {
	const client = http2.connect(`https://127.0.0.1:${port}`,
		{ rejectUnauthorized: false, localAddress: from });
	client.on('error', () => {});
	const one = (headers, body) => new Promise((done, failed) => {
		const r = client.request({ ':path': '/x', ...headers });
		let text = '', head;
		r.on('response', (h) => { head = h; });
		r.on('data', (d) => { text += d; });
		r.on('error', failed);
		r.on('end', () => done({ status: head[':status'], text }));
		r.end(body);
	});
	const all = await Promise.all(requests.map(([h, b]) => one(h, b)));
	assert.strictEqual(client.alpnProtocol, 'h2');
	client.close();
	return all;
}

const lies = { 'x-forwarded-for': '203.0.113.66', 'forwarded': 'for=203.0.113.66' };

async function check(port) {
	for (const from of ['127.0.0.5', '127.0.0.6']) {
		const answers = await ask_h2(port, from, [[{}], [lies],
			[{ ':method': 'POST' }, 'a'.repeat(100000)], [{}]]);
		for (const a of answers) {
			assert.strictEqual(a.status, 200, a.text);
			const seen = JSON.parse(a.text);
			assert.strictEqual(seen.peer, from);
			assert.strictEqual(seen.tls, true);
		}
		assert.strictEqual(JSON.parse(answers[2].text).bodyLength, 100000);
	}
}

test('HAProxy, by the PROXY protocol', { skip: has('haproxy') ? false
	: 'haproxy is not installed' }, async () => {
	const s = await Server.start(false, '--proxy', '1');
	const { cert, key } = certificate('front');
	const pem = path.join(folder, 'mpcloud.pem');
	writeFileSync(pem, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'));
	const [https, http] = [await freePort(), await freePort()];
	const file = adapted('haproxy.cfg', [['bind :443', `bind 127.0.0.1:${https}`],
		['maxconn 20000', 'maxconn 1000'], ['bind :80', `bind 127.0.0.1:${http}`],
		['/etc/haproxy/mpcloud.pem', pem],
		['server local 127.0.0.1:8080', `server local 127.0.0.1:${s.port}`]]);
	const valid = spawnSync('haproxy', ['-c', '-f', file], { encoding: 'utf8' });
	assert.strictEqual(valid.status, 0, valid.stderr);
	const proxy = run('haproxy', ['-db', '-f', file]);
	await listens(https, proxy);
	await check(https);
	const plain = await fetch(`http://127.0.0.1:${http}/x`, { redirect: 'manual' });
	assert.strictEqual(plain.status, 308);
	proxy.kill();
	await s.stop();
});

test('nginx, by X-Forwarded-For from a trusted address', { skip: has('nginx')
	? false : 'nginx is not installed' }, async () => {
	const s = await Server.start(false, '--trust', '127.0.0.1');
	const { cert, key } = certificate('front');
	const [https, http] = [await freePort(), await freePort()];
	const work = path.join(folder, 'nginx');
	mkdirSync(work);
	const file = adapted('nginx.conf', [['listen 443', `listen 127.0.0.1:${https}`],
		['listen 80', `listen 127.0.0.1:${http}`],
		['/etc/nginx/mpcloud.crt', cert], ['/etc/nginx/mpcloud.key', key],
		['server 127.0.0.1:8080', `server 127.0.0.1:${s.port}`],
		['worker_processes auto', 'worker_processes 1'],
		['worker_connections 10000', 'worker_connections 100'],
		['http {', `http {\n${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
			.map((n) => `${n}_temp_path ${work}/${n};`).join('\n')}`]]);
	const proxy = run('nginx', ['-p', work, '-c', file, '-e', 'stderr', '-g',
		`daemon off; pid ${work}/pid;`]);
	await listens(https, proxy);
	await check(https);
	const plain = await fetch(`http://127.0.0.1:${http}/x`, { redirect: 'manual' });
	assert.strictEqual(plain.status, 308);
	proxy.kill();
	// who is not the proxy is not believed
	const c = s.connect({ localAddress: '127.0.0.7' });
	await c.ready;
	c.send('GET /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.66\r\n' +
		'X-Forwarded-Proto: https\r\n\r\n');
	await until(() => c.answers().length === 1);
	const seen = JSON.parse(c.answers()[0].body);
	assert.deepStrictEqual([seen.peer, seen.tls], ['127.0.0.7', false]);
	c.socket.destroy();
	await s.stop();
});
