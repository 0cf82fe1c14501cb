// watch(): from a change's commit to each of a thousand clients, beside what one
// would write by hand (watch-reference.cjs: ws, pg's LISTEN and a trigger) on the
// same PostgreSQL, with the same writes.  Once all follow one query; once each
// follows his own; once each follows his own while wrk asks the same server for
// half of what it can answer.
//   BENCH_WATCHERS (1000), BENCH_CHANGES (300) a turn, BENCH_PACE (20) a second

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { readdirSync, readFileSync } from 'node:fs';
import { descendants, lacksPackages, join, source, startStack } from '../lib/stack.mjs';
import { median, percentile, round, say, TURNS, wanted, wrk, wrkScript } from './measure.mjs';

const WATCHERS = Number(process.env.BENCH_WATCHERS ?? 1000);
const CHANGES = Number(process.env.BENCH_CHANGES ?? 300);
const PACE = Number(process.env.BENCH_PACE ?? 20);
const require = createRequire(join(source, 'tests/package.json'));
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// Of processes and all below them, to the nanosecond: a turn of few changes is a
// handful of the clock's ticks.
function cpuSeconds(roots) {
  const pids = new Set(roots.flatMap((pid) => [pid, ...descendants(pid).map((p) => p.pid)]));
  let ns = 0;
  for (const pid of pids) {
    try {
      for (const task of readdirSync(`/proc/${pid}/task`))
        ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    } catch { /* it has ended */ }
  }
  return ns / 1e9;
}

// A socket that hands each message to the one who waits, else to `on`.
function connect(WebSocket, url) {
  return new Promise((done, fail) => {
    const socket = new WebSocket(url);
    let wait;
    const c = { socket, on: () => {}, ask: (text) => new Promise((answer) => { wait = answer; socket.send(text); }) };
    socket.on('message', (data) => { const w = wait; wait = null; (w ?? c.on)(data.toString()); });
    socket.on('open', () => done(c));
    socket.on('error', fail);
  });
}

// The protocol of js-sdk: sign, LOGIN, INIT_WATCH.
async function follow(WebSocket, stack, token, query) {
  const answer = await fetch(`${stack.url}/web`, { method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ action: 'auth.wsWebSign', env: 'project', runtime: 'web' }) });
  const { data } = await answer.json();
  const c = await connect(WebSocket, data.wsUrl);
  const say = async (msgType, msgData, exMsgData) => {
    const got = JSON.parse(await c.ask(JSON.stringify({ watchId: 'w', requestId: 'r', msgType, msgData, ...(exMsgData && { exMsgData }) })));
    if (got.msgType === 'ERROR' || got.msgData?.code) throw new Error(JSON.stringify(got));
  };
  await say('LOGIN', { envId: data.envId, accessToken: '', referrer: 'web', sdkVersion: '3.7.0', dataVersion: '' },
    { runtime: 'web', signStr: data.signStr, secretVersion: data.secretVersion });
  await say('INIT_WATCH', { envId: data.envId, collName: 'watched', query: JSON.stringify(query), orderBy: {} });
  return c;
}

async function theirs(WebSocket, url, room) {
  const c = await connect(WebSocket, url);
  await c.ask(JSON.stringify({ room }));
  return c;
}

async function startReference(folder) {
  const child = spawn(process.execPath, [join(source, 'tests/bench/watch-reference.cjs'), folder],
    { stdio: ['ignore', 'pipe', 'inherit'], cwd: join(source, 'tests'), env: { ...process.env, NODE_PATH: join(source, 'tests/node_modules') } });
  const port = await new Promise((done) => child.stdout.once('data', (d) => done(Number(d))));
  return { url: `ws://127.0.0.1:${port}`, pid: child.pid, stop: () => child.kill('SIGTERM') };
}

