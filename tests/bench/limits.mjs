// What declared limits cost: the gateway-answered route with three rules (by
// address, by user, by route) beside the same without any; and with the counting
// in Valkey.

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join, source, startStack, until } from '../lib/stack.mjs';
import { compare, say, wanted } from './measure.mjs';

const rate = '1000000/second';
const rules = ['ip', 'user', 'route'].map((by) => ({ by, rate, burst: 100000000 }));

async function startValkey(dir) {
  const program = ['redis-server', 'valkey-server'].find((p) => spawnSync(p, ['--version']).status === 0);
  if (!program) return null;
  const socket = join(dir, 'valkey');
  const child = spawn(program, ['--port', '0', '--unixsocket', socket, '--unixsocketperm', '777', '--save', '',
    '--appendonly', 'no', '--dir', dir, '--logfile', '/dev/null'], { stdio: 'ignore' });
  await until(() => new Promise((done) => {
    const c = createConnection(socket, () => { c.destroy(); done(true); });
    c.on('error', () => done(false));
  }), 'Valkey answers');
  return { url: `unix://${socket}`, pid: child.pid, stop: () => child.kill('SIGKILL') };
}

export async function limits() {
  if (!wanted('limited', 'limited-valkey')) return;
  const dir = mkdtempSync(join(tmpdir(), 'mpc-limits-'));
  chmodSync(dir, 0o755);
  const file = join(dir, 'routes.json');
  writeFileSync(file, JSON.stringify({ limits: rules, routes: [] }));
  const stops = [() => rmSync(dir, { recursive: true, force: true })];
  try {
    const start = async (set) => {
      const stack = await startStack({ project: join(source, 'tests/bench/project'), gateways: 1, set });
      stops.push(() => stack.stop());
      return { url: stack.url, path: '/v1/session', token: stack.token('oBenchUser0123456789abcdef'), pids: [stack.pid] };
    };
    const plain = { ...await start({}), name: 'the same without rules' };
    const limited = await start({ 'server.routes': file });
    await compare({ name: 'limited', ours: limited, reference: plain, budget: 1.25, by: 'cpuUs' });
    if (!wanted('limited-valkey')) return;
    const valkey = await startValkey(dir);
    if (!valkey) {
      say({ scenario: 'limited-valkey', skipped: 'neither redis-server nor valkey-server is installed' });
      return;
    }
    stops.push(valkey.stop);
    const remote = await start({ 'server.routes': file, 'limits.valkey': valkey.url, 'limits.valkey_timeout': '5s' });
    await compare({ name: 'limited-valkey', ours: { ...remote, pids: [...remote.pids, valkey.pid] },
      reference: { ...limited, name: 'counted on this machine' } });
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}
