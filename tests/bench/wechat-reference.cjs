// What one would write by hand: Fastify, node:crypto, fetch and pg, doing what the
// daemon does for a login, a token check, an order and a callback, with the same
// durability.  Settings come as JSON in REFERENCE; see wechat.mjs.
const crypto = require('node:crypto');
const { readFileSync } = require('node:fs');
const set = JSON.parse(process.env.REFERENCE);
const { createRequire } = require('node:module');
const need = createRequire(set.require);
const app = need('fastify')();
const pool = new (need('pg').Pool)({ host: set.socket, user: 'mpcloud', database: 'postgres', max: 10 });
const merchantKey = crypto.createPrivateKey(readFileSync(set.privateKeyFile));
const platformKey = crypto.createPublicKey(readFileSync(set.publicKeyFile));
const apiv3 = readFileSync(set.apiv3KeyFile, 'utf8').trim();
const secret = readFileSync(set.secretFile, 'utf8').trim();
const hmacKey = crypto.randomBytes(32);

const sign = (text) => crypto.sign('RSA-SHA256', Buffer.from(text), merchantKey).toString('base64');
const b64 = (x) => Buffer.from(x).toString('base64url');
const head = b64('{"alg":"HS256","typ":"JWT"}');
const mac = (text) => crypto.createHmac('sha256', hmacKey).update(text).digest();

function issue(uid) {
  const now = Math.floor(Date.now() / 1000);
  const text = `${head}.${b64(JSON.stringify({ sub: uid, iat: now, exp: now + 7200 }))}`;
  return `${text}.${mac(text).toString('base64url')}`;
}

function check(token) {
  const [h, p, s] = token.split('.');
  const given = Buffer.from(s, 'base64url');
  const right = mac(`${h}.${p}`);
  if (given.length !== right.length || !crypto.timingSafeEqual(given, right)) throw new Error('bad token');
  const claims = JSON.parse(Buffer.from(p, 'base64url'));
  if (claims.exp < Date.now() / 1000) throw new Error('expired');
  return claims;
}

app.get('/', async () => ({}));
app.get('/healthz', async () => ({ status: 'ok' }));
app.get('/token', async () => ({ token: issue('0123456789abcdef0123456789abcdef') }));
app.get('/v1/session', async (request) => {
  const claims = check(request.headers.authorization.slice(7));
  return { uid: claims.sub, appid: set.appid, expiresAt: claims.exp };
});

app.post('/v1/login', async (request) => {
  const q = new URLSearchParams({ appid: set.appid, secret, js_code: request.body.code, grant_type: 'authorization_code' });
  const said = await (await fetch(`${set.sandbox}/sns/jscode2session?${q}`)).json();
  if (!said.openid) throw new Error(JSON.stringify(said));
  const refresh = crypto.randomBytes(32).toString('base64url');
  const r = await pool.query({ name: 'login', text: `WITH u AS (INSERT INTO ref_users (uid, openid, session_key) VALUES ($1, $2, $3)
      ON CONFLICT (openid) DO UPDATE SET session_key = excluded.session_key RETURNING uid)
    INSERT INTO ref_sessions (hash, uid) SELECT $4, uid FROM u RETURNING uid`,
  values: [crypto.randomBytes(16).toString('hex'), said.openid, said.session_key,
    crypto.createHash('sha256').update(refresh).digest('hex')] });
  return { uid: r.rows[0].uid, accessToken: issue(r.rows[0].uid), refreshToken: refresh, expiresIn: 7200 };
});

const paySign = (prepay) => {
  const timeStamp = String(Math.floor(Date.now() / 1000)), nonceStr = crypto.randomBytes(16).toString('hex');
  const pack = `prepay_id=${prepay}`;
  return { timeStamp, nonceStr, package: pack, signType: 'RSA', paySign: sign(`${set.appid}\n${timeStamp}\n${nonceStr}\n${pack}\n`) };
};

