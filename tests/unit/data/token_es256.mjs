// Tokens signed ES256 by node:crypto, good ones and forged ones, for
// test_token_es256.c:
//   node tests/unit/data/token_es256.mjs > tests/unit/data/tokens_es256.h
// Each run signs anew (ECDSA takes a random number).  The private number is that
// of RFC 7515, appendix A.3; iat is 2023-11-14T22:13:20Z.
import { createCipheriv, createHmac, createPrivateKey, createPublicKey, createSign,
	generateKeyPairSync, verify } from "node:crypto";

const b64 = (x) => Buffer.from(x).toString("base64url");
const jwk = { kty: "EC", crv: "P-256", d: "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
	x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
	y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" };
const key = createPrivateKey({ key: jwk, format: "jwk" });
const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
const d = Buffer.from(jwk.d, "base64url");
const n = BigInt("0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
const num = (b) => BigInt(`0x${b.toString("hex")}`);
const bytes = (v) => Buffer.from(v.toString(16).padStart(64, "0"), "hex");

const good = { alg: "ES256", typ: "JWT", kid: "e1" };
const claims = { iss: "mpcloud", sub: "u1", app: "wx1", sid: "00000000000000ff",
	iat: 1700000000, exp: 1700007200 };

function seal(sub, text) {
	const k = createHmac("sha256", d).update("mpcloud token id").digest();
	const nonce = Buffer.alloc(12, 7);
	const g = createCipheriv("aes-256-gcm", k, nonce);
	g.setAAD(Buffer.from(sub));
	return b64(Buffer.concat([nonce, g.update(text), g.final(), g.getAuthTag()]));
}

const raw = (text, k = key, dsaEncoding = "ieee-p1363", hash = "sha256") =>
	createSign(hash).update(text).sign({ key: k, dsaEncoding });

// The twin whose s is in the lower half.
function low(signature) {
	const s = num(signature.subarray(32));
	return s > n / 2n ? Buffer.concat([signature.subarray(0, 32), bytes(n - s)]) : signature;
}

function high(signature) {
	const l = low(signature);
	return Buffer.concat([l.subarray(0, 32), bytes(n - num(l.subarray(32)))]);
}

const text = (head, change = {}, id = seal("u1", "oTestOpenId\0uTestUnion")) =>
	`${b64(JSON.stringify(head))}.${b64(JSON.stringify({ ...claims, id, ...change }))}`;
const token = (t, signature) => `${t}.${b64(signature)}`;

const plain = text(good);
const sig = low(raw(plain));
// Both twins are valid ECDSA: node takes them.
for (const each of [sig, high(sig)])
	if (!verify("sha256", Buffer.from(plain), { key: createPublicKey(key), dsaEncoding: "ieee-p1363" }, each))
		throw new Error("node does not verify its own");

const r = sig.subarray(0, 32), s = sig.subarray(32), zero = Buffer.alloc(32);
const hs = (t, secret) => `${t}.${createHmac("sha256", secret).update(t).digest("base64url")}`;
const swapped = text({ ...good, alg: "HS256" });
const spki = createPublicKey(key).export({ type: "spki", format: "pem" });

const all = {
	ES_GOOD: token(plain, sig),
	ES_CUSTOM: (() => { const t = text(good, { k: "custom" }, seal("u1", "\0\0shop-42"));
		return token(t, low(raw(t))); })(),
	// must fail
	ES_HIGH_S: token(plain, high(sig)),
	ES_DER: token(plain, raw(plain, key, "der")),
	ES_OTHER_KEY: token(plain, low(raw(plain, other))),
	ES_P384: token(plain, raw(plain, p384)),
	ES_SHA512: token(plain, low(raw(plain, key, "ieee-p1363", "sha512"))),
	ES_R_ZERO: token(plain, Buffer.concat([zero, s])),
	ES_S_ZERO: token(plain, Buffer.concat([r, zero])),
	ES_BOTH_ZERO: token(plain, Buffer.concat([zero, zero])),
	ES_BOTH_ONE: token(plain, Buffer.concat([bytes(1n), bytes(1n)])),
	ES_R_IS_N: token(plain, Buffer.concat([bytes(n), s])),
	ES_R_PLUS_N: token(plain, Buffer.concat([bytes(2n ** 256n - 1n), s])),
	ES_SWAPPED: token(plain, low(Buffer.concat([s, r]))),
	ES_SHORT: token(plain, sig.subarray(0, 63)),
	ES_LONG: token(plain, Buffer.concat([sig, Buffer.alloc(1)])),
	ES_PADDED: token(plain, Buffer.concat([zero, sig])),
	ES_EMPTY: `${plain}.`,
	ES_NO_THIRD: plain,
	ES_FOURTH: `${token(plain, sig)}.AAAA`,
	ES_EQUALS: `${token(plain, sig)}==`,
	// 86 letters have four bits to spare: another spelling of the same bytes
	ES_SPARE_BITS: token(plain, sig).replace(/.$/, (c) => {
		const a = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
		return a[a.indexOf(c) + 1]; }),
	ES_PLAIN_BASE64: `${plain}.${sig.toString("base64").replace(/=/g, "")}+`,
	ES_NEWLINE: `${token(plain, sig)}\n`,
	ES_ALG_NONE: `${text({ ...good, alg: "none" })}.`,
	ES_ALG_HS_EMPTY: hs(swapped, ""),
	ES_ALG_HS_PUBLIC: hs(swapped, spki),
	ES_ALG_HS_POINT: hs(swapped, Buffer.concat([Buffer.from([4]),
		Buffer.from(jwk.x, "base64url"), Buffer.from(jwk.y, "base64url")])),
	ES_HS_UNDER_ES_HEAD: hs(plain, spki),
	ES_ALG_LOWER: (() => { const t = text({ ...good, alg: "es256" }); return token(t, low(raw(t))); })(),
	ES_KID_OTHER: (() => { const t = text({ ...good, kid: "e2" }); return token(t, low(raw(t))); })(),
	ES_KID_NONE: (() => { const t = text({ alg: "ES256", typ: "JWT" }); return token(t, low(raw(t))); })(),
	ES_KID_PATH: (() => { const t = text({ ...good, kid: "../../dev/null" }); return token(t, low(raw(t))); })(),
	// "jwk" and "jku": the attacker brings his key along
	ES_JWK: (() => { const t = text({ ...good, jwk: createPublicKey(other).export({ format: "jwk" }) });
		return token(t, low(raw(t, other))); })(),
	ES_CRIT: (() => { const t = text({ ...good, crit: ["exp"] }); return token(t, low(raw(t))); })(),
	ES_DUPLICATE: (() => { const t = `${b64(JSON.stringify(good))}.${b64(JSON.stringify({ ...claims,
		id: seal("u1", "o\0") }).replace("{", '{"sub":"u2",'))}`; return token(t, low(raw(t))); })(),
	ES_KIND_TWICE: (() => { const t = `${b64(JSON.stringify(good))}.${b64(JSON.stringify({ ...claims,
		id: seal("u1", "o\0"), k: "wechat" }).replace("{", '{"k":"operator",'))}`; return token(t, low(raw(t))); })(),
	ES_EXP_HUGE: (() => { const t = `${b64(JSON.stringify(good))}.${b64(JSON.stringify({ ...claims,
		id: seal("u1", "o\0") }).replace("1700007200", "99999999999999999999"))}`; return token(t, low(raw(t))); })(),
	ES_CHANGED: token(text(good, { sub: "u2" }), sig),
};

console.log("/* Made by token_es256.mjs; see there. */");
for (const [name, value] of Object.entries(all))
	console.log(`#define ${name} \\\n\t${value.match(/[^]{1,60}/g).map((p) =>
		`"${p.replace(/\n/g, "\\n")}"`).join(" \\\n\t")}`);
