// Message push, from WeChat's side (the sandbox) to functions: verified, opened, taken
// in once, answered before any function has run.  Forged ones are made here by
// node:crypto.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { appendFileSync, chownSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, source, startStack, until } from '../lib/stack.mjs';

const OTHER = 'wx00000000000000bb';

let stack, appid, TOKEN, KEY; // `mpcloud dev` sets push up with the sandbox's secrets
before(async () => {
  stack = await startStack({ project: join(source, 'tests/e2e/push'), gateways: 2 });
  ({ appid } = await (await fetch(`${stack.sandbox}/sandbox/keys`)).json());
  [TOKEN, KEY] = ['push_token', 'push_key'].map((name) => readFileSync(join(stack.home, 'sandbox', name), 'utf8').trim());
});
after(() => stack?.stop());

// A file that the gateways may read, as they read the sandbox's.
function secret(name, text) {
  const path = join(stack.home, 'sandbox', name), owner = statSync(join(stack.home, 'sandbox/secret'));

  writeFileSync(path, `${text}\n`, { mode: 0o600 });
  chownSync(path, owner.uid, owner.gid);
  return path;
}

/* ---- both sides ---- */

const control = async (name, body) => (await fetch(`${stack.sandbox}/sandbox/${name}`,
  { method: 'POST', body: JSON.stringify(body) })).json();
const url = (appid = '') => `${stack.url}/v1/wechat/push${appid && `/${appid}`}`;
const push = (msg, more = {}) => control('push', { msg, ...more });
const sql = (query) => execFileSync('psql', ['-h', join(stack.run, 'pg'), '-U', 'mpcloud', '-d', 'postgres', '-At', '-c', query],
  { encoding: 'utf8' }).trim().split('\n').filter(Boolean);
const heard = (collection, id) => sql(`select doc from env_project."${collection}"`).map((l) => JSON.parse(l))
  .filter((d) => (d.message ?? d.event).Tag === id);
const hears = (collection, id) => until(() => heard(collection, id)[0], `${collection} hears of ${id}`);
const calls = (id) => sql(`select function from mpcloud.queue where event like '%"Tag":"${id}"%' order by 1`);
const events = (name) => stack.daemonLog().split('\n').filter((l) => l.includes(`"${name}"`)).map((l) => JSON.parse(l));

/* ---- forging ---- */

const sha1 = (...list) => createHash('sha1').update(list.sort().join('')).digest('hex');

function seal(msg, appid, key = KEY) {
  const k = Buffer.from(`${key}=`, 'base64'), head = Buffer.alloc(20, 'r');

  head.writeUInt32BE(Buffer.byteLength(msg), 16);
  let plain = Buffer.concat([head, Buffer.from(msg), Buffer.from(appid)]);
  const pad = 32 - plain.length % 32;
  plain = Buffer.concat([plain, Buffer.alloc(pad, pad)]);
  const c = createCipheriv('aes-256-cbc', k, k.subarray(0, 16)).setAutoPadding(false);
  return Buffer.concat([c.update(plain), c.final()]).toString('base64');
}

async function forge({ token = TOKEN, key = KEY, appid: sealedFor = appid, msg = '{"MsgType":"text","Tag":"forged","MsgId":"1"}',
  body, path = url(), timestamp = String(Math.floor(Date.now() / 1000)), query } = {}) {
  const encrypt = seal(msg, sealedFor, key), nonce = '123';
  const q = new URLSearchParams(query ?? { signature: sha1(token, timestamp, nonce), timestamp, nonce, openid: 'o1',
    encrypt_type: 'aes', msg_signature: sha1(token, timestamp, nonce, encrypt) });
  const answer = await fetch(`${path}?${q}`, { method: 'POST', body: body ?? JSON.stringify({ ToUserName: 'gh', Encrypt: encrypt }) });

  return { status: answer.status, ...await answer.json().catch(() => ({})) };
}

