// A faulty week in minutes.  Orders of many users over two daemons and four
// gateways, while everything that WeChat Pay, the net and the machine can do
// wrong happens at random: callbacks that are lost, late, doubled, at once, out
// of order, forged, stale or about other money; requests that are refused, dropped
// after or before they were done, or answered with wrong signatures; certificates
// that change; gateways and PostgreSQL that are killed.  In the end what WeChat
// was paid is fulfilled, each once, and nothing else is; and nothing is stuck.
//
// SOAK_ORDERS=10000 is the long form; PAY_WEEK_SEED goes through one again.

import test, { after } from 'node:test';
import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { readFileSync } from 'node:fs';
import { Clock, Db, control, metrics, startPay } from '../lib/pay.mjs';
import { callFunction, descendants, join, until } from '../lib/stack.mjs';

const ORDERS = Number(process.env.SOAK_ORDERS ?? 300);
const USERS = 12;
const SEED = Number(process.env.PAY_WEEK_SEED ?? 20261121);
const DAY = 86400;

// splitmix32: what happens is the seed's; when it happens is the machine's.
function dice(seed) {
  let a = seed | 0;
  return () => {
    a = (a + 0x9e3779b9) | 0;
    let t = a ^ (a >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t ^= t >>> 15;
    t = Math.imul(t, 0x735a2d97);
    return ((t ^ (t >>> 15)) >>> 0) / 4294967296;
  };
}
const roll = dice(SEED);
const pick = (list) => list[Math.floor(roll() * list.length)];

const requestFaults = { busy: 3, busy_executed: 3, http429: 3, http429_executed: 2, drop: 3, drop_before: 3,
  signtest: 2, bad_signature: 1, stale_timestamp: 1, no_signature: 1 };
const callbackFaults = { duplicate: 10, concurrent: 10, reorder: 5, drop: 10, delay: 5, signtest: 5, bad_signature: 4,
  stale_timestamp: 3, wrong_serial: 3, wrong_key: 2, no_headers: 2, broken_body: 2,
  amount: 4, appid: 2, currency: 2, openid: 2, order: 2 };

const clock = new Clock();
const stacks = [];
let db, proxy;
after(async () => {
  proxy?.close();
  await db?.end();
  for (const s of stacks.reverse()) await s.stop();
  clock.end();
});

// As a load balancer would: to any daemon; 502 when it does not answer.
function balance() {
  const server = createServer((from, to) => {
    const target = new URL(pick(stacks).url);
    const on = request({ host: target.hostname, port: target.port, path: from.url, method: from.method,
      headers: from.headers }, (answer) => {
      to.writeHead(answer.statusCode, answer.headers);
      answer.pipe(to);
    });
    on.on('error', () => { if (!to.headersSent) to.writeHead(502); to.end(); });
    from.pipe(on);
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(server)));
}

// What the second daemon must have from the first: one database, one WeChat.
function shared(stack) {
  const text = readFileSync(stack.config, 'utf8');
  const found = {};
  let section;
  for (const line of text.split('\n')) {
    section = /^\[(\w+)\]/.exec(line)?.[1] ?? section;
    const [, name, value] = /^(\w+) = (.*)$/.exec(line) ?? [];
    if (/^(wechat|pay)$/.test(section) && name) found[`${section}.${name}`] = value;
    if (section === 'token' && /_file$/.test(name ?? '')) found[`token.${name}`] = value;
    if (section === 'database' && name === 'url') found['database.url'] = value;
  }
  return found;
}

async function start() {
  const set = { 'functions.queue_lease': '60s', 'pay.poll_rate': 300, 'pay.certificates': 'yes' };
  stacks.push(await startPay({ clock, gateways: 2, set }));
  stacks.push(await startPay({ clock, gateways: 2, set: { ...set, ...shared(stacks[0]) } }));
  // The second daemon's own sandbox is asked nothing.
  stacks[1].sandbox = stacks[0].sandbox;
  db = new Db(stacks[0]);
  proxy = await balance();
  await control(stacks[0], 'settings', { notify_to: `http://127.0.0.1:${proxy.address().port}` });
}

async function faultsBegin() {
  let seed = SEED;
  for (const [kind, percent] of Object.entries(requestFaults))
    await control(stacks[0], 'fault', { path: '/v3/*', kind, percent, seed: ++seed });
  for (const [kind, percent] of Object.entries(callbackFaults))
    await control(stacks[0], 'notify-fault', { kind, percent, seed: ++seed, copies: 5, delay: 600000 });
}

async function faultsEnd() {
  await control(stacks[0], 'fault', { kind: 'none' });
  await control(stacks[0], 'notify-fault', { kind: 'none' });
}

const patient = (sql, ...values) => until(async () => {
  try { return [await db.rows(sql, ...values)]; } catch { return null; }
}, 'the database answers', 12000).then(([r]) => r);

// ---- those who buy ----

const users = [];
class User {
  // A token of a moved clock is soon too old.
  async token() {
    if (!this.until || clock.now() > this.until) {
      const { code, openid } = await control(stacks[0], 'code', this.openid ? { openid: this.openid } : {});
      const answer = await fetch(`${pick(stacks).url}/v1/login`, { method: 'POST',
        headers: { 'content-type': 'application/json' }, body: JSON.stringify({ code }) });
      const { accessToken, expiresIn } = await answer.json();
      if (!accessToken) return null;
      Object.assign(this, { openid: openid ?? this.openid, access: accessToken, until: clock.now() + expiresIn * 500 });
    }
    return this.access;
  }

  // Until it is answered by somebody who is alive; what was refused for good is
  // given back.
  async ask(what, arg, tries = 400) {
    let last;
    for (let i = 0; i < tries; i++) {
      try {
        const token = await this.token();
        const event = what === 'order' ? { do: what, order: arg } : { do: what, outTradeNo: arg };
        const { status, body } = token ? await callFunction(pick(stacks), 'order', event, token) : {};
        last = [status, body];
        if (status === 401) this.until = 0;
        if (status === 200 && (body.data || /CONFLICT|PAY_REFUSED|RESOURCE_NOT_FOUND/.test(body.code))) return body;
      } catch (error) {
        last = error; // a gateway died under it
      }
      await new Promise((done) => setTimeout(done, 25));
    }
    throw new Error(`${what} ${JSON.stringify(arg)} was never answered; last ${last?.stack ?? JSON.stringify(last)}`);
  }
}

// One order's story, by the seed; what the user did.
async function story(n) {
  const user = pick(users);
  const outTradeNo = `week-${SEED % 1000}-${String(n).padStart(6, '0')}`;
  const total = 100 + Math.floor(roll() * 900);
  const plan = { pays: roll() < 0.7, twice: roll() < 0.2, closes: roll() < 0.15, refunds: roll() < 0.15,
    silent: roll() < 0.05 };
  const order = { outTradeNo, description: 'Tea', total, function: 'paid', attach: plan.silent ? 'silent' : 'x' };
  const places = [user.ask('order', order)];
  if (plan.twice) places.push(user.ask('order', order));
  const answers = await Promise.all(places);
  assert.ok(answers.some((a) => a.data), `${outTradeNo} is placed: ${JSON.stringify(answers)}`);
  const done = [];
  if (plan.pays)
    done.push(control(stacks[0], 'pay', { out_trade_no: outTradeNo }).then(() => true, () => false));
  if (plan.closes) done.push(user.ask('close', outTradeNo));
  await Promise.all(done);
  if (plan.refunds && plan.pays) await refund(user, outTradeNo, total);
  return outTradeNo;
}

// A part of it goes back, when it is known to be paid.
async function refund(user, outTradeNo, total) {
  const { data } = await user.ask('query', outTradeNo);
  if (data?.state !== 'SUCCESS') return;
  await user.ask('refund', { outTradeNo, amount: Math.ceil(total / 3), key: 'a' });
}

// ---- those who break things ----

const kill9 = (pid) => process.kill(pid, 'SIGKILL');
const killings = { gateways: 0, servers: 0, rotations: 0 };
function killGateway() {
  const all = descendants(pick(stacks).child.pid).filter((p) => /mpcloud-gateway/.test(p.args));
  if (!all.length) return;
  kill9(pick(all).pid);
  killings.gateways++;
}
function killServer() {
  kill9(Number(readFileSync(join(stacks[0].home, 'pg/postmaster.pid'), 'utf8').split('\n')[0]));
  killings.servers++;
}
async function rotate() {
  await control(stacks[0], 'rotate', { what: 'certificate', public_key_percent: Math.floor(roll() * 100) });
  killings.rotations++;
}

const attempt = async (what) => { try { await what(); } catch { /* it was dead already */ } };

async function buyAll() {
  let next = 0, told = 0, stopped = false;
  const buyer = async () => {
    while (next < ORDERS) {
      await story(next++);
      told++;
    }
  };
  const mover = (async () => {
    while (!stopped) {
      clock.move(3);
      await new Promise((done) => setTimeout(done, 200));
    }
  })();
  const breaker = (async () => {
    const every = Math.min(Math.max(ORDERS / 20, 25), 100);
    for (let at = every / 2; !stopped; at += every) {
      await until(() => stopped || told >= at, 'orders go on', 120000);
      await attempt(killGateway);
      if (Math.round(at / every) % 5 === 3) await attempt(killServer);
      if (Math.round(at / every) % 4 === 1) await attempt(rotate);
    }
  })();
  try {
    await Promise.all(Array.from({ length: 16 }, buyer));
  } finally {
    stopped = true;
  }
  await Promise.all([mover, breaker]);
}

// ---- the days after ----

const idle = async () => {
  const [{ n }] = await patient(`select (select count(*) from mpcloud.orders where poll_at <= $1)
    + (select count(*) from mpcloud.refunds where poll_at <= $1)
    + (select count(*) from mpcloud.queue where state = 'running' or state = 'waiting' and run_at <= $1) as n`,
  Math.floor(clock.now()));
  return Number(n) === 0;
};

// The day there.
const china = (ms) => new Date(Number(ms) + 8 * 3600000).toISOString().slice(0, 10);

// What only the bill can find: an order that was paid and of which no news will
// ever come (`lost`), and lines of the bill that say something else than we know.
async function spoilBooks() {
  const place = async (name) => {
    const outTradeNo = `books-${SEED % 1000}-${name}`;
    assert.ok((await users[0].ask('order', { outTradeNo, description: 'Tea', total: 777, function: 'paid' })).data);
    if (name === 'lost') {
      await control(stacks[0], 'notify-fault', { kind: 'drop', deliveries: 1000, out_trade_no: outTradeNo });
      await patient('update mpcloud.orders set poll_at = null where out_trade_no = $1', outTradeNo);
    }
    await control(stacks[0], 'pay', { out_trade_no: outTradeNo });
    if (name !== 'lost')
      await until(async () => (await db.order(outTradeNo)).state === 'SUCCESS', `${outTradeNo} is paid`);
    return outTradeNo;
  };
  const odd = { lost: await place('lost'), hidden: await place('hidden'), changed: await place('changed') };
  await control(stacks[0], 'bill', { hide: [odd.hidden], totals: { [odd.changed]: 7 },
    extra: [{ out_trade_no: 'books-nobody', total: 5, date: china(clock.now()) }] });
  return odd;
}

// What the bills of those days say beside what we know.
async function reconcile(odd) {
  const [{ first, last }] = await patient('select min(created_at) as first, max(created_at) as last from mpcloud.orders');
  const days = [...new Set([china(first), china(last)])];
  const r = stacks[0].cli('pay', 'reconcile', ...days, '--json');
  assert.ok(r.stdout, r.stderr);
  await until(idle, 'what the bill brought is told');
  const found = await patient('select kind, out_trade_no, settled_by from mpcloud.pay_differences order by kind');
  const expected = [['amount', odd.changed, null], ['missing_there', odd.hidden, null],
    ['unknown_order', 'books-nobody', null], ['unpaid_here', odd.lost, 'bill']];
  assert.deepEqual(found.map((d) => [d.kind, d.out_trade_no, d.settled_by]), expected, 'the bill finds each difference, and no other');
}

// Time passes, step by step; nothing is hurried over.
async function days() {
  for (const seconds of [60, 60, 300, 900, 3600, 6 * 3600, DAY, 3 * DAY, 3 * DAY, 3600, 3600, DAY]) {
    clock.move(seconds);
    await until(idle, `what was due within ${seconds} s is done`, 30000);
  }
  // What is leased just now, or waits for its next try.
  await until(async () => {
    clock.move(20);
    const [{ n }] = await patient(`select (select count(*) from mpcloud.orders where poll_at is not null)
      + (select count(*) from mpcloud.refunds where poll_at is not null)
      + (select count(*) from mpcloud.queue where state in ('running', 'waiting')) as n`);
    return Number(n) === 0;
  }, 'nothing waits any more', 6000);
}

const group = (list, key) => {
  const found = new Map();
  for (const one of list) found.set(key(one), [...(found.get(key(one)) ?? []), one]);
  return found;
};

test(`${ORDERS} orders in a faulty week`, { timeout: 240000 + ORDERS * 600 }, async (t) => {
  console.log(`# seed ${SEED} (PAY_WEEK_SEED)`);
  await start();
  for (let i = 0; i < USERS; i++) {
    users.push(new User());
    assert.ok(await users[i].token(), 'a user logs in');
    assert.ok(users[i].openid);
  }
  await faultsBegin();
  await buyAll();
  await faultsEnd();
  const odd = await spoilBooks();
  await days();
  await reconcile(odd);

  const theirs = await control(stacks[0], `orders?limit=${ORDERS * 2}`);
  const ours = new Map((await patient('select * from mpcloud.orders')).map((o) => [o.out_trade_no, o]));
  const calls = group((await patient(`select id, kind, function, state, attempts, lost, last_error, run_at, event::jsonb ->> 'outTradeNo' as no
    from mpcloud.queue`)), (c) => `${c.kind} ${c.no}`);
  const fulfilments = group(await db.docs('fulfilments'), (d) => d._id);
  const tries = group(await db.docs('tries'), (d) => d.outTradeNo);
  const paid = new Set(theirs.filter((o) => /^(SUCCESS|REFUND)$/.test(o.trade_state)).map((o) => o.out_trade_no));

  assert.equal(ours.size, ORDERS + 3, 'no order is lost');
  assert.equal(ours.get(odd.lost).told_by, 'bill');
  for (const { out_trade_no: no, trade_state, transaction_id, amount } of theirs) {
    const o = ours.get(no);
    assert.ok(o, `${no} is ours`);
    const words = `${no}: ${trade_state} at WeChat, ${o.state} here`;
    assert.equal(/^(SUCCESS|REFUND)$/.test(o.state), paid.has(no), words);
    if (!paid.has(no)) continue;
    assert.deepEqual([o.transaction_id, Number(o.total)], [transaction_id, amount.total], words);
    assert.equal(fulfilments.get(no)?.length, 1, `${no} is fulfilled: ${JSON.stringify([o, calls.get(`cloudpay ${no}`), tries.get(no)])}`);
    assert.equal(fulfilments.get(no)[0].total, amount.total);
    assert.equal(calls.get(`cloudpay ${no}`)?.length, 1, `${no}: its function was told once`);
    assert.equal(calls.get(`pay ${no}`)?.length, 1, `${no}: the trigger went off once`);
    assert.ok(tries.get(no).length <= calls.get(`cloudpay ${no}`)[0].attempts + calls.get(`cloudpay ${no}`)[0].lost,
      `${no}: each attempt is known`);
  }
  for (const no of fulfilments.keys()) assert.ok(paid.has(no), `${no} was not paid, and fulfilled`);
  assert.equal([...calls.keys()].filter((k) => /^(cloudpay|pay) /.test(k)).length, 2 * paid.size, 'nobody else was told');

  // Nothing is stuck.
  assert.deepEqual([...ours.values()].filter((o) => !/^(SUCCESS|REFUND|CLOSED)$/.test(o.state)).map((o) => [o.out_trade_no, o.state]), []);
  assert.deepEqual([...ours.values()].filter((o) => o.poll_at !== null).map((o) => o.out_trade_no), []);
  assert.deepEqual((await patient("select * from mpcloud.queue where state <> 'done'")).map((q) => [q.function, q.state, q.last_error]), []);
  const refunds = await patient('select * from mpcloud.refunds');
  assert.deepEqual(refunds.filter((r) => !/^(SUCCESS|CLOSED|ABNORMAL)$/.test(r.state)).map((r) => [r.out_refund_no, r.state]), []);
  const refundedThere = theirs.flatMap((o) => o.refunds ?? []);
  assert.deepEqual(refunds.filter((r) => r.state === 'SUCCESS').map((r) => r.out_refund_no).sort(),
    refundedThere.filter((r) => r.status === 'SUCCESS').map((r) => r.out_refund_no).sort(), 'each refund once, there and here');
  assert.equal(new Set(refunds.map((r) => r.out_trade_no)).size, refunds.length);

  // The inbox.
  const inbox = await patient('select * from mpcloud.pay_inbox');
  const applied = group(inbox.filter((i) => i.outcome === 'applied' && i.kind === 'TRANSACTION.SUCCESS'), (i) => i.out_trade_no);
  for (const [no, rows] of applied) assert.deepEqual([rows.length, paid.has(no)], [1, true], `${no} was applied once`);
  for (const no of paid)
    if (no !== odd.lost) assert.equal(applied.has(no), ours.get(no).told_by === 'notify', `${no}: told by ${ours.get(no).told_by}`);
  const quarantined = inbox.filter((i) => i.outcome === 'quarantined');
  assert.ok(quarantined.every((i) => i.why) && (ORDERS < 300 || quarantined.length > 0), 'what did not fit was kept apart');

  const by = (word) => [...ours.values()].filter((o) => o.told_by === word && paid.has(o.out_trade_no)).length;
  t.diagnostic(`${paid.size} paid (${by('notify')} by callback, ${by('query')} by question, ${by('bill')} by bill), ${ours.size - paid.size} closed, ` +
    `${refunds.length} refunds, ${inbox.length} callbacks kept (${quarantined.length} quarantined, ` +
    `${inbox.reduce((n, i) => n + i.repeats, 0)} repeats), ${[...tries.values()].reduce((n, l) => n + l.length, 0)} calls of the author's function; ` +
    `killed: ${killings.gateways} gateways, PostgreSQL ${killings.servers} times; ${killings.rotations} certificates changed`);
  // What each fault of a callback came to; 0: nobody answered.
  const came = {};
  for (const { fault, status } of (await control(stacks[0], 'notifications?limit=65536')).deliveries) {
    const word = `${fault || 'none'} ${status}`;
    came[word] = (came[word] ?? 0) + 1;
  }
  t.diagnostic(`callbacks: ${JSON.stringify(came)}`);
  for (const stack of stacks) t.diagnostic(`gateways alive: ${JSON.stringify((await metrics(stack)).callbacks_total)}`);
});
