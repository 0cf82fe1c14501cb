// Versions: deployed, tried on some, taken back, gone back to; and variables.
// The real daemon, real functions.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync,
  writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { build, source, startStack, until } from '../lib/stack.mjs';

let stack;
const agent = new Agent({ keepAlive: true, maxSockets: 8 });

before(async () => {
  stack = await startStack({ project: join(source, 'tests/e2e/deploy'), gateways: 2,
    set: { 'functions.keep_versions': 4 } });
});
after(async () => {
  agent.destroy();
  await stack?.stop();
});

// As the operator, or as a user; {status, body, version}.
function call(event = {}, { openid, qualifier, headers = {}, name = 'hello' } = {}) {
  const query = new URLSearchParams({ ...(openid && { openid }), ...(qualifier && { qualifier }) });
  return new Promise((done, fail) => {
    const r = request({ socketPath: join(stack.run, 'run', 'ops.sock'), method: 'POST', agent,
      path: `/v1/functions/${name}?${query}`,
      headers: { 'content-type': 'application/json', ...headers } }, (answer) => {
      let text = '';
      answer.on('data', (d) => { text += d; });
      answer.on('end', () => {
        const body = JSON.parse(text);
        done({ status: answer.statusCode, body, version: body.version });
      });
    });
    r.on('error', fail);
    r.end(JSON.stringify(event));
  });
}

const folder = (...path) => join(stack.project, 'cloudfunctions/hello', ...path);
const state = (...path) => join(stack.home, 'state/functions/hello', ...path);
const put = (path, text) => writeFileSync(folder(path), text);
const versions = () => stack.cliJson('fn', 'versions', 'hello');
const stable = () => versions().release.stable;

// Deploys what says it is version `says`; the report's row.
function deploy(says, ...words) {
  put('version.js', `module.exports = ${says};\n`);
  return stack.cliJson('deploy', stack.project, 'hello', ...words)[0];
}

function succeeds(...words) {
  const r = stack.cli(...words);
  assert.equal(r.status, 0, `${words.join(' ')}: ${r.stderr}`);
  return r.stdout;
}

function refused(...words) {
  const r = stack.cli(...words);
  assert.notEqual(r.status, 0, `${words.join(' ')}: ${r.stdout}`);
  return r.stderr;
}

// Calls of as many users, answered by which version each.
async function ask(users) {
  const answers = [];
  for (let at = 0; at < users.length; at += 50)
    answers.push(...await Promise.all(users.slice(at, at + 50).map((openid) => call({}, { openid }))));
  assert.ok(answers.every((a) => a.status === 200), JSON.stringify(answers.find((a) => a.status !== 200)));
  return answers.map((a) => a.version);
}

test('a folder is deployed with its defaults, shared code and layers; what is ignored is not', async () => {
  const { status, body } = await call();
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual([body.version, body.greeting, body.padded, body.layer, body.timeout],
    [1, 'hello you', '007', "a layer's file", 7000]);
  assert.deepEqual(readdirSync(state('v1')).sort(), ['.opt', 'index.js', 'lib', 'notes', 'version.js']);
  assert.deepEqual(readdirSync(state('v1/notes')), []);
});

test('only what changed is copied: the rest is the version before, by the inode', () => {
  const first = deploy(2);
  assert.deepEqual([first.version, first.changed, first.kept], [2, 1, 4]);
  const inode = (path) => statSync(state(path)).ino;
  assert.equal(inode('v2/lib/n1.js'), inode('v1/lib/n1.js'));
  assert.equal(inode('v2/.opt/common/greet.js'), inode('v1/.opt/common/greet.js'));
  assert.notEqual(inode('v2/version.js'), inode('v1/version.js'));
  // The same size, but other bytes; and the same bytes, but to be run.
  put('lib/n1.js', 'exports.n = 9;\n');
  chmodSync(folder('lib/n2.js'), 0o755);
  const second = deploy(2);
  assert.deepEqual([second.changed, second.kept], [2, 3]);
  assert.equal(readFileSync(state('v2/lib/n1.js'), 'utf8'), 'exports.n = 1;\n');
  put('version.js', 'module.exports = 2; // the same\n');
  assert.match(succeeds('deploy', stack.project, 'hello'), /version 4 \(1 file changed, 4 kept\)/);
});

