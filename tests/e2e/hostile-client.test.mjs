// Clients that send what should not be sent, and a project that is a trap.  The
// gateway answers in its time and in its memory, and lives.

import test, { describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync,
  writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { assertNobodyDied, build, join, memory, sanitized, source, startStack, until } from '../lib/stack.mjs';

const project = join(source, 'tests/e2e/hostile');
const MIB = 1 << 20;

describe('a client', () => {
  let stack, token, pid;
  before(async () => {
    stack = await startStack({ project, gateways: 1, set: { 'limits.memory': '64m', 'log.level': 'debug' } });
    pid = stack.status().gateways[0].pid;
    token = stack.token('oHostileClient0123456789a');
  });
  after(() => stack?.stop());

  const post = async (path, body, headers = {}) => {
    const answer = await fetch(stack.url + path, { method: 'POST', headers,
      body: typeof body === 'string' ? body : JSON.stringify(body) });
    return { status: answer.status, text: await answer.text() };
  };
  // Seconds of a processor that the gateway has had: those of the clock are not its own.
  const worked = () => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13);
    return (Number(user) + Number(system)) / 100;
  };
  const bearer = () => ({ authorization: `Bearer ${token}` });
  const web = (body) => post('/web', body, bearer());
  const deep = (n, open = '[', close = ']') => open.repeat(n) + close.repeat(n);
  const many = (n, of) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`f${i}`, of]));

  // [what, body] of POST /web; each is refused or answered, in its time.
  const find = (more) => ({ action: 'database.getDocument', collectionName: 'notes', query: '{}', ...more });
  const change = (data, more) => ({ action: 'database.modifyDocument', collectionName: 'notes', query: '{}',
    merge: true, multi: true, data: typeof data === 'string' ? data : JSON.stringify(data), ...more });
  const add = (data) => ({ action: 'database.insertDocument', collectionName: 'notes', data });
  const oversized = [
    ['a body nested 100,000 deep', `{"a":${deep(100000)}}`],
    ['objects nested 5000 deep', `{"action":"x","a":${deep(5000, '{"a":', '}').replace('}', '1}')}}`],
    ['a query nested 600 deep', find({ query: deep(600) })],
    ['a document nested 300 deep', add([`{"a":${deep(300)}}`])],
    ['a collection name of a megabyte', find({ collectionName: 'n'.repeat(MIB) })],
    ['a collection name that is SQL', find({ collectionName: '"; DROP SCHEMA mpcloud CASCADE; --' })],
    ['10,000 conditions', find({ query: JSON.stringify(many(10000, 1)) })],
    ['10,000 orders', find({ order: Array.from({ length: 10000 }, (_, i) => ({ field: `f${i}`, direction: 'asc' })) })],
    ['10,000 fields in a projection', find({ projection: JSON.stringify(many(10000, 1)) })],
    ['an order of a megabyte', find({ order: [{ field: 'f'.repeat(MIB), direction: 'asc' }] })],
    ['a path of 100,000 steps', find({ query: JSON.stringify({ ['a.'.repeat(100000) + 'a']: 1 }) })],
    ['an $in of 100,000', find({ query: JSON.stringify({ a: { $in: Array.from({ length: 100000 }, (_, i) => i) } }) })],
    ['10,000 changes', change({ $set: many(10000, 1) })],
    ['a million elements pushed', change({ $push: { a: { $each: Array(1000000).fill(1) } } })],
    ['a $slice beyond all numbers', change('{"$push":{"a":{"$each":[1],"$slice":99999999999999999999}}}')],
    ['a number beyond all numbers', add(['{"a":1e400}'])],
    ['an integer beyond 64 bits', add(['{"a":123456789012345678901234567890}'])],
    ['a NUL', add(['{"a":"\\u0000"}'])],
    ['a NUL in a name', add(['{"a\\u0000b":1}'])],
    ['half a character', add(['{"a":"\\ud800"}'])],
    ['a name twice', add(['{"a":1,"a":2}'])],
    ['1001 documents', add(Array(1001).fill('{"a":1}'))],
    ['a limit and an offset beyond all', find({ limit: 1e300, offset: -1 })],
    ['an offset past the end', find({ offset: 2147483647 })],
    ['a function name of a megabyte', { action: 'functions.invokeFunction', function_name: 'f'.repeat(MIB) }],
    ['a function event that is not JSON', { action: 'functions.invokeFunction', function_name: 'script', request_data: '{' }],
    ['an action of a megabyte', { action: 'a'.repeat(MIB) }],
    ['an access token of a megabyte', { action: 'a', access_token: 'a'.repeat(MIB) }],
    ['a token that is an object', { action: 'a', access_token: { a: 1 } }],
    ['an order in the name of a function', { action: 'pay.createOrder', data: { total: 1 } }],
    ['a collection of his own', { action: 'database.addCollection', collectionName: 'mine' }],
    ['another\'s openid', add(['{"_openid":"oSomebodyElse"}'])],
    ['a format', find({ collectionName: '%s%n%s%n%1000000000d' })],
  ];

  for (const [what, body] of oversized)
    test(`${what}: answered, and at once`, async () => {
      const before = worked();
      const { status, text } = await web(body);
      assert.ok([200, 400, 413].includes(status), `${status} ${text.slice(0, 300)}`);
      JSON.parse(text);
      if (!sanitized) assert.ok(worked() - before < 1, `${worked() - before} s`);
      assert.doesNotMatch(text, /env_project|mpcloud\.|pg_|line \d+ of/); // nothing of the inside
      assertNobodyDied(stack);
    });

  // [what, request head]: past the library, byte by byte.
  const heads = [
    ['200 headers', `GET /v1/session HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 200 }, (_, i) => `X-${i}: ${i}\r\n`).join('')}\r\n`],
    ['a header of 100 KiB', `GET /v1/session HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100000)}\r\n\r\n`],
    ['a query of 100 KiB', `GET /v1/session?${'a=b&'.repeat(25000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
    ['a path of 100 KiB', `POST /v1/functions/${'f'.repeat(100000)} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}`],
    ['a function name of 7 KiB', `POST /v1/functions/${'f'.repeat(7000)} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}`],
    ['a length beyond all numbers', 'POST /web HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n'],
    ['a length of 16 EiB', 'POST /web HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775807\r\n\r\n'],
    ['a chunk beyond all numbers', 'POST /web HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n'],
    ['line ends in a name', 'GET /v1/functions/a%0d%0ab%00 HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['noise', `\x16\x03\x01\x02\x00${'\xff'.repeat(2000)}\r\n\r\n`],
  ];

  const raw = (bytes) => new Promise((done) => {
    const socket = connect(Number(new URL(stack.url).port), '127.0.0.1');
    let text = '';
    socket.setTimeout(5000, () => socket.destroy());
    socket.on('data', (d) => { text += d; if (/\r\n\r\n/.test(text)) socket.destroy(); });
    socket.on('error', () => {});
    socket.on('close', () => done(text));
    socket.write(bytes, 'latin1');
  });

  for (const [what, head] of heads)
    test(`${what}: refused`, async () => {
      assert.match(await raw(head), /^(HTTP\/1\.1 4\d\d |$)/);
      assertNobodyDied(stack);
    });

  test('a body of two million empty objects costs nobody his turn', async () => {
    const body = `{"a":[${Array(2000000).fill('{}').join()}]}`;
    const before = memory(stack, 'VmHWM');
    const slow = post('/web', body);
    assert.match((await slow).text, /CHECK_LOGIN_FAILED/);
    const { status, text } = await web(body);
    assert.equal(status, 413, text);
    assert.match(text, /too many values/);
    const spread = add(Array.from({ length: 100 }, () => `{"a":[${Array(4000).fill('{}').join()}]}`));
    assert.match((await web(spread)).text, /too many values/);
    if (!sanitized) assert.ok(memory(stack, 'VmHWM') < before + 100, `${before} → ${memory(stack, 'VmHWM')}`);
    assertNobodyDied(stack);
  });

  test('an answer that just fills the ceiling of its memory is refused like a larger one', async () => {
    const room = 6 * MIB + 4 * 6 * MIB + 8 * MIB; // gatewayd_setup.c's arena_top
    const piece = 6200000, count = 6, small = 300;
    const put = async (id, size) => {
      const { text } = await web(add([JSON.stringify({ _id: id, p: 'x'.repeat(size) })]));
      assert.match(text, /insertedIds/);
    };
    for (let i = 0; i < count; i++) await put(`a${i}`, piece);
    await put('b', room - count * (piece + 64) - small * 48);
    await web(add(Array.from({ length: 2 * small }, (_, i) => JSON.stringify({ _id: `c${1000 + i}`, p: 'x'.repeat(20) }))));
    const { text } = await web({ action: 'database.getDocument', collectionName: 'notes', query: '{}', limit: 1000 });
    assert.match(text, /EXCEED_MAX_RESPONSE_SIZE|EXCEED_CONCURRENT/);
    assertNobodyDied(stack);
    assert.match((await web(change('{"p":1}', { action: 'database.removeDocument' }))).text, /deleted/);
  });

  test('many large bodies at once are refused before memory is short, small ones are served', async (t) => {
    const sockets = [];
    t.after(() => sockets.forEach((s) => s.destroy()));
    const size = 6 * MIB;
    const refused = [];
    for (let i = 0; i < 20; i++) {
      const socket = connect(Number(new URL(stack.url).port), '127.0.0.1');
      sockets.push(socket);
      socket.on('error', () => {});
      socket.on('data', (d) => refused.push(d.toString().slice(0, 12)));
      socket.write(`POST /web HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`);
      socket.write(Buffer.alloc(size - 1, 32)); // all but the last byte
    }
    await until(() => refused.length >= 5, 'some are refused');
    assert.deepEqual([...new Set(refused)], ['HTTP/1.1 503']);
    assert.equal((await fetch(`${stack.url}/v1/session`, { headers: bearer() })).status, 200);
    sockets.forEach((s) => s.destroy());
    await until(async () => /insertedIds/.test((await web(add([JSON.stringify({ p: 'x'.repeat(5 * MIB) })]))).text),
      'there is room again');
    // Nobody was waited for until his time was over.
    assert.doesNotMatch(stack.daemonLog(), /"status":408/);
    assertNobodyDied(stack);
  });

  test('is known by his connection, whatever he says of himself', async () => {
    const says = { 'x-forwarded-for': '203.0.113.9', 'x-real-ip': '203.0.113.9', forwarded: 'for=203.0.113.9',
      'x-tcb-source': 'scf', 'x-wx-openid': 'oSomebodyElse' };
    const answer = await post('/v1/functions/script', { how: 'identity' }, { ...bearer(), ...says });
    assert.deepEqual(JSON.parse(answer.text), ['oHostileClient0123456789a', '127.0.0.1', 'wx_client']);
    await until(() => stack.daemonLog().includes('"function":"script"'), 'it is logged');
    assert.doesNotMatch(stack.daemonLog(), /203\.0\.113\.9/);
  });

  test('cannot be the operator or a function', async () => {
    for (const path of ['/ops/token', '/ops/status', '/ops/collections'])
      assert.equal((await post(path, {}, bearer())).status, 404, path);
    const body = { action: 'database.getDocument', collectionName: 'items', query: '{}' };
    assert.match((await post('/admin', body, bearer())).text, /ACTION_FORBIDDEN/);
    assert.match((await web({ ...body, sessionToken: '0'.repeat(48) })).text, /DATABASE_PERMISSION_DENIED/);
  });

  test('finds no secret in any log', async () => {
    const user = await stack.login();
    const fresh = JSON.parse((await post('/v1/token/refresh', { refreshToken: user.refreshToken })).text);
    await post('/v1/token/refresh', { refreshToken: user.refreshToken }); // used before
    await post('/v1/login', { code: 'not-a-code' });
    await fetch(`${stack.url}/v1/session`, { headers: { authorization: `Bearer ${fresh.accessToken}` } });
    await post('/web', { action: 'x', access_token: fresh.accessToken });
    await stack.cli('fn', 'list');
    const secrets = [token, user.accessToken, user.refreshToken, fresh.accessToken, fresh.refreshToken];
    for (const [, path] of readFileSync(stack.config, 'utf8').matchAll(/^(?:secret_file|\w*key_file|tls_key) = (.*)$/mg))
      secrets.push(...readFileSync(path, 'utf8').split(/[\s]+/).filter((word) => word.length >= 16));
    assert.ok(secrets.length >= 8 && secrets.every(Boolean), `${secrets.length}`);
    const files = ['mpcloudd.log', 'pg.log'].map((f) => join(stack.home, f)).filter(existsSync);
    for (const file of files) {
      const text = readFileSync(file, 'utf8');
      for (const secret of secrets) assert.ok(!text.includes(secret), `${file}: ${secret.slice(0, 8)}…`);
      assert.doesNotMatch(text, /session_key|[A-Za-z0-9+/]{22}==/, file);
    }
  });

  test('has killed nobody in all this', () => assertNobodyDied(stack));
});

describe('a function\'s folder', () => {
  let stack;
  before(async () => { stack = await startStack({ project, gateways: 1 }); });
  after(() => stack?.stop());

  // [what, how it is made in the folder, what the author is told]
  const traps = [
    ['a link to the machine\'s files', (d) => symlinkSync('/etc', join(d, 'etc')), /leads out of the folder/],
    ['a link that climbs out', (d) => symlinkSync('../../../x', join(d, 'up')), /leads out of the folder/],
    ['a link that climbs out through another', (d) => {
      mkdirSync(join(d, 'a/b'), { recursive: true });
      symlinkSync('../..', join(d, 'a/b/root'));
      symlinkSync('a/b/root/../../..', join(d, 'out'));
    }, /leads out of the folder/],
    ['a pipe', (d) => spawnSync('mkfifo', [join(d, 'pipe')]), /neither a file nor a folder nor a link/],
    ['a file of two gigabytes', (d) => spawnSync('truncate', ['-s', '2G', join(d, 'big')]), /too many files or bytes/],
    ['folders without end', (d) => mkdirSync(join(d, 'n/'.repeat(1500)), { recursive: true }), null],
    ['a name on two lines', (d) => writeFileSync(join(d, 'a\nb\u001b[31m'), ''), null],
  ];

  for (const [what, make, told] of traps)
    test(`with ${what} is ${told ? 'refused' : 'taken'}, the version before goes on`, (t) => {
      const dir = mkdtempSync(join(tmpdir(), 'mpc-trap-'));
      t.after(() => rmSync(dir, { recursive: true }));
      const folder = join(dir, 'cloudfunctions/script');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'index.js'), 'exports.main = () => 1;');
      make(folder);
      const r = stack.cli('deploy', dir, 'script');
      assert.equal(r.status === 0, !told, r.stderr);
      if (told) assert.match(r.stderr, told);
      assert.equal(stack.status().functions.find((f) => f.name === 'script').state, 'ready');
      assertNobodyDied(stack);
    });
});

describe('a project', () => {
  const folder = (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'mpc-evil-'));
    t.after(() => rmSync(dir, { recursive: true }));
    mkdirSync(join(dir, 'cloudfunctions'));
    chmodSync(dir, 0o755); // else its state lives elsewhere
    return dir;
  };

  test('whose .mpcloud leads elsewhere is not started', (t) => {
    const dir = folder(t);
    const target = join(dir, 'target');
    mkdirSync(target);
    symlinkSync(target, join(dir, '.mpcloud'));
    const r = spawnSync(join(build, 'mpcloud'), ['dev', dir, '--port', '0', '--json'],
      { encoding: 'utf8', env: { ...process.env, MPCLOUD_DATA: source }, timeout: 30000 });
    assert.notEqual(r.status, 0);
    assert.match(r.stderr, /\.mpcloud: Not a directory/);
    assert.deepEqual(readdirSync(target), []);
  });
});
