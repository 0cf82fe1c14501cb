// The content check of uploaded files, by a function that asks WeChat's (the
// sandbox's) security APIs with unmodified wx-server-sdk: nobody but the uploader
// reads a file before it passed, whatever door he comes by; what is refused goes;
// nothing is forgotten when the function is missing or a gateway is killed.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, chownSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, lacksPackages, source, startStack, until } from '../lib/stack.mjs';

const skip = lacksPackages('tests/clients/wx-server-sdk-4.0.2');
const HELD = [403, 'STORAGE_EXCEED_AUTHORITY'], REFUSED = [403, 'STORAGE_REQUEST_FAIL'];
const SECRET = 'the CDN and we know it';

let stack, rc, anna, ben;
before(async () => {
  if (skip) return;
  stack = await startStack({ project: join(source, 'tests/e2e/file-check'), gateways: 2,
    set: { 'functions.queue_lease': '2s', 'functions.queue_poll': '200ms' } });
  const secret = join(stack.home, 'origin.secret'), { uid, gid } = statSync(join(stack.home, 'keys/master.key'));
  writeFileSync(secret, SECRET, { mode: 0o600 });
  chownSync(secret, uid, gid);
  appendFileSync(stack.config, `\n[storage]\ncheck_function = checker\norigin_secret_file = ${secret}\n`);
  const reload = stack.cli('reload');
  assert.equal(reload.status, 0, reload.stderr);
  rc = join(stack.project, 'cloudbaserc.json');
  anna = (await stack.login()).accessToken;
  ben = (await stack.login()).accessToken;
  await fetch(`${stack.sandbox}/sandbox/push-url`, { method: 'POST', body: JSON.stringify({
    url: `${stack.url}/v1/wechat/push`, mode: 'encrypted', format: 'json' }) });
});
after(() => stack?.stop());

const sql = (query) => execFileSync('psql', ['-h', join(stack.run, 'pg'), '-U', 'mpcloud', '-d', 'postgres', '-At', '-c', query],
  { encoding: 'utf8' }).trim().split('\n').filter(Boolean);
const docs = (collection) => sql(`select doc from env_project."${collection}"`).map((l) => JSON.parse(l));
const heard = (path) => docs('heard').filter((d) => d.path === path).map((d) => `${d.operation} ${d.size}`);
const events = (name) => stack.daemonLog().split('\n').filter((l) => l.includes(`"${name}"`)).map((l) => JSON.parse(l));
const by = (token) => ({ authorization: `Bearer ${token}` });
const at = (path) => `${stack.url}/v1/files/${path}`;
const calls = (path) => sql(`select id from mpcloud.queue where kind = 'check' and event::jsonb ->> 'path' = '${path}' order by id`)
  .map((id) => stack.cliJson('queue', 'show', id));

async function put(path, body, type, token = anna) {
  const answer = await fetch(at(path), { method: 'PUT', headers: { ...by(token), 'content-type': type }, body });
  const json = await answer.json();
  assert.ok(answer.ok, JSON.stringify(json));
  return json;
}

// [status, the bytes or the code, the message]
async function get(url, headers = {}) {
  const answer = await fetch(url, { headers });
  const text = await answer.text();
  if (answer.ok) return [answer.status, text];
  const { code, message } = JSON.parse(text);
  return [answer.status, code, message];
}
const outcome = async (url, headers) => (await get(url, headers)).slice(0, 2);
const reads = (token, path) => outcome(at(path), by(token));
const open = (path) => sql(`insert into env_project.gates (_id, doc) values ('open ${path}', '{"_id":"open ${path}","open":"${path}"}')`);

// What went wrong with a check says why it never happens.
const judged = async (path, look, what) => {
  await until(look, what, 2000).catch((error) => {
    throw new Error(`${error.message}: ${JSON.stringify(calls(path))}`);
  });
};
const passes = (path, text) => judged(path, async () => (await reads(ben, path))[1] === text, `${path} passes`);
const isRefused = (path) => judged(path, async () => (await reads(anna, path))[1] === REFUSED[1], `${path} is refused`);

