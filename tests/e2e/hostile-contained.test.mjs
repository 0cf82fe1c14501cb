// Harm, one kind at a time, while a neighbour is called without a pause: every
// attack is contained, every call of the neighbour is answered, the cause is in
// the author's own log, and the function itself answers again.

import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { assertNobodyDied, build, callFunction, existsSync, join, memory, sanitized, source, startStack,
  until } from '../lib/stack.mjs';

const TIME = 'FUNCTIONS_TIME_LIMIT_EXCEEDED';
const MEMORY = 'FUNCTIONS_MEMORY_LIMIT_EXCEEDED';
const FAIL = 'FUNCTIONS_EXECUTE_FAIL';
const hasScript = existsSync(join(build, 'mpcloud-script'));

let stack, token, other;
before(async () => {
  stack = await startStack({ project: join(source, 'tests/e2e/hostile-contained'), gateways: 1 });
  token = stack.token('oIntruderUser0123456789ab');
  other = stack.token('oNeighbourUser0123456789a');
});
after(() => stack?.stop());

const call = async (name, event) => (await callFunction(stack, name, event, token)).body;
const log = (name) => stack.cli('logs', name, '-n', '400').stdout;

// The neighbour's calls, two at a time, until the attack is over.
async function withNeighbour(attack) {
  let calls = 0, over = false;
  const one = async () => {
    do {
      const n = calls++;
      const { status, body } = await callFunction(stack, 'neighbour', { n }, other);
      assert.deepEqual([status, body], [200, { n }]);
    } while (!over);
  };
  const both = [one(), one()];
  try { return await attack(); } finally {
    over = true;
    await Promise.all(both);
    assert.ok(calls >= 2, `${calls} calls of the neighbour`);
  }
}

// [name, event, code, what the author reads]
const attacks = {
  native: [
    ['an endless loop', { how: 'loop' }, TIME, /timed out after 3 seconds/],
    ['memory at once', { how: 'fast' }, [MEMORY, FAIL], /memory/i],
    ['memory little by little', { how: 'slow' }, MEMORY, /memory/i],
    ['a fork bomb', { how: 'bomb' }, [TIME, MEMORY], /timed out|memory/i],
    ['a full disk', { how: 'disk' }, FAIL, /write: (ENOSPC|EFBIG)/],
    ['descriptors', { how: 'files' }, FAIL, /open: EMFILE/],
    ['signals to others', { how: 'signal' }, FAIL, /kill: (ESRCH|EPERM)/],
    ['ptrace', { how: 'ptrace' }, FAIL, /ptrace: EPERM/],
    ['/etc/shadow', { how: 'shadow' }, FAIL, /\/etc\/shadow: ENOENT/],
    ['the keeper\'s environment', { how: 'environ' }, FAIL, /\/proc\/1\/environ: ENOENT/],
    ['the machine\'s memory', { how: 'memory' }, FAIL, /\/dev\/mem: ENOENT/],
    ['raw sockets', { how: 'raw' }, FAIL, /raw: EPERM/],
    ['packet sockets', { how: 'packet' }, FAIL, /packet: EPERM/],
    ['files without a name', { how: 'memfd' }, FAIL, /memfd: ENOSYS/],
    ['the clock', { how: 'clock' }, FAIL, /clock: EPERM/],
    ['devices', { how: 'device' }, FAIL, /mknod: EPERM/],
    ['setuid programs', { how: 'setuid' }, FAIL, /still uid [1-9]/],
    ['loopback', { how: 'loopback' }, FAIL, /loopback: EPERM/],
    ['PostgreSQL\'s socket', () => ({ path: join(stack.run, 'pg/.s.PGSQL.5432') }), FAIL, /PGSQL\.5432: ENOENT/],
    ['the operator\'s socket', () => ({ path: join(stack.run, 'run/admin.sock') }), FAIL, /admin\.sock: ENOENT/],
    ['garbage frames', { how: 'garbage' }, FAIL, /not a message of ours/],
    ['an exit in mid-answer', { how: 'half' }, FAIL, /exited with code 3/],
    ['an answer of 1 GiB', { how: 'answer' }, [FAIL, MEMORY], /1 GiB: ENOMEM|memory/i],
  ],
  node: [
    ['an endless loop', { how: 'loop' }, TIME, /timed out after 4 seconds/],
    ['memory at once', { how: 'fast' }, [MEMORY, FAIL], /memory/i],
    ['memory little by little', { how: 'slow' }, MEMORY, /memory/i],
    ['a fork bomb', { how: 'bomb' }, [TIME, MEMORY, FAIL], /timed out|memory|EAGAIN/i],
    ['a full disk', { how: 'disk' }, FAIL, /ENOSPC|EFBIG/],
    ['descriptors', { how: 'files' }, FAIL, /EMFILE/],
    ['signals to others', { how: 'signal' }, FAIL, /kill (ESRCH|EPERM)/],
    ['/etc/shadow', { how: 'shadow' }, FAIL, /ENOENT: no such file or directory, open '\/etc\/shadow'/],
    ['the keeper\'s environment', { how: 'environ' }, FAIL, /ENOENT.*\/proc\/1\/environ/],
    ['a link to what is not there', { how: 'symlink' }, FAIL, /ENOENT.*\/tmp\/link/],
    ['loopback', { how: 'connect', host: '127.0.0.1', port: 5432 }, FAIL,
      /network: 127\.0\.0\.1:5432 is a loopback address: list it in "network"/],
    ['loopback by its name', { how: 'connect', host: 'localhost', port: 5433 }, FAIL,
      /network: localhost:5433 is (127\.0\.0\.1|::1), a loopback address/],
    ['a private address', { how: 'connect', host: '10.0.0.5', port: 6379 }, FAIL,
      /network: 10\.0\.0\.5:6379 is a private address/],
    ['the cloud\'s metadata', { how: 'connect', host: '169.254.169.254', port: 80 }, FAIL,
      /network: 169\.254\.169\.254:80 is a link-local address/],
    ['an address in disguise', { how: 'connect', host: '::ffff:7f00:1', port: 5434 }, FAIL,
      /network: 127\.0\.0\.1:5434 is a loopback address/],
    ['a number for an address', { how: 'connect', host: '2130706433', port: 5435 }, FAIL,
      /network: 127\.0\.0\.1:5435 is a loopback address/],
    ['PostgreSQL\'s socket', () => ({ how: 'connect', path: join(stack.run, 'pg/.s.PGSQL.5432') }), FAIL, /connect ENOENT/],
    ['garbage frames', { how: 'garbage' }, FAIL, /not a message of ours/],
    ['an exit in mid-answer', { how: 'half' }, FAIL, /exited with code 3/],
    ['an answer of 1 GiB', { how: 'answer' }, [FAIL, MEMORY, 'EXCEED_MAX_RESPONSE_SIZE'],
      /memory|larger than|Invalid string length/i],
  ],
  script: [
    ['an endless loop', { how: 'loop' }, TIME, /timed out after 3 seconds/],
    ['memory at once', { how: 'fast' }, [MEMORY, FAIL], /memory/i],
    ['memory little by little', { how: 'slow' }, [MEMORY, FAIL], /memory/i],
    ['a full disk', { how: 'disk' }, FAIL, /ENOSPC|EFBIG|EDQUOT/],
    ['/etc/shadow', { how: 'shadow' }, FAIL, /\/etc\/shadow/],
    ['the keeper\'s environment', { how: 'environ' }, FAIL, /\/proc\/1\/environ/],
    ['loopback', { how: 'fetch', url: 'http://127.0.0.1:5432/' }, FAIL,
      /network: 127\.0\.0\.1:5432 is a loopback address/],
    ['the cloud\'s metadata', { how: 'fetch', url: 'http://169.254.169.254/' }, FAIL,
      /network: 169\.254\.169\.254:80 is a link-local address/],
    ['an answer of 1 GiB', { how: 'answer' }, [FAIL, MEMORY, 'EXCEED_MAX_RESPONSE_SIZE'], /memory|larger than/i],
  ],
};

