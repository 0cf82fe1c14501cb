// Functions when it matters: ten times more calls than they can take, versions
// that change under load, and the headline: orders written while a deploy runs
// and workers are killed.
//   BENCH_OVERLOAD_SECS (60)

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { build, callFunction, descendants, join, source, startStack } from '../lib/stack.mjs';
import { benchStack, call, NO_LIMITS } from './functions.mjs';
import { round, say, SECS, wanted, wrk, wrkScript } from './measure.mjs';

const OVERLOAD_SECS = Number(process.env.BENCH_OVERLOAD_SECS ?? 60);
const only = (...names) => (rc) => ({ ...rc, functions: rc.functions.filter((f) => names.includes(f.name)) });
const rssMib = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
const sum = (status, ...codes) => codes.reduce((n, c) => n + (status[c] ?? 0), 0);

// A command of the CLI beside the load.
const beside = (stack, ...words) => new Promise((done, fail) => {
  const child = spawn(join(build, 'mpcloud'), ['--config', stack.config, ...words], { env: stack.env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (d) => { said += d; });
  child.on('exit', (status) => (status === 0 ? done() : fail(new Error(`mpcloud ${words.join(' ')}: ${said}`))));
});

const paced = (stack, name, token, rate, connections, seconds) => wrkScript({ url: stack.url, script: 'paced.lua',
  connections, seconds, args: ['POST', `/v1/functions/${name}`, '{}', token, String((connections * 1000) / rate)] });

// Ten times capacity: what is answered, what is refused and how soon, and how
// soon all is well again.
async function tenTimes() {
  const stack = await benchStack(only('work-native'));
  try {
    const token = stack.token('oOverload');
    const gateway = stack.status().gateways[0].pid;
    await wrk({ ...call(stack, 'work-native', token, '{}'), seconds: 1, connections: 8 });
    const before = await wrk({ ...call(stack, 'work-native', token, '{}'), seconds: 3 * SECS, connections: 8 });
    const capacity = before.requests / before.seconds;
    let peak = 0;
    const watch = setInterval(() => { peak = Math.max(peak, rssMib(gateway)); }, 200);
    const r = await paced(stack, 'work-native', token, capacity * 10, 1000, OVERLOAD_SECS);
    clearInterval(watch);
    // The first second after it, and what comes then.
    const first = await wrk({ ...call(stack, 'work-native', token, '{}'), seconds: 1, connections: 8 });
    const after = await wrk({ ...call(stack, 'work-native', token, '{}'), seconds: 2, connections: 8 });
    const goodput = sum(r.status, 200) / r.seconds;
    const ratio = round(goodput / capacity);
    const recovery = round(after.requests / after.seconds / capacity);
    say({ scenario: 'overload', capacity: round(capacity, 0), offered: round(r.requests / r.seconds, 0), goodput: round(goodput, 0),
      status: r.status, broken: r.broken, p50us: r.p50, p99us: r.p99, gatewayMib: round(peak, 1), firstSecond: round(first.requests / first.seconds / capacity), recovery,
      ratio, of: 'goodput over capacity', budget: '>= 0.9, recovery >= 0.9, only 200, 429, 503',
      met: ratio >= 0.9 && recovery >= 0.9 && sum(r.status, 200, 429, 503) === r.requests });
  } finally {
    await stack.stop();
  }
}

// A deploy, a gray release and a rollback under load lose no call.
async function release() {
  const stack = await benchStack(only('echo-native', 'echo-node'));
  try {
    const token = stack.token('oRelease');
    for (const name of ['echo-native', 'echo-node']) {
      const load = wrk({ ...call(stack, name, token), seconds: 12, connections: 32 });
      await beside(stack, 'deploy', stack.project, name);
      await beside(stack, 'deploy', stack.project, name);
      await beside(stack, 'fn', 'rollback', name);
      await beside(stack, 'deploy', stack.project, name, '--gray', '20');
      await beside(stack, 'fn', 'promote', name);
      const r = await load;
      say({ scenario: `release-${name}`, requests: r.requests, bad: r.bad, p50us: r.p50, p99us: r.p99, budget: '0 lost', met: r.bad === 0 });
    }
  } finally {
    await stack.stop();
  }
}

const killWorker = (host) => {
  const all = descendants(host);
  const leaves = all.filter((p) => !all.some((q) => q.ppid === p.pid));
  const one = leaves[Math.floor(Math.random() * leaves.length)];
  try { if (one) process.kill(one.pid, 'SIGKILL'); } catch { /* it has ended by itself */ }
};

// Authenticated, limited calls of a function that writes a document.
async function headline() {
  const seconds = Math.max(10, 3 * SECS);
  for (const connections of [64, 256, 512]) {
    const stack = await benchStack(only('order-native'));
    try {
      const token = stack.token('oHeadline');
      const side = { ...call(stack, 'order-native', token, '{}'), connections };
      await wrk({ ...side, seconds: 2 });
      const quiet = await wrk({ ...side, seconds: 5 });
      const load = wrk({ ...side, seconds });
      let kills = 0;
      const killer = setInterval(() => {
        const fn = stack.status().functions.find((f) => f.name === 'order-native');
        killWorker(fn.pid);
        kills++;
      }, 2000);
      await beside(stack, 'deploy', stack.project, 'order-native');
      const r = await load;
      clearInterval(killer);
      const rows = Number(stack.cli('db', 'query', 'orders', '--count').stdout);
      const minute = (r.requests - r.bad) / r.seconds * 60;
      say({ scenario: `headline-${connections}`, connections, perMinute: round(minute, 0), quietPerMinute: round(quiet.requests / quiet.seconds * 60, 0),
        p50us: r.p50, p99us: r.p99, bad: r.bad, kills, orders: rows, budget: '>= 1500000 a minute, p99 < 50 ms',
        met: minute >= 1500000 && r.p99 < 50000 });
    } finally {
      await stack.stop();
    }
  }
}

// A neighbour's calls alone, and beside a function that loops, forks, fills its
// memory and its disk, again and again.
async function neighbour() {
  const stack = await startStack({ project: join(source, 'tests/e2e/hostile-contained'), gateways: 1, set: NO_LIMITS });
  try {
    const token = stack.token('oNeighbour');
    const quiet = await paced(stack, 'neighbour', token, 200, 4, 5);
    for (const how of ['loop', 'bomb', 'fast', 'slow', 'disk', 'files']) {
      let over = false, attacks = 0;
      const attack = (async () => {
        while (!over) {
          await callFunction(stack, 'native', { how }, token);
          attacks++;
        }
      })();
      const r = await paced(stack, 'neighbour', token, 200, 4, 5);
      over = true;
      await attack;
      say({ scenario: `neighbour-${how}`, attacks, alone: { p50us: quiet.p50, p99us: quiet.p99 }, beside: { p50us: r.p50, p99us: r.p99 },
        ratio: round(r.p99 / quiet.p99), of: 'p99', budget: 'every call answered',
        met: r.requests === sum(r.status, 200) && r.broken === 0 });
    }
  } finally {
    await stack.stop();
  }
}

export async function overload() {
  if (wanted('neighbour')) await neighbour();
  if (wanted('overload')) await tenTimes();
  if (wanted('release', 'release-echo-native', 'release-echo-node')) await release();
  if (wanted('headline', 'headline-64', 'headline-256', 'headline-512')) await headline();
}
