// Functions that mean harm, against the whole stack: those of tests/e2e/hostile
// try to get out of their confinement, speak in others' names and take more
// than is theirs.  Afterwards every process is the one that was there before.

import test, { describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { assertNobodyDied, build, callFunction, join, memory, ordinaryUser, sanitized, source, startStack,
  until } from '../lib/stack.mjs';

const project = join(source, 'tests/e2e/hostile');
const MIB = 1 << 20;

function confinement(name, options) {
  describe(`a function ${name}`, { skip: options.skip }, () => {
    let stack, token, other;
    before(async () => {
      stack = await startStack({ project, gateways: 1, owner: options.owner() });
      token = stack.token('oIntruderUser0123456789ab');
      other = stack.token('oBystanderUser0123456789a');
    });
    after(() => stack?.stop());

    const native = async (event) => (await callFunction(stack, 'intruder', event, token)).body;
    const script = async (event) => (await callFunction(stack, 'script', event, token)).body;
    const lines = async (event) => (await native(event)).split('\n');
    const bystander = () => callFunction(stack, 'bystander', { how: 'slow' }, other);
    // It rests after crashes; one answer makes it well.
    const well = () => until(async () =>
      (await callFunction(stack, 'intruder', { how: 'echo' }, token)).status === 200, 'intruder answers');
    const run = (file) => join(stack.run, 'run', file);
    // A token says its invocation's number; numbers follow one another.
    const lastInvocation = async () => parseInt((await script({ how: 'token' })).slice(8, 16), 16);

    test('holds its own socket, its output and nothing else of ours', async () => {
      assert.deepEqual((await lines({ how: 'fds' })).slice(0, 4), ['0 /dev/null', '1 pipe:', '2 pipe:', '3 socket:']);
      for (const fds of [await lines({ how: 'fds' }), await script({ how: 'fds' })]) {
        const strange = fds.filter((l) => !/^\d+ (\/dev\/null|pipe:|anon_inode:|\/proc\/\d+\/fd)$/.test(l));
        assert.deepEqual(strange, ['3 socket:'], fds.join('; '));
      }
    });

    test('inherits nothing of our environment', async () => {
      const known = new Set(['PATH', 'HOME', 'TZ', 'NODE_PATH', 'WX_APPID', 'TCB_ENV', 'SCF_NAMESPACE',
        'TENCENTCLOUD_RUNENV', 'TENCENTCLOUD_REGION', 'TENCENTCLOUD_SECRETID', 'TENCENTCLOUD_SECRETKEY',
        'TCB_CONTEXT_CNFG', '_SCF_TCB_LOG']);
      const names = (await lines({ how: 'env' })).map((l) => l.split('=')[0]);
      assert.deepEqual(names.filter((n) => !known.has(n)), []);
      const more = /^(WX_|TCB_|TENCENTCLOUD_SESSIONTOKEN$)/;
      assert.deepEqual((await script({ how: 'env' })).filter((n) => !known.has(n) && !more.test(n)), []);
    });

    test('has no capabilities, no groups and no way to new privileges', async () => {
      const [uid, gid, ...rest] = (await native({ how: 'who' })).split(' ');
      assert.deepEqual(rest, ['0', '0', '1', '0', '0']);
      assert.notEqual(uid, '0');
      assert.notEqual(gid, '0');
      assert.match(await native({ how: 'run', command: `su -c id </dev/null 2>/dev/null; id -u` }), new RegExp(`^${uid}\\n$`));
    });

    test('does not see the files of others', async () => {
      const state = join(stack.home, 'state');
      const hidden = ['/etc/shadow', '/root', '/home', '/var', '/run', '/sys', stack.config,
        join(stack.home, 'keys'), join(stack.home, 'mpcloudd.log'), join(state, 'logs'),
        join(state, 'functions/bystander'), join(state, 'functions/intruder/active.json'), run('admin.sock')];
      for (const path of hidden) {
        // A way to our own programs is there, and nothing beside it.
        const way = [source, build].filter((p) => p.startsWith(`${path}/`)).map((p) => p.slice(path.length + 1).split('/')[0]);
        if (way.length) {
          assert.deepEqual(await script({ how: 'list', path }), [...new Set(way)], path);
          continue;
        }
        assert.equal(await native({ how: 'read', path }), 'ENOENT', path);
        assert.equal(await script({ how: 'list', path }), 'ENOENT', path);
      }
      assert.equal(await native({ how: 'list', path: join(state, 'functions') }), 'intruder');
      for (const what of ['write-usr', 'write-root'])
        assert.equal(await native({ how: 'attempt', what }), 'EROFS', what);
      assert.equal(await native({ how: 'list', path: '/usr/local/etc' }), '');
    });

    test('reaches no socket but those made for functions', async () => {
      const closed = [run('admin.sock'), run('ops.sock'), join(stack.run, 'pg/.s.PGSQL.5432')];
      for (const path of closed) {
        assert.ok(existsSync(path), path);
        assert.equal(await native({ how: 'connect', path }), 'ENOENT', path);
        assert.equal(await script({ how: 'connect', path }), 'ENOENT', path);
      }
      assert.equal(await native({ how: 'connect', path: run('cloud/cloud-0.sock') }), 'done');
    });

    test('reaches no abstract socket of the machine', async (t) => {
      const name = `mpcloud-hostile-${process.pid}`;
      const server = createServer((s) => s.destroy()).listen(`\0${name}`);
      t.after(() => server.close());
      await new Promise((done, fail) => server.on('listening', done).on('error', fail));
      await new Promise((done, fail) => connect(`\0${name}`).on('connect', done).on('error', fail)); // we do
      assert.equal(await native({ how: 'connect', path: `@${name}` }), 'ECONNREFUSED');
      // A way out is to addresses; of the machine's abstract sockets there is none.
      const connected = (event) => callFunction(stack, 'connected', event, token);
      assert.equal((await connected({ path: `\0${name}` })).body, 'ECONNREFUSED');
      assert.equal((await connected({ host: '127.0.0.1', port: Number(new URL(stack.url).port) })).body, 'EACCES');
    });

    test('has no network and no other families of sockets', async () => {
      const port = Number(new URL(stack.url).port);
      assert.equal(await script({ how: 'connect', host: '127.0.0.1', port }), 'EACCES');
      const families = [[2, 1], [2, 2], [2, 3], [10, 1], [10, 3], [16, 3], [17, 3], [38, 5], [40, 1], [29, 3], [44, 3]];
      for (const [family, type] of families)
        assert.equal(await native({ how: 'socket', family, type }), 'EPERM', `family ${family}`);
    });

    test('is refused every way into the kernel and into other namespaces', async () => {
      const refused = {
        EPERM: ['unshare-user', 'unshare-mount', 'setns', 'chroot', 'pivot_root', 'mount', 'mount-proc', 'umount',
          'open_tree', 'fsopen', 'fspick', 'name_to_handle_at', 'open_by_handle_at', 'bpf', 'perf', 'userfaultfd',
          'keyctl', 'add_key', 'swapon', 'reboot', 'syslog', 'acct', 'quotactl', 'sethostname', 'clone-user',
          'tiocsti', 'mknod', 'personality'],
        ENOSYS: ['io_uring', 'clone3-user', 'shmget', 'msgget', 'semget', 'memfd', 'memfd_secret'],
      };
      for (const [error, whats] of Object.entries(refused))
        for (const what of whats)
          assert.equal(await native({ how: 'attempt', what, pid: 1 }), error, what);
      for (const what of ['setuid', 'setgid'])
        assert.match(await native({ how: 'attempt', what }), /^E(PERM|INVAL)$/, what);
      assert.equal(await native({ how: 'attempt', what: 'nice' }), 'EACCES');
      assert.equal(await native({ how: 'old' }), 'killed');
    });

    test('cannot look into processes, nor end any but its own', async () => {
      const others = (await lines({ how: 'list', path: '/proc' })).filter((n) => /^\d+$/.test(n));
      assert.equal(others.length, 1, others.join());
      const pids = await lines({ how: 'pids' });
      assert.ok(pids.length < 10, pids.join()); // the keeper's and ours
      for (const pid of [1, 2])
        for (const what of ['ptrace', 'vm_readv', 'vm_writev', 'pidfd_getfd', 'kcmp'])
          assert.equal(await native({ how: 'attempt', what, pid }), 'EPERM', `${what} ${pid}`);
      assert.equal(await native({ how: 'read', path: '/proc/1/environ' }), 'ENOENT');
      await native({ how: 'kill', pid: 1 });
      await native({ how: 'kill', pid: -1 });
      assert.equal((await callFunction(stack, 'intruder', { how: 'echo' }, token)).status, 200);
      assertNobodyDied(stack);
    });

    test('is ended when it sends what is not a message, and its neighbour is not', async () => {
      const slow = bystander();
      for (const what of ['huge', 'type', 'flags', 'empty', 'level', 'error']) {
        await well();
        const answer = await callFunction(stack, 'intruder', { how: 'forge', what, id: 1 }, token);
        assert.equal(answer.status, 502, what);
        assert.match(answer.body.message, /not a message of ours/);
      }
      assert.deepEqual((await slow).body, { _id: 'one', n: 1 });
      assertNobodyDied(stack);
    });

    test('cannot answer or ask in the name of another\'s invocation', async () => {
      const slow = bystander();
      const id = await lastInvocation() - 1; // the bystander's
      for (const forged of [id, id + 1, id - 1, 0]) {
        await well();
        const answer = await callFunction(stack, 'intruder', { how: 'forge', what: 'result', id: forged }, token);
        assert.equal(answer.status, 502, JSON.stringify(answer.body));
      }
      assert.match(await native({ how: 'forge', what: 'call', id }), /"code":"ACTION_FORBIDDEN"/);
      assert.deepEqual((await slow).body, { _id: 'one', n: 1 });
      assert.match(await native({ how: 'forge', what: 'call', id: await lastInvocation() + 1 }), /"list":\[\]/); // its own
      assertNobodyDied(stack);
    });

    test('floods the log and the gateway with requests: memory stays', async () => {
      const before = memory(stack, 'VmRSS');
      await native({ how: 'forge', what: 'logs', count: 5000 });
      for (let i = 0; i < 3; i++)
        await callFunction(stack, 'intruder',
          { how: 'forge', what: 'calls', id: await lastInvocation() + 1, count: 300 }, token);
      if (!sanitized) assert.ok(memory(stack, 'VmHWM') < before + 200, `${before} → ${memory(stack, 'VmHWM')}`);
      const logs = join(stack.home, 'state/logs');
      const bytes = readdirSync(logs).map((f) => readFileSync(join(logs, f)).length).reduce((a, b) => a + b);
      assert.ok(bytes < 40 * MIB, `${bytes}`);
      assert.equal((await bystander()).status, 200);
      assertNobodyDied(stack);
    });

    test('does not command the operator\'s terminal by what it prints', async () => {
      await script({ how: 'print', text: 'red \u001b[31mtitle\u001b]0;x\u0007 \u009b2J \u007f 茶\tend' });
      const shown = () => stack.cli('logs', 'script').stdout;
      await until(() => shown().includes('end'), 'the line is logged');
      assert.ok(shown().includes('red \\x1b[31mtitle\\x1b]0;x\\x07 \\x9b2J \\x7f 茶\tend\n'), shown());
    });

    test('speaks as its caller while it runs, and not a moment longer', async () => {
      const socket = run('cloud/cloud-0.sock');
      const body = { action: 'database.countDocument', collectionName: 'items', query: '{}' };
      const admin = (sessionToken) => script({ how: 'admin', socket, body: { ...body, sessionToken } });
      const old = await script({ how: 'token' });
      assert.match(old, /^[0-9a-f]{48}$/);
      const flipped = (i) => old.slice(0, i) + (old[i] === '0' ? '1' : '0') + old.slice(i + 1);
      for (const wrong of [old, flipped(47), flipped(12), '', 'x'.repeat(48), null, { a: 1 }, old.repeat(100)]) {
        const answer = await admin(wrong);
        assert.match(JSON.parse(answer.text).code, /^(CHECK_LOGIN_FAILED|INVALID_PARAM)$/, JSON.stringify(wrong));
      }
      const own = await script({ how: 'admin', socket, body, own: true });
      assert.equal(JSON.parse(own.text).data.total, 0, own.text);
      for (const path of ['/v1/session', '/web', '/ops/status', '/ops/token', '/v1/functions/script'])
        assert.equal((await script({ how: 'admin', socket, path, body })).status, 404, path);
    });

    test('has its children\'s memory counted, wherever they hide', async () => {
      for (const leave of [0, 1]) {
        await well();
        const answer = await callFunction(stack, 'intruder', { how: 'breed', children: 8, mib: 40, leave }, token);
        assert.deepEqual([answer.status, answer.body.code], [502, 'FUNCTIONS_MEMORY_LIMIT_EXCEEDED'], `leave ${leave}`);
      }
      assert.equal((await callFunction(stack, 'intruder', { how: 'echo' }, token)).status, 200);
    });

    test('meets an end of processes, files, bytes and names', async () => {
      await well();
      const bomb = await callFunction(stack, 'intruder', { how: 'bomb' }, token);
      if (bomb.status === 200) assert.ok(Number(bomb.body) < 1000, bomb.body);
      else assert.equal(bomb.body.code, 'FUNCTIONS_MEMORY_LIMIT_EXCEEDED');
      // The bomb's memory may be counted when it has gone off already.
      const files = await until(async () => Number(await native({ how: 'files' })), 'a worker counts');
      assert.ok(files <= 1024, `${files}`);
      assert.equal(Number(await native({ how: 'fill', path: 'bytes' })), 64 * MIB);
      assert.ok(Number(await native({ how: 'fill', path: 'names' })) <= 32768);
      assert.equal((await bystander()).status, 200);
      assertNobodyDied(stack);
    });

    test('whose loading left a liar in its template is still served', async () => {
      for (let i = 0; i < 8; i++) {
        assert.deepEqual((await callFunction(stack, 'liar', { i }, token)).body, { i });
        await until(() => true, 'a turn');
      }
      assertNobodyDied(stack);
    });

    test('leaves no process behind when the stack stops', async () => {
      const pids = stack.status().functions.map((f) => f.pid);
      const name = stack.run;
      await stack.stop();
      for (const pid of pids) assert.ok(!existsSync(`/proc/${pid}`), `${pid}`);
      const left = spawnSync('pgrep', ['-f', name], { encoding: 'utf8' }).stdout;
      assert.equal(left, '');
      stack = null;
    });
  });
}

confinement('started by root', { owner: () => undefined, skip: process.getuid() !== 0 && 'needs root' });
confinement('started by an ordinary user', { owner: () => ordinaryUser() ?? undefined });
