// The shipped systemd unit: valid, and what it allows is enough.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Stage, asRoot, build, source } from '../lib/supervised.mjs';

const has = (program) => spawnSync(program, ['--version']).status === 0;
const unit = readFileSync(join(source, 'deploy/mpcloud.service.in'), 'utf8');

// Substituted for a program that is there, and with its examples switched on.
function installed(dir, name, text) {
  const path = join(dir, name);
  writeFileSync(path, text.replaceAll('@bindir@', build).replaceAll('@sysconfdir@', '/etc'));
  return path;
}

test('systemd-analyze finds nothing in the unit and its socket',
  { skip: !has('systemd-analyze') && 'no systemd-analyze' }, (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'mpcu-'));
    t.after(() => rmSync(dir, { recursive: true }));
    const socket = readFileSync(join(source, 'deploy/mpcloud.socket'), 'utf8');
    for (const text of [unit, unit.replaceAll('#LoadCredential', 'LoadCredential')]) {
      const paths = [installed(dir, 'mpcloud.service', text), installed(dir, 'mpcloud.socket', socket)];
      const got = spawnSync('systemd-analyze', ['verify', '--man=no', ...paths], { encoding: 'utf8' });
      assert.deepEqual([got.status, got.stdout + got.stderr], [0, '']);
    }
    // It can say no.
    const bad = installed(dir, 'mpcloud.service', unit.replace('Restart=on-failure', 'Restart=perhaps'));
    const got = spawnSync('systemd-analyze', ['verify', '--man=no', bad], { encoding: 'utf8' });
    assert.match(got.stderr, /restart specifier/);
  });

test('the daemon starts, deploys and stops with the unit\'s capabilities and no more',
  { skip: (!asRoot && 'needs root') || (!has('setpriv') && 'no setpriv') }, async (t) => {
    const s = new Stage(t);
    const caps = /^CapabilityBoundingSet=(.*)$/m.exec(unit)[1].toLowerCase().split(' ')
      .map((cap) => `+${cap.replace('cap_', '')}`).join(',');
    s.configure();
    await s.startReady({
      wrap: ['setpriv', `--bounding-set=-all,${caps}`, '--no-new-privs'],
      env: { CREDENTIALS_DIRECTORY: s.secrets({ 'token-keys': 'x' }) } });
    s.layDown('hello', 1);
    const answer = await s.admin({ cmd: 'deploy', name: 'hello', version: 1 });
    assert.deepEqual(answer, { ok: true, name: 'hello', version: 1, missing: [] });
    await s.waitSaid('met hello v1', 2);
    assert.deepEqual(await s.stop(), { code: 0, signal: null });
  });
