// Makes push.h: messages as WeChat's server would send them, right and wrong, signed
// and sealed by node:crypto after the page "消息推送" and the WXBizMsgCrypt demo.
//   node push.mjs > push.h
import { createCipheriv, createHash } from 'node:crypto';

const token = 'AAAAA';
const key = 'jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C'; // its last bits are set
const appid = 'wx0123456789abcdef';
const timestamp = '1700000000';
const nonce = '486465';

const sha1 = (...list) => createHash('sha1').update(
	list.map((s) => Buffer.from(s)).sort(Buffer.compare).map(String).join('')).digest('hex');

function seal(msg, { pad = 'right', tail = appid, length, cut = 0, aesKey = key } = {}) {
	const k = Buffer.from(aesKey + '=', 'base64');
	const head = Buffer.alloc(20, '0123456789abcdef');
	let plain;

	head.writeUInt32BE(length ?? Buffer.byteLength(msg), 16);
	plain = Buffer.concat([head, Buffer.from(msg), Buffer.from(tail)]);
	const n = 32 - plain.length % 32;
	const padding = { right: Buffer.alloc(n, n), zero: Buffer.alloc(n, 0),
		large: Buffer.alloc(n, 33), uneven: Buffer.concat([Buffer.alloc(n - 1, n + 1), Buffer.alloc(1, n)]) }[pad];
	plain = Buffer.concat([plain, padding]);
	const c = createCipheriv('aes-256-cbc', k, k.subarray(0, 16)).setAutoPadding(false);
	const sealed = Buffer.concat([c.update(plain), c.final()]);

	return sealed.subarray(0, sealed.length - cut).toString('base64');
}

const plainXml = '<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[oUser]]></FromUserName>'
	+ '<CreateTime>1700000000</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[你好 <b>]]></Content>'
	+ '<MsgId>23637352235060880</MsgId></xml>';
const plainJson = '{"ToUserName":"gh_1","FromUserName":"oUser","CreateTime":1700000000,"MsgType":"text",'
	+ '"Content":"你好 <b>","MsgId":23637352235060880}';
const said = { ToUserName: 'gh_1', FromUserName: 'oUser', CreateTime: 1700000000, MsgType: 'text',
	Content: '你好 <b>', MsgId: '23637352235060880' };

const outer = (encrypt, xml, more = {}) => xml
	? `<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[${encrypt}]]></Encrypt></xml>`
	: JSON.stringify({ ToUserName: 'gh_1', ...more, Encrypt: encrypt });

const cases = [];
function add(name, error, { body, encrypt, sealed = !!encrypt, json, ...over }) {
	cases.push({ name, error, sealed, timestamp, nonce, signature: sha1(token, timestamp, nonce),
		msg: encrypt ? sha1(token, timestamp, nonce, encrypt) : '', body, json, ...over });
}
const sealedCase = (name, error, msg, how, xml, over) => {
	const encrypt = seal(msg, how);

	add(name, error, { body: outer(encrypt, xml), encrypt, json: error === '0' ? JSON.stringify(said) : undefined, ...over });
};

