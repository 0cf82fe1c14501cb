// A PostgreSQL cluster as `mpcloud dev` makes it, made once in a build folder and
// copied for each stack: initdb takes longer than most tests.  It does not wait for
// the disk, since what is killed here is a process, never the machine; where writes
// are measured (MPCLOUD_DURABLE) it does.

import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync,
  readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const build = process.env.MPCLOUD_BUILD;
const template = build && join(build, 'tests/lib/cluster.tar');

function run(command, args, options) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error ?? stderr}`);
}

// The newest, as cli/dev_pg.c chooses it.
function program() {
  const home = '/usr/lib/postgresql';
  const newest = existsSync(home) && readdirSync(home).map(Number).filter(Boolean).sort((a, b) => b - a)[0];
  return newest ? join(home, String(newest), 'bin/initdb') : 'initdb';
}

function make(as) {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-cluster-'));
  const data = join(dir, 'pg'), fresh = join(dir, 'tar');
  try {
    if (as) chownSync(dir, as.uid, as.gid);
    run(program(), ['-D', data, '-U', 'mpcloud', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8',
      '--wal-segsize=1', '--no-instructions', '--no-sync'], { ...as, cwd: '/' });
    run('tar', ['cf', fresh, '-C', data, '.']);
    // Another program may make the same at the same time: the last one stays.
    run('mv', [fresh, `${template}.${process.pid}`]);
    renameSync(`${template}.${process.pid}`, template);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

// Lays one down in `home` (a project's .mpcloud) for this user ({uid, gid}, or
// nothing for our own).
export function layDownCluster(home, as) {
  if (!template) return;
  if (!existsSync(template)) make(as);
  const data = join(home, 'pg');
  mkdirSync(data, { mode: 0o700, recursive: true });
  chmodSync(home, 0o755);
  if (as) for (const path of [home, data]) chownSync(path, as.uid, as.gid);
  const archive = openSync(template);
  try {
    run('tar', ['xf', '-', '-C', data], { ...as, cwd: '/', stdio: [archive, 'ignore', 'pipe'] });
  } finally {
    closeSync(archive);
  }
  if (!process.env.MPCLOUD_DURABLE) appendFileSync(join(data, 'postgresql.conf'), 'fsync = off\n');
}