for (const [runtime, rows] of Object.entries(attacks))
  for (const [name, event, code, cause] of rows)
    test(`${runtime}: ${name}`, { skip: runtime === 'script' && !hasScript && 'no engine' }, async () => {
      const answer = await withNeighbour(() => call(runtime, typeof event === 'function' ? event() : event));
      assert.ok([code].flat().includes(answer?.code), JSON.stringify(answer)?.slice(0, 300));
      // From the call's START line on.
      const said = () => log(runtime).split(answer.requestId).slice(1).join('');
      await until(() => cause.test(said()), `the log says ${cause}`, 200).catch((error) => {
        throw new Error(`${error.message}: ${log(runtime).slice(-2000)}`);
      });
      await until(async () => (await callFunction(stack, runtime, { how: 'echo' }, token)).status === 200, 'it answers again');
      assertNobodyDied(stack);
    });

for (const runtime of ['native', 'node', 'script'])
  test(`${runtime}: floods of lines and lines without an end`,
    { skip: runtime === 'script' && !hasScript && 'no engine' }, async () => {
      const before = memory(stack, 'VmRSS');
      await withNeighbour(() => call(runtime, { how: 'flood' }));
      await withNeighbour(() => call(runtime, { how: 'line' }));
      await until(() => /end of line/.test(stack.cli('logs', runtime, '-n', '20').stdout), 'its last line is there', 500);
      const logs = join(stack.home, 'state/logs');
      const bytes = readdirSync(logs).map((f) => readFileSync(join(logs, f)).length).reduce((a, b) => a + b);
      assert.ok(bytes < 200 << 20, `${bytes}`);
      if (!sanitized) assert.ok(memory(stack, 'VmRSS') < before + 200, `${before} → ${memory(stack, 'VmRSS')}`);
      await until(async () => (await callFunction(stack, runtime, { how: 'echo' }, token)).status === 200, 'it answers again');
      assertNobodyDied(stack);
    });

test('a token that was forged, or is another\'s whose call has ended, is refused', async () => {
  const socket = join(stack.run, 'run/cloud/cloud-0.sock');
  const old = await call('victim', { how: 'token' });
  assert.match(old, /^[0-9a-f]{48}$/);
  const forged = old.slice(0, 47) + (old[47] === '0' ? '1' : '0');
  for (const one of [old, forged]) {
    const answer = await withNeighbour(() => call('node', { how: 'admin', socket, token: one }));
    assert.equal(answer.code, 'CHECK_LOGIN_FAILED', JSON.stringify(answer));
  }
  assertNobodyDied(stack);
});
