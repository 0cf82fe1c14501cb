// AES-GCM and RSASSA-PKCS1-v1_5 forgeries made by node:crypto, in the manner of
// Project Wycheproof, for test_crypto_forged.c:
//   node tests/unit/data/forged.mjs > tests/unit/data/forged.json
// Each run makes new keys.  What must not verify was checked here not to verify
// with OpenSSL (node) either, unless `lax` says that others take it.
import { constants, createCipheriv, createDecipheriv, createHash, createPrivateKey,
	createPublicKey, createSign, generateKeyPairSync, privateDecrypt, privateEncrypt,
	publicDecrypt, randomBytes, verify } from "node:crypto";

const hex = (b) => Buffer.from(b).toString("hex");
const gcm = [];
const rsa = [];

/* --- AES-256-GCM, as seal.c and WeChat Pay use it: nonce 12, tag 16 --- */
function seal(key, nonce, aad, text) {
	const c = createCipheriv(key.length === 16 ? "aes-128-gcm" : "aes-256-gcm", key, nonce);
	c.setAAD(aad);
	return Buffer.concat([c.update(text), c.final(), c.getAuthTag()]);
}

const key = randomBytes(32), nonce = randomBytes(12), aad = Buffer.from("transaction");
const text = Buffer.from('{"out_trade_no":"1","amount":{"total":1}}');
const sealed = seal(key, nonce, aad, text);
const add = (name, v) => gcm.push({ name, key: hex(v.key ?? key), nonce: hex(v.nonce ?? nonce),
	aad: hex(v.aad ?? aad), sealed: hex(v.sealed ?? sealed), ...(v.plain && { plain: hex(v.plain) }) });
const flip = (b, bit) => { const c = Buffer.from(b); c[bit >> 3] ^= 1 << (bit & 7); return c; };

add("good", { plain: text });
add("nothing, authenticated", { sealed: seal(key, nonce, aad, ""), plain: Buffer.alloc(0) });
for (const n of [0, 4, 8, 12, 13, 14, 15])
	add(`tag cut to ${n} bytes`, { sealed: sealed.subarray(0, text.length + n) });
add("tag one byte longer", { sealed: Buffer.concat([sealed, Buffer.alloc(1)]) });
add("tag of zeros", { sealed: Buffer.concat([text.map((_, i) => sealed[i]), Buffer.alloc(16)]) });
add("tag of ones", { sealed: Buffer.concat([sealed.subarray(0, text.length), Buffer.alloc(16, 255)]) });
for (let bit = 0; bit < 128; bit += 9)
	add(`tag bit ${bit} flipped`, { sealed: flip(sealed, text.length * 8 + bit) });
for (let bit = 0; bit < text.length * 8; bit += 41)
	add(`text bit ${bit} flipped`, { sealed: flip(sealed, bit) });
add("text cut", { sealed: Buffer.concat([sealed.subarray(0, text.length - 1), sealed.subarray(text.length)]) });
add("text gone", { sealed: sealed.subarray(text.length) });
add("text longer", { sealed: Buffer.concat([sealed.subarray(0, text.length), Buffer.alloc(1), sealed.subarray(text.length)]) });
add("other aad", { aad: Buffer.from("refund") });
add("no aad", { aad: Buffer.alloc(0) });
add("aad with a NUL behind", { aad: Buffer.concat([aad, Buffer.alloc(1)]) });
add("aad and text swapped", { aad: text, sealed: seal(key, nonce, text, aad).subarray(0, 5) });
add("aad moved into the text", { aad: Buffer.alloc(0), sealed: Buffer.concat([aad, sealed]) });
add("other nonce", { nonce: flip(nonce, 0) });
add("no nonce", { nonce: Buffer.alloc(0) });
add("nonce cut to 11 bytes", { nonce: nonce.subarray(0, 11) });
add("nonce with a NUL behind", { nonce: Buffer.concat([nonce, Buffer.alloc(1)]) });
add("nonce as GHASH sees it", { nonce: Buffer.concat([nonce, Buffer.from([0, 0, 0, 1])]) });
add("other key", { key: flip(key, 100) });
add("half of the key", { key: key.subarray(0, 16) });
add("key of 24 bytes", { key: key.subarray(0, 24) });
add("no key", { key: Buffer.alloc(0) });
add("two texts, tags swapped", { sealed: Buffer.concat([sealed.subarray(0, text.length),
	seal(key, nonce, aad, Buffer.from("another text")).subarray(12)]) });
for (const v of gcm.filter((each) => !("plain" in each)))
	try {
		const s = Buffer.from(v.sealed, "hex"), k = Buffer.from(v.key, "hex");
		const d = createDecipheriv(`aes-${k.length * 8}-gcm`, k, Buffer.from(v.nonce, "hex"),
			{ authTagLength: 16 });
		d.setAAD(Buffer.from(v.aad, "hex"));
		d.setAuthTag(s.subarray(-16));
		d.update(s.subarray(0, -16));
		d.final();
		throw new TypeError(`${v.name}: node opens it`);
	} catch (e) {
		if (e instanceof TypeError && /node opens/.test(e.message)) throw e;
	}

/* --- RSASSA-PKCS1-v1_5 with SHA-256 --- */
const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
const small = generateKeyPairSync("rsa", { modulusLength: 2048, publicExponent: 3 });
const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = (k) => k.export({ type: "spki", format: "pem" });
const message = Buffer.from("1554209980\nc5ac7061fccab6bf3e254dcf98995b8c\n{}\n");
const SHA256 = Buffer.from("3031300d060960864801650304020105000420", "hex");
const SHA1 = Buffer.from("3021300906052b0e03021a05000414", "hex");
const sum = (name) => createHash(name).update(message).digest();

