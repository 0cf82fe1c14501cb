// The daemon with an empty project, and its operator's socket.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, startStack } from '../lib/stack.mjs';
import { Ours } from './ours.mjs';

export async function start() {
  const project = mkdtempSync(join(tmpdir(), 'mpc-differential-'));
  mkdirSync(join(project, 'cloudfunctions'));
  writeFileSync(join(project, 'cloudbaserc.json'),
    JSON.stringify({ version: '2.0', envId: 'test', functionRoot: 'cloudfunctions', functions: [] }));
  try {
    const stack = await startStack({ project, gateways: 1 });
    const ours = new Ours(join(stack.run, 'run/ops.sock'), 'test');
    return { ours, stop: async () => { ours.close(); await stack.stop(); } };
  } finally {
    rmSync(project, { recursive: true });
  }
}