test('while the function is missing, a file waits, and nobody but its owner reads it by any door', { skip }, async () => {
  const { pending, fileID } = await put('a/1.txt', 'hello', 'text/plain');
  assert.equal(pending, true);
  assert.deepEqual(await reads(anna, 'a/1.txt'), [200, 'hello']);
  assert.deepEqual(await reads(ben, 'a/1.txt'), HELD);
  assert.deepEqual(await outcome(at('a/1.txt')), HELD);
  assert.match((await get(at('a/1.txt')))[2], /content check/);
  assert.deepEqual(await outcome(at('a/1.txt'), { 'x-origin-secret': SECRET }), HELD);
  const { url } = stack.cliJson('files', 'link', 'a/1.txt');
  assert.deepEqual(await outcome(url), HELD);
  assert.deepEqual((await (await fetch(at(''), { headers: by(ben) })).json()).files, []);
  assert.deepEqual((await (await fetch(at(''), { headers: by(anna) })).json()).files.map((f) => [f.fileID, f.pending]), [[fileID, true]]);
  assert.deepEqual(heard('a/1.txt'), []);
  await until(() => calls('a/1.txt')[0].error, 'the queue says what is missing');
  const [{ state, function: name, event }] = calls('a/1.txt');
  assert.deepEqual([state, name], ['waiting', 'checker']);

  // The link in its event, which WeChat may fetch, is the only one that reads it.
  const { url: checking } = JSON.parse(event);
  assert.deepEqual(await outcome(checking), [200, 'hello']);
  assert.equal((await outcome(checking.replace('a/1', 'a/2')))[1], 'STORAGE_SIGN_PARAM_INVALID');

  // What functions and the operator store is nobody's upload.
  execFileSync('sh', ['-c', `printf ours > ${stack.dir}/ours.txt`]);
  assert.equal(stack.cli('files', 'put', join(stack.dir, 'ours.txt'), 'ours.txt').status, 0);
  assert.deepEqual(await reads(ben, 'ours.txt'), [200, 'ours']);

  const project = JSON.parse(readFileSync(rc, 'utf8'));
  project.functions[0].name = 'checker';
  writeFileSync(rc, JSON.stringify(project));
  execFileSync('mv', [join(stack.project, 'cloudfunctions/check'), join(stack.project, 'cloudfunctions/checker')]);
  const deployed = stack.cli('deploy', stack.project);
  assert.equal(deployed.status, 0, deployed.stderr);
  await passes('a/1.txt', 'hello');
  assert.deepEqual(await outcome(url), [200, 'hello']);
  assert.deepEqual(await outcome(at('a/1.txt'), { 'x-origin-secret': SECRET }), [200, 'hello']);
  await until(() => heard('a/1.txt').length, 'triggers hear of it');
  assert.deepEqual(heard('a/1.txt'), ['create 5']);
});

const KINDS = [
  ['image/png', 'png', 'imgSecCheck', /picture cannot be shown/],
  ['text/plain', 'txt', 'msgSecCheck', /text cannot be shown/],
  ['audio/mpeg', 'mp3', 'mediaCheckAsync, whose verdict comes by a message', /recording cannot be heard/],
];
for (const [type, ending, api, reason] of KINDS)
  test(`${type} is judged by ${api}`, { skip }, async () => {
    const good = `kinds/good.${ending}`, risky = `kinds/sandbox-risky.${ending}`;
    await put(good, 'all is well', type);
    await put(risky, 'a sandbox-risky thing', type);
    await passes(good, 'all is well');
    await isRefused(risky);
    assert.match((await get(at(risky), by(anna)))[2], reason);
    assert.deepEqual(await reads(ben, risky), [404, 'STORAGE_FILE_NONEXIST']);
    await until(() => heard(good).length, 'triggers hear of the good one');
    assert.deepEqual([heard(good), heard(risky)], [['create 11'], []]);
    const told = await until(() => { const list = events('file.refused').filter((e) => e.path === risky); return list.length && list; }, 'the log says so');
    assert.equal(told.length, 1);
  });

