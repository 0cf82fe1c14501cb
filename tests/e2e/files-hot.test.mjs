// Files that are read often, which gateways keep: whatever one gateway has
// acknowledged, the other answers from then on, however long what is kept would
// be good (an hour here); another machine after storage.cache_age.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { assertNobodyDied, join, startStack, until } from '../lib/stack.mjs';

const ROUNDS = Number(process.env.HOT_ROUNDS ?? 1000);
const CHECKS = Number(process.env.HOT_CHECKS ?? 60);
const anybody = { permission: 'READONLY' };
let dir, stack, anna, ben, clockFile, metrics, gateways = [];

function ask(agent, method, path, { body, token = anna, url = stack.url, headers = {} } = {}) {
  return new Promise((done, fail) => {
    const r = http.request(`${url}${path}`, { method, agent, headers: { ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }), ...headers } }, (answer) => {
      const parts = [];
      answer.on('data', (d) => parts.push(d));
      answer.on('end', () => done({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(parts).toString() }));
      answer.on('error', fail);
    });
    r.on('error', fail);
    r.end(body);
  });
}

// Connections to two gateways: the begin of a request's id is its gateway's.
async function connectBoth() {
  const found = new Map();
  await until(async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const id = (await ask(agent, 'GET', '/v1/files/none')).headers['x-request-id'].slice(0, 24);
    if (found.has(id)) agent.destroy();
    else found.set(id, agent);
    return found.size === 2;
  }, 'connections to both gateways');
  return [...found.values()];
}

const setClock = (ms) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(ms) * 1000000n);
  writeFileSync(clockFile, bytes, { flag: 'r+' });
};
const put = async (agent, path, body, query = '') => {
  const r = await ask(agent, 'PUT', `/v1/files/${path}${query}`, { body });
  assert.ok(r.status === 200 || r.status === 201, r.text);
};
const get = (agent, path, options) => ask(agent, 'GET', `/v1/files/${path}`, options);
const text = async (agent, path, options) => {
  const r = await get(agent, path, options);
  return r.status === 200 ? r.text : r.status;
};
const hits = async () => {
  const page = await (await fetch(`http://${metrics}/metrics`)).text();
  return [...page.matchAll(/^mpcloud_files_hot_total\{.*\} (\d+)$/gm)].reduce((n, m) => n + Number(m[1]), 0);
};
const deploy = (rules) => {
  writeFileSync(join(stack.project, 'storage/rules.json'), JSON.stringify(rules));
  const r = stack.cli('deploy', stack.project);
  assert.equal(r.status, 0, r.stderr);
};

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'mpc-hot-'));
  chmodSync(dir, 0o755); // gateways are another user's
  mkdirSync(join(dir, 'cloudfunctions/judge'), { recursive: true });
  writeFileSync(join(dir, 'cloudfunctions/judge/index.js'),
    "exports.main = async (file) => ({ pass: file.contentType === 'text/plain', reason: 'it is ugly' });\n");
  mkdirSync(join(dir, 'storage'));
  writeFileSync(join(dir, 'cloudbaserc.json'), JSON.stringify({ envId: 'hot-env',
    functions: [{ name: 'judge', handler: 'index.main', runtime: 'Nodejs18.15', timeout: 20 }] }));
  clockFile = join(dir, 'clock');
  writeFileSync(clockFile, Buffer.alloc(8));
  stack = await startStack({ project: dir, gateways: 2, env: { MPCLOUD_CLOCK_FILE: clockFile },
    set: { 'storage.cache_age': '1h', 'storage.reserve': 0, 'storage.check_function': 'judge', 'storage.check_prefix': 'checked/',
      'functions.queue_poll': '200ms', 'metrics.listen': '127.0.0.1:0' } });
  metrics = stack.status().listeners.find((l) => l.kind === 'metrics').address;
  [anna, ben] = ['o-anna', 'o-ben'].map((o) => stack.token(o));
  gateways = await connectBoth();
});
after(async () => {
  for (const agent of gateways) agent.destroy();
  await stack?.stop();
  if (dir) rmSync(dir, { recursive: true });
});

