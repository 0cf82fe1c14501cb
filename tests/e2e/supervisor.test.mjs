// The supervisor alone: systemd, gateways and function hosts are played.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Stage, asRoot, isAlive, processStatus, until } from '../lib/supervised.mjs';

const gatewayPids = (status) => status.gateways.map((g) => g.pid);
const functionNamed = (status, name) => status.functions.find((f) => f.name === name);

test('systemd is told READY once every gateway is ready and every function was tried', async (t) => {
  const s = new Stage(t);
  s.configure();
  s.layDown('good', 1);
  s.layDown('bad', 1, { envVariables: { FAKE: 'fail' } });
  for (const name of ['good', 'bad'])
    writeFileSync(join(s.state, 'functions', name, 'active.json'), JSON.stringify({
      name, version: 1, runtime: 'node', code_dir: join(s.state, 'functions', name, 'v1'),
      environment: name === 'bad' ? { FAKE: 'fail' } : {} }));
  await s.startReady({ env: { NOTIFY_SOCKET: await s.notifySocket() } });
  await until(() => s.told.includes('READY=1'), 'READY=1');
  await until(() => s.told.some((l) => l === 'STATUS=running: 2 of 2 gateways, 1 of 2 functions ready'), 'STATUS=');
  const status = await s.status();
  assert.equal(status.ok, true);
  assert.equal(status.pid, s.child.pid);
  assert.deepEqual(status.gateways.map((g) => [g.index, g.state, g.restarts]), [[0, 'ready', 0], [1, 'ready', 0]]);
  assert.equal(functionNamed(status, 'good').state, 'ready');
  assert.equal(functionNamed(status, 'bad').state, 'failed');
  assert.equal(functionNamed(status, 'bad').error, 'Error: told to fail\nloading');
  assert.deepEqual(status.listeners.map((l) => l.kind), ['tcp', 'cloud', 'cloud', 'ops', 'watch']);
  assert.equal(status.counters.requests, 0);
  await s.waitSaid('met good v1', 2);
});

test('sockets that systemd passes are taken by their address', async (t) => {
  const s = new Stage(t);
  const port = 20000 + process.pid % 20000;
  s.configure({ server: { listen: `127.0.0.1:0 127.0.0.1:${port}` } });
  await s.startReady({ sockets: [`127.0.0.1:${port}`] });
  const { listeners } = await s.status();
  assert.deepEqual(listeners.map((l) => l.inherited), [false, true, false, false, false, false]);
  assert.equal(listeners[1].address, `127.0.0.1:${port}`);
  assert.equal(typeof (await s.call(port)).pid, 'number');
});

test('a passed socket that no setting names is refused', async (t) => {
  const s = new Stage(t);
  s.configure();
  s.start({ sockets: ['127.0.0.1:0'] });
  assert.equal((await s.exited).code, 1);
  assert.match(s.events('conf.bad')[0].why, /systemd passed a socket \(127\.0\.0\.1:\d+\) that no setting names/);
});

test('a reload reaches every gateway, between RELOADING and READY', async (t) => {
  const s = new Stage(t);
  s.configure({ notes: ['mark A'] });
  await s.startReady({ env: { NOTIFY_SOCKET: await s.notifySocket() } });
  await until(() => s.told.includes('READY=1'), 'READY=1');
  s.told.length = 0;
  s.configure({ notes: ['mark B'] });
  s.signal('SIGHUP');
  await until(() => s.told.includes('READY=1'), 'READY=1 again');
  const at = s.told.findIndex((l) => /^RELOADING=1\|MONOTONIC_USEC=\d+$/.test(l));
  assert.ok(at >= 0 && at < s.told.indexOf('READY=1'), s.told.join('\n'));
  await s.waitSaid('conf # mark B', 2);
  await until(() => s.events('conf.loaded').length === 2, 'two events');
});

