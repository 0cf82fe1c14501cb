// Functions beside what people would write by hand: cold starts, warm calls at
// several numbers of connections, memory of idle workers, and the same call
// with one, a hundred and a thousand functions deployed.
//   BENCH_COLD (200) cold starts of each kind, BENCH_MANY (1,100,1000)

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { callFunction, descendants, join, source, startStack, until } from '../lib/stack.mjs';
import { compare, median, percentile, round, say, turn, TURNS, wanted, wrk, wrkScript } from './measure.mjs';
import { startFastifyEcho, startFastifyPg, startNginxUnix } from './references.mjs';

const COLD = Number(process.env.BENCH_COLD ?? 200);
const MANY = (process.env.BENCH_MANY ?? '1,100,1000').split(',').map(Number);
export const NO_LIMITS = { 'limits.ip_rate': 900000000, 'limits.ip_burst': 1000000,
  'limits.user_rate': 900000000, 'limits.user_burst': 1000000 };

// The folder of functions with what is too big to be kept: a module of 200 KB.
export function benchProject(edit = (rc) => rc) {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-bench-'));
  cpSync(join(source, 'tests/bench/functions'), dir, { recursive: true });
  cpSync(join(source, 'tests/bench/project/database/goods.json'), join(dir, 'database/goods.json'));
  const rows = Array.from({ length: 2600 }, (_, i) =>
    `table.set('goods-${i}', { id: ${i}, name: 'goods number ${i}', price: ${100 + i % 900}, of: () => ${i} });`);
  writeFileSync(join(dir, 'cloudfunctions/cold-script/table.js'),
    `const table = new Map();\n${rows.join('\n')}\nmodule.exports = table;\n`);
  const file = join(dir, 'cloudbaserc.json');
  writeFileSync(file, JSON.stringify(edit(JSON.parse(readFileSync(file, 'utf8')))));
  return dir;
}

export async function benchStack(edit, options = {}) {
  const project = benchProject(edit);
  const stack = await startStack({ project, gateways: Number(process.env.BENCH_GATEWAYS ?? 1), ...options,
    set: { ...NO_LIMITS, ...options.set } });
  rmSync(project, { recursive: true });
  return stack;
}

export const call = (stack, name, token, body = '{"a":1,"name":"goods","list":[1,2,3]}') => ({
  url: stack.url, method: 'POST', path: `/v1/functions/${name}`, body, token, pids: [stack.pid] });

// ---- cold starts

// wrk on one connection, which waits `pause` ms between two calls: what a
// standby process needs to be ready again.
async function coldOf(stack, name, token, pause) {
  const r = await wrkScript({ url: stack.url, script: 'paced.lua', connections: 1,
    seconds: Math.ceil((COLD * (pause + 1)) / 1000),
    args: ['POST', `/v1/functions/${name}`, '{"a":1}', token, String(pause)] });
  if (r.requests !== (r.status[200] ?? 0)) throw new Error(`${name}: ${JSON.stringify(r.status)}`);
  return { n: r.requests, p50: round(r.p50 / 1000), p99: round(r.p99 / 1000) };
}

function nodeCold() {
  const file = join(mkdtempSync(join(tmpdir(), 'mpc-hello-')), 'hello.js');
  writeFileSync(file, 'console.log(JSON.stringify({ a: 1 }));\n');
  return Array.from({ length: Math.min(COLD, 50) }, () => {
    const begun = process.hrtime.bigint();
    spawnSync(process.execPath, [file]);
    return Number(process.hrtime.bigint() - begun) / 1e6;
  });
}

const shape = (times) => ({ n: times.length, p50: round(percentile(times, 50)), p99: round(percentile(times, 99)) });

