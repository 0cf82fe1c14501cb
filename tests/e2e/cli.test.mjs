// The command line as a person uses it: what it prints and how it ends.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, source, startStack } from '../lib/stack.mjs';

let stack;
before(async () => { stack = await startStack({ project: join(source, 'tests/e2e/project'), functions: ['echo', 'faulty', 'native'], gateways: 1 }); });
after(() => stack?.stop());

test('without arguments it lists its commands', () => {
  const r = stack.cliWith({}, 'help');
  assert.equal(r.status, 0);
  for (const word of ['dev', 'deploy', 'fn invoke', 'db query', 'token issue', 'doctor'])
    assert.ok(r.stdout.includes(word), word);
});

test('a wrong word, option or number is refused with status 2 and says what to do', () => {
  assert.equal(stack.cli('frobnicate').status, 2);
  assert.match(stack.cli('frobnicate').stderr, /mpcloud help/);
  assert.equal(stack.cli('status', '--port', '1').status, 2);
  assert.equal(stack.cli('db', 'query', 'board', '--limit', '-1').status, 2);
  assert.match(stack.cli('fn', 'invoke', 'echo', '--data', '{no').stderr, /--data/);
});

test('no daemon is status 3, a bad configuration is status 4', () => {
  const none = join(stack.dir, 'none.conf');
  writeFileSync(none, `[server]\nrun_dir = ${stack.dir}/nowhere\n`);
  const bad = join(stack.dir, 'bad.conf');
  writeFileSync(bad, '[server]\ngatways = 2\n');
  assert.equal(stack.cliWith({}, '--config', none, 'status').status, 3);
  const r = stack.cliWith({}, '--config', bad, 'status');
  assert.equal(r.status, 4);
  assert.match(r.stderr, /bad\.conf:2.*gateways/s);
});

test('a slip of the pen is answered with what was meant', () => {
  const said = (...args) => {
    const r = stack.cli(...args);
    assert.notEqual(r.status, 0, args.join(' '));
    return r.stderr;
  };
  assert.match(said('stauts'), /did you mean `mpcloud status`/);
  assert.match(said('fn'), /list, invoke, versions/);
  assert.match(said('status', '--jsno'), /did you mean --json/);
  assert.match(said('fn', 'invoke', 'nobody'), /mpcloud fn list/);
  assert.match(said('fn', 'invoke', '../echo'), /not a function's name/);
  assert.match(said('logs', 'nobody'), /no function "nobody" is deployed/);
  assert.match(said('dev', stack.project, '--set', 'limits.ip_rat=0'), /did you mean limits\.ip_rate/);
  assert.match(said('dev', stack.project, '--set', 'ip_rate'), /SECTION\.NAME=VALUE/);
  assert.match(said('dev', stack.project, '--set', 'limits.ip_rate=0', '--set', 'limits.user_rate=0'), /--set is there twice/);
  assert.match(said('route', 'check', 'nothere.json'), /nothere\.json: No such file/);
  assert.match(stack.cliWith({}, '-h').stdout, /doctor/);
  // Of a family a line each, of one command its page.
  const family = stack.cliWith({}, 'files', '--help').stdout;
  assert.match(family, /^ {2}mpcloud files put FILE \[PATH\] {2,}Upload a file\.$/m);
  assert.match(family, /^ {2}mpcloud files sweep {2,}Look at/m);
  assert.doesNotMatch(family, /Options:/);
  assert.match(stack.cliWith({}, 'help', 'files', 'put').stdout, /Usage: mpcloud files put \[OPTIONS\] FILE \[PATH\][^]*--cache TEXT/);
});

test('a bad function keeps no other from its version; a misspelled permission is refused', () => {
  const version = () => stack.cliJson('fn', 'list').find((f) => f.name === 'faulty').version;
  const file = join(stack.project, 'cloudfunctions/echo/index.js');
  const other = join(stack.project, 'cloudfunctions/faulty/index.js');
  const old = readFileSync(file, 'utf8'), before = version();
  writeFileSync(file, 'this is not JavaScript');
  appendFileSync(other, '// changed, too\n');
  const r = stack.cli('deploy', stack.project);
  writeFileSync(file, old);
  assert.equal(r.status, 1);
  assert.match(r.stderr, /function echo: version \d+ was not taken up; the one before goes on/);
  assert.equal(version(), before + 1);
  const board = join(stack.project, 'database/board.json');
  const kept = readFileSync(board, 'utf8');
  writeFileSync(board, kept.replace('"permission"', '"permision"'));
  const refused = stack.cli('deploy', stack.project);
  writeFileSync(board, kept);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /board\.json: "permision"/);
});