app.post('/v1/pay/orders', async (request) => {
  const { outTradeNo, total, description } = request.body;
  const old = await pool.query({ name: 'old', text: 'SELECT prepay_id FROM ref_orders WHERE no = $1', values: [outTradeNo] });
  if (old.rows[0]?.prepay_id) return { outTradeNo, payment: paySign(old.rows[0].prepay_id) };
  const body = JSON.stringify({ appid: set.appid, mchid: set.mchid, description, out_trade_no: outTradeNo,
    notify_url: set.notifyUrl, amount: { total, currency: 'CNY' }, payer: { openid: set.openid } });
  await pool.query({ name: 'new', text: "INSERT INTO ref_orders (no, total, state, body) VALUES ($1, $2, 'CREATED', $3)", values: [outTradeNo, total, body] });
  const path = '/v3/pay/transactions/jsapi';
  const timestamp = String(Math.floor(Date.now() / 1000)), nonce = crypto.randomBytes(16).toString('hex');
  const signature = sign(`POST\n${path}\n${timestamp}\n${nonce}\n${body}\n`);
  const answer = await fetch(set.sandbox + path, { method: 'POST', body, headers: {
    'content-type': 'application/json', accept: 'application/json', 'wechatpay-serial': set.publicKeyId,
    authorization: `WECHATPAY2-SHA256-RSA2048 mchid="${set.mchid}",nonce_str="${nonce}",timestamp="${timestamp}",serial_no="${set.serial}",signature="${signature}"` } });
  const text = await answer.text();
  const h = (n) => answer.headers.get(n);
  if (!answer.ok || !crypto.verify('RSA-SHA256', Buffer.from(`${h('wechatpay-timestamp')}\n${h('wechatpay-nonce')}\n${text}\n`),
    platformKey, Buffer.from(h('wechatpay-signature'), 'base64'))) throw new Error(text);
  const { prepay_id: prepay } = JSON.parse(text);
  await pool.query({ name: 'prepay', text: "UPDATE ref_orders SET state = 'NOTPAY', prepay_id = $2 WHERE no = $1", values: [outTradeNo, prepay] });
  return { outTradeNo, payment: paySign(prepay) };
});

app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
  request.rawBody = body;
  try { done(null, JSON.parse(body)); } catch (e) { done(e); }
});
app.post('/v1/pay/notify', async (request) => {
  const h = request.headers;
  if (!crypto.verify('RSA-SHA256', Buffer.from(`${h['wechatpay-timestamp']}\n${h['wechatpay-nonce']}\n${request.rawBody}\n`),
    platformKey, Buffer.from(h['wechatpay-signature'], 'base64'))) throw new Error('forged');
  const { id, resource: r } = request.body;
  const sealed = Buffer.from(r.ciphertext, 'base64');
  const open = crypto.createDecipheriv('aes-256-gcm', apiv3, r.nonce);
  open.setAuthTag(sealed.subarray(-16));
  open.setAAD(Buffer.from(r.associated_data));
  const said = JSON.parse(Buffer.concat([open.update(sealed.subarray(0, -16)), open.final()]));
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const old = await client.query({ name: 'lock', text: 'SELECT total, state FROM ref_orders WHERE no = $1 FOR UPDATE', values: [said.out_trade_no] });
    if (Number(old.rows[0].total) !== said.amount.total) throw new Error('amount');
    await client.query({ name: 'inbox', text: 'INSERT INTO ref_inbox (id, resource, raw) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
      values: [id, JSON.stringify(said), request.rawBody] });
    if (old.rows[0].state === 'NOTPAY')
      await client.query({ name: 'paid', text: "UPDATE ref_orders SET state = 'SUCCESS', transaction_id = $2 WHERE no = $1", values: [said.out_trade_no, said.transaction_id] });
    await client.query('COMMIT');
  } catch (e) {
    await client.query('ROLLBACK');
    throw e;
  } finally {
    client.release();
  }
  return { code: 'SUCCESS', message: '成功' };
});

app.listen({ port: set.port, host: '127.0.0.1' });