test('a version that cannot be loaded takes nobody down while 200 calls run', async () => {
  const was = stable();
  let stop = false;
  const answers = [];
  const callers = Array.from({ length: 8 }, async () => {
    while (!stop || answers.length < 200) answers.push(await call());
  });
  put('version.js', 'module.exports = 3;\nthrow new Error("no good");\n');
  const r = stack.cli('deploy', stack.project, 'hello');
  stop = true;
  await Promise.all(callers);
  assert.equal(r.status, 1);
  assert.match(r.stderr, /no good[\s\S]*version\.js:2/);
  assert.match(r.stderr, /function hello: version 5 was not taken up; the one before goes on/);
  assert.ok(answers.length >= 200);
  assert.deepEqual(answers.filter((a) => a.status !== 200 || a.version !== 2), []);
  assert.equal(stable(), was);
  const bad = versions().versions.find((v) => v.version === 5);
  assert.equal(bad.state, 'bad');
  assert.match(bad.error, /no good/);
});

test('rollback goes to the version before, and again further back; or to one by its number', async () => {
  assert.equal(deploy(6).version, 6);
  assert.equal((await call()).version, 6);
  assert.match(succeeds('fn', 'rollback', 'hello'), /hello: version 4 answers again/);
  assert.equal((await call()).version, 2);
  succeeds('fn', 'rollback', 'hello');
  assert.equal(stable(), 3);
  succeeds('fn', 'rollback', 'hello', '6');
  assert.equal((await call()).version, 6);
  assert.match(refused('fn', 'rollback', 'hello', '6'), /answers already/);
  assert.match(refused('fn', 'rollback', 'hello', '99'), /there is no version 99/);
  assert.match(refused('fn', 'rollback', 'hello', '5'), /no good/);
  assert.equal((await call()).version, 6);
});

test('deploys, rollbacks and restarts lose no call', async () => {
  let stop = false;
  const answers = [];
  const callers = Array.from({ length: 4 }, async () => {
    while (!stop) answers.push(await call());
  });
  await until(() => answers.length > 20, 'calls run');
  const run = (...words) => new Promise((done) => {
    spawn(join(build, 'mpcloud'), ['--config', stack.config, ...words], { env: stack.env, stdio: 'ignore' })
      .on('exit', done);
  });
  put('version.js', 'module.exports = 7;\n');
  for (const words of [['deploy', stack.project, 'hello'], ['fn', 'rollback', 'hello'],
    ['fn', 'rollback', 'hello', '7'], ['fn', 'restart', 'hello']])
    assert.equal(await run(...words), 0, words.join(' '));
  stop = true;
  await Promise.all(callers);
  assert.deepEqual(answers.filter((a) => a.status !== 200), []);
  assert.deepEqual([...new Set(answers.map((a) => a.version))].sort(), [6, 7]);
  assert.equal((await call()).version, 7);
});

test('an alias names a version; a version that is not live is not there', async () => {
  succeeds('fn', 'alias', 'hello', 'prod', '6');
  assert.equal((await call({}, { qualifier: 'prod' })).version, 6);
  assert.equal((await call({}, { headers: { 'x-qualifier': 'prod' } })).version, 6);
  assert.equal((await call({}, { qualifier: '6' })).version, 6);
  assert.equal((await call({}, { qualifier: '$LATEST' })).version, 7);
  assert.equal((await call()).version, 7);
  const other = await call({}, { qualifier: '4' });
  assert.deepEqual([other.status, other.body.code], [404, 'FUNCTION_NOT_FOUND']);
  const row = stack.cli('fn', 'versions', 'hello').stdout.split('\n').find((l) => l.startsWith('6 '));
  assert.match(row, /prod/);
  assert.match(refused('fn', 'alias', 'hello', '6', '7'), /"6" is not a name/);
  assert.match(refused('fn', 'alias', 'hello', 'prod'), /--end/);
  succeeds('fn', 'alias', 'hello', 'prod', '--end');
  assert.equal((await call({}, { qualifier: 'prod' })).status, 404);
});