/* ---- what is right ---- */

test('the address is verified as the console does it', async () => {
  assert.equal((await control('push-check', { url: url(), token: TOKEN, echostr: '<b>5 & 6' })).accepted, true);
  const wrong = await control('push-check', { url: url(), token: 'another' });
  assert.equal(wrong.accepted, false);
  assert.equal(wrong.deliveries[0].attempts[0].status, 403);
  assert.match(wrong.deliveries[0].attempts[0].body, /push_token_file/);
  const q = new URLSearchParams({ timestamp: String(Math.floor(Date.now() / 1000)), nonce: 'n', echostr: '<script>' });
  q.set('signature', sha1(TOKEN, q.get('timestamp'), 'n'));
  const answer = await fetch(`${url()}?${q}`);
  assert.match(answer.headers.get('content-type'), /^text\/plain/);
  assert.equal(await answer.text(), '<script>');
  assert.ok((await until(() => events('wechat.push_checked').length >= 2 && events('wechat.push_checked'), 'it is logged'))[0].appid);
});

test('a message runs the functions that want it, as the user who sent it', async () => {
  const user = await stack.login();
  const [openid] = sql(`select openid from mpcloud.users where uid = '${user.uid ?? user.user?.uid}'`);
  const msg = { FromUserName: openid, MsgType: 'text', Content: '你好 <b>&', MsgId: 23637352235060881, Tag: 'text' };

  for (const format of ['json', 'xml']) {
    const tag = `text-${format}`;
    const result = await push({ ...msg, MsgId: format === 'xml' ? 7 : undefined, Tag: tag, CreateTime: 1700000000 }, { format });
    assert.equal(result.accepted, true, JSON.stringify(result));
    assert.equal(result.deliveries[0].attempts[0].body, 'success');
    const { event, ...who } = await hears('kefu', tag);
    assert.deepEqual([event.Content, event.CreateTime, event.MsgType, typeof event.MsgId], ['你好 <b>&', 1700000000, 'text', 'string']);
    assert.deepEqual([who.openid, who.appid, who.source], [openid, appid, 'wx_trigger']);
    const plain = await hears('all', tag);
    assert.deepEqual([plain.openid, plain.trigger, plain.message.FromUserName], [openid, 'push', openid]);
    assert.deepEqual(calls(tag), ['all', 'kefu']);
  }
});

test('functions are chosen by MsgType and Event', async () => {
  const send = async (tag, msg) => { assert.equal((await push({ ...msg, Tag: tag })).accepted, true); return calls(tag); };

  assert.deepEqual(await send('enter', { MsgType: 'event', Event: 'user_enter_tempsession' }), ['all', 'kefu']);
  assert.deepEqual(await send('image', { MsgType: 'image', PicUrl: 'x' }), ['all']);
  assert.deepEqual(await send('popup', { MsgType: 'event', Event: 'subscribe_msg_popup_event',
    SubscribeMsgPopupEvent: { List: [{ TemplateId: 'a' }, { TemplateId: 'b' }] } }), ['all']);
  const { message } = await hears('all', 'popup');
  assert.deepEqual(message.SubscribeMsgPopupEvent.List.map((l) => l.TemplateId), ['a', 'b']);
});

test("a message of an unknown user runs with the sender's openid", async () => {
  await push({ FromUserName: 'oNobodyWeKnow', MsgType: 'text', Tag: 'stranger' });
  assert.equal((await hears('kefu', 'stranger')).openid, 'oNobodyWeKnow');
});

