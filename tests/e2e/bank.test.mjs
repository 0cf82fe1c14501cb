// Money under fire: 32 clients transfer between accounts, each transfer a
// transaction with a record of its own, while gateways and PostgreSQL are killed
// -9.  Afterwards the sum is what it was, every acknowledged transfer is there,
// every refused one is not, and each account holds what the records say.  And a
// stock of 1,000 is sold to 10,000 buyers exactly.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { descendants, join, source, startStack, until } from '../lib/stack.mjs';
import { opsCall, Tx } from '../lib/ops.mjs';

// `make soak` goes round more often.
const ROUNDS = Number(process.env.SOAK_ROUNDS ?? 1);
const CLIENTS = 32;
const ACCOUNTS = 100;
const START = 1000;
const BETWEEN = 150; // transfers acknowledged between two killings

let stack;
before(async () => {
  stack = await startStack({ project: join(source, 'tests/e2e/project'), functions: ['echo'], gateways: 2,
    set: { 'database.transactions': '40' } });
  for (const name of ['accounts', 'transfers', 'stock']) await ok('database.addCollection', { collectionName: name });
});
after(() => stack?.stop());

async function ok(action, body) {
  const answer = await opsCall(stack, action, body);
  assert.equal(answer.code, undefined, JSON.stringify(answer));
  return answer.data;
}

const insert = (collectionName, docs) => ok('database.insertDocument',
  { collectionName, data: docs.map((d) => JSON.stringify(d)) });