test('a gray release reaches its share of 1,000 users, and each keeps what he has', async () => {
  const users = Array.from({ length: 1000 }, (_, i) => `oGray-${i}`);
  assert.equal(deploy(8, '--gray', '10').version, 8);
  const first = await ask(users);
  const gray = first.filter((v) => v === 8).length;
  // Ten percent, give or take four standard deviations.
  assert.ok(gray >= 62 && gray <= 138, `${gray} of 1000`);
  assert.deepEqual(await ask(users), first);
  succeeds('fn', 'gray', 'hello', '8', '--percent', '50');
  const second = await ask(users);
  const more = second.filter((v) => v === 8).length;
  assert.ok(more >= 437 && more <= 563, `${more} of 1000`);
  assert.ok(users.every((_, i) => first[i] !== 8 || second[i] === 8), 'somebody lost the gray version');
  assert.match(stack.cli('fn', 'list').stdout, /8 \(50%\)/);
  // Hosts that die come back as what they were.
  const { hosts } = stack.cliJson('fn', 'list')[0];
  assert.deepEqual(hosts.map((h) => h.version).sort(), [7, 8]);
  for (const { pid } of hosts) process.kill(pid, 'SIGKILL');
  await until(() => stack.cliJson('fn', 'list')[0].hosts.every((h) =>
    h.state === 'ready' && hosts.every((old) => old.pid !== h.pid)), 'new hosts');
  await until(async () => (await Promise.all([call({}, { qualifier: '7' }), call({}, { qualifier: '8' })]))
    .every((a) => a.status === 200), 'both answer');
  assert.deepEqual(await ask(users), second);
});

test('a header or a list of users is another way into a gray release; promoted, all have it', async () => {
  succeeds('fn', 'gray', 'hello', '8', '--header', 'x-gray: yes', '--openid', 'oAnn,oBob');
  assert.equal((await call({}, { openid: 'oAnn' })).version, 8);
  assert.equal((await call({}, { openid: 'oCat' })).version, 7);
  assert.equal((await call({}, { headers: { 'X-Gray': 'yes' } })).version, 8);
  assert.equal((await call({}, { headers: { 'x-gray': 'no' } })).version, 7);
  assert.match(refused('fn', 'gray', 'hello', '8'), /--percent, --header or --openid/);
  assert.match(refused('fn', 'gray', 'hello', '8', '--header', 'x-gray'), /as "x-gray: yes"/);
  assert.match(refused('fn', 'gray', 'hello', '7', '--percent', '1'), /7 is the stable version already/);
  succeeds('fn', 'gray', 'hello', '--end');
  assert.equal((await call({}, { openid: 'oAnn' })).version, 7);
  succeeds('fn', 'gray', 'hello', '8', '--percent', '0', '--openid', 'oAnn');
  succeeds('fn', 'promote', 'hello');
  assert.equal((await call()).version, 8);
  assert.match(refused('fn', 'promote', 'hello'), /no gray version/);
});

test('a gray version that fails is taken back by itself, with the reason', async () => {
  assert.equal(deploy(9, '--gray', '0', '--openid', 'oAnn', '--errors', '20', '--calls', '10').version, 9);
  assert.equal((await call({}, { openid: 'oAnn' })).version, 9);
  await until(async () => {
    await call({ fail: true }, { openid: 'oAnn' });
    return versions().release.gray === undefined;
  }, 'the guard strikes', 200);
  assert.equal((await call({}, { openid: 'oAnn' })).version, 8);
  const { trouble } = versions();
  assert.equal(trouble.version, 9);
  assert.match(trouble.why, /\d/);
  assert.match(stack.cli('fn', 'versions', 'hello').stdout, /version 9 was taken back \d{4}-/);
  assert.match(stack.cli('fn', 'list').stdout, /9 taken back/);
  assert.match(stack.daemonLog(), /"event":"fn.taken_back".*"version":9/);
});