// Changes at a pace; when each arrived at each who follows it.
async function turn(side) {
  const took = [];
  let expected = 0;
  let seen = 0;
  for (const c of side.clients) c.on = (text) => {
    took.push(performance.now() - Number(text.match(/at\\?":\s*([\d.]+)/)[1]));
    seen++;
  };
  const before = cpuSeconds(side.pids);
  const began = performance.now();
  for (let i = 0; i < CHANGES; i++) {
    const n = i % WATCHERS;
    await side.write(n, performance.now());
    expected += side.hears(n);
    const due = began + (i + 1) * 1000 / PACE - performance.now();
    if (due > 0) await sleep(due);
  }
  for (let i = 0; seen < expected && i < 3000; i++) await sleep(10);
  if (seen !== expected) throw new Error(`${side.name}: ${seen} events of ${expected}`);
  return { p50: percentile(took, 50), p99: percentile(took, 99), events: seen,
    cpuUs: (cpuSeconds(side.pids) - before) * 1e6 / seen };
}

const LOAD_CONNECTIONS = 64;
const load = ({ url, path, token }, rate, seconds) => wrkScript({ url, script: 'paced.lua', connections: LOAD_CONNECTIONS, seconds,
  args: ['GET', path, '', token, String((LOAD_CONNECTIONS * 1000) / rate)] });

// One turn beside the load; what is answered to it is counted, too.
async function loadedTurn(side) {
  const seconds = Math.ceil(CHANGES / PACE) + 2;
  const most = await wrk({ ...side.asked, seconds: 2 });
  const loaded = load(side.asked, most.requests / most.seconds / 2, seconds);
  const r = await turn(side);
  const { requests, status, broken } = await loaded;
  if (broken || status['200'] !== requests) throw new Error(`${side.name}: ${JSON.stringify({ requests, status, broken })}`);
  return { ...r, load: requests / seconds };
}

async function compareLoaded(name, us, them) {
  const a = [], b = [];
  for (let i = 0; i < TURNS; i++) {
    a.push(await loadedTurn(us));
    b.push(await loadedTurn(them));
  }
  const of = (turns) => Object.fromEntries(['p50', 'p99', 'load', 'events'].map((k) => [k, round(median(turns.map((t) => t[k])), 2)]));
  const ours = of(a), reference = of(b);
  say({ scenario: name, unit: 'ms', ours, reference: { name: them.name, ...reference }, watchers: WATCHERS, pace: PACE,
    beside: 'load: requests a second, half of the most', p99Ratio: round(ours.p99 / reference.p99) });
  for (const side of [us, them]) for (const c of side.clients) c.socket.terminate();
}

const summary = (turns) => Object.fromEntries(['p50', 'p99', 'cpuUs', 'events'].map((k) => [k, round(median(turns.map((t) => t[k])), 2)]));

async function compareWatch(name, us, them) {
  const a = [], b = [];
  for (const side of [us, them]) await turn(side);
  for (let i = 0; i < TURNS; i++) {
    a.push(await turn(us));
    b.push(await turn(them));
  }
  const ours = summary(a), reference = summary(b);
  say({ scenario: name, unit: 'ms', ours, reference: { name: them.name, ...reference }, watchers: WATCHERS, pace: PACE,
    ratio: round(ours.cpuUs / reference.cpuUs), of: 'cpuUs', p99Ratio: round(ours.p99 / reference.p99) });
  for (const side of [us, them]) for (const c of side.clients) c.socket.terminate();
}

async function many(make) {
  const all = [];
  for (let i = 0; i < WATCHERS; i += 50)
    all.push(...await Promise.all(Array.from({ length: Math.min(50, WATCHERS - i) }, (_, k) => make(i + k))));
  return all;
}

export async function watch() {
  if (!wanted('watch', 'watch-one', 'watch-many', 'watch-load') || lacksPackages('tests')) return;
  const { default: WebSocket } = await import('ws').catch(() => ({ default: require('ws') }));
  const stack = await startStack({ project: join(source, 'tests/bench/project'), gateways: Number(process.env.BENCH_GATEWAYS ?? 1),
    set: { 'limits.ip_rate': 900000000, 'limits.ip_burst': 1000000, 'limits.user_rate': 900000000, 'limits.user_burst': 1000000,
      'sockets.user': 10000, 'sockets.user_watches': 10000 } });
  const folder = join(stack.run, 'pg');
  const pg = new (require('pg').Client)({ host: folder, user: 'mpcloud', database: 'postgres' });
  let peer;
  try {
    stack.cli('db', 'create', 'watched', '--permission', 'READONLY');
    await pg.connect();
    await pg.query(`CREATE TABLE IF NOT EXISTS bench_watch (id int PRIMARY KEY, doc jsonb);
      CREATE OR REPLACE FUNCTION bench_watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_notify('bench_watch', NEW.doc::text); RETURN NULL; END $$;
      CREATE OR REPLACE TRIGGER bench_watch AFTER UPDATE ON bench_watch FOR EACH ROW EXECUTE FUNCTION bench_watch()`);
    await pg.query(`INSERT INTO bench_watch SELECT n, jsonb_build_object('room', 'r' || n) FROM generate_series(0, $1::int) n`, [WATCHERS]);
    await pg.query(`INSERT INTO env_project.watched SELECT 'd' || n, jsonb_build_object('room', 'r' || n, 'text', repeat('x', 200)) FROM generate_series(0, $1::int) n`, [WATCHERS]);
    peer = await startReference(folder);
    const doc = (n, at) => JSON.stringify({ room: `r${n}`, text: 'x'.repeat(200), at });
    const writes = {
      us: (n, at) => pg.query({ name: 'us', text: 'UPDATE env_project.watched SET doc = $2 WHERE _id = $1', values: [`d${n}`, doc(n, at)] }),
      them: (n, at) => pg.query({ name: 'them', text: 'UPDATE bench_watch SET doc = $2 WHERE id = $1', values: [n, doc(n, at)] }),
    };
    // Theirs: not what our own connections do meanwhile.
    const { rows: backends } = await pg.query(`SELECT pid FROM pg_stat_activity
      WHERE pid = pg_backend_pid() OR query = 'LISTEN bench_watch'`);
    const token = stack.token('oWatchUser');
    const sides = async (ours, reference, hears) => [
      { name: 'mpcloud', clients: await many(ours), pids: [stack.pid, stack.postgresPid], write: writes.us, hears,
        asked: { url: stack.url, path: '/v1/session', token } },
      { name: 'ws + LISTEN/NOTIFY', clients: await many(reference), pids: [peer.pid, ...backends.map((b) => b.pid)], write: writes.them, hears,
        asked: { url: peer.url.replace('ws:', 'http:'), path: '/', token } },
    ];
    if (wanted('watch', 'watch-one'))
      await compareWatch('watch-one', ...await sides(() => follow(WebSocket, stack, token, { text: { $exists: true } }),
        () => theirs(WebSocket, peer.url, ''), () => WATCHERS));
    const each = () => sides((n) => follow(WebSocket, stack, token, { room: `r${n}` }),
      (n) => theirs(WebSocket, peer.url, `r${n}`), () => 1);
    if (wanted('watch', 'watch-many')) await compareWatch('watch-many', ...await each());
    if (wanted('watch', 'watch-load')) await compareLoaded('watch-load', ...await each());
  } finally {
    await pg.end();
    peer?.stop();
    await stack.stop();
  }
}

if (process.argv[1] === import.meta.filename) await watch();
