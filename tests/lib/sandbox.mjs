// WeChat Pay as its merchants see it: strings to sign, signatures and sealed
// texts are made and checked here from WeChat Pay's documentation with
// node:crypto, never by code of this project.
import { spawn } from 'node:child_process';
import { createDecipheriv, createHash, createHmac, createPrivateKey, createSign,
	 createVerify, randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const read = (path) => readFileSync(path, 'utf8');

/* The program, with a clock that the test moves. */
export class Sandbox {
	constructor(name) {
		this.folder = mkdtempSync(join(tmpdir(), `mpcloud-${name}-`));
		this.clockFile = join(this.folder, 'clock');
		this.shift = 0;
		writeFileSync(this.clockFile, Buffer.alloc(8));
	}

	async start(...more) {
		this.child = spawn(join(process.env.MPCLOUD_BUILD, 'mpcloud-sandbox'),
			['--listen', '127.0.0.1:0', '--dir', join(this.folder, 'keys'), ...more],
			{ stdio: ['ignore', 'pipe', 'inherit'],
				env: { ...process.env, MPCLOUD_CLOCK_FILE: this.clockFile } });
		for await (const line of createInterface({ input: this.child.stdout })) {
			Object.assign(this, JSON.parse(line));
			this.settings = JSON.parse(read(join(this.folder, 'keys/sandbox.json')));
			[this.merchant] = await this.ask('/sandbox/merchants');
			return this;
		}
		throw new Error('the sandbox did not start');
	}

	/* How it ended: the exit status. */
	async stop() {
		const over = new Promise((resolve) => this.child.once('exit', resolve));

		this.child.kill('SIGTERM');
		return over;
	}

	async end() {
		const status = await this.stop();

		rmSync(this.folder, { recursive: true });
		return status;
	}

	now() {
		return Date.now() + this.shift;
	}

	moveClock(ms) {
		const shift = Buffer.alloc(8);

		this.shift += ms;
		shift.writeBigInt64LE(BigInt(this.shift) * 1000000n);
		writeFileSync(this.clockFile, shift, { flag: 'r+' });
	}

	/* The control API. */
	async ask(path, body) {
		const answer = await fetch(this.base + path, body === undefined ? {} :
			{ method: 'POST', body: JSON.stringify(body) });

		return answer.json();
	}

	async user() {
		const { code } = await this.ask('/sandbox/code', {});
		const query = new URLSearchParams({ appid: this.appid,
			secret: this.settings.secret, js_code: code,
			grant_type: 'authorization_code' });

		return (await this.ask(`/sns/jscode2session?${query}`)).openid;
	}

	/* "签名生成": five lines, each ended by a newline. */
	authorization(method, url, text, m = this.merchant, more = {}) {
		const f = { mchid: m.mchid, nonce_str: randomBytes(16).toString('hex'),
			timestamp: String(Math.floor(this.now() / 1000)),
			serial_no: m.serial, ...more };
		const signature = createSign('RSA-SHA256')
			.update(`${method}\n${url}\n${f.timestamp}\n${f.nonce_str}\n${text}\n`)
			.sign(createPrivateKey(read(m.privateKeyFile)), 'base64');

		return 'WECHATPAY2-SHA256-RSA2048 ' +
			Object.entries({ ...f, signature }).map(([k, v]) => `${k}="${v}"`).join(',');
	}

	/* A request of API v3; `data` is undefined when there is no body. */
	async v3(method, url, body, { merchant, serial = this.publicKeyId, headers } = {}) {
		const text = body === undefined ? '' : JSON.stringify(body);
		const answer = await fetch(this.base + url, { method,
			body: body === undefined ? undefined : text,
			headers: { Accept: 'application/json', 'User-Agent': 'mpcloud-tests',
				Authorization: this.authorization(method, url, text, merchant),
				...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
				...(serial ? { 'Wechatpay-Serial': serial } : {}), ...headers } });
		const bytes = Buffer.from(await answer.arrayBuffer());
		const raw = bytes.toString();
		let data;

		if (raw.startsWith('{'))
			data = JSON.parse(raw);
		return { status: answer.status, headers: Object.fromEntries(answer.headers), raw, bytes, data };
	}

	/* v2: all that is not empty, sorted, MD5 or HMAC-SHA256 in capitals. */
	v2Sign(fields, m = this.merchant, type = fields.sign_type ?? 'MD5') {
		const key = read(m.v2KeyFile);
		const text = Object.entries(fields).filter(([k, v]) => k !== 'sign' && v !== '')
			.sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => `${k}=${v}`)
			.concat(`key=${key}`).join('&');

		return (type === 'MD5' ? createHash('md5') : createHmac('sha256', key))
			.update(text).digest('hex').toUpperCase();
	}

	async v2(url, fields, { merchant: m = this.merchant, sign, headers } = {}) {
		const all = { appid: this.appid, mch_id: m.mchid,
			nonce_str: randomBytes(16).toString('hex'), ...fields };

		all.sign = sign ?? this.v2Sign(all, m);
		const answer = await fetch(this.base + url, { method: 'POST', headers,
			body: `<xml>${Object.entries(all).map(([k, v]) => `<${k}><![CDATA[${v}]]></${k}>`).join('')}</xml>` });

		return xmlRead(await answer.text());
	}
}