test('a bad file changes nothing and says where it is wrong', async (t) => {
  const s = new Stage(t);
  s.configure({ notes: ['mark A'] });
  await s.startReady();
  s.configure({ notes: ['mark B'], raw: '\n[server]\ngatewayz = 3\n' });
  const answer = await s.admin({ cmd: 'reload' });
  assert.equal(answer.ok, false);
  assert.match(answer.error, /mpcloud\.conf:\d+: .*gatewayz/);
  await until(() => s.events('conf.bad').some((e) => e.why === answer.error), 'the event');
  assert.equal(s.said('mark B').length, 0);
  assert.equal((await s.status()).phase, 'running');
  s.configure({ notes: ['mark C'], server: { listen: '127.0.0.1:1' } });
  assert.deepEqual(await s.admin({ cmd: 'reload' }), { ok: true, pending: ['server.listen'] });
  await until(() => s.events('conf.pending').some((e) => e.settings === 'server.listen'), 'who sent a signal reads it too');
});

test('what one gateway refuses is taken back from the others', async (t) => {
  const s = new Stage(t);
  s.configure({ notes: ['mark A'] });
  await s.startReady();
  s.configure({ notes: ['mark B', 'fake: refuse 1'] });
  const answer = await s.admin({ cmd: 'reload' });
  assert.deepEqual([answer.ok, answer.error], [false, 'gateway-1: told to refuse']);
  await s.waitSaid('fake-gateway 0: conf # mark A', 2);
  await s.waitSaid('fake-gateway 1: conf # mark B');
  assert.equal(s.said('fake-gateway 1: conf # mark A').length, 1);
});

test('a stop refuses new connections, lets gateways finish, then hosts', async (t) => {
  const s = new Stage(t);
  s.configure();
  await s.startReady({ env: { NOTIFY_SOCKET: await s.notifySocket() } });
  s.layDown('hello', 1);
  assert.equal((await s.admin({ cmd: 'deploy', name: 'hello', version: 1 })).ok, true);
  const port = await s.port();
  assert.deepEqual(await s.stop(), { code: 0, signal: null });
  assert.ok(s.told.some((l) => l.startsWith('STOPPING=1')));
  const drains = s.said(': drain').map((l) => l.split(':')[0]);
  assert.deepEqual([...drains].sort(), ['fake-gateway 0', 'fake-gateway 1', 'fake-host hello v1']);
  assert.equal(drains[2], 'fake-host hello v1');
  await assert.rejects(s.call(port), { code: 'ECONNREFUSED' });
  for (const name of ['admin.sock', 'ops.sock', 'cloud/cloud-0.sock'])
    assert.equal(existsSync(join(s.run, name)), false, name);
});

test('a gateway that does not finish is killed after server.drain', async (t) => {
  const s = new Stage(t);
  s.configure({ server: { drain: '300ms' }, notes: ['fake: busy'] });
  await s.startReady();
  const before = Date.now();
  assert.deepEqual(await s.stop(), { code: 0, signal: null });
  assert.ok(Date.now() - before >= 300);
  assert.equal(s.events('process.stop').filter((e) => /signal 9/.test(e.how)).length, 2);
});

test('a killed gateway comes back with its functions; its addresses never refuse', async (t) => {
  const s = new Stage(t);
  s.configure({ server: { gateways: 1 } });
  await s.startReady();
  s.layDown('hello', 1);
  await s.admin({ cmd: 'deploy', name: 'hello', version: 1 });
  await s.waitSaid('met hello v1');
  const [pid] = gatewayPids(await s.status());
  const port = await s.port();
  process.kill(pid, 'SIGKILL');
  const answer = await s.call(port); // waits in the socket that we hold
  assert.notEqual(answer.pid, pid);
  await s.waitSaid('met hello v1', 2);
  const [g] = (await s.status()).gateways;
  assert.deepEqual([g.pid, g.restarts, g.state], [answer.pid, 1, 'ready']);
  await until(() => s.events('process.exit').some((e) => e.how === 'signal 9 (Killed)'), 'the event');
});

