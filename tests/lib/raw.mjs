// Raw sockets against tests/lib/httpd, plain and over TLS.

import assert from 'node:assert';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import tls from 'node:tls';

const program = path.join(process.env.MPCLOUD_BUILD ?? '.', 'tests/lib/httpd');
export const folder = mkdtempSync(path.join(tmpdir(), 'raw-http-'));
const children = [];

after(() => {
	for (const c of children)
		c.kill('SIGKILL');
	rmSync(folder, { recursive: true, force: true });
});

// `names`: subjectAltName, as "DNS:a.example,DNS:*.b.example".
export function certificate(name, names) {
	const cert = path.join(folder, `${name}.crt`);
	const key = path.join(folder, `${name}.key`);
	execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt',
		'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key,
		'-out', cert, '-days', '2', '-subj', `/CN=${name}`,
		...(names ? ['-addext', `subjectAltName=${names}`] : [])],
	{ stdio: 'ignore' });
	return { cert, key };
}

export class Server {
	static async start(secure, ...options) {
		const s = new Server();
		s.secure = secure;
		if (secure && !options.includes('--tls')) {
			s.files = certificate('localhost');
			options.push('--tls', s.files.cert, s.files.key);
		}
		s.child = spawn(program, options,
			{ stdio: ['ignore', 'pipe', 'inherit'] });
		children.push(s.child);
		s.output = '';
		s.child.stdout.setEncoding('utf8');
		s.child.stdout.on('data', (text) => { s.output += text; });
		s.exited = new Promise((ok) => s.child.on('exit', ok));
		await until(() => s.output.includes('\n'));
		s.port = Number.parseInt(s.output, 10);
		return s;
	}

	connect(options = {}) {
		return new Client(this, options);
	}

	async stats() {
		const c = this.connect();
		c.send('GET /stats HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
		await c.closed;
		return JSON.parse(c.answers()[0].body);
	}

	async stop() {
		this.child.kill('SIGTERM');
		return this.exited;
	}
}

// A connection that keeps all it was sent.
export class Client {
	constructor(server, options) {
		this.bytes = Buffer.alloc(0);
		const o = { host: '127.0.0.1', port: server.port,
			allowHalfOpen: true, rejectUnauthorized: false, ...options };
		this.socket = server.secure ? tls.connect(o) : net.connect(o);
		this.open = true;
		this.closed = new Promise((ok) => {
			const end = () => {
				this.open = false;
				this.socket.destroy();
				ok();
			};
			this.socket.on('end', end);
			this.socket.on('close', end);
			this.socket.on('error', (e) => { this.error = e; end(); });
		});
		this.socket.on('data', (d) => {
			this.bytes = Buffer.concat([this.bytes, d]);
		});
		this.ready = new Promise((ok) => this.socket.once(
			server.secure ? 'secureConnect' : 'connect', ok));
	}

	send(bytes) {
		this.socket.write(Buffer.from(bytes, 'latin1'));
	}

	// Whole answers so far.
	answers() {
		const found = [];
		let rest = this.bytes.toString('latin1');
		for (;;) {
			const end = rest.indexOf('\r\n\r\n');
			if (end < 0)
				return found;
			const lines = rest.slice(0, end).split('\r\n');
			const headers = {};
			for (const line of lines.slice(1)) {
				const at = line.indexOf(':');
				headers[line.slice(0, at).toLowerCase()] =
					line.slice(at + 1).trim();
			}
			const status = Number(lines[0].split(' ')[1]);
			const length = status < 200 ? 0
				: Number(headers['content-length'] ?? 0);
			if (rest.length < end + 4 + length)
				return found;
			found.push({ status, headers,
				body: rest.slice(end + 4, end + 4 + length) });
			rest = rest.slice(end + 4 + length);
		}
	}

	statuses() {
		return this.answers().map((a) => a.status);
	}
}

export async function until(condition, what = condition.toString()) {
	for (let i = 0; i < 4000; i++) {
		if (await condition())
			return;
		await new Promise((ok) => setTimeout(ok, 5));
	}
	assert.fail(`never: ${what}`);
}
