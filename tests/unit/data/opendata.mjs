// Open data encrypted by node:crypto, independent of our code, for
// test_opendata.c:
//   node tests/unit/data/opendata.mjs > tests/unit/data/opendata.h
// The keys and the iv are fixed; the time is 2023-11-14T22:13:20Z.
import { createCipheriv, createDecipheriv, createHash, createHmac } from "node:crypto";

const APPID = "wx0123456789abcdef";
const key = Buffer.from("00112233445566778899aabbccddeeff", "hex");
const iv = Buffer.from("0f0e0d0c0b0a09080706050403020100", "hex");
const mark = { timestamp: 1700000000, appid: APPID };
const phone = { phoneNumber: "13800000000", purePhoneNumber: "13800000000",
	countryCode: "86", watermark: mark };

// AES-128-CBC of a plaintext that is padded already.
function cbc(padded, k = key) {
	const c = createCipheriv("aes-128-cbc", k, iv).setAutoPadding(false);
	return Buffer.concat([c.update(padded), c.final()]).toString("base64");
}

function pad(text, how = (n) => Buffer.alloc(n, n)) {
	const b = Buffer.from(text);
	return Buffer.concat([b, how(16 - (b.length % 16))]);
}

const seal = (v, how) => cbc(pad(typeof v === "string" || Buffer.isBuffer(v) ?
	v : JSON.stringify(v), how));

// A wrong key under which the padding happens to be right.
function unlucky(text) {
	const sealed = Buffer.from(text, "base64");
	for (let i = 1; ; i++) {
		const k = Buffer.alloc(16);
		k.writeUInt32BE(i);
		try {
			const d = createDecipheriv("aes-128-cbc", k, iv);
			d.update(sealed);
			d.final();
			return k.toString("base64");
		} catch { /* the usual */ }
	}
}

// Text whose length leaves a pad of `n`.
const of = (n) => { const t = JSON.stringify({ watermark: mark, fill: "" });
	return t.replace('""', `"${"x".repeat((32 - n - (t.length % 16)) % 16)}"`); };

const good = seal(phone);
// One in which base64 has both letters that travel badly.
let odd = "";
for (let i = 0; !/\+.*\//.test(odd) || !odd.endsWith("="); i++)
	odd = seal({ n: "y".repeat(i), watermark: mark });
const raw = '{"nickName":"测试","x":" a\\n"}';
const text = key.toString("base64");
const sum = (s) => createHash("sha1").update(s).digest("hex");

const all = {
	OD_KEY: text,
	OD_KEY_UNLUCKY: unlucky(good),
	OD_IV: iv.toString("base64"),
	OD_GOOD: good,
	OD_ODD: odd,
	OD_OPENID: seal({ openId: "oTest1", watermark: mark }),
	OD_OPENID_NUMBER: seal({ openId: 1, watermark: mark }),
	OD_PAD_16: seal(of(16)),
	OD_PAD_1: seal(of(1)),
	// must fail
	OD_PAD_ZERO: seal(of(5), (n) => Buffer.alloc(n, 0)),
	OD_PAD_17: seal(of(16), (n) => Buffer.alloc(n, 17)),
	OD_PAD_UNEQUAL: seal(of(5), (n) => Buffer.from([4, ...Array(n - 1).fill(n)])),
	OD_PAD_FIRST: seal(of(5), (n) => Buffer.from([...Array(n - 1).fill(0), n])),
	OD_PAD_NONE: cbc(Buffer.from(of(16))),
	OD_OTHER_APP: seal({ ...phone, watermark: { ...mark, appid: "wxother" } }),
	OD_APP_PREFIX: seal({ ...phone, watermark: { ...mark, appid: `${APPID}0` } }),
	OD_APP_NUL: seal({ ...phone, watermark: { ...mark, appid: `${APPID}\0` } }),
	OD_APP_NUMBER: seal({ ...phone, watermark: { ...mark, appid: 7 } }),
	OD_NO_MARK: seal({ phoneNumber: "1" }),
	OD_MARK_TWICE: seal(JSON.stringify(phone).replace("{",
		`{"watermark":{"timestamp":1,"appid":"wxother"},`)),
	OD_TIME_TEXT: seal({ watermark: { ...mark, timestamp: "1700000000" } }),
	OD_TIME_FUTURE: seal({ watermark: { ...mark, timestamp: 1800000000 } }),
	OD_ARRAY: seal([phone]),
	OD_TRAILER: seal(`${JSON.stringify(phone)}x`),
	OD_NOT_UTF8: seal(Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]),
		Buffer.from(`","watermark":${JSON.stringify(mark)}}`)])),
	OD_EMPTY: seal(""),
	OD_KEY_AS_TEXT: cbc(pad(JSON.stringify(phone)), Buffer.from(text).subarray(0, 16)),
	OD_FLIPPED: (() => { const b = Buffer.from(good, "base64"); b[b.length - 17] ^= 1;
		return b.toString("base64"); })(),
	OD_CUT: Buffer.from(good, "base64").subarray(0, -1).toString("base64"),
	OD_BLOCK_CUT: Buffer.from(good, "base64").subarray(0, -16).toString("base64"),
	// signatures
	OD_RAW: raw,
	OD_SIGNATURE: sum(raw + text),
	OD_SIGNATURE_DECODED: sum(Buffer.concat([Buffer.from(raw), key])),
	OD_SIGNATURE_REFORMED: sum(JSON.stringify(JSON.parse(raw), null, 1) + text),
	OD_HMAC_EMPTY: createHmac("sha256", text).update("").digest("hex"),
	OD_HMAC_EMPTY_DECODED: createHmac("sha256", key).update("").digest("hex"),
};

const quoted = (s) => s.match(/[^]{1,60}/g).map((part) =>
	`"${part.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")}"`)
	.join(" \\\n\t");
console.log("/* Made by opendata.mjs; see there. */");
for (const [name, value] of Object.entries(all))
	console.log(`#define ${name} \\\n\t${quoted(value)}`);