// The signature whose padded block is exactly `block`.
const raw = (block, k = pair) => privateEncrypt({ key: k.privateKey, padding: constants.RSA_NO_PADDING }, block);
const block = (info, fill = 0xff, type = 1, size = 256) => Buffer.concat([Buffer.from([0, type]),
	Buffer.alloc(size - 3 - info.length, fill), Buffer.from([0]), info]);
const sign = (hash, k = pair) => createSign(hash).update(message).sign(k.privateKey);
const good = sign("sha256");
const put = (name, signature, k = pair, good_ = false, lax = false) => {
	let taken = false;
	try { taken = verify("sha256", message, k.publicKey, signature); } catch { /* no */ }
	if (taken !== good_ && !lax) throw new Error(`${name}: node says ${taken}`);
	rsa.push({ name, public: pem(k.publicKey), message: hex(message),
		signature: signature.toString("base64"), ...(good_ && { good: true }) });
};

// A cube that begins as a signed block would, with rubbish where a lax verifier
// looks no more (Bleichenbacher, 2006): made without the private key.
function cubeRoot(v) {
	let lo = 0n, hi = 1n << 700n;
	while (lo < hi) {
		const mid = (lo + hi + 1n) >> 1n;
		if (mid * mid * mid <= v) lo = mid; else hi = mid - 1n;
	}
	return lo;
}
function forged(prefix) {
	const top = Buffer.concat([prefix, Buffer.alloc(256 - prefix.length, 0xff)]);
	const root = cubeRoot(BigInt(`0x${hex(top)}`));
	return Buffer.from(root.toString(16).padStart(512, "0"), "hex");
}

put("good", good, pair, true);
put("good, exponent 3", sign("sha256", small), small, true);
put("of another key", sign("sha256", other));
put("SHA-1 signed", sign("sha1"));
put("SHA-512 signed", sign("sha512"));
put("SHA-224's name, SHA-256's sum", raw(block(Buffer.concat([Buffer.from("302d300d06096086480165030402040500041c", "hex"), sum("sha256")]))));
put("SHA-1's name, SHA-256's sum", raw(block(Buffer.concat([SHA1, sum("sha256")]))));
put("no name of a digest", raw(block(sum("sha256"))));
put("name without NULL", raw(block(Buffer.concat([Buffer.from("302f300b0609608648016503040201" + "0420", "hex"), sum("sha256")]))));
put("sum cut", raw(block(Buffer.concat([SHA256, sum("sha256").subarray(0, 31)]))));
put("sum of nothing", raw(block(Buffer.concat([SHA256, createHash("sha256").digest()]))));
put("padding of zeros", raw(block(Buffer.concat([SHA256, sum("sha256")]), 0)));
put("padding of FE", raw(block(Buffer.concat([SHA256, sum("sha256")]), 0xfe)));
put("block type 0", raw(block(Buffer.concat([SHA256, sum("sha256")]), 0, 0)));
put("block type 2", raw(block(Buffer.concat([SHA256, sum("sha256")]), 0xff, 2)));
put("rubbish behind the sum", raw(Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(8, 255), Buffer.from([0]),
	SHA256, sum("sha256"), Buffer.alloc(256 - 11 - 51, 0)])));
put("rubbish in the parameters", raw(block(Buffer.concat([Buffer.from("3035301106096086480165030402010504deadbeef0420", "hex"), sum("sha256")]))));
put("length of the name as BER", raw(block(Buffer.concat([Buffer.from("308131300d060960864801650304020105000420", "hex"), sum("sha256")]))));
put("no zero before the name", raw(Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(256 - 2 - 51, 255), SHA256, sum("sha256")])));
put("PSS padding", createSign("sha256").update(message).sign({ key: pair.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING }));
put("all zero", Buffer.alloc(256));
put("one", Buffer.concat([Buffer.alloc(255), Buffer.from([1])]));
put("the modulus less one", (() => { const m = BigInt(`0x${hex(Buffer.from(pair.publicKey.export({ format: "jwk" }).n, "base64url"))}`);
	return Buffer.from((m - 1n).toString(16).padStart(512, "0"), "hex"); })());
put("the modulus added", (() => { const m = BigInt(`0x${hex(Buffer.from(pair.publicKey.export({ format: "jwk" }).n, "base64url"))}`);
	const v = (m + BigInt(`0x${hex(good)}`)).toString(16); return Buffer.from(v.padStart(v.length + v.length % 2, "0"), "hex"); })());
put("a byte cut", good.subarray(0, 255));
put("a zero before", Buffer.concat([Buffer.alloc(1), good]));
put("a zero behind", Buffer.concat([good, Buffer.alloc(1)]));
put("empty", Buffer.alloc(0));
for (let bit = 0; bit < 2048; bit += 293)
	put(`bit ${bit} flipped`, flip(good, bit));
put("a cube, padding of eight bytes", forged(Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(8, 255), Buffer.from([0]), SHA256, sum("sha256")])), small);
put("a cube, no padding", forged(Buffer.concat([Buffer.from([0, 1, 0]), SHA256, sum("sha256")])), small);
put("a cube of the sum", forged(Buffer.concat([Buffer.from([0, 1, 255, 0]), sum("sha256")])), small);

/* keys that must not be taken at all */
const keys = [
	{ name: "RSA of 1024 bits", pem: pem(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey) },
	{ name: "P-256", pem: pem(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey) },
	{ name: "Ed25519", pem: pem(generateKeyPairSync("ed25519").publicKey) },
	{ name: "RSA-PSS only", pem: pem(generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).publicKey) },
	{ name: "a private key", pem: pair.privateKey.export({ type: "pkcs8", format: "pem" }) },
];
console.log(JSON.stringify({ note: "made by forged.mjs; see there", gcm, rsa, keys }, null, 1));