/* Flat XML of WeChat's. */
export function xmlRead(text, root = 'xml') {
	const inner = new RegExp(`^<${root}>([^]*)</${root}>\\s*$`).exec(text);

	if (!inner)
		return text;
	return Object.fromEntries([...inner[1].matchAll(
		/<(\w+)>(?:<!\[CDATA\[([^]*?)\]\]>|([^<]*))<\/\1>/g)]
		.map(([, name, cdata, plain]) => [name, cdata ?? plain]));
}

/* "签名验证": "timestamp\nnonce\nbody\n" under WeChat Pay's key. */
export function verifies({ headers, raw }, key) {
	return createVerify('RSA-SHA256')
		.update(`${headers['wechatpay-timestamp']}\n${headers['wechatpay-nonce']}\n${raw}\n`)
		.verify(key, headers['wechatpay-signature'] ?? '', 'base64');
}

/* AEAD_AES_256_GCM: the last 16 bytes are the tag.  Throws when it is forged. */
export function unseal({ ciphertext, nonce, associated_data: aad = '' }, key) {
	const all = Buffer.from(ciphertext, 'base64');
	const open = createDecipheriv('aes-256-gcm', key, nonce);

	open.setAAD(Buffer.from(aad));
	open.setAuthTag(all.subarray(-16));
	return Buffer.concat([open.update(all.subarray(0, -16)), open.final()]).toString();
}

/* GET /v3/certificates: serial → certificate. */
export async function certificates(sandbox, options) {
	const { data } = await sandbox.v3('GET', '/v3/certificates', undefined, options);
	const m = options?.merchant ?? sandbox.merchant;

	return Object.fromEntries(data.data.map((one) => [one.serial_no,
		new X509Certificate(unseal(one.encrypt_certificate, read(m.apiv3KeyFile)))]));
}

/* A merchant's address for callbacks. `answer` gets each and gives the status,
 * or {status, body}; all are kept in `got`. */
export class Inbox {
	constructor(answer = () => 204) {
		this.got = [];
		this.answer = answer;
		this.flying = this.flyingTop = 0;
	}

	async start() {
		this.server = createServer((request, response) => {
			const parts = [];

			this.flying += 1;
			this.flyingTop = Math.max(this.flyingTop, this.flying);
			request.on('data', (part) => parts.push(part));
			request.on('end', async () => {
				const one = { url: request.url, method: request.method,
					headers: request.headers, raw: Buffer.concat(parts).toString() };

				this.got.push(one);
				const said = await this.answer(one, this.got.length);

				this.flying -= 1;
				response.writeHead(said.status ?? said);
				response.end(said.body ?? '');
			});
		});
		await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
		this.base = `http://127.0.0.1:${this.server.address().port}`;
		return this;
	}

	stop() {
		this.server.closeAllConnections();
		return new Promise((resolve) => this.server.close(resolve));
	}
}

/* AES-256-ECB under the lower-case hex MD5 of the v2 key. */
export function unsealRefund(info, key) {
	const open = createDecipheriv('aes-256-ecb',
		createHash('md5').update(key).digest('hex'), null);

	return Buffer.concat([open.update(info, 'base64'), open.final()]).toString();
}

export { read };