test('what is read again is answered without the database, with the same head', async () => {
  for (const [path, size] of [['small.txt', 5000], ['large.txt', 200000]]) {
    const body = 'x'.repeat(size);
    await put(gateways[0], path, body);
    const first = await get(gateways[1], path), before = await hits();
    for (let i = 0; i < 50; i++) {
      const again = await get(gateways[1], path);
      assert.equal(again.text, body);
      const { date: d1, 'x-request-id': r1, ...was } = first.headers, { date: d2, 'x-request-id': r2, ...is } = again.headers;
      assert.deepEqual(is, was);
    }
    assert.equal(await hits() - before, 50);
    const etag = first.headers.etag;
    assert.equal((await get(gateways[1], path, { headers: { 'if-none-match': etag } })).status, 304);
    const part = await get(gateways[1], path, { headers: { range: 'bytes=10-19' } });
    assert.deepEqual([part.status, part.text, part.headers['content-range']], [206, 'x'.repeat(10), `bytes 10-19/${size}`]);
    const parts = await get(gateways[1], path, { headers: { range: 'bytes=0-1,5-6' } });
    assert.deepEqual([parts.status, parts.text.split('\r\n').filter((l) => l === 'xx').length], [206, 2]);
    const head = await ask(gateways[1], 'HEAD', `/v1/files/${path}`);
    assert.deepEqual([head.status, head.headers['content-length'], head.text], [200, String(size), '']);
    assert.equal(await hits() - before, 54);
  }
});

test(`${ROUNDS} times what one gateway has acknowledged the other answers at once`, { timeout: 300000 }, async () => {
  const path = 'round.txt', before = await hits();
  for (let i = 0; i < ROUNDS; i++) {
    const [writer, reader] = i % 2 ? gateways : [...gateways].reverse();
    if (i % 10 === 9) {
      assert.equal((await ask(writer, 'DELETE', `/v1/files/${path}`)).status, 204);
      assert.equal((await get(reader, path)).status, 403); // who may not know
      continue;
    }
    await put(writer, path, `round ${i}`);
    assert.equal(await text(reader, path), `round ${i}`);
    assert.equal(await text(reader, path), `round ${i}`);
    assert.equal(await text(writer, path), `round ${i}`);
  }
  assert.ok(await hits() - before >= ROUNDS * 0.9, 'the second reading is of what is kept');
});

test('readers under way never see less than what was acknowledged when they asked', { timeout: 300000 }, async () => {
  let told = 0, over = false, reads = 0;
  await put(gateways[0], 'number.txt', '0');
  const reader = async (agent) => {
    while (!over) {
      const least = told, r = await get(agent, 'number.txt');
      assert.equal(r.status, 200);
      assert.ok(Number(r.text) >= least, `${r.text} was read after ${least} was acknowledged`);
      reads++;
    }
  };
  const more = Array.from({ length: 4 }, () => new http.Agent({ keepAlive: true, maxSockets: 1 }));
  const running = Promise.all([...gateways, ...more].map(reader));
  const writers = Array.from({ length: 2 }, () => new http.Agent({ keepAlive: true, maxSockets: 1 }));
  try {
    for (let i = 1; i <= 300; i++) {
      await put(writers[i % 2], 'number.txt', String(i));
      told = i;
    }
  } finally {
    over = true;
  }
  await running;
  for (const agent of [...more, ...writers]) agent.destroy();
  assert.ok(reads > 300);
});

test('copies, moves and a file\'s own end count at once', async () => {
  const [a, b] = gateways;
  await put(a, 'from.txt', 'one');
  await put(a, 'to.txt', 'two');
  for (let i = 0; i < 2; i++) assert.deepEqual([await text(b, 'from.txt'), await text(b, 'to.txt')], ['one', 'two']);
  assert.equal(stack.cli('files', 'cp', '--force', 'from.txt', 'to.txt').status, 0);
  for (const agent of gateways) assert.equal(await text(agent, 'to.txt'), 'one');
  await put(a, 'ends.txt', 'soon gone', '?expire=60');
  for (let i = 0; i < 2; i++) for (const agent of gateways) assert.equal(await text(agent, 'ends.txt'), 'soon gone');
  setClock(61000);
  for (const agent of gateways) assert.equal((await get(agent, 'ends.txt')).status, 404);
});