test('copies of a message, one after the other and all at once, run each function once', async () => {
  for (const [tag, more] of [['after', { repeat: 5 }], ['beside', { repeat: 20, together: true }]]) {
    for (const msg of [{ MsgType: 'text', Content: 'x' }, { MsgType: 'event', Event: 'user_enter_tempsession' }]) {
      const id = `${tag}-${msg.MsgType}`;
      const result = await push({ ...msg, Tag: id }, more);
      assert.equal(result.accepted, true, JSON.stringify(result));
      assert.equal(result.deliveries.length, more.repeat);
      assert.ok(result.deliveries.every((d) => d.attempts.length === 1));
      assert.deepEqual(calls(id), ['all', 'kefu']);
    }
  }
  await until(() => sql("select 1 from mpcloud.queue where state in ('waiting', 'running')").length === 0, 'all have run');
  for (const id of ['after-text', 'after-event', 'beside-text', 'beside-event'])
    assert.equal(heard('kefu', id).length, 1, id);
});

test('two events of one user in one second are two', async () => {
  for (const trace of ['1', '2'])
    await push({ FromUserName: 'oChecked', CreateTime: 1700000001, MsgType: 'event', Event: 'wxa_media_check', trace_id: trace, Tag: 'media' });
  assert.deepEqual(calls('media'), ['all', 'all']);
});

test('WeChat is answered before the function has run', async () => {
  const result = await push({ MsgType: 'event', Event: 'slow_event', Tag: 'slow' }, { tries: 1, timeout: 5000 });

  assert.equal(result.accepted, true);
  assert.notEqual(sql(`select state from mpcloud.queue where function = 'slow'`)[0], 'done');
  await hears('slow', 'slow');
});

test('the result of a media check reaches a function', async () => {
  const user = await stack.login();
  const [openid] = sql(`select openid from mpcloud.users where uid = '${user.uid ?? user.user?.uid}'`);
  const token = (await (await fetch(`${stack.sandbox}/cgi-bin/stable_token`, { method: 'POST', body: JSON.stringify({
    grant_type: 'client_credential', appid, secret: readFileSync(join(stack.home, 'sandbox/secret'), 'utf8') }) })).json()).access_token;

  await control('push-url', { url: url(), mode: 'both', format: 'xml' });
  const { trace_id: trace } = await (await fetch(`${stack.sandbox}/wxa/media_check_async?access_token=${token}`, { method: 'POST',
    body: JSON.stringify({ media_url: 'http://x/sandbox-risky', media_type: 2, version: 2, scene: 1, openid }) })).json();
  const found = await until(() => sql('select doc from env_project."all"').map((l) => JSON.parse(l))
    .find((d) => d.message.trace_id === trace), 'the result comes');
  assert.equal(found.message.result.suggest, 'risky');
});

/* ---- what is wrong ---- */

