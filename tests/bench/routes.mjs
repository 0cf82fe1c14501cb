// Declared routes: a static file of 10 KiB beside nginx, and a thousand routes
// beside one.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, source, startStack } from '../lib/stack.mjs';
import { compare, wanted } from './measure.mjs';
import { startNginx } from './references.mjs';

export async function routes() {
  if (!wanted('static', 'static-1m', 'routes-1000')) return;
  const dir = mkdtempSync(join(tmpdir(), 'mpc-static-'));
  chmodSync(dir, 0o755);
  writeFileSync(join(dir, 'ten.bin'), Buffer.alloc(10240, 'abcdefghij'));
  writeFileSync(join(dir, 'large.bin'), Buffer.alloc(1 << 20, 'abcdefghij'));
  const file = join(dir, 'routes.json');
  const last = [{ path: '/files/*', to: { static: dir } }];
  const put = (n) => writeFileSync(file, JSON.stringify({ routes: [
    ...Array.from({ length: n - 1 }, (_, i) => ({ path: `/api/r${i}/{id}`, to: { redirect: '/' } })), ...last] }));
  const stops = [() => rmSync(dir, { recursive: true, force: true })];
  try {
    const start = async (n) => {
      put(n);
      const stack = await startStack({ project: join(source, 'tests/bench/project'), gateways: 1,
        set: { 'server.routes': file, 'limits.ip_rate': 0, 'limits.user_rate': 0 } });
      stops.push(() => stack.stop());
      return { url: stack.url, path: '/files/ten.bin', pids: [stack.pid] };
    };
    const one = await start(1);
    const nginx = await startNginx({ workers: 1, root: dir });
    stops.push(() => nginx.stop());
    const theirs = { name: 'nginx, the same file', url: nginx.url, path: '/files/ten.bin', pids: [nginx.pid] };
    await compare({ name: 'static', ours: one, reference: theirs, budget: 0.7, by: 'rate' });
    await compare({ name: 'static-1m', ours: { ...one, path: '/files/large.bin' },
      reference: { ...theirs, path: '/files/large.bin' }, budget: 0.7, by: 'rate' });
    if (wanted('routes-1000'))
      await compare({ name: 'routes-1000', ours: await start(1000), reference: { ...one, name: 'one route' }, budget: 0.67, by: 'rate' });
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}