test('a slow gray version is taken back too, and old versions go', async () => {
  const code = readFileSync(folder('index.js'), 'utf8');
  put('index.js', code.replace('if (event.fail)',
    'if (event.slow) await new Promise((done) => setTimeout(done, 60));\n  if (event.fail)'));
  assert.equal(deploy(10, '--gray', '0', '--openid', 'oAnn', '--latency', '30ms', '--calls', '10').version, 10);
  await until(async () => {
    await call({ slow: true }, { openid: 'oAnn' });
    return versions().release.gray === undefined;
  }, 'the guard strikes', 200);
  assert.equal(versions().trouble.version, 10);
  put('index.js', code);
  succeeds('fn', 'gray', 'hello', '10', '--percent', '1');
  put('version.js', 'module.exports = 11;\n');
  assert.match(succeeds('deploy', stack.project, 'hello'), /; the trial of version 10 has ended/);
  assert.equal((await call()).version, 11);
  assert.deepEqual(versions().versions.map((v) => v.version), [8, 9, 10, 11]);
  assert.deepEqual(readdirSync(state()).filter((name) => name.endsWith('.gone')), []);
});

const names = ['SHADE', 'OWN', 'GLOBAL', 'API_KEY'];
const variables = async () => (await call({ names })).body.variables;

