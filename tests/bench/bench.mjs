// `make bench`: each path beside its reference in the same run, alternating
// A B A B A B after a warm-up; medians of rate, latency and CPU µs a request,
// their ratio, and the budget.  One JSON line a scenario.
//   BENCH_SECS (3) a turn, BENCH_TURNS (3), BENCH_ONLY=name,name

import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { callFunction, descendants, join, source, startStack } from '../lib/stack.mjs';
import { documents } from './documents.mjs';
import { pgbench, startFastifyEcho, startFastifyPg, startNginx } from './references.mjs';

const SECS = Number(process.env.BENCH_SECS ?? 3);
const TURNS = Number(process.env.BENCH_TURNS ?? 3);
const only = process.env.BENCH_ONLY?.split(',');
const commit = execFileSync('git', ['-C', source, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const round = (n, digits = 2) => Number(n.toFixed(digits));

// CPU seconds of a process and all below it, with those that have ended.
function cpuSeconds(roots) {
  const pids = roots.flatMap((pid) => [pid, ...descendants(pid).map((p) => p.pid)]);
  let ticks = 0;
  for (const pid of new Set(pids)) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
      ticks += fields.slice(11, 15).reduce((n, f) => n + Number(f), 0);
    } catch { /* it has ended; its parent counts it */ }
  }
  return ticks / 100;
}

function wrk({ url, method = 'GET', path = '/', body = '', token = '', seconds, connections = 64,
  script = 'call.lua', low, high }) {
  const args = script === 'call.lua' ? [method, path, body, token] : [path, body, token, String(low), String(high)];
  return new Promise((done, fail) => {
    const child = spawn('wrk', ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '-s',
      join(source, 'tests/bench', script), url, '--', ...args],
    { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (d) => { out += d; });
    child.on('exit', () => {
      const line = out.trim().split('\n').pop();
      try { done(JSON.parse(line)); } catch { fail(new Error(`wrk: ${out}`)); }
    });
  });
}

async function turn(side) {
  const before = cpuSeconds(side.pids);
  const r = await wrk({ ...side, seconds: SECS });
  const cpu = cpuSeconds(side.pids) - before;
  if (r.bad) throw new Error(`${side.url}${side.path ?? '/'}: ${r.bad} of ${r.requests} answers were errors`);
  return { rate: r.requests / r.seconds, p50: r.p50, p99: r.p99, cpuUs: (cpu * 1e6) / r.requests };
}

const summary = (turns) => Object.fromEntries(['rate', 'p50', 'p99', 'cpuUs']
  .map((k) => [k, round(median(turns.map((t) => t[k])), 1)]));

async function compare({ name, ours, reference, budget, by }) {
  if (only && !only.includes(name)) return;
  for (const side of [ours, reference]) await wrk({ ...side, seconds: 1 });
  const a = [], b = [];
  for (let i = 0; i < TURNS; i++) {
    a.push(await turn(ours));
    b.push(await turn(reference));
  }
  const us = summary(a), them = summary(b);
  const ratio = round(by === 'cpuUs' ? us.cpuUs / them.cpuUs : us.rate / them.rate);
  const met = by === 'cpuUs' ? ratio <= budget : ratio >= budget;
  console.log(JSON.stringify({ scenario: name, ours: us, reference: { name: reference.name, ...them },
    ratio, of: by, budget: `${by === 'cpuUs' ? '<=' : '>='} ${budget}`, met, commit }));
}

const stack = await startStack({
  project: join(source, 'tests/bench/project'),
  tls: true,
  gateways: Number(process.env.BENCH_GATEWAYS ?? 1),
  // The limits are on, and out of reach.
  set: { 'limits.ip_rate': 900000000, 'limits.ip_burst': 1000000, 'limits.user_rate': 900000000, 'limits.user_burst': 1000000 },
});
const stops = [() => stack.stop()];
try {
  const token = stack.token('oBenchUser0123456789abcdef');
  const socket = join(stack.run, 'pg');
  const sql = "select doc from env_project.goods where _id = $1";
  const nginx = await startNginx({ cert: stack.ca, key: stack.ca.replace('cert.pem', 'key.pem'), workers: 1 });
  stops.push(() => nginx.stop());
  const fastify = await startFastifyEcho();
  stops.push(() => fastify.stop());
  const fastifyPg = await startFastifyPg(socket, sql);
  stops.push(() => fastifyPg.stop());

  for (const [name, event] of [['echo-native', { a: 1 }], ['echo-node', { a: 1 }], ['doc-native', {}]]) {
    const { status, body } = await callFunction(stack, name, event, token);
    if (status !== 200) throw new Error(`${name}: ${JSON.stringify(body)}`);
    if (name === 'doc-native' && body.price !== 600) throw new Error(`doc-native: ${JSON.stringify(body)}`);
  }

  const pids = [stack.pid];
  const body = '{"a":1,"name":"goods","list":[1,2,3]}';
  const session = { url: stack.url, path: '/v1/session', token, pids };
  const call = (name) => ({ url: stack.url, method: 'POST', path: `/v1/functions/${name}`, body, token, pids });
  const n = { name: 'nginx return 200', url: nginx.url, pids: [nginx.pid] };
  const echo = { name: 'Fastify handler in process', url: fastify.url, method: 'POST', body, pids: [fastify.pid] };
  const pg = [stack.postgresPid];

  console.error(`${cpus().length} cores, ${TURNS} × ${SECS} s a side, 64 connections, ${stack.status().gateways.length} gateway(s)`);
  await compare({ name: 'route', ours: session, reference: n, budget: 1.15, by: 'cpuUs' });
  await compare({ name: 'route-tls', ours: { ...session, url: stack.tlsUrl },
    reference: { ...n, name: 'nginx TLS return 200', url: nginx.tlsUrl }, budget: 0.8, by: 'rate' });
  await compare({ name: 'native', ours: call('echo-native'), reference: { ...session, name: 'the gateway-answered route' }, budget: 0.65, by: 'rate' });
  await compare({ name: 'native-nginx', ours: call('echo-native'), reference: n, budget: 0.6, by: 'rate' });
  await compare({ name: 'node', ours: call('echo-node'), reference: echo, budget: 1.0, by: 'rate' });
  await compare({ name: 'document', ours: { ...call('doc-native'), pids: [...pids, ...pg] },
    reference: { name: 'Fastify + pg', url: fastifyPg.url, method: 'POST', body: '{}', pids: [fastifyPg.pid, ...pg] }, budget: 3.0, by: 'rate' });
  if (!only || only.includes('pgbench')) {
    const mine = [], theirs = [];
    for (let i = 0; i < TURNS; i++) {
      mine.push((await turn({ ...call('doc-native'), pids })).rate);
      theirs.push(pgbench(socket, sql.replace('$1', "'g500'"), SECS));
    }
    const ratio = round(median(mine) / median(theirs));
    console.log(JSON.stringify({ scenario: 'pgbench', ours: { rate: round(median(mine), 0) },
      reference: { name: 'pgbench -M prepared, 16 clients', rate: round(median(theirs), 0) }, ratio, of: 'rate', budget: '>= 0.6', met: ratio >= 0.6, commit }));
  }
  await documents({ stack, token, only, secs: SECS, turns: TURNS, wrk, cpuSeconds, median, round, commit });
} finally {
  for (const stop of stops.reverse()) await stop();
}
