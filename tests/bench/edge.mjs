// The edge: a proxied upstream and TLS handshakes beside nginx, and what 10,000
// connections cost that do nothing: memory of each, and the others' latency.
//   BENCH_IDLE (10000)

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import tls from 'node:tls';
import { descendants, join, source, startStack } from '../lib/stack.mjs';
import { compare, cpuSeconds, median, round, say, SECS, turn, TURNS, wanted } from './measure.mjs';
import { startNginx, startNginxProxy } from './references.mjs';

const IDLE = Number(process.env.BENCH_IDLE ?? 10000);

// New connections, each with one request: how many a second, and what one costs
// the server; wrk and the server share the cores, so the rate alone says little.
function handshakes(url, pids) {
  const before = cpuSeconds(pids);
  const said = execFileSync('wrk', ['-t', '1', '-c', '16', '-d', `${SECS}s`, '-H', 'Connection: close', url], { encoding: 'utf8' });
  if (/Non-2xx/.test(said)) throw new Error(said);
  const [, count] = /(\d+) requests in/.exec(said);
  return { rate: Number(/Requests\/sec: +([\d.]+)/.exec(said)[1]), cpuUs: (cpuSeconds(pids) - before) * 1e6 / count };
}

const middle = (turns) => ({ rate: round(median(turns.map((t) => t.rate)), 0), cpuUs: round(median(turns.map((t) => t.cpuUs)), 0) });

const private_kib = (pid) => Number(/^Private_Dirty: +(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]);
const memory = (pid) => descendants(pid).filter((p) => {
  try { return readFileSync(`/proc/${p.pid}/cmdline`, 'utf8').includes('mpcloud-gateway'); } catch { return false; }
}).reduce((sum, p) => sum + private_kib(p.pid), 0);

// Kept connections that have had one answer.
async function idle(url, secure, count) {
  const { port } = new URL(url);
  const all = [];
  const one = () => new Promise((done, failed) => {
    const o = { host: '127.0.0.1', port, rejectUnauthorized: false };
    const c = secure ? tls.connect(o) : net.connect(o);
    c.on('error', failed);
    c.once('data', () => { c.pause(); done(); });
    c.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
    all.push(c);
  });
  while (all.length < count) await Promise.all(Array.from({ length: Math.min(50, count - all.length) }, one));
  return all;
}

async function idle_cost(stack, secure) {
  const name = secure ? 'idle-tls' : 'idle';
  if (!wanted(name, 'idle')) return;
  const url = secure ? stack.tlsUrl : stack.url;
  const side = { url, path: '/healthz', pids: [stack.pid] };
  const turns = async () => {
    const all = [];
    for (let i = 0; i < TURNS; i++) all.push(await turn(side));
    return Object.fromEntries(['p50', 'p99', 'rate', 'cpuUs'].map((key) => [key, median(all.map((t) => t[key]))]));
  };
  (await idle(url, secure, 300)).forEach((c) => c.destroy());
  const alone = await turns(), before = memory(stack.pid);
  const all = await idle(url, secure, IDLE);
  const each = (memory(stack.pid) - before) / IDLE;
  const beside = await turns();
  const open = all.filter((c) => !c.destroyed && c.readyState === 'open').length;
  all.forEach((c) => c.destroy());
  say({ scenario: name, connections: IDLE, still_open: open, kib_each: round(each), budget: `< ${secure ? 20 : 10}`,
    met: each < (secure ? 20 : 10), cpuUs_alone: round(alone.cpuUs), cpuUs_beside: round(beside.cpuUs),
    cpu_ratio: round(beside.cpuUs / alone.cpuUs), p50_alone: alone.p50, p50_beside: beside.p50, p99_alone: alone.p99, p99_beside: beside.p99,
    rate_alone: round(alone.rate, 0), rate_beside: round(beside.rate, 0) });
}

export async function edge() {
  if (!wanted('proxy', 'tls-handshake', 'idle', 'idle-tls')) return;
  const dir = mkdtempSync(join(tmpdir(), 'mpc-edge-'));
  chmodSync(dir, 0o755);
  const file = join(dir, 'routes.json');
  const stops = [() => rmSync(dir, { recursive: true, force: true })];
  try {
    const nginx = await startNginxProxy();
    stops.push(() => nginx.stop());
    writeFileSync(file, JSON.stringify({ upstreams: { back: { servers: [nginx.back] } },
      routes: [{ path: '/back/*', to: { upstream: 'back' } }] }));
    const stack = await startStack({ project: join(source, 'tests/bench/project'), tls: true, gateways: 1,
      set: { 'server.routes': file, 'limits.ip_rate': 0, 'limits.user_rate': 0, 'limits.idle_timeout': '10m',
        'limits.connections': IDLE + 1000 } });
    stops.push(() => stack.stop());
    await compare({ name: 'proxy', ours: { url: stack.url, path: '/back/x', pids: [stack.pid] },
      reference: { name: 'nginx, the same server behind', url: nginx.url, path: '/back/x', pids: [nginx.pid] }, budget: 0.7, by: 'rate' });
    if (wanted('tls-handshake')) {
      const own = await startNginx({ cert: stack.ca, key: stack.ca.replace('cert.pem', 'key.pem'), workers: 1 });
      stops.push(() => own.stop());
      const ours = [], theirs = [];
      for (let i = 0; i < TURNS; i++) {
        ours.push(handshakes(`${stack.tlsUrl}/healthz`, [stack.pid]));
        theirs.push(handshakes(`${own.tlsUrl}/`, [own.pid]));
      }
      const us = middle(ours), them = middle(theirs);
      say({ scenario: 'tls-handshake', ours: us, reference: { name: 'nginx', ...them }, ratio: round(us.rate / them.rate), of: 'rate',
        cpuRatio: round(them.cpuUs / us.cpuUs) });
    }
    await idle_cost(stack, false);
    if (!wanted('idle-tls', 'idle')) return;
    // memory that was in use before would be used again unseen
    const fresh = await startStack({ project: join(source, 'tests/bench/project'), tls: true, gateways: 1,
      set: { 'limits.ip_rate': 0, 'limits.idle_timeout': '10m', 'limits.connections': IDLE + 1000 } });
    stops.push(() => fresh.stop());
    await idle_cost(fresh, true);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}
