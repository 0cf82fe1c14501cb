// Two daemons on one PostgreSQL, an hour of a clock that the test moves: each
// run of each timer happens once, also when one daemon is killed in between.
// What the runs are is said by croner, not by us.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { Cron } from 'croner';
import pg from 'pg';
import { assertNobodyDied, descendants, lacksPackages, source, startStack, until } from '../lib/stack.mjs';

const skip = lacksPackages('tests/clients/wx-server-sdk-2.6.3');
const project = join(source, 'tests/e2e/cron');
const folder = mkdtempSync(join(tmpdir(), 'mpc-cron-'));
const clockFile = join(folder, 'clock');
const HOUR = 3600, STEP = 50;

// 2027-12-31, a Friday: the month's last day, its last working day and its
// fifth Friday, 10:00 in UTC.
const START = Date.parse('2027-12-31T10:00:00Z') / 1000;
let offset; // seconds that the daemons' clock is ahead

function setClock(seconds) {
  offset = seconds;
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(seconds) * 1000000000n);
  // In place: the daemons have it mapped.
  writeFileSync(clockFile, bytes, { flag: 'r+' });
}
const now = () => Math.floor(Date.now() / 1000) + offset;

let one, two, db;
before(async () => {
  if (skip) return;
  // Gateways are another user when we are root.
  chmodSync(folder, 0o755);
  writeFileSync(clockFile, Buffer.alloc(8), { mode: 0o644 });
  setClock(START - Math.floor(Date.now() / 1000) - 60);
  const options = { project, gateways: 2, env: { MPCLOUD_CLOCK_FILE: clockFile },
    set: { 'functions.timer_check': '100ms', 'functions.queue_lease': '20m' } };
  one = await startStack(options);
  const url = /^url = (.*)$/m.exec(readFileSync(one.config, 'utf8'))[1];
  two = await startStack({ ...options, set: { ...options.set, 'database.url': url } });
  const part = (name) => new RegExp(`${name}=(\\S+)`).exec(url)?.[1];
  db = new pg.Client({ host: part('host'), port: part('port') && Number(part('port')), database: part('dbname'),
    user: part('user') });
  await db.connect();
});
after(async () => {
  await db?.end();
  await two?.stop();
  await one?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const rows = async (sql, ...values) => (await db.query(sql, values)).rows;
const value = async (sql, ...values) => Object.values((await rows(sql, ...values))[0])[0];

const TIMERS = { second: '* * * * * *', ten: '*/10 * * * * *', minute: '0 * * * * *', half: '0 0,30 * * * *',
  last: '30 */5 * L * *', working: '15 */15 * 31 * *', friday: '45 */20 * * * 5#5', other: '0 */10 * 1W * *' };

// [from, to] in seconds; those of 1W (3 January 2028) have none in this hour.
const expected = (pattern, from, to) => new Cron(pattern, { timezone: 'UTC', paused: true })
  .nextRuns(HOUR + 1, new Date((from - 1) * 1000)).map((d) => d / 1000).filter((t) => t <= to);
const iso = (t) => new Date(t * 1000).toISOString().replace('.000Z', 'Z');

let began; // the first second whose runs are counted

test('timers are there once, whichever daemon saw them first', { skip }, async () => {
  await until(async () => Number(await value(`SELECT count(*) FROM mpcloud.timers`)) === 9, 'nine timers');
  for (const daemon of [one, two]) {
    const timers = daemon.cliJson('timers', 'tick');
    assert.deepEqual(timers.map((t) => t.name).sort(), Object.keys(TIMERS).sort());
  }
  began = now() + 5;
});

const count = (where, ...values) => value(`SELECT count(*) FROM mpcloud.queue WHERE ${where}`, ...values).then(Number);
const caughtUp = () => until(async () => Number(await value('SELECT min(next_at) FROM mpcloud.timers')) > now() * 1000,
  `the timers have come to ${iso(now())}`);
const processes = (stack) => [stack.child.pid,
  ...descendants(stack.child.pid).filter((p) => /mpcloud/.test(p.args)).map((p) => p.pid)];
const signal = (pids, name) => pids.forEach((pid) => {
  try { process.kill(pid, name); } catch { /* it went with the others */ }
});

// Calls that the second daemon has in its hands when it is stopped in the middle
// of its work: what still runs when the first has nothing more to do.  Then it
// is killed; without any it goes on.
async function killWithCalls() {
  const pids = processes(two);
  for (let i = 0; i < 500 && await count(`state = 'running' AND function = 'tick'`) === 0; i++);
  signal(pids, 'SIGSTOP');
  await caughtUp();
  await until(async () => await count(`state = 'waiting' AND function = 'tick' AND run_at <= $1`, now() * 1000) === 0,
    'nothing waits');
  let held = -1;
  await until(async () => {
    const before = held;
    held = await count(`state = 'running' AND function = 'tick'`);
    await new Promise((go) => setTimeout(go, 200));
    return held === before;
  }, 'the first daemon is through');
  signal(pids, held ? 'SIGKILL' : 'SIGCONT');
  return held;
}

test('an hour in steps, one daemon killed in the middle of it', { skip, timeout: 600000 }, async (t) => {
  const end = began + HOUR;
  let held = 0;
  while (now() < end) {
    setClock(offset + STEP);
    if (!held && now() > began + HOUR / 3) held = await killWithCalls();
    await caughtUp();
  }
  t.diagnostic(`the killed daemon held ${held} calls`);
  assert.ok(held > 0);
  assertNobodyDied(one);
  // They come back when their leases are over.  Not `see`, which takes time to start: to
  // it the hour goes by so fast that its attempts may be over before it can be asked.
  for (let i = 0; i < 400 && await count(`function = 'tick' AND state <> 'done' AND event::jsonb ->> 'Time' <= $1`, iso(end)) > 0; i++) {
    setClock(offset + STEP);
    await caughtUp();
    await new Promise((go) => setTimeout(go, 50));
  }
  const left = await rows(`SELECT id, state, attempts, last_error, lease_until FROM mpcloud.queue
    WHERE function = 'tick' AND state <> 'done' AND event::jsonb ->> 'Time' <= $1 LIMIT 3`, iso(end));
  assert.deepEqual(left, []);
  assert.equal(await count(`lost > 0 AND function = 'tick'`), held, 'the calls that it held were taken up again');
});

test('each run was put into the queue once, for the time that was planned', { skip }, async () => {
  const end = began + HOUR;
  for (const [name, pattern] of Object.entries(TIMERS)) {
    const want = expected(pattern, began, end).map(iso);
    const got = (await rows(`SELECT event::jsonb ->> 'Time' AS at FROM mpcloud.queue
      WHERE kind = 'timer' AND function = 'tick' AND event::jsonb ->> 'TriggerName' = $1
      AND event::jsonb ->> 'Time' BETWEEN $2 AND $3 ORDER BY at`, name, iso(began), iso(end))).map((r) => r.at);
    assert.deepEqual(got, want, name);
    if (name !== 'other') assert.ok(want.length >= 2, `${name} runs in this hour`);
  }
});

test('each run ran, and once unless its daemon died over it', { skip }, async (t) => {
  const end = began + HOUR;
  const queued = await rows(`SELECT event::jsonb ->> 'TriggerName' AS name, event::jsonb ->> 'Time' AS at, attempts,
      state FROM mpcloud.queue WHERE kind = 'timer' AND function = 'tick' AND event::jsonb ->> 'Time'
      BETWEEN $1 AND $2`, iso(began), iso(end));
  assert.ok(queued.length > HOUR);
  const docs = (await rows(`SELECT doc ->> 'TriggerName' AS name, doc ->> 'Time' AS at FROM env_project.runs`));
  const ran = new Map();
  for (const d of docs) ran.set(`${d.name} ${d.at}`, (ran.get(`${d.name} ${d.at}`) ?? 0) + 1);
  let again = 0;
  for (const q of queued) {
    const n = ran.get(`${q.name} ${q.at}`) ?? 0;
    assert.equal(q.state, 'done');
    assert.ok(n >= 1, `${q.name} ${q.at} never ran`);
    assert.ok(n <= q.attempts, `${q.name} ${q.at} ran ${n} times in ${q.attempts} attempts`);
    again += q.attempts > 1;
  }
  t.diagnostic(`${again} runs were tried again`);
  // Only what was under way when the daemon died.
  assert.ok(again < 200, `${again} runs were tried again`);
});

test('a run sees that a timer called it, and nobody else', { skip }, async () => {
  // Each minute is over before the next one begins.
  await until(async () => {
    setClock(offset + 60);
    await caughtUp();
    await until(async () => await count(`function = 'see' AND (state = 'running' OR state = 'waiting' AND run_at <= $1)`,
      now() * 1000) === 0, 'it has been tried');
    return one.cliJson('fn', 'timers', 'see')[0].lastRun?.state === 'done';
  }, 'it has run', 50);
  const [{ doc }] = await rows('SELECT doc FROM env_project.seen ORDER BY _id LIMIT 1');
  assert.deepEqual(Object.keys(doc.event).sort(), ['Message', 'Time', 'TriggerName', 'Type']);
  assert.equal(doc.event.Type, 'Timer');
  assert.equal(doc.event.TriggerName, 'seen');
  assert.match(doc.event.Time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:20Z$/);
  assert.equal(doc.source, 'wx_trigger');
  assert.equal(doc.trigger, 'timer');
  assert.ok(!doc.openid);
  const [{ event }] = await rows(`SELECT event FROM mpcloud.queue WHERE function = 'tick'
    AND event::jsonb ->> 'TriggerName' = 'ten' LIMIT 1`);
  assert.equal(JSON.parse(event).Message, 'every "ten"');
});

test('the list says what is next, what ran, and what came of it', { skip }, () => {
  const text = one.cliWith({ env: { ...one.env, MPCLOUD_CLOCK_FILE: clockFile } }, 'timers', 'tick').stdout;
  assert.match(text, /^tick {2}minute {2}"0 \* \* \* \* \* \*" {2}UTC\+8$/m);
  assert.match(text, /^ {2}next {2}20\d\d-\d\d-\d\d \w{3} \d\d:\d\d:00 \+08:00$/m);
  assert.match(text, /^ {2}last {2}20\d\d-.* {2}done/m);
  const see = one.cliJson('fn', 'timers', 'see');
  assert.equal(see.length, 1);
});

test('what a long pause misses is skipped, and said', { skip }, async () => {
  const before = Number(await value(`SELECT seq FROM mpcloud.timers WHERE name = 'minute'`));
  setClock(offset + 2 * HOUR);
  await caughtUp();
  const { seq, missed } = (await rows(`SELECT seq, missed FROM mpcloud.timers WHERE name = 'minute'`))[0];
  // One or two of the last minute; the others of 120 are passed over.
  assert.ok(Number(seq) - before <= 4, `${Number(seq) - before} runs`);
  assert.ok(Number(missed) >= 117, `${missed} missed`);
  await until(() => /"event":"timer.missed".*"timer":"minute"/.test(one.daemonLog()), 'the log says so');
});
