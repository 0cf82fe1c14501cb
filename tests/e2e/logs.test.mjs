// `mpcloud logs` over files as the gateways write them: no daemon is needed to
// read them, so these tests write the files.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { build, join, until } from '../lib/stack.mjs';

let dir, conf, logs;
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'mpc-logs-'));
  conf = join(dir, 'mpcloud.conf');
  logs = join(dir, 'state/logs');
  mkdirSync(logs, { recursive: true });
  writeFileSync(conf, `[server]\nstate_dir = ${join(dir, 'state')}\nrun_dir = ${join(dir, 'run')}\n`);
  for (const name of ['tea', 'cake', 'quiet']) mkdirSync(join(dir, 'state/functions', name), { recursive: true });
});
after(() => rmSync(dir, { recursive: true, force: true }));

const path = (name) => join(logs, `${name}.jsonl`);
const at = (second) => `2026-11-20T10:00:${String(second).padStart(2, '0')}.000Z`;
const line = (name, second, message, more = {}) => `${JSON.stringify({ time: at(second), level: 'info',
  function: name, version: 1, requestId: `req-${second}`, message, ...more })}\n`;
const run = (...words) => spawnSync(join(build, 'mpcloud'), ['--config', conf, 'logs', ...words], { encoding: 'utf8' });
const messages = (...words) => run(...words, '--json').stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l).message);

test('without a name the lines of all functions come in the order of time', () => {
  writeFileSync(path('tea'), line('tea', 1, 'one') + line('tea', 4, 'four') + line('tea', 5, 'five'));
  writeFileSync(path('cake'), line('cake', 2, 'two') + line('cake', 3, 'three'));
  assert.deepEqual(messages(), ['one', 'two', 'three', 'four', 'five']);
  assert.deepEqual(messages('-n', '2'), ['four', 'five']);
  assert.deepEqual(messages('cake', 'tea', '-n', '3'), ['three', 'four', 'five']);
  assert.deepEqual(messages('cake'), ['two', 'three']);
  assert.deepEqual(messages('-n', '0'), []);
  assert.deepEqual(messages('-n', '0', '--grep', 'one'), []);
});

test('a line is shown with its time, level, function and request', () => {
  assert.equal(run('-n', '1').stdout, `${at(5)} info  tea req-5  five\n`);
  assert.equal(run('tea', '-n', '1').stdout, `${at(5)} info  req-5  five\n`);
});

test('the rotated file counts', () => {
  renameSync(path('tea'), `${path('tea')}.1`);
  writeFileSync(path('tea'), line('tea', 6, 'six'));
  assert.deepEqual(messages('tea'), ['one', 'four', 'five', 'six']);
  assert.deepEqual(messages('tea', '-n', '2'), ['five', 'six']);
  assert.deepEqual(messages('tea', '--grep', 'FIVE'), ['five']);
});

test('level, request, text and time choose lines', () => {
  writeFileSync(path('tea'), line('tea', 10, 'dbg', { level: 'debug' }) + line('tea', 11, 'Out of Tea', { level: 'warn' })
    + line('tea', 12, 'broken', { level: 'error', requestId: 'abc-123' }));
  assert.deepEqual(messages('tea', '--level', 'warn'), ['Out of Tea', 'broken']);
  assert.deepEqual(messages('tea', '--level', 'error'), ['broken']);
  assert.deepEqual(messages('tea', '--request', 'abc-123'), ['broken']);
  assert.deepEqual(messages('tea', '--grep', 'of tea'), ['Out of Tea']);
  assert.deepEqual(messages('tea', '--since', at(11)), ['Out of Tea', 'broken']);
  appendFileSync(path('tea'), line('tea', 0, 'now', { time: new Date().toISOString() }));
  assert.deepEqual(messages('tea', '--since', '10m'), ['now']);
});

test('options that make no sense say what would', () => {
  const said = (...words) => { const { status, stderr } = run(...words); return [status, stderr]; };
  assert.deepEqual(said('--level', 'loud'), [2, 'mpcloud: --level: "loud" is none of debug, info, warn, error\n']);
  assert.match(said('--since', 'noon')[1], /neither a while as 90s, 10m, 2h, 3d nor a time/);
  assert.match(said('nobody')[1], /no function "nobody" is deployed; `mpcloud fn list` lists them/);
  assert.deepEqual(said('quiet'), [0, 'quiet has logged nothing yet\n']);
});

test('a message of several lines is indented, and commands nobody\'s terminal', () => {
  writeFileSync(path('cake'), line('cake', 1, 'first\n  second\n\u001b[2Jthird\u009b1m\r'));
  assert.equal(run('cake').stdout, `${at(1)} info  req-1  first\n      second\n    \\x1b[2Jthird\\x9b1m\\x0d\n`);
});

test('following goes on through a rotation and with functions that come later', async () => {
  for (const name of ['tea', 'cake']) { rmSync(path(name), { force: true }); rmSync(`${path(name)}.1`, { force: true }); }
  writeFileSync(path('tea'), line('tea', 1, 'one'));
  const child = spawn(join(build, 'mpcloud'), ['--config', conf, 'logs', '-f', '--json']);
  let text = '';
  child.stdout.on('data', (d) => { text += d; });
  const seen = (message) => until(() => text.includes(`"message":"${message}"`), message);
  try {
    await seen('one');
    appendFileSync(path('tea'), line('tea', 2, 'two'));
    await seen('two');
    const whole = line('tea', 3, 'three');
    appendFileSync(path('tea'), whole.slice(0, 30));
    appendFileSync(path('tea'), whole.slice(30) + line('tea', 4, 'four'));
    renameSync(path('tea'), `${path('tea')}.1`);
    writeFileSync(path('tea'), line('tea', 5, 'five'));
    writeFileSync(path('cake'), line('cake', 6, 'six'));
    await seen('five');
    await seen('six');
    assert.deepEqual(text.trim().split('\n').map((l) => JSON.parse(l).message).sort(),
      ['five', 'four', 'one', 'six', 'three', 'two']);
  } finally {
    child.kill();
  }
});