test('a killed host comes back and every gateway gets a new channel', async (t) => {
  const s = new Stage(t);
  s.configure();
  await s.startReady();
  s.layDown('hello', 1);
  await s.admin({ cmd: 'deploy', name: 'hello', version: 1 });
  await s.waitSaid('met hello v1', 2);
  const { pid } = functionNamed(await s.status(), 'hello');
  process.kill(pid, 'SIGKILL');
  await s.waitSaid('lost', 2);
  await s.waitSaid('met hello v1', 4);
  const now = functionNamed(await s.status(), 'hello');
  assert.deepEqual([now.state, now.restarts, now.pid === pid], ['ready', 1, false]);
});

test('a child that crashes at once is started more and more slowly', async (t) => {
  const s = new Stage(t);
  s.configure({ server: { gateways: 1 }, notes: ['fake: crash'] });
  s.start();
  const starts = () => s.events('process.start').filter((e) => e.child === 'gateway-0');
  await until(() => starts().length >= 4, 'four starts');
  const at = starts().map((e) => Date.parse(e.time));
  const gaps = at.slice(1).map((time, i) => time - at[i]);
  assert.ok(gaps[0] >= 100 && gaps[1] >= 200 && gaps[2] >= 400, String(gaps));
  const [g] = (await s.status()).gateways;
  assert.equal(g.error, 'status 3');
});

test('a gateway that says it cannot start waits for a reload', async (t) => {
  const s = new Stage(t);
  s.configure({ server: { gateways: 1 }, notes: ['fake: fail'] });
  s.start({ env: { NOTIFY_SOCKET: await s.notifySocket() } });
  await until(() => s.events('process.exit').some((e) => e.how === 'status 1'), 'its end');
  const status = await s.status();
  assert.deepEqual([status.phase, status.gateways[0].state, status.gateways[0].error],
    ['starting', 'waiting', 'told to fail']);
  assert.ok(!s.told.includes('READY=1'));
  s.configure({ server: { gateways: 1 } });
  assert.equal((await s.admin({ cmd: 'reload' })).ok, true);
  await until(() => s.told.includes('READY=1'), 'READY=1');
  await until(() => s.events('process.start').filter((e) => e.child === 'gateway-0').length === 2, 'a second start');
});

test('a gateway whose loop stands still stops the keep-alives until it is replaced', async (t) => {
  const s = new Stage(t);
  s.configure();
  await s.startReady({ env: { NOTIFY_SOCKET: await s.notifySocket(), WATCHDOG_USEC: '200000' } });
  const alive = () => s.told.filter((l) => l === 'WATCHDOG=1').length;
  await until(() => alive() >= 2, 'keep-alives');
  const [pid] = gatewayPids(await s.status());
  process.kill(pid, 'SIGSTOP');
  const silent = async () => (await s.status()).gateways[0].silent ?? 0;
  await until(silent, 'a ping without answer');
  s.setClock(4000);
  await until(async () => await silent() >= 4000, 'four silent seconds');
  const before = alive();
  // Several keep-alives would fall into the time until the next ping.
  s.setClock(11000);
  const killed = () => s.events('process.exit').some((e) => /stood still/.test(e.why ?? ''));
  const started = Date.now();
  let most = before;
  await until(() => {
    const now = alive();
    if (killed()) return true;
    most = now;
    return Date.now() - started > 500;
  }, 'time');
  // One may have been on its way.
  assert.ok(most <= before + 1, 'kept alive');
  await until(killed, 'its end');
  await until(async () => (await s.status()).gateways[0].restarts === 1, 'a restart');
  assert.equal(isAlive(pid), false);
  const after = alive();
  await until(() => alive() > after + 1, 'keep-alives again');
});