test('what is forged or set wrongly is refused, and the log names the probable cause', async () => {
  const cases = [
    [{ token: 'guess' }, 403, 'PUSH_SIGNATURE', /push_token_file/],
    [{ key: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG' }, 403, 'PUSH_KEY', /push_key_file/],
    [{ appid: 'wx1' }, 403, 'PUSH_APPID', /another appid/],
    [{ body: '{"MsgType":"text","Tag":"forged"}' }, 403, 'PUSH_MODE', /plain message, but wechat\.push_key_file is set/],
    [{ query: {} }, 401, 'PUSH_SIGNATURE', /proxy/],
    [{ timestamp: '1700000000' }, 403, 'PUSH_STALE', /clock/],
    [{ msg: 'hello' }, 400, 'PUSH_FORMAT', /JSON nor XML/],
    [{ path: url('wxnobody') }, 404, 'INVALID_PATH', /no \[wechat\] section/],
  ];
  const before = events('wechat.push_bad').length;

  for (const [how, status, code, words] of cases) {
    const answer = await forge(how);
    assert.deepEqual([answer.status, answer.code], [status, code], JSON.stringify(how));
    assert.match(answer.message, words);
    assert.ok(!answer.message.includes(KEY) && !answer.message.includes(TOKEN));
  }
  const told = await until(() => { const l = events('wechat.push_bad').slice(before); return l.length === cases.length && l; }, 'all are logged');
  told.forEach((event, i) => assert.match(event.why, cases[i][3]));
  assert.deepEqual(calls('forged'), []);
});

test('a stranger who is refused does not fill the log', async () => {
  const strict = await startStack({ project: join(source, 'tests/e2e/push'), gateways: 1,
    set: { 'limits.ip_rate': 1, 'limits.ip_burst': 5 } });
  const lines = () => strict.daemonLog().split('\n').filter((l) => l.includes('"wechat.push_bad"')).length;

  try {
    for (let i = 0; i < 40; i++) {
      const answer = await fetch(`${strict.url}/v1/wechat/push`, { method: 'POST', body: '{}' });
      assert.equal(answer.status, 401, 'WeChat itself is never told to wait');
    }
    await until(() => lines() >= 5, 'the first ones are logged');
    assert.ok(lines() <= 6, `${lines()} lines of 40`);
  } finally {
    await strict.stop();
  }
});

test('what a stranger puts beside the seal does not count', async () => {
  const timestamp = String(Math.floor(Date.now() / 1000)), encrypt = seal('{"MsgType":"image","Tag":"inside","MsgId":"2"}', appid);
  const answer = await forge({ timestamp, query: { signature: sha1(TOKEN, timestamp, '123'), timestamp, nonce: '123',
    msg_signature: sha1(TOKEN, timestamp, '123', encrypt) },
  body: JSON.stringify({ MsgType: 'text', Tag: 'outside', FromUserName: 'oVictim', MsgId: '3', Encrypt: encrypt }) });

  assert.equal(answer.status, 200);
  assert.deepEqual([calls('inside'), calls('outside')], [['all'], []]);
});

test('no openid, token or key of a message is in the log', async () => {
  await push({ FromUserName: 'oSecretSender', MsgType: 'text', Content: 'secret words', Tag: 'log' });
  await until(() => events('wechat.push').length > 0, 'it is logged');
  for (const word of ['oSecretSender', 'secret words', TOKEN, KEY])
    assert.ok(!stack.daemonLog().includes(word), word);
});

/* ---- several apps ---- */

test("a second app has its own address, token and mode, and may have its own functions", async () => {
  const app = await control('apps', { appid: OTHER });

  appendFileSync(stack.config, `\n[wechat ${OTHER}]\nsecret_file = ${app.secretFile}\npush_token_file = ${secret('other', 'other-token')}\n`);
  const reload = stack.cli('reload');
  assert.equal(reload.status, 0, reload.stderr);
  const send = (tag, more) => control('push', { url: url(OTHER), appid: OTHER, token: 'other-token', mode: 'plain',
    msg: { MsgType: 'text', Tag: tag }, ...more });
  await until(async () => (await send('second', { tries: 1 })).accepted, 'both gateways have taken it up');
  assert.deepEqual(calls('second'), ['all', 'kefu', 'other']);
  assert.equal((await hears('kefu', 'second')).appid, OTHER);
  const sealed = await send('never', { mode: 'safe', aesKey: KEY, tries: 1 });
  assert.equal(sealed.deliveries[0].attempts[0].status, 403);
  assert.match(sealed.deliveries[0].attempts[0].body, /push_key_file is not set/);
  const first = await send('never', { url: url(), tries: 1 });
  assert.equal(first.deliveries[0].attempts[0].status, 403);
  assert.deepEqual(calls('never'), []);
});

test('a key that is none is refused with its reason, and nothing changes', async () => {
  const before = readFileSync(stack.config, 'utf8');

  writeFileSync(stack.config, before.replace(/^push_key_file = .*$/m, `push_key_file = ${secret('short', 'tooshort')}`));
  const reload = stack.cli('reload');
  assert.notEqual(reload.status, 0);
  assert.match(reload.stderr + reload.stdout, /push_key_file.*43 letters/);
  writeFileSync(stack.config, before);
  assert.equal((await push({ MsgType: 'image', Tag: 'still' })).accepted, true);
});