test('variables come in their order: of all, of the entry, of the one', async () => {
  assert.deepEqual(await variables(), { SHADE: 'of the entry', OWN: 'entry' });
  succeeds('env', 'set', 'GLOBAL=for all', 'OWN=never seen');
  assert.deepEqual(await variables(), { SHADE: 'of the entry', OWN: 'entry', GLOBAL: 'for all' });
  succeeds('env', 'set', 'OWN=set', '--function', 'hello');
  assert.deepEqual(await variables(), { SHADE: 'of the entry', OWN: 'set', GLOBAL: 'for all' });
  assert.match(stack.cli('env', 'list').stdout, /hello\s+OWN\s+set/);
  deploy(12);
  assert.equal((await variables()).OWN, 'set');
  succeeds('env', 'unset', 'OWN', '--function', 'hello');
  succeeds('env', 'unset', 'GLOBAL', 'OWN');
  assert.deepEqual(await variables(), { SHADE: 'of the entry', OWN: 'entry' });
  assert.match(refused('env', 'set', 'TCB_ENV=x'), /TCB_ENV is set by mpcloud itself/);
  assert.match(refused('env', 'set', '1A=x'), /is not a variable's name/);
  assert.match(refused('env', 'set', 'A'), /NAME=VALUE/);
});

// Every file below, but for what the kernel shows.
function filesWith(dir, text) {
  return readdirSync(dir, { recursive: true, withFileTypes: true }).filter((e) => e.isFile())
    .map((e) => join(e.parentPath ?? e.path, e.name))
    .filter((path) => readFileSync(path).includes(text));
}

test('a secret is the function\'s alone: sealed on disk, in no log, in no answer', async () => {
  const secret = 'nobody-shall-read-this-4711';
  const r = stack.cliWith({ input: `${secret}\n` }, 'secret', 'set', 'API_KEY', '--function', 'hello');
  assert.equal(r.status, 0, r.stderr);
  assert.equal((await variables()).API_KEY, secret);
  const file = join(stack.dir, 'key.txt');
  writeFileSync(file, 'another');
  succeeds('secret', 'set', 'API_KEY', '--from', file);
  assert.equal((await variables()).API_KEY, secret, 'what is set for one goes before what is for all');
  deploy(13);
  assert.equal((await variables()).API_KEY, secret);
  for (const words of [['fn', 'list', '--json'], ['fn', 'versions', 'hello', '--json'], ['status', '--json'],
    ['env', 'list', '--json'], ['secret', 'list', '--json'], ['secret', 'list']]) {
    const said = stack.cli(...words);
    assert.equal(said.status, 0, said.stderr);
    assert.ok(!said.stdout.includes(secret), words.join(' '));
  }
  assert.deepEqual(stack.cliJson('secret', 'list'), { global: ['API_KEY'], functions: { hello: ['API_KEY'] } });
  assert.deepEqual(filesWith(stack.home, secret), []);
  assert.equal(statSync(join(stack.home, 'state/secrets')).mode & 0o777, 0o600);
  assert.match(stack.cliWith({ input: 'x' }, 'secret', 'set', 'A=b').stderr, /does not stand on the command line/);
  succeeds('secret', 'unset', 'API_KEY', '--function', 'hello');
  assert.equal((await variables()).API_KEY, 'another');
  succeeds('secret', 'unset', 'API_KEY');
  assert.equal((await variables()).API_KEY, undefined);
});

test('variables that a function cannot live with leave it as it was, and say so', async () => {
  const code = readFileSync(folder('index.js'), 'utf8');
  put('index.js', `if (process.env.BREAK) throw new Error('broken by a variable');\n${code}`);
  deploy(14);
  assert.match(refused('env', 'set', 'BREAK=1'), /hello goes on with the variables it had[\s\S]*broken by a variable/);
  assert.equal((await call()).version, 14);
  succeeds('env', 'unset', 'BREAK');
  put('index.js', code);
});

test('a path belongs to one function', async () => {
  const rc = join(stack.project, 'cloudbaserc.json');
  const was = readFileSync(rc, 'utf8');
  const file = JSON.parse(was);
  file.functions[0].triggers = [{ name: 'api', type: 'http', path: '/api', methods: ['GET'] }];
  file.functions.push({ name: 'other', triggers: [{ name: 'api', type: 'http', path: '/api' }] });
  mkdirSync(join(stack.project, 'cloudfunctions/other'));
  writeFileSync(join(stack.project, 'cloudfunctions/other/index.js'), 'exports.main = () => 1;\n');
  writeFileSync(rc, JSON.stringify(file));
  const r = stack.cli('deploy', stack.project);
  assert.equal(r.status, 1);
  assert.match(r.stderr, /triggers\[0\]: \/api belongs to function hello/);
  file.functions[1].triggers[0].methods = ['POST'];
  writeFileSync(rc, JSON.stringify(file));
  succeeds('deploy', stack.project, 'other');
  succeeds('fn', 'delete', 'other');
  assert.equal((await call({}, { name: 'other' })).status, 404);
  assert.match(refused('fn', 'delete', 'other'), /no function "other" is deployed/);
  writeFileSync(rc, was);
  deploy(15);
});

test('{{env.NAME}} comes from .env, as CloudBase has it', async () => {
  const rc = join(stack.project, 'cloudbaserc.json');
  const was = readFileSync(rc, 'utf8');
  const file = JSON.parse(was);
  file.envId = '{{env.NOT_THERE}}';
  file.functions[0].envVariables.OWN = 'a {{ env.SHADE_OF }} b';
  writeFileSync(rc, JSON.stringify(file));
  writeFileSync(join(stack.project, '.env'), '# colours\nSHADE_OF=red\nOTHER=x\n');
  writeFileSync(join(stack.project, '.env.local'), 'SHADE_OF="dark red"\n');
  deploy(15);
  assert.equal((await variables()).OWN, 'a dark red b');
  writeFileSync(rc, was);
});

test('what an entry says wrongly is named', () => {
  const rc = join(stack.project, 'cloudbaserc.json');
  const was = readFileSync(rc, 'utf8');
  const said = (members) => {
    const file = JSON.parse(was);
    Object.assign(file.functions[0], members);
    writeFileSync(rc, JSON.stringify(file));
    return refused('deploy', stack.project, 'hello');
  };
  assert.match(said({ mpcloud: { workers: 0 } }), /mpcloud\.workers: a whole number from 1 to 10000/);
  assert.match(said({ mpcloud: { wokers: 1 } }), /mpcloud\.wokers: is not known/);
  assert.match(said({ layers: [{ name: 'gone' }] }), /layers: "gone"/);
  assert.match(said({ ignore: 'x' }), /ignore: an array/);
  assert.match(said({ triggers: [{ name: 't', type: 'timer', config: '* * *' }] }), /triggers\[0\]: config/);
  assert.match(said({ runtime: 'Php7' }), /runtime: "Php7"/);
  assert.match(said({ envVariables: { A: '{{env.NOT_THERE}}' } }), /\{\{env\.NOT_THERE\}\}: there is no NOT_THERE/);
  writeFileSync(rc, was);
});

test('what is the same is no new version, until something of it differs', async () => {
  const rc = join(stack.project, 'cloudbaserc.json');
  const was = readFileSync(rc, 'utf8');
  const first = deploy(16);
  assert.equal(first.unchanged, false);
  const host = stack.cliJson('fn', 'list')[0].pid;
  // Also when every file was written anew, as a checkout does.
  const code = readFileSync(folder('index.js'));
  rmSync(folder('index.js'));
  writeFileSync(folder('index.js'), code);
  assert.deepEqual(deploy(16), { ...first, changed: 0, kept: 5, unchanged: true });
  assert.equal(succeeds('deploy', stack.project, 'hello'),
    `  function hello            version ${first.version} (unchanged)\n`);
  assert.equal(stack.cliJson('fn', 'list')[0].pid, host);
  assert.deepEqual(readdirSync(state()).filter((name) => name.endsWith('.part')), []);
  // The entry, a file that goes, a trial, a version gone back from.
  const next = (...words) => {
    const row = stack.cliJson('deploy', stack.project, 'hello', ...words)[0];
    assert.equal(row.unchanged, false);
    return row.version;
  };
  writeFileSync(rc, was.replace('"timeout": 7', '"timeout": 8'));
  assert.equal(next(), first.version + 1);
  assert.equal((await call()).body.timeout, 8000);
  put('lib/extra.js', '');
  assert.equal(next(), first.version + 2);
  rmSync(folder('lib/extra.js'));
  assert.equal(next(), first.version + 3);
  assert.equal(next('--gray', '0'), first.version + 4);
  assert.equal(next(), first.version + 5);
  succeeds('fn', 'rollback', 'hello');
  assert.equal(next(), first.version + 6);
  succeeds('fn', 'delete', 'hello');
  assert.equal(next(), first.version + 7);
  writeFileSync(rc, was);
  deploy(15);
});

// An ssh that goes nowhere: the command runs here, in a home of its own.
function fakeSsh() {
  const dir = join(stack.dir, 'fake'), home = join(stack.dir, 'server');
  mkdirSync(dir, { recursive: true });
  mkdirSync(home, { recursive: true });
  writeFileSync(join(dir, 'ssh'), `#!/bin/sh
while :; do
  case "$1" in
  -l) shift 2 ;;
  -*) shift ;;
  *) break ;;
  esac
done
[ "$1" = example.com ] || [ "$1" = me@example.com ] || exit 255
shift
cd '${home}' && exec sh -c "$*"
`);
  chmodSync(join(dir, 'ssh'), 0o755);
  return { home, env: { ...stack.env, PATH: `${dir}:${build}:${process.env.PATH}`, MPCLOUD_CONFIG: stack.config } };
}

test('deploy --host sends what changed and deploys it there, with its words and status', async (t) => {
  if (!existsSync('/usr/bin/rsync')) return t.skip('rsync is not installed');
  const { home, env } = fakeSsh();
  const there = (...words) => stack.cliWith({ env }, 'deploy', stack.project, 'hello', ...words);
  put('version.js', 'module.exports = 16;\n');
  const r = there('--host', 'me@example.com');
  assert.equal(r.status, 0, r.stderr);
  assert.match(r.stdout, /function hello\s+version \d+ \(1 file changed/);
  assert.equal((await call()).version, 16);
  const [staging] = readdirSync(home);
  const sent = join(home, staging, 'cloudfunctions/hello/lib/n1.js');
  const inode = statSync(sent).ino;
  put('version.js', 'module.exports = ;\n');
  const bad = there('--host', 'me@example.com');
  assert.equal(bad.status, 1);
  assert.match(bad.stderr, /SyntaxError/);
  assert.equal(statSync(sent).ino, inode, 'sent again though it did not change');
  assert.equal((await call()).version, 16);
  const away = there('--host', 'me@elsewhere');
  assert.equal(away.status, 1);
  assert.match(away.stderr, /can you log in with `ssh me@elsewhere`/);
  assert.match(there('--host', '-oProxyCommand=x').stderr, /USER@SERVER is wanted/);
  put('version.js', 'module.exports = 17;\n');
});

test('two deploys at once each have their version', async () => {
  const before = versions().versions.at(-1).version;
  const run = () => new Promise((done) => {
    const child = spawn(join(build, 'mpcloud'), ['--config', stack.config, 'deploy', stack.project, 'hello', '--json'],
      { env: stack.env, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '', err = '';
    child.stdout.on('data', (d) => { out += d; });
    child.stderr.on('data', (d) => { err += d; });
    child.on('exit', (code) => done({ code, out, err }));
  });
  const both = await Promise.all([run(), run()]);
  for (const { code, err } of both)
    assert.ok(code === 0 || /is being changed just now/.test(err), err);
  assert.ok(both.some(({ code }) => code === 0));
  assert.deepEqual(versions().versions.map((v) => v.version).slice(-2), [before + 1, before + 2]);
  assert.equal((await call()).version, 17);
});

test('a folder without its packages is refused with what to do; npm brings what is named', async () => {
  const dir = join(stack.project, 'cloudfunctions/needy');
  mkdirSync(join(dir, 'vendor/small'), { recursive: true });
  writeFileSync(join(dir, 'index.js'),
    "const small = require('small');\nexports.main = () => [small, require('packed')];\n");
  const packed = join(stack.project, 'layers/packed/node_modules/packed');
  mkdirSync(packed, { recursive: true });
  writeFileSync(join(packed, 'index.js'), "module.exports = 'of the layer';\n");
  const rc = join(stack.project, 'cloudbaserc.json');
  const file = JSON.parse(readFileSync(rc, 'utf8'));
  file.functions.push({ name: 'needy', installDependency: true, layers: [{ name: 'packed' }] });
  writeFileSync(rc, JSON.stringify(file));
  assert.match(refused('deploy', stack.project, 'needy'), /"small"[\s\S]*npm install/);
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ dependencies: { small: 'file:./vendor/small' } }));
  writeFileSync(join(dir, 'vendor/small/package.json'), JSON.stringify({ name: 'small', version: '1.0.0' }));
  writeFileSync(join(dir, 'vendor/small/index.js'), "module.exports = 'small indeed';\n");
  succeeds('deploy', stack.project, 'needy');
  assert.deepEqual((await call({}, { name: 'needy' })).body, ['small indeed', 'of the layer']);
  // Whoever wrote the files runs nothing where they are deployed.
  const ran = join(stack.project, 'ran');
  const program = join(stack.project, 'program.sh');
  writeFileSync(program, `#!/bin/sh\necho "$@" >> ${ran}\nexit 1\n`, { mode: 0o755 });
  writeFileSync(join(dir, 'vendor/small/package.json'),
    JSON.stringify({ name: 'small', version: '1.0.1', scripts: { postinstall: program } }));
  writeFileSync(join(dir, '.npmrc'), `git=${program}\nignore-scripts=false\nscript-shell=${program}\n`);
  succeeds('deploy', stack.project, 'needy');
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ dependencies: {
    small: 'file:./vendor/small', other: 'git+file:///nowhere/at/all' } }));
  refused('deploy', stack.project, 'needy');
  assert.equal(existsSync(ran), false);
  rmSync(dir, { recursive: true });
  file.functions.pop();
  writeFileSync(rc, JSON.stringify(file));
});