add('plain JSON', '0', { body: plainJson, json: JSON.stringify(said) });
add('plain XML', '0', { body: plainXml, json: JSON.stringify(said) });
sealedCase('sealed JSON', '0', plainJson, {}, false);
sealedCase('sealed XML', '0', plainXml, {}, true);
sealedCase('sealed XML in JSON', '0', plainXml, {}, false);
{
	const encrypt = seal(plainJson);

	add('compatible mode: what is plain does not count', '0', { encrypt, json: JSON.stringify(said),
		body: outer(encrypt, false, { ...said, Content: 'forged', FromUserName: 'oVictim' }) });
	add('msg_signature is that of the three strings', 'ERR_PUSH_ALTERED', { encrypt, body: outer(encrypt), msg: sha1(token, timestamp, nonce) });
	add('msg_signature in upper case', 'ERR_PUSH_ALTERED', { encrypt, body: outer(encrypt), msg: sha1(token, timestamp, nonce, encrypt).toUpperCase() });
	add('msg_signature with another token', 'ERR_PUSH_TOKEN', { encrypt, body: outer(encrypt),
		msg: sha1('other', timestamp, nonce, encrypt), signature: sha1('other', timestamp, nonce) });
	add('msg_signature is missing', 'ERR_PUSH_ALTERED', { encrypt, body: outer(encrypt), msg: '' });
	add('nothing is signed', 'ERR_PUSH_UNSIGNED', { encrypt, body: outer(encrypt), msg: '', signature: '' });
	add('another nonce than the signed one', 'ERR_PUSH_TOKEN', { encrypt, body: outer(encrypt), nonce: '486466' });
	add('the sealed text was changed', 'ERR_PUSH_ALTERED', { encrypt, body: outer('A' + encrypt.slice(1)) });
	add('a sealed message where no key is set', 'ERR_PUSH_MODE', { encrypt, body: outer(encrypt), sealed: false });
	const bad = encrypt.slice(0, -1) + '%';
	add('Encrypt is no base64', 'ERR_PUSH_FORMAT', { encrypt: bad, body: outer(bad) });
}
sealedCase('padding of 0', 'ERR_PUSH_KEY', plainJson, { pad: 'zero' });
sealedCase('padding of 33', 'ERR_PUSH_KEY', plainJson, { pad: 'large' });
sealedCase('padding whose bytes differ', 'ERR_PUSH_KEY', plainJson + ' '.repeat(20), { pad: 'uneven' });
sealedCase('a block is missing at the end', 'ERR_PUSH_KEY', plainJson, { cut: 16 });
sealedCase('half a block is missing at the end', 'ERR_PUSH_KEY', plainJson, { cut: 8 });
sealedCase('sealed under another key', 'ERR_PUSH_KEY', plainJson, { aesKey: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG' });
sealedCase('a length beyond the end', 'ERR_PUSH_KEY', plainJson, { length: 100000 });
sealedCase('a length of four gigabytes', 'ERR_PUSH_KEY', plainJson, { length: 0xffffffff });
sealedCase('another appid at the end', 'ERR_PUSH_APPID', plainJson, { tail: 'wx0123456789abcdee' });
sealedCase('no appid at the end', 'ERR_PUSH_APPID', plainJson, { tail: '' });
sealedCase('a length one too short', 'ERR_PUSH_APPID', plainJson, { length: Buffer.byteLength(plainJson) - 1 });
sealedCase('what is sealed is no message', 'ERR_PUSH_FORMAT', 'hello', {});
sealedCase('an entity in what is sealed', 'ERR_PUSH_FORMAT',
	'<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><a>&a;</a></xml>', {}, true);
add('a plain message where a key is set', 'ERR_PUSH_MODE', { body: plainJson, sealed: true });
add('plain, with another token', 'ERR_PUSH_TOKEN', { body: plainJson, signature: sha1('other', timestamp, nonce) });
add('plain, unsigned', 'ERR_PUSH_UNSIGNED', { body: plainJson, signature: '' });
add('plain, but no object', 'ERR_PUSH_FORMAT', { body: '[]' });
add('plain, but nothing', 'ERR_PUSH_FORMAT', { body: '' });
add('plain, cut off', 'ERR_PUSH_FORMAT', { body: plainJson.slice(0, -1) });

const c = (s) => s === undefined ? 'NULL' : '"' + Buffer.from(s).toString('latin1').replace(/[\\"]/g, '\\$&')
	.replace(/\?/g, '\\?').replace(/[\x80-\xff]/g, (ch) => `\\${ch.charCodeAt(0).toString(8)}`) + '"';
// octal escapes may swallow a digit that follows: cut there
const lit = (s) => c(s).replace(/(\\[2-3][0-7]{2})(?=[0-9])/g, '$1""');

console.log('/* Made by push.mjs with node:crypto.  Do not edit. */\n#include "base/err.h"\n\n/* clang-format off */');
console.log(`#define PUSH_TOKEN "${token}"\n#define PUSH_KEY "${key}"\n#define PUSH_APPID "${appid}"\n#define PUSH_TIME ${timestamp}`);
console.log(`#define PUSH_PLAIN ${lit(plainJson)}`);
console.log('static const struct {\n\tconst char *name;\n\tint error;\n\tbool sealed;\n\tconst char *timestamp, *nonce, *signature, *msg_signature, *body, *json;\n} pushes[] = {');
for (const k of cases)
	console.log(`\t{${lit(k.name)}, ${k.error}, ${k.sealed}, ${c(k.timestamp)}, ${c(k.nonce)}, ${c(k.signature)}, ${c(k.msg)},\n\t\t${lit(k.body)},\n\t\t${lit(k.json)}},`);
console.log('};');
