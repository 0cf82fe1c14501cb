// What every scenario measures with: wrk's turns, CPU time, medians, one JSON
// line a result.
//   BENCH_SECS (3) a turn, BENCH_TURNS (3), BENCH_ONLY=name,name

import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { descendants, join, source } from '../lib/stack.mjs';

export const SECS = Number(process.env.BENCH_SECS ?? 3);
export const TURNS = Number(process.env.BENCH_TURNS ?? 3);
const only = process.env.BENCH_ONLY?.split(',');
const commit = execFileSync('git', ['-C', source, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();

// A scenario is asked for by its name or by the name of its group.
export const wanted = (...names) => !only || names.some((n) => only.includes(n));
export const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
export const percentile = (list, p) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * p / 100))];
export const round = (n, digits = 2) => Number(n.toFixed(digits));
export const say = (result) => console.log(JSON.stringify({ ...result, commit }));

// CPU seconds of processes and all below them, with those that have ended.
export function cpuSeconds(roots) {
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

// Runs wrk with one of our scripts; its last line is the result.
export function wrkScript({ url, script, args, seconds, connections = 64 }) {
  return new Promise((done, fail) => {
    const child = spawn('wrk', ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '30s',
      '-s', join(source, 'tests/bench', script), url, '--', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (d) => { out += d; });
    child.on('exit', () => {
      try { done(JSON.parse(out.trim().split('\n').pop())); } catch { fail(new Error(`wrk: ${out}`)); }
    });
  });
}

export const wrk = ({ url, method = 'GET', path = '/', body = '', token = '', seconds, connections,
  script = 'call.lua', low, high }) => wrkScript({ url, script, seconds, connections,
  args: script === 'call.lua' ? [method, path, body, token] : [path, body, token, String(low), String(high)] });

export async function turn(side, seconds = SECS) {
  const before = cpuSeconds(side.pids);
  const r = await wrk({ ...side, seconds });
  const cpu = cpuSeconds(side.pids) - before;
  if (r.bad) throw new Error(`${side.url}${side.path ?? '/'}: ${r.bad} of ${r.requests} answers were errors`);
  return { rate: r.requests / r.seconds, p50: r.p50, p99: r.p99, cpuUs: (cpu * 1e6) / r.requests };
}

export const summary = (turns) => Object.fromEntries(['rate', 'p50', 'p99', 'cpuUs']
  .map((k) => [k, round(median(turns.map((t) => t[k])), 1)]));

// Ours beside a reference, A B A B after a warm-up of both.
export async function compare({ name, group, ours, reference, budget, by = 'rate', extra }) {
  if (!wanted(name, group)) return;
  for (const side of [ours, reference]) await wrk({ ...side, seconds: 1 });
  const a = [], b = [];
  for (let i = 0; i < TURNS; i++) {
    a.push(await turn(ours));
    b.push(await turn(reference));
  }
  const us = summary(a), them = summary(b);
  const ratio = round(us[by] / them[by]);
  const met = budget && (by === 'rate' ? ratio >= budget : ratio <= budget);
  say({ scenario: name, ...extra, ours: us, reference: { name: reference.name, ...them }, ratio, of: by,
    ...(budget && { budget: `${by === 'rate' ? '>=' : '<='} ${budget}`, met }) });
}