test('other rules hold for what is kept, from the answer on', async () => {
  await put(gateways[0], 'ruled.txt', 'x');
  for (let i = 0; i < 2; i++) for (const agent of gateways) {
    assert.equal(await text(agent, 'ruled.txt'), 'x');
    assert.equal(await text(agent, 'ruled.txt', { token: ben }), 403);
    assert.equal(await text(agent, 'ruled.txt', { token: '' }), 403);
  }
  for (let i = 0; i < 3; i++) {
    deploy(anybody);
    for (const agent of gateways) assert.equal(await text(agent, 'ruled.txt', { token: ben }), 'x');
    deploy({ read: "resource.openid == auth.openid && now < 1", write: 'resource.openid == auth.openid' });
    for (const agent of gateways) assert.equal(await text(agent, 'ruled.txt'), 403);
    const link = new URL(stack.cli('files', 'link', 'ruled.txt').stdout.trim());
    for (const agent of gateways) assert.equal((await ask(agent, 'GET', link.pathname + link.search, { token: '' })).text, 'x');
    deploy({ permission: 'PRIVATE' });
    for (const agent of gateways) assert.equal(await text(agent, 'ruled.txt'), 'x');
  }
  assertNobodyDied(stack);
});

test('a verdict of the content check holds at every gateway at once, and nobody else reads before it', { timeout: 300000 }, async () => {
  deploy(anybody);
  for (let i = 0; i < CHECKS; i++) {
    const path = `checked/${i % 5}.txt`, refused = i % 3 === 2, body = `upload ${i}`;
    const writer = gateways[i % 2], look = (agent) => text(agent, path, { token: refused ? anna : ben });
    const r = await ask(writer, 'PUT', `/v1/files/${path}`, { body, headers: { 'content-type': refused ? 'text/ugly' : 'text/plain' } });
    assert.ok(r.status === 200 || r.status === 201, r.text);
    // until the verdict its uploader reads it, and nobody else
    const waiting = refused ? body : 403, settled = refused ? 403 : body;
    await until(async () => {
      for (const agent of gateways) {
        if (refused) assert.notEqual(await text(agent, path, { token: ben }), body);
        const seen = await look(agent);
        if (seen === settled) return true;
        assert.equal(seen, waiting);
      }
      return false;
    }, `the verdict on ${body}`);
    for (let n = 0; n < 2; n++) for (const agent of gateways) {
      assert.equal(await look(agent), settled, `${body} after its verdict was seen`);
      if (refused) assert.match((await get(agent, path)).text, /it is ugly/);
    }
  }
});

test('another machine sees a change after storage.cache_age at the latest', async () => {
  const conf = readFileSync(stack.config, 'utf8');
  const section = (name) => new RegExp(`^\\[${name}\\]$([^[]*)`, 'm').exec(conf)[1];
  const of = (name, key) => new RegExp(`^${key} = (.*)$`, 'm').exec(section(name))[1];
  const two = await startStack({ project: dir, gateways: 1, env: { MPCLOUD_CLOCK_FILE: clockFile },
    set: { 'database.url': of('database', 'url'), 'storage.dir': join(stack.home, 'state/files'), 'storage.reserve': 0,
      'token.key_file': of('token', 'key_file'), 'token.master_key_file': of('token', 'master_key_file') } });
  const there = new http.Agent({ keepAlive: true, maxSockets: 1 });
  try {
    await put(gateways[0], 'far.txt', 'first');
    assert.equal(await text(there, 'far.txt', { url: two.url }), 'first');
    await put(gateways[0], 'far.txt', 'second');
    assert.match(await text(there, 'far.txt', { url: two.url }), /^(first|second)$/);
    setClock(61000 + 1000); // a second, and it is preset
    assert.equal(await text(there, 'far.txt', { url: two.url }), 'second');
  } finally {
    there.destroy();
    await two.stop();
  }
});