test('fn list, fn invoke and db query answer', () => {
  assert.match(stack.cli('fn', 'list').stdout, /echo\s+1\s+node/);
  const r = stack.cli('fn', 'invoke', 'echo', '--data', '{"a":1}', '--openid', 'oCliUser0123456789abcdef');
  assert.equal(r.status, 0, r.stderr);
  assert.equal(JSON.parse(r.stdout).openid, 'oCliUser0123456789abcdef');
  assert.equal(stack.cli('fn', 'invoke', 'faulty', '--data', '{"how":"throws"}').status, 1);
  assert.deepEqual(stack.cliJson('db', 'query', 'board', '{"n":2}'), [{ _id: 'two', n: 2 }]);
  assert.equal(stack.cli('db', 'query', 'board', '--count').stdout.trim(), '2');
  assert.match(stack.cli('db', 'query', 'nowhere').stderr, /DATABASE_COLLECTION_NOT_EXIST/);
});

test('a new version takes over; one that cannot be loaded changes nothing', () => {
  const file = join(stack.project, 'cloudfunctions/echo/index.js');
  const old = readFileSync(file, 'utf8');
  writeFileSync(file, "exports.main = () => 'version two'\n");
  assert.equal(stack.cli('deploy', stack.project, 'echo').status, 0);
  assert.equal(JSON.parse(stack.cli('fn', 'invoke', 'echo').stdout), 'version two');
  writeFileSync(file, 'this is not JavaScript');
  const r = stack.cli('deploy', stack.project, 'echo');
  assert.equal(r.status, 1);
  assert.match(r.stderr, /SyntaxError/);
  assert.equal(JSON.parse(stack.cli('fn', 'invoke', 'echo').stdout), 'version two');
  writeFileSync(file, old);
  assert.equal(stack.cli('deploy', stack.project, 'echo').status, 0);
});

