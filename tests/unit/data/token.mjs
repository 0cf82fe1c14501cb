// Tokens made by node:crypto, independent of our code, for test_token.c:
//   node tests/unit/data/token.mjs > tests/unit/data/tokens.h
// The key is the bytes 0 to 31; iat is 2023-11-14T22:13:20Z.
import { createCipheriv, createHmac } from "node:crypto";

const b64 = (x) => Buffer.from(x).toString("base64url");
const key = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const good = { alg: "HS256", typ: "JWT", kid: "k1" };
const claims = { iss: "mpcloud", sub: "u1", app: "wx1", sid: "00000000000000ff",
	iat: 1700000000, exp: 1700007200 };
const nonce = Buffer.alloc(12, 7);

function seal(sub, text) {
	const k = createHmac("sha256", key).update("mpcloud token id").digest();
	const g = createCipheriv("aes-256-gcm", k, nonce);
	g.setAAD(Buffer.from(sub));
	return b64(Buffer.concat([nonce, g.update(text), g.final(),
		g.getAuthTag()]));
}

function sign(head, payload) {
	const text = `${b64(head)}.${b64(payload)}`;
	return `${text}.${createHmac("sha256", key).update(text)
		.digest("base64url")}`;
}

function token({ head = good, change = {}, id, text = (s) => s }) {
	const all = { ...claims, id: id ?? seal("u1", "oTestOpenId\0uTestUnion"),
		...change };
	return sign(JSON.stringify(head), text(JSON.stringify(all)));
}

const all = {
	NODE_GOOD: token({}),
	NODE_NO_UNIONID: token({ id: seal("u1", "oTestOpenId\0") }),
	NODE_OTHER_KID: token({ head: { ...good, kid: "k2" } }),
	NODE_HEAD_ORDER: token({ head: { typ: "JWT", alg: "HS256", kid: "k1" } }),
	NODE_ALG_HS512: token({ head: { ...good, alg: "HS512" } }),
	NODE_ALG_NONE: token({ head: { ...good, alg: "none" } })
		.replace(/[^.]*$/, ""),
	NODE_OTHER_ISS: token({ change: { iss: "else" } }),
	NODE_EXTRA_CLAIM: token({ change: { role: "admin" } }),
	NODE_TWICE: token({ text: (s) => s.replace("{", '{"sub":"u2",') }),
	NODE_ESCAPE: token({ text: (s) => s.replace('"u1"', '"\\u0075\\u0031"') }),
	NODE_SPACE: token({ text: (s) => s.replace(",", ", ") }),
	NODE_TRAILER: token({ text: (s) => `${s} ` }),
	NODE_EXP_TEXT: token({ change: { exp: "1700007200" } }),
	NODE_EXP_REAL: token({ text: (s) => s.replace("7200,", "7200.5,") }),
	NODE_EXP_HUGE: token({ text: (s) => s.replace("1700007200",
		"99999999999999999999999999") }),
	NODE_EXP_NEGATIVE: token({ change: { exp: -1 } }),
	NODE_ID_OF_OTHER: token({ id: seal("u2", "oTestOpenId\0") }),
	NODE_ID_NO_NUL: token({ id: seal("u1", "oTestOpenId") }),
	NODE_ID_SHORT: token({ id: "AAAA" }),
	NODE_SID_SHORT: token({ change: { sid: "ff" } }),
	NODE_SID_UPPER: token({ change: { sid: "00000000000000FF" } }),
};

console.log("/* Made by token.mjs; see there. */");
for (const [name, text] of Object.entries(all))
	console.log(`#define ${name} \\\n\t"${text}"`);