test('a deployed version takes over, and the old one is drained', async (t) => {
  const s = new Stage(t);
  s.configure();
  await s.startReady();
  s.layDown('hello', 1);
  s.layDown('hello', 2, { envVariables: { FAKE: 'missing' }, timeout: 7 });
  assert.deepEqual(await s.admin({ cmd: 'deploy', name: 'hello', version: 1 }),
    { ok: true, name: 'hello', version: 1, missing: [] });
  assert.deepEqual(await s.admin({ cmd: 'deploy', name: 'hello', version: 2 }),
    { ok: true, name: 'hello', version: 2, missing: ['a wall'] });
  await s.waitSaid('met hello v2', 2);
  await s.waitSaid('fake-host hello v1: drain');
  await until(() => s.events('cage.missing').some((e) => e.what === 'a wall'), 'the event');
  const active = JSON.parse(readFileSync(join(s.state, 'functions/hello/active.json'), 'utf8'));
  assert.deepEqual([active.stable, active.previous], [2, [1]]);
  assert.deepEqual((await s.admin({ cmd: 'functions' })).functions,
    [{ name: 'hello', active: 2, versions: [1, 2] }]);
  const old = functionNamed(await s.status(), 'hello');
  assert.equal((await s.admin({ cmd: 'restart', name: 'hello' })).version, 2);
  assert.notEqual(functionNamed(await s.status(), 'hello').pid, old.pid);
});

test('a version that cannot be loaded changes nothing, and its author is told why', async (t) => {
  const s = new Stage(t);
  s.configure();
  await s.startReady();
  s.layDown('hello', 1);
  s.layDown('hello', 2, { envVariables: { FAKE: 'fail' } });
  s.layDown('hello', 3, { envVariables: { FAKE: 'crash' } });
  await s.admin({ cmd: 'deploy', name: 'hello', version: 1 });
  const was = functionNamed(await s.status(), 'hello');
  assert.deepEqual(await s.admin({ cmd: 'deploy', name: 'hello', version: 2 }), {
    ok: false, code: 'FUNCTIONS_EXECUTE_FAIL',
    error: 'hello version 2 was not taken up: Error: told to fail\nloading' });
  assert.equal((await s.admin({ cmd: 'deploy', name: 'hello', version: 3 })).error,
    'hello version 3 was not taken up: its host ended: status 7');
  assert.match((await s.admin({ cmd: 'deploy', name: 'hello', version: 4 })).error, /there are no files/);
  assert.deepEqual(functionNamed(await s.status(), 'hello'), was);
  assert.equal(s.said('drain').length, 0);
  assert.match((await s.admin({ cmd: 'deploy', name: 'other', version: 1 })).error, /there are no files/);
  assert.equal(functionNamed(await s.status(), 'other'), undefined);
});

test('a deleted function is forgotten by gateways, after a restart too', async (t) => {
  const s = new Stage(t);
  s.configure();
  await s.startReady();
  s.layDown('hello', 1);
  await s.admin({ cmd: 'deploy', name: 'hello', version: 1 });
  assert.deepEqual(await s.admin({ cmd: 'delete', name: 'hello' }), { ok: true });
  await s.waitSaid('del {"name":"hello"}', 2);
  await s.waitSaid('fake-host hello v1: drain');
  assert.deepEqual((await s.status()).functions, []);
  assert.equal((await s.admin({ cmd: 'delete', name: 'hello' })).code, 'FUNCTION_NOT_FOUND');
  await s.stop();
  s.over = undefined;
  s.lines.length = 0;
  await s.startReady();
  assert.deepEqual((await s.status()).functions, []);
});

test('a changed preset reaches the functions that use it', async (t) => {
  const s = new Stage(t);
  s.configure();
  await s.startReady();
  s.layDown('own', 1, { timeout: 3 });
  s.layDown('preset', 1);
  for (const name of ['own', 'preset']) await s.admin({ cmd: 'deploy', name, version: 1 });
  const own = functionNamed(await s.status(), 'own');
  s.configure({ functions: { timeout: '9s' } });
  assert.equal((await s.admin({ cmd: 'reload' })).ok, true);
  await s.waitSaid('fake-host preset v1: drain');
  const [told] = s.said('add {"name":"preset"').slice(-1);
  assert.match(told, /"timeout_ms":9000/);
  assert.equal(functionNamed(await s.status(), 'own').pid, own.pid);
});