test('config show, explain and check, doctor, status, man and completion', () => {
  assert.match(stack.cli('config', 'show', 'server').stdout, /server\.gateways = 1/);
  assert.match(stack.cli('config', 'explain', 'limits.body').stdout, /413/);
  assert.match(stack.cli('config', 'explain', 'pay.api').stdout, /^pay\.api {2}\(one of v3\|v2; default: v3; /m);
  assert.deepEqual(stack.cliJson('config', 'explain').filter((row) => !row?.type), []);
  assert.match(stack.cli('config', 'check').stdout, /is valid/);
  assert.equal(stack.cliJson('config', 'check').valid, true);
  const doctor = stack.cli('doctor');
  assert.match(doctor.stdout, /ok\s+configuration/);
  assert.equal(doctor.status, 0, doctor.stdout);
  assert.match(doctor.stdout, /ok\s+WeChat Pay\s+1 merchant/);
  assert.match(doctor.stdout, /ok\s+database\s+PostgreSQL \d+.*\nok\s+watch .*\nok\s+stored files\s.*state\/files, \d+ MiB are free/);
  assert.match(stack.cli('status').stdout, /gateway 0 .* ready/);
  assert.match(stack.cli('man').stdout, /^\.TH MPCLOUD 1/);
  assert.match(stack.cli('man', 'conf').stdout, /\.SH \[limits\]/);
  const words = stack.cli('completion', 'bash').stdout;
  const r = stack.cliWith({ input: words }, 'version');
  assert.match(r.stdout, /^mpcloud \d/);
});

test('each configuration that the documents show is one', () => {
  const wrong = [], file = join(stack.dir, 'shown.conf');
  let shown = 0;
  for (const name of readdirSync(join(source, 'docs')).filter((n) => n.endsWith('.md')))
    for (const [, text] of readFileSync(join(source, 'docs', name), 'utf8').matchAll(/^```ini\n([^]*?)^```$/gm)) {
      writeFileSync(file, text);
      const { status, stderr } = stack.cliWith({}, 'config', 'check', '-c', file);
      if (status !== 0) wrong.push(`${name}: ${stderr}`);
      shown++;
    }
  assert.deepEqual(wrong, []);
  assert.ok(shown > 5, `${shown} shown`);
});

test('doctor says what a gateway would refuse or not reach', () => {
  const good = readFileSync(stack.config, 'utf8');
  const file = join(stack.dir, 'mixed.conf');
  const key = /^private_key_file = (.*)$/m.exec(good)[1];
  for (const [text, says] of [
    [good.replace(/^public_key_file = .*$/m, `public_key_file = ${key}`), /WRONG\s+WeChat Pay\s.*public_key_file holds a private key/],
    [good.replace(/^notify_url = .*$/m, '$&?a=1'), /WRONG\s+WeChat Pay\s.*notify_url .* without a query/],
    [good.replace(/^push_token_file = .*$/m, ''), /WRONG\s+WeChat\s.*push_token_file is needed too/],
    [good.replace(/^url = .*$/m, 'url = host=127.0.0.1 port=1'), /WRONG\s+database\s+database\.url: .*Connection refused/],
    [`${good}\n[storage]\ndir = /etc/passwd\n`, /WRONG\s+stored files\s+\/etc\/passwd is not a folder/],
    [`${good}\n[storage]\nreserve = 900000g\n`, /WRONG\s+stored files\s.*storage\.reserve is \d+: uploads are answered 507/],
    [`${good}\n[storage]\ns3_endpoint = http://127.0.0.1:1\ns3_bucket = b\ns3_access_key = k\ns3_secret_key_file = ${key}\n`,
      /WRONG\s+S3 store\s+http:\/\/127\.0\.0\.1:1: .*connect/],
    [`${good}\n[limits]\nvalkey = redis://127.0.0.1:1\n`, /WRONG\s+Valkey\s+redis:\/\/127\.0\.0\.1:1 does not answer/],
  ]) {
    writeFileSync(file, text);
    const { status, stdout } = stack.cli('doctor', '-c', file);
    assert.match(stdout, says);
    assert.equal(status, 1);
  }
});

test('a reload that is not valid changes nothing and says why', () => {
  const good = readFileSync(stack.config, 'utf8');
  writeFileSync(stack.config, good.replace('[server]', '[server]\nnonsense = 1'));
  const r = stack.cliWith({ env: { ...stack.env } }, 'reload');
  assert.notEqual(r.status, 0);
  assert.match(r.stderr, /nonsense/);
  writeFileSync(stack.config, good);
  assert.equal(stack.cli('reload').stdout, 'reloaded\n');
  writeFileSync(stack.config, good.replace(/^gateways = 1$/m, 'gateways = 2')
    .replace(/^env = .*$/m, 'env = another'));
  assert.equal(stack.cli('reload').stdout, 'reloaded\nchanged, but need a restart: server.gateways, server.env\n');
  assert.match(stack.cli('status').stdout, /^changed, but need a restart: server\.gateways, server\.env$/m);
  writeFileSync(stack.config, good);
  assert.equal(stack.cli('reload').stdout, 'reloaded\n');
  assert.equal(stack.cli('fn', 'invoke', 'echo').status, 0);
});