async function cold(stack, token, names) {
  const reference = shape(nodeCold());
  const rows = [
    { name: 'native', fn: 'cold-native', pause: 5, budget: 0.5 },
    { name: 'script', fn: 'cold-script', pause: 5, budget: 1.2 },
    { name: 'node-standby', fn: 'cold-node', pause: 300, budget: 7 },
    { name: 'node-cold', fn: 'cold-node', pause: 0 },
  ];
  // What the client and the gateway take, without a cold start.
  const warm = await coldOf(stack, 'echo-native', token, 5);
  for (const row of rows) {
    if (!wanted('cold', `cold-${row.name}`) || !names.includes(row.fn)) continue;
    const ours = await coldOf(stack, row.fn, token, row.pause);
    say({ scenario: `cold-${row.name}`, unit: 'ms', ours, warm, reference: { name: 'node hello.js spawned', ...reference },
      ratio: round(ours.p50 / reference.p50, 4), of: 'p50',
      ...(row.budget && { budget: `<= ${row.budget} ms, p99 <= 3 p50`, met: ours.p50 <= row.budget && ours.p99 <= 3 * ours.p50 }) });
  }
}

// ---- warm calls

async function warm(stack, token, names) {
  const session = { name: 'the gateway-answered route', url: stack.url, path: '/v1/session', token, pids: [stack.pid] };
  const fastify = await startFastifyEcho();
  const nginx = await startNginxUnix();
  const socket = join(stack.run, 'pg');
  const pg = await startFastifyPg(socket, 'select doc from env_project.goods where _id = $1');
  const echo = { name: 'Fastify handler in process', url: fastify.url, method: 'POST', body: '{"a":1,"name":"goods","list":[1,2,3]}', pids: [fastify.pid] };
  const kinds = [['native', 0.65], ['script', 0], ['node', 0], ['node-many', 0]].filter(([k]) => names.includes(`echo-${k}`));
  try {
    for (const connections of [1, 16, 64])
      for (const [kind, budget] of kinds) {
        const ours = { ...call(stack, `echo-${kind}`, token), connections };
        const extra = { connections };
        await compare({ name: `warm-${kind}-${connections}`, group: 'warm', ours, extra, reference: { ...session, connections },
          budget: connections === 64 && budget });
        await compare({ name: `warm-${kind}-${connections}-fastify`, group: 'warm', ours, extra, reference: { ...echo, connections },
          budget: connections === 64 && kind !== 'native' && 1.0 });
        await compare({ name: `warm-${kind}-${connections}-nginx-unix`, group: 'warm', ours, extra,
          reference: { name: 'nginx to a unix upstream (nginx)', url: nginx.url, pids: nginx.pids, connections },
          budget: connections === 64 && kind === 'native' && 1.0 });
      }
    for (const [kind, budget] of [['script', 1.6], ['node', 0]])
      if (names.includes(`doc-${kind}`))
        await compare({ name: `doc-${kind}`, group: 'warm', ours: call(stack, `doc-${kind}`, token, '{}'),
          reference: { name: 'Fastify + pg', url: pg.url, method: 'POST', body: '{}', pids: [pg.pid] }, budget });
  } finally {
    for (const one of [fastify, nginx, pg]) one.stop();
  }
}

// ---- memory