test('the admin socket is the operator\'s and survives nonsense', async (t) => {
  const s = new Stage(t);
  s.configure({ server: { gateways: 1 } });
  await s.startReady();
  assert.equal(statSync(join(s.run, 'admin.sock')).mode & 0o777, 0o600);
  assert.equal((await s.admin('nonsense')).code, 'INVALID_PARAM');
  assert.match((await s.admin({ cmd: 'dance' })).error, /no command "dance"/);
  assert.match((await s.admin({ cmd: 'deploy', name: 'x' })).error, /needs "version"/);
  assert.match((await s.admin({ cmd: 'status', nmae: 1 })).error, /does not take "nmae"/);
  assert.match((await s.admin({ cmd: 'restart', name: '../x' })).error, /^name: /);
  assert.match((await s.admin(`{"cmd":"${'x'.repeat(160000)}`)).error, /bytes at most/);
  assert.equal((await s.status()).ok, true);
});

test('a second daemon on the same folder is refused, the first goes on', async (t) => {
  const s = new Stage(t), other = new Stage(t);
  s.configure({ server: { gateways: 1 } });
  await s.startReady();
  other.configure({ server: { gateways: 1, run_dir: s.run } });
  other.start();
  assert.equal((await other.exited).code, 1);
  assert.equal((await s.status()).ok, true);
});

test('children of a killed daemon end by themselves', async (t) => {
  const s = new Stage(t);
  s.configure();
  await s.startReady();
  s.layDown('hello', 1);
  await s.admin({ cmd: 'deploy', name: 'hello', version: 1 });
  const status = await s.status();
  const pids = [...gatewayPids(status), functionNamed(status, 'hello').pid];
  s.signal('SIGKILL');
  await s.exited;
  for (const pid of pids) await until(() => !isAlive(pid), `the end of ${pid}`);
  s.over = undefined;
  s.lines.length = 0;
  await s.startReady(); // its stale sockets are in nobody's way
});

test('as root, gateways are another user and nobody keeps more rights than named',
  { skip: !asRoot && 'needs root' }, async (t) => {
    const s = new Stage(t);
    s.configure({ server: { gateways: 1 }, functions: { uid_first: 700100, uid_count: 2 } });
    await s.startReady({ env: { CREDENTIALS_DIRECTORY: s.secrets({ wechat: 'a secret' }), SECRET: 'x' } });
    const [gateway] = gatewayPids(await s.status());
    await s.waitSaid(`credentials ${s.run}/credentials`);
    const copy = statSync(join(s.run, 'credentials/wechat'));
    const uid = Number(processStatus(gateway, 'Uid').split('\t')[0]);
    assert.notEqual(uid, 0);
    assert.deepEqual([copy.uid, copy.mode & 0o777], [uid, 0o400]);
    assert.equal(statSync(join(s.run, 'ops.sock')).uid, uid);
    assert.equal(processStatus(gateway, 'CapEff'), '0000000000000000');
    assert.equal(processStatus(gateway, 'NoNewPrivs'), '1');
    // SETUID SETGID KILL CHOWN SETPCAP SYS_ADMIN
    const named = [7, 6, 5, 0, 8, 21].reduce((set, cap) => set | (1n << BigInt(cap)), 0n);
    for (const set of ['CapEff', 'CapPrm', 'CapBnd'])
      assert.equal(BigInt(`0x${processStatus(s.child.pid, set)}`) & ~named, 0n, set);
    const env = readFileSync(`/proc/${gateway}/environ`, 'utf8');
    assert.ok(!env.includes('SECRET='), env);
    for (const name of ['one', 'two', 'three']) s.layDown(name, 1);
    await s.admin({ cmd: 'deploy', name: 'one', version: 1 });
    await s.admin({ cmd: 'deploy', name: 'two', version: 1 });
    assert.match((await s.admin({ cmd: 'deploy', name: 'three', version: 1 })).error, /uid_count/);
    await s.waitSaid('setup', 2);
    assert.deepEqual(s.said('setup').map((l) => l.split('uid ')[1]), ['700100', '700101']);
    const dir = statSync(join(s.state, 'functions/two'));
    assert.deepEqual([dir.gid, dir.mode & 0o777], [700101, 0o750]);
  });
