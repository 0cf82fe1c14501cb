// Functions and clients that mean harm, against the whole stack: the functions
// of tests/e2e/hostile try to get out of their confinement, speak in others'
// names and take more than is theirs; clients send what should not be sent.
// Afterwards every process is the one that was there before.

import test, { describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { request } from 'node:http';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { build, callFunction, join, ordinaryUser, sanitized, source, startStack, until } from '../lib/stack.mjs';

const project = join(source, 'tests/e2e/hostile');
const MIB = 1 << 20;

// "VmRSS" or "VmHWM" of the gateway, in MiB; a sanitizer's is another matter.
function memory(stack, what) {
  const text = readFileSync(`/proc/${stack.status().gateways[0].pid}/status`, 'utf8');
  return Number(new RegExp(`${what}:\\s+(\\d+)`).exec(text)[1]) >> 10;
}

// Nobody died: gateways and function hosts are those of the beginning.
function assertNobodyDied(stack) {
  const { gateways, functions } = stack.status();
  for (const one of [...gateways, ...functions])
    assert.deepEqual([one.state, one.restarts], ['ready', 0], `${one.name ?? 'gateway'}: ${one.error}`);
}

function confinement(name, options) {
  describe(`a function ${name}`, { skip: options.skip }, () => {
    let stack, token, other;
    before(async () => {
      stack = await startStack({ project, gateways: 1, owner: options.owner() });
      token = stack.token('oIntruderUser0123456789ab');
      other = stack.token('oBystanderUser0123456789a');
    });
    after(() => stack?.stop());

    const native = async (event) => (await callFunction(stack, 'intruder', event, token)).body;
    const script = async (event) => (await callFunction(stack, 'script', event, token)).body;
    const lines = async (event) => (await native(event)).split('\n');
    const bystander = () => callFunction(stack, 'bystander', { how: 'slow' }, other);
    const run = (file) => join(stack.run, 'run', file);
    // A token says its invocation's number; numbers follow one another.
    const lastInvocation = async () => parseInt((await script({ how: 'token' })).slice(8, 16), 16);

    test('holds its own socket, its output and nothing else of ours', async () => {
      assert.deepEqual((await lines({ how: 'fds' })).slice(0, 4), ['0 /dev/null', '1 pipe:', '2 pipe:', '3 socket:']);
      for (const fds of [await lines({ how: 'fds' }), await script({ how: 'fds' })]) {
        const strange = fds.filter((l) => !/^\d+ (\/dev\/null|pipe:|anon_inode:|\/proc\/\d+\/fd)$/.test(l));
        assert.deepEqual(strange, ['3 socket:'], fds.join('; '));
      }
    });

    test('inherits nothing of our environment', async () => {
      const known = new Set(['PATH', 'HOME', 'TZ', 'WX_APPID', 'TCB_ENV', 'SCF_NAMESPACE',
        'TENCENTCLOUD_RUNENV', 'TENCENTCLOUD_REGION', 'TENCENTCLOUD_SECRETID', 'TENCENTCLOUD_SECRETKEY',
        'TCB_CONTEXT_CNFG', '_SCF_TCB_LOG']);
      const names = (await lines({ how: 'env' })).map((l) => l.split('=')[0]);
      assert.deepEqual(names.filter((n) => !known.has(n)), []);
      const more = /^(WX_|TCB_|TENCENTCLOUD_SESSIONTOKEN$)/;
      assert.deepEqual((await script({ how: 'env' })).filter((n) => !known.has(n) && !more.test(n)), []);
    });

    test('has no capabilities, no groups and no way to new privileges', async () => {
      const [uid, gid, ...rest] = (await native({ how: 'who' })).split(' ');
      assert.deepEqual(rest, ['0', '0', '1', '0', '0']);
      assert.notEqual(uid, '0');
      assert.notEqual(gid, '0');
      assert.match(await native({ how: 'run', command: `su -c id </dev/null 2>/dev/null; id -u` }), new RegExp(`^${uid}\\n$`));
    });

    test('does not see the files of others', async () => {
      const state = join(stack.home, 'state');
      const hidden = ['/etc/shadow', '/root', '/home', '/var', '/run', '/sys', stack.config,
        join(stack.home, 'keys'), join(stack.home, 'mpcloudd.log'), join(state, 'logs'),
        join(state, 'functions/bystander'), join(state, 'functions/intruder/active.json'), run('admin.sock')];
      for (const path of hidden) {
        assert.equal(await native({ how: 'read', path }), 'ENOENT', path);
        assert.equal(await script({ how: 'list', path }), 'ENOENT', path);
      }
      assert.equal(await native({ how: 'list', path: join(state, 'functions') }), 'intruder');
      for (const what of ['write-usr', 'write-root'])
        assert.equal(await native({ how: 'attempt', what }), 'EROFS', what);
      assert.equal(await native({ how: 'list', path: '/usr/local/etc' }), '');
    });

    test('reaches no socket but those made for functions', async () => {
      const closed = [run('admin.sock'), run('ops.sock'), join(stack.run, 'pg/.s.PGSQL.5432')];
      for (const path of closed) {
        assert.ok(existsSync(path), path);
        assert.equal(await native({ how: 'connect', path }), 'ENOENT', path);
        assert.equal(await script({ how: 'connect', path }), 'ENOENT', path);
      }
      assert.equal(await native({ how: 'connect', path: run('cloud/cloud-0.sock') }), 'done');
    });

    test('reaches no abstract socket of the machine', async (t) => {
      const name = `mpcloud-hostile-${process.pid}`;
      const server = createServer((s) => s.destroy()).listen(`\0${name}`);
      t.after(() => server.close());
      await new Promise((done, fail) => server.on('listening', done).on('error', fail));
      await new Promise((done, fail) => connect(`\0${name}`).on('connect', done).on('error', fail)); // we do
      assert.equal(await native({ how: 'connect', path: `@${name}` }), 'ECONNREFUSED');
    });

    test('has no network and no other families of sockets', async () => {
      const port = Number(new URL(stack.url).port);
      assert.equal(await script({ how: 'connect', host: '127.0.0.1', port }), 'EPERM');
      const families = [[2, 1], [2, 2], [2, 3], [10, 1], [10, 3], [16, 3], [17, 3], [38, 5], [40, 1], [29, 3], [44, 3]];
      for (const [family, type] of families)
        assert.equal(await native({ how: 'socket', family, type }), 'EPERM', `family ${family}`);
    });

    test('is refused every way into the kernel and into other namespaces', async () => {
      const refused = {
        EPERM: ['unshare-user', 'unshare-mount', 'setns', 'chroot', 'pivot_root', 'mount', 'mount-proc', 'umount',
          'open_tree', 'fsopen', 'fspick', 'name_to_handle_at', 'open_by_handle_at', 'bpf', 'perf', 'userfaultfd',
          'keyctl', 'add_key', 'swapon', 'reboot', 'syslog', 'acct', 'quotactl', 'sethostname', 'clone-user',
          'tiocsti', 'mknod'],
        ENOSYS: ['io_uring', 'clone3-user', 'shmget', 'msgget', 'semget', 'memfd', 'memfd_secret'],
      };
      for (const [error, whats] of Object.entries(refused))
        for (const what of whats)
          assert.equal(await native({ how: 'attempt', what, pid: 1 }), error, what);
      for (const what of ['setuid', 'setgid'])
        assert.match(await native({ how: 'attempt', what }), /^E(PERM|INVAL)$/, what);
      assert.equal(await native({ how: 'attempt', what: 'nice' }), 'EACCES');
      assert.equal(await native({ how: 'old' }), 'killed');
    });

    test('cannot look into processes, nor end any but its own', async () => {
      const others = (await lines({ how: 'list', path: '/proc' })).filter((n) => /^\d+$/.test(n));
      assert.equal(others.length, 1, others.join());
      const pids = await lines({ how: 'pids' });
      assert.ok(pids.length < 10, pids.join()); // the keeper's and ours
      for (const pid of [1, 2])
        for (const what of ['ptrace', 'vm_readv', 'vm_writev', 'pidfd_getfd', 'kcmp'])
          assert.equal(await native({ how: 'attempt', what, pid }), 'EPERM', `${what} ${pid}`);
      assert.equal(await native({ how: 'read', path: '/proc/1/environ' }), 'ENOENT');
      await native({ how: 'kill', pid: 1 });
      await native({ how: 'kill', pid: -1 });
      assert.equal((await callFunction(stack, 'intruder', { how: 'echo' }, token)).status, 200);
      assertNobodyDied(stack);
    });

    test('is ended when it sends what is not a message, and its neighbour is not', async () => {
      const slow = bystander();
      for (const what of ['huge', 'type', 'flags', 'empty', 'level', 'error']) {
        const answer = await callFunction(stack, 'intruder', { how: 'forge', what, id: 1 }, token);
        assert.equal(answer.status, 502, what);
        assert.match(answer.body.message, /not a message of ours/);
      }
      assert.deepEqual((await slow).body, { _id: 'one', n: 1 });
      assertNobodyDied(stack);
    });

    test('cannot answer or ask in the name of another\'s invocation', async () => {
      const slow = bystander();
      const id = await lastInvocation() - 1; // the bystander's
      for (const forged of [id, id + 1, id - 1, 0]) {
        const answer = await callFunction(stack, 'intruder', { how: 'forge', what: 'result', id: forged }, token);
        assert.equal(answer.status, 502, JSON.stringify(answer.body));
      }
      assert.match(await native({ how: 'forge', what: 'call', id }), /"code":"ACTION_FORBIDDEN"/);
      assert.deepEqual((await slow).body, { _id: 'one', n: 1 });
      assert.match(await native({ how: 'forge', what: 'call', id: await lastInvocation() + 1 }), /"list":\[\]/); // its own
      assertNobodyDied(stack);
    });

    test('floods the log and the gateway with requests: memory stays', async () => {
      const before = memory(stack, 'VmRSS');
      await native({ how: 'forge', what: 'logs', count: 5000 });
      for (let i = 0; i < 3; i++)
        await callFunction(stack, 'intruder',
          { how: 'forge', what: 'calls', id: await lastInvocation() + 1, count: 300 }, token);
      if (!sanitized) assert.ok(memory(stack, 'VmHWM') < before + 200, `${before} → ${memory(stack, 'VmHWM')}`);
      const logs = join(stack.home, 'state/logs');
      const bytes = readdirSync(logs).map((f) => readFileSync(join(logs, f)).length).reduce((a, b) => a + b);
      assert.ok(bytes < 40 * MIB, `${bytes}`);
      assert.equal((await bystander()).status, 200);
      assertNobodyDied(stack);
    });

    test('speaks as its caller while it runs, and not a moment longer', async () => {
      const socket = run('cloud/cloud-0.sock');
      const body = { action: 'database.countDocument', collectionName: 'items', query: '{}' };
      const admin = (sessionToken) => script({ how: 'admin', socket, body: { ...body, sessionToken } });
      const old = await script({ how: 'token' });
      assert.match(old, /^[0-9a-f]{48}$/);
      const flipped = (i) => old.slice(0, i) + (old[i] === '0' ? '1' : '0') + old.slice(i + 1);
      for (const wrong of [old, flipped(47), flipped(12), '', 'x'.repeat(48), null, { a: 1 }, old.repeat(100)]) {
        const answer = await admin(wrong);
        assert.match(JSON.parse(answer.text).code, /^(CHECK_LOGIN_FAILED|INVALID_PARAM)$/, JSON.stringify(wrong));
      }
      const own = await script({ how: 'admin', socket, body, own: true });
      assert.equal(JSON.parse(own.text).data.total, 0, own.text);
      for (const path of ['/v1/session', '/web', '/ops/status', '/ops/token', '/v1/functions/script'])
        assert.equal((await script({ how: 'admin', socket, path, body })).status, 404, path);
    });

    test('has its children\'s memory counted, wherever they hide', async () => {
      for (const leave of [0, 1]) {
        const answer = await callFunction(stack, 'intruder', { how: 'breed', children: 8, mib: 40, leave }, token);
        assert.deepEqual([answer.status, answer.body.code], [502, 'FUNCTIONS_MEMORY_LIMIT_EXCEEDED'], `leave ${leave}`);
      }
      assert.equal((await callFunction(stack, 'intruder', { how: 'echo' }, token)).status, 200);
    });

    test('meets an end of processes, files, bytes and names', async () => {
      const bomb = await callFunction(stack, 'intruder', { how: 'bomb' }, token);
      if (bomb.status === 200) assert.ok(Number(bomb.body) < 1000, bomb.body);
      else assert.equal(bomb.body.code, 'FUNCTIONS_MEMORY_LIMIT_EXCEEDED');
      const files = await native({ how: 'files' });
      assert.ok(Number(files) <= 1024, JSON.stringify(files));
      assert.equal(Number(await native({ how: 'fill', path: 'bytes' })), 64 * MIB);
      assert.ok(Number(await native({ how: 'fill', path: 'names' })) <= 32768);
      assert.equal((await bystander()).status, 200);
      assertNobodyDied(stack);
    });

    test('whose loading left a liar in its template is still served', async () => {
      for (let i = 0; i < 8; i++) {
        assert.deepEqual((await callFunction(stack, 'liar', { i }, token)).body, { i });
        await until(() => true, 'a turn');
      }
      assertNobodyDied(stack);
    });

    test('leaves no process behind when the stack stops', async () => {
      const pids = stack.status().functions.map((f) => f.pid);
      const name = stack.run;
      await stack.stop();
      for (const pid of pids) assert.ok(!existsSync(`/proc/${pid}`), `${pid}`);
      const left = spawnSync('pgrep', ['-f', name], { encoding: 'utf8' }).stdout;
      assert.equal(left, '');
      stack = null;
    });
  });
}

confinement('started by root', { owner: () => undefined, skip: process.getuid() !== 0 && 'needs root' });
confinement('started by an ordinary user', { owner: () => ordinaryUser() ?? undefined });

describe('a client', () => {
  let stack, token;
  before(async () => {
    stack = await startStack({ project, gateways: 1, set: { 'limits.memory': '64m', 'log.level': 'debug' } });
    token = stack.token('oHostileClient0123456789a');
  });
  after(() => stack?.stop());

  const post = async (path, body, headers = {}) => {
    const answer = await fetch(stack.url + path, { method: 'POST', headers,
      body: typeof body === 'string' ? body : JSON.stringify(body) });
    return { status: answer.status, text: await answer.text() };
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
      const started = performance.now();
      const { status, text } = await web(body);
      assert.ok([200, 400, 413].includes(status), `${status} ${text.slice(0, 300)}`);
      JSON.parse(text);
      if (!sanitized) assert.ok(performance.now() - started < 3000);
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