const privateKib = (pid) => [...readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').matchAll(/^Private_\w+:\s+(\d+)/gm)]
  .reduce((n, m) => n + Number(m[1]), 0);

// Private memory of each idle worker after some calls.
async function memory() {
  const counts = { native: 100, script: 50, node: 8 };
  const stack = await benchStack((rc) => ({ ...rc, functions: rc.functions
    .filter((f) => ['echo-native', 'cold-script', 'echo-node'].includes(f.name))
    .map((f) => ({ ...f, instanceConcurrencyConfig: undefined, mpcloud: {
      minWorkers: counts[f.name.split('-')[1]], workers: 200 } })) }));
  try {
    for (const [name, kind, budget] of [['echo-native', 'native', 10000], ['cold-script', 'script', 250], ['echo-node', 'node', 60]]) {
      if (!stack.status().functions.some((f) => f.name === name)) continue;
      const mine = stack.token('oMemory');
      const host = stack.status().functions.find((f) => f.name === name).pid;
      const workers = await until(() => {
        const all = descendants(host);
        const leaves = all.filter((p) => !all.some((q) => q.ppid === p.pid));
        return leaves.length >= counts[kind] && leaves;
      }, `${counts[kind]} workers of ${name}`);
      await wrk({ ...call(stack, name, mine), seconds: 1, connections: 16 });
      const kib = workers.map((p) => { try { return privateKib(p.pid); } catch { return NaN; } }).filter((n) => n > 0);
      const each = median(kib);
      say({ scenario: `memory-${kind}`, workers: kib.length, unit: 'KiB private', each, total: kib.reduce((a, b) => a + b, 0),
        perGib: Math.floor(1048576 / each), budget: `>= ${budget} a GiB`, met: 1048576 / each >= budget });
    }
  } finally {
    await stack.stop();
  }
}

// ---- many functions

async function many() {
  const rates = [];
  for (const count of MANY) {
    const stack = await benchStack((rc) => ({ ...rc, functions: rc.functions.filter((f) => f.name === 'echo-native') }));
    try {
      const root = join(stack.project, 'cloudfunctions');
      for (let i = 1; i < count; i++)
        cpSync(join(root, 'echo-native'), join(root, `f${i}`), { recursive: true });
      if (count > 1) {
        writeFileSync(join(stack.project, 'cloudbaserc.json'), JSON.stringify({ functionRoot: 'cloudfunctions',
          functions: Array.from({ length: count - 1 }, (_, i) => ({ name: `f${i + 1}`, runtime: 'native', handler: 'index.so' })) }));
        const r = stack.cli('deploy', stack.project);
        if (r.status !== 0) throw new Error(`deploy of ${count}: ${r.stderr.slice(0, 500)}`);
      }
      const token = stack.token('oMany');
      await callFunction(stack, 'echo-native', {}, token);
      const side = call(stack, 'echo-native', token);
      await wrk({ ...side, seconds: 1 });
      const turns = [];
      for (let i = 0; i < TURNS; i++) turns.push((await turn({ ...side, pids: [] })).rate);
      rates.push(median(turns));
      const gateway = stack.status().gateways[0].pid;
      const tree = descendants(stack.pid);
      const kib = tree.reduce((n, p) => { try { return n + privateKib(p.pid); } catch { return n; } }, 0);
      say({ scenario: `many-${count}`, functions: count, rate: round(median(turns), 0), gatewayKib: privateKib(gateway),
        allKib: kib, eachKib: round(kib / count, 0) });
    } finally {
      await stack.stop();
    }
  }
  const ratio = round(rates[0] / rates.at(-1));
  say({ scenario: 'many-growth', ratio, of: 'rate, few over many functions', budget: '<= 1.5', met: ratio <= 1.5 });
}

export async function functions() {
  if (wanted('cold', 'cold-native', 'cold-script', 'cold-node-standby', 'cold-node-cold', 'warm',
    ...['native', 'script', 'node', 'node-many'].flatMap((k) => [1, 16, 64].flatMap((n) =>
      ['', '-fastify', '-nginx-unix'].map((e) => `warm-${k}-${n}${e}`))), 'doc-script', 'doc-node')) {
    const stack = await benchStack();
    try {
      const token = stack.token('oBenchUser0123456789abcdef');
      const names = stack.status().functions.filter((f) => f.state === 'ready').map((f) => f.name);
      for (const name of names) {
        const { status, body } = await callFunction(stack, name, { a: 1 }, token);
        if (status !== 200) throw new Error(`${name}: ${JSON.stringify(body)}`);
      }
      if (wanted('cold', 'cold-native', 'cold-script', 'cold-node-standby', 'cold-node-cold'))
        await cold(stack, token, names);
      await warm(stack, token, names);
    } finally {
      await stack.stop();
    }
  }
  if (wanted('memory')) await memory();
  if (wanted('many')) await many();
}