test('a function fetches what waits by the link of its event', { skip }, async () => {
  await put('fetched/1.txt', 'by link', 'text/plain');
  await passes('fetched/1.txt', 'by link');
});

test('a new version is checked, too, and a refused one takes the file with it', { skip }, async () => {
  await put('v.txt', 'one', 'text/plain');
  await passes('v.txt', 'one');
  await put('gate/v.txt', 'first', 'text/plain');
  await until(() => docs('gates').some((d) => d.begun === 'gate/v.txt'), 'the check of the first begins');
  // A newer one while the check of the older is under way: that verdict is not its own.
  await put('gate/v.txt', 'sandbox-risky', 'text/plain');
  open('gate/v.txt');
  await isRefused('gate/v.txt');
  await until(() => calls('gate/v.txt').every((c) => c.state === 'done'), 'neither is asked again');
  assert.deepEqual(heard('gate/v.txt'), []);

  await put('v.txt', 'sandbox-risky two', 'text/plain');
  await isRefused('v.txt');
  await until(() => heard('v.txt').length === 2, 'triggers hear that it is gone');
  assert.deepEqual(heard('v.txt').sort(), ['create 3', 'delete 17']);
  await put('v.txt', 'three', 'text/plain');
  await passes('v.txt', 'three');
  assert.deepEqual(sql("select count(*) from mpcloud.file_refused where path = 'v.txt'"), ['0']);
});

test('a gateway that is killed under a check leaves it to another one', { skip }, async () => {
  const path = 'gate/killed.txt';
  await put(path, 'still here', 'text/plain');
  await until(() => docs('gates').some((d) => d.begun === path), 'the check begins');
  const index = Number(calls(path)[0].owner.split('/').at(-1));
  const { pid } = stack.status().gateways.find((g) => g.index === index);
  process.kill(pid, 'SIGKILL');
  await until(() => docs('gates').filter((d) => d.begun === path).length === 2, 'another attempt begins');
  assert.deepEqual(await reads(ben, path), HELD);
  open(path);
  await passes(path, 'still here');
  const [{ state, tries }] = calls(path);
  assert.deepEqual([state, tries.map((t) => t.outcome)], ['done', ['lost', 'done']]);
  await until(() => heard(path).length, 'triggers hear of it');
  assert.deepEqual(heard(path), ['create 10']);
});

test('an answer that is no verdict is a failure, and the file goes on waiting', { skip }, async () => {
  await put('bad/1.txt', 'x', 'text/plain');
  const [{ error }] = await until(() => { const c = calls('bad/1.txt'); return c[0]?.failed > 0 && c; }, 'it fails');
  assert.match(error, /\{pass: true\}.*answered \{"pass":"yes"\}/);
  sql("update mpcloud.queue set retries = 0, run_at = 0 where state = 'waiting' and event like '%bad/1.txt%'");
  await until(() => calls('bad/1.txt')[0].state === 'dead', 'it fails for the last time');
  await until(() => events('file.unchecked').length, 'the log says so');
  assert.deepEqual(events('file.unchecked').map((e) => e.path), ['bad/1.txt']);
  assert.deepEqual([await reads(ben, 'bad/1.txt'), await reads(anna, 'bad/1.txt')], [HELD, [200, 'x']]);
});

test('what was refused does not stay on the disk, nor in what its user has stored', { skip }, async () => {
  stack.cliJson('files', 'sweep');
  const contents = sql('select distinct content from mpcloud.files').sort();
  await until(() => sql('select 1 from mpcloud.file_gone').length === 0, 'what no file names is removed');
  const files = readdirSync(join(stack.home, 'state/files/objects'), { recursive: true, withFileTypes: true })
    .filter((f) => f.isFile()).map((f) => f.name).sort();
  assert.deepEqual(files, contents);
  assert.deepEqual(sql("select sum(bytes) from mpcloud.file_usage"), sql("select sum(size) from mpcloud.files where owner <> ''"));
});