function sql(query) {
  return execFileSync('psql', ['-h', join(stack.run, 'pg'), '-U', 'mpcloud', '-d', 'postgres', '-At', '-c', query],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim().split('\n').filter(Boolean);
}

const rows = (table) => until(() => {
  try { return sql(`select doc || jsonb_build_object('_id', _id) from env_project.${table}`).map((l) => JSON.parse(l)); } catch { return null; }
}, 'the database answers');

const pick = (n) => Math.floor(Math.random() * n);
// What says for certain that nothing was kept.
const isRefused = (error) => /^DATABASE_TRANSACTION_/.test(error?.code ?? '');

class Client {
  constructor(name) {
    Object.assign(this, { name, acked: [], refused: [], unknown: [], conflicts: 0, hung: 0, twice: 0, stopped: false });
  }

  // 'acked', 'refused' or 'unknown'.
  async transfer(_id, from, to, amount) {
    let tx, committing = false;
    try {
      tx = await Tx.start(stack);
      const had = await tx.get('accounts', from);
      await tx.get('accounts', to);
      if (had.money < amount) {
        await tx.abort();
        return 'refused';
      }
      await tx.update('accounts', from, { $set: { money: had.money - amount } });
      await tx.update('accounts', to, { $inc: { money: amount } });
      await tx.add('transfers', { _id, from, to, amount });
      committing = true;
      await tx.commit();
      return 'acked';
    } catch (error) {
      if (error?.code === 'DATABASE_TRANSACTION_CONFLICT') this.conflicts++;
      if (error?.code === 'HUNG') this.hung++;
      if (committing && !isRefused(error)) return 'unknown';
      if (tx && !isRefused(error)) await tx.abort().catch(() => {});
      return 'refused';
    }
  }

  // The same transfer again until something is known: its record is its key, so
  // a second one is refused by it.
  async run() {
    for (let n = 0; !this.stopped; n++) {
      const from = pick(ACCOUNTS), to = (from + 1 + pick(ACCOUNTS - 1)) % ACCOUNTS;
      const id = `${this.name}-${n}`;
      const came = await this.transfer(id, `a${from}`, `a${to}`, 1 + pick(20));
      this[came].push(id);
      if (came !== 'acked' || n % 10) continue;
      const again = await this.transfer(id, `a${from}`, `a${to}`, 1);
      if (again === 'acked') this.twice++;
    }
  }
}

const processes = (pattern) => descendants(stack.pid).filter((p) => pattern.test(p.args));
const kill9 = (pid) => process.kill(pid, 'SIGKILL');
const killings = {
  gateway() {
    const all = processes(/mpcloud-gateway/);
    kill9(all[pick(all.length)].pid);
  },
  backend() {
    kill9(Number(sql("select pid from pg_stat_activity where backend_type = 'client backend' and state <> 'idle' and pid <> pg_backend_pid() limit 1")[0]));
  },
  server: () => kill9(Number(readFileSync(join(stack.home, 'pg/postmaster.pid'), 'utf8').split('\n')[0])),
};

test('32 clients transfer money while gateways and PostgreSQL are killed', async () => {
  await insert('accounts', Array.from({ length: ACCOUNTS }, (_, i) => ({ _id: `a${i}`, money: START })));
  const clients = Array.from({ length: CLIENTS }, (_, i) => new Client(`c${i}`));
  const runs = clients.map((c) => c.run());
  const all = (what) => clients.flatMap((c) => c[what]);
  for (let round = 0; round < ROUNDS; round++)
    for (const what of ['gateway', 'server', 'gateway', 'backend']) {
      const before = all('acked').length;
      await until(() => all('acked').length >= before + BETWEEN, 'transfers are acknowledged', 12000);
      await until(() => { try { killings[what](); return true; } catch { return false; } }, `${what} is killed`);
    }
  const before = all('acked').length;
  await until(() => all('acked').length >= before + BETWEEN, 'transfers are acknowledged again', 12000);
  clients.forEach((c) => { c.stopped = true; });
  await Promise.all(runs);

  const records = await rows('transfers');
  const there = new Set(records.map((r) => r._id));
  assert.deepEqual(all('acked').filter((id) => !there.has(id)), [], 'every acknowledged transfer is there');
  assert.deepEqual(all('refused').filter((id) => there.has(id)), [], 'no refused transfer is there');
  assert.equal(clients.reduce((n, c) => n + c.twice, 0), 0, 'none was applied twice');
  assert.equal(clients.reduce((n, c) => n + c.hung, 0), 0, 'no request hangs');
  const should = new Map(Array.from({ length: ACCOUNTS }, (_, i) => [`a${i}`, START]));
  for (const { from, to, amount } of records) {
    should.set(from, should.get(from) - amount);
    should.set(to, should.get(to) + amount);
  }
  const accounts = await rows('accounts');
  assert.deepEqual(new Map(accounts.map((a) => [a._id, a.money])), new Map([...should].sort()), 'accounts hold what the records say');
  assert.equal(accounts.reduce((n, a) => n + a.money, 0), ACCOUNTS * START, 'money is conserved');
  console.log(`# ${all('acked').length} acknowledged, ${all('refused').length} refused (${clients.reduce((n, c) => n + c.conflicts, 0)} conflicts), ${all('unknown').length} unknown`);
});

test('no transaction stays open, and no lock', async () => {
  await until(() => {
    try { return sql("select 1 from pg_stat_activity where xact_start is not null and pid <> pg_backend_pid() and backend_type = 'client backend'").length === 0; } catch { return false; }
  }, 'all have ended');
});

test('a stock of 1,000 and 10,000 buyers: 1,000 are sold', async () => {
  const STOCK = 1000, BUYERS = 10000, AT_ONCE = 64;
  await insert('stock', [{ _id: 'thing', left: STOCK, sold: 0 }]);
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  let next = 0, sold = 0;
  const buyer = async () => {
    while (next++ < BUYERS) {
      const { data, ...rest } = await opsCall(stack, 'database.modifyDocument', { collectionName: 'stock',
        queryType: 'WHERE', query: JSON.stringify({ _id: 'thing', left: { $gt: 0 } }),
        data: JSON.stringify({ $inc: { left: -1, sold: 1 } }), multi: true, merge: true, upsert: false }, agent);
      assert.equal(rest.code, undefined, JSON.stringify(rest));
      sold += data.updated;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, buyer));
  agent.destroy();
  assert.equal(sold, STOCK);
  assert.deepEqual(await rows('stock'), [{ _id: 'thing', left: 0, sold: STOCK }]);
});
