// kill -9 of a worker, a function host, a gateway and PostgreSQL, each in turn
// and under load: the next calls work again without a hand, no acknowledged
// document or order is missing, and no request hangs past its deadline.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { callFunction, descendants, join, source, startStack, until } from '../lib/stack.mjs';

let stack, token;
before(async () => {
  stack = await startStack({ project: join(source, 'tests/e2e/project'), functions: ['native'], gateways: 2,
    set: { 'pay.client_orders': 'yes' } });
  token = (await stack.login()).accessToken;
});
after(() => stack?.stop());

// `make soak` goes round more often.
const ROUNDS = Number(process.env.SOAK_ROUNDS ?? 1);
const DEADLINE_MS = 30000; // the client's own; no request may reach it

// A client that puts documents and orders one after another until told to stop,
// and remembers what was acknowledged.
class Writer {
  constructor(name) {
    Object.assign(this, { name, acked: [], orders: [], refused: 0, hung: 0, tried: 0, stopped: false });
  }

  async post(path, body) {
    const answer = await fetch(stack.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    return { status: answer.status, body: await answer.json() };
  }

  async one(n) {
    this.tried++;
    try {
      const put = await this.post('/v1/functions/native', { how: 'put', _id: `${this.name}-${n}`, n });
      if (put.status === 200) this.acked.push(`${this.name}-${n}`);
      else this.refused++;
      if (n % 5) return;
      const outTradeNo = `${this.name}x${n}order`;
      const order = await this.post('/v1/pay/orders', { outTradeNo, description: 'kill test', total: 100 + n });
      if (order.status === 200) this.orders.push(outTradeNo);
      else this.refused++;
    } catch (error) {
      if (error.name === 'TimeoutError') this.hung++;
      else this.refused++;
    }
  }

  async run() {
    for (let n = 0; !this.stopped; n++) await this.one(n);
  }
}

async function underLoad(name, kill) {
  const kept = { docs: [], orders: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const { docs, orders } = await once(`${name}${round}r`, kill);
    kept.docs.push(...docs);
    kept.orders.push(...orders);
  }
  return kept;
}

async function once(label, kill) {
  const writers = Array.from({ length: 6 }, (_, i) => new Writer(`${label}${i}`));
  const runs = writers.map((w) => w.run());
  const acked = () => writers.reduce((n, w) => n + w.acked.length, 0);
  await until(() => acked() > 50, 'the load runs');
  const before = acked();
  await kill();
  // Without a hand, calls are acknowledged again: 200 more.
  await until(() => acked() > before + 200, `calls work again after ${label}`, 12000);
  writers.forEach((w) => { w.stopped = true; });
  await Promise.all(runs);
  assert.equal(writers.reduce((n, w) => n + w.hung, 0), 0, 'no request hangs');
  return { docs: writers.flatMap((w) => w.acked), orders: writers.flatMap((w) => w.orders) };
}

function sql(query) {
  return execFileSync('psql', ['-h', join(stack.run, 'pg'), '-U', 'mpcloud', '-d', 'postgres',
    '-At', '-c', query], { encoding: 'utf8' }).trim().split('\n');
}

async function assertKept({ docs, orders }) {
  const there = new Set(await until(() => {
    try { return sql('select _id from env_project.items'); } catch { return null; }
  }, 'the database answers'));
  const missing = docs.filter((id) => !there.has(id));
  assert.deepEqual(missing, [], 'acknowledged documents are there');
  const kept = new Set(sql('select out_trade_no from mpcloud.orders'));
  assert.deepEqual(orders.filter((no) => !kept.has(no)), [], 'acknowledged orders are there');
  assert.ok(orders.length > 0, 'orders were placed');
}

const processes = (pattern) => descendants(stack.pid).filter((p) => pattern.test(p.args));
// `mpcloud dev` starts a new one each time.
const postmaster = () => Number(readFileSync(join(stack.home, 'pg/postmaster.pid'), 'utf8').split('\n')[0]);
const kill9 = (pid) => process.kill(pid, 'SIGKILL');

test('a worker', async () => {
  await assertKept(await underLoad('worker', async () => {
    const hosts = processes(/mpcloud-host/);
    const leaves = hosts.filter((h) => !hosts.some((o) => o.ppid === h.pid));
    assert.ok(leaves.length > 0, 'there are workers');
    leaves.forEach((p) => { try { kill9(p.pid); } catch { /* gone already */ } });
  }));
});

test('a function host', async () => {
  await assertKept(await underLoad('host', async () => {
    const hosts = processes(/mpcloud-host/).filter((p) => p.ppid === stack.pid);
    assert.ok(hosts.length > 0, 'there are hosts');
    hosts.forEach((p) => kill9(p.pid));
  }));
});

test('a gateway', async () => {
  await assertKept(await underLoad('gateway', async () => {
    const gateways = processes(/mpcloud-gateway/);
    assert.equal(gateways.length, 2);
    kill9(gateways[0].pid);
  }));
  assert.ok(stack.status().gateways.some((g) => g.restarts >= 1), 'it was started again');
});

test('PostgreSQL: a backend, then the whole server', async () => {
  await assertKept(await underLoad('backend', async () => {
    kill9(Number(sql("select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() limit 1")[0]));
  }));
  await assertKept(await underLoad('server', async () => kill9(postmaster())));
});

test('afterwards a plain call works and nothing is left over', async () => {
  assert.equal((await callFunction(stack, 'native', { how: 'echo' }, token)).status, 200);
  assert.ok(stack.status().gateways.every((g) => g.state === 'ready'));
});
