// Unmodified SDKs, and the one built into the script runtime, against the database:
// every step of sdk/scenario.cjs for every client.  Server SDKs run inside deployed functions, as they do at home; the
// web SDKs run here as visitors of a page, and our own client as the telephone
// of a user.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { build, callFunction, existsSync, join, lacksPackages, sanitized, source, startStack } from '../lib/stack.mjs';
import { makeWx } from '../../examples/shop/wx.mjs';
import { openWeb } from './sdk/web.mjs';

const here = join(source, 'tests/e2e/sdk');
const load = createRequire(join(here, 'scenario.cjs'));
const steps = load('./scenario.cjs');
const { plain, wx, told } = load('./dialects.cjs');
const { Cloud } = load(join(source, 'client/mpcloud.js'));

const WX = `const sdk = require('wx-server-sdk');
sdk.init({ env: sdk.DYNAMIC_CURRENT_ENV });
exports.main = require('./run.cjs')(require('./dialects.cjs').wx, sdk.database());
`;
const NODE = `const sdk = require('@cloudbase/node-sdk');
const app = sdk.init({ env: sdk.SYMBOL_CURRENT_ENV });
exports.main = require('./run.cjs')(require('./dialects.cjs').plain, app.database());
`;
const TCB = `const sdk = require('tcb-admin-node');
sdk.init({ env: process.env.SCF_NAMESPACE || process.env.TCB_ENV });
exports.main = require('./run.cjs')(require('./dialects.cjs').plain, sdk.database());
`;
const servers = {
  'wx-server-sdk-1.8.3': ['wx183', 'wx-server-sdk', '1.8.3', WX],
  'wx-server-sdk-2.6.3': ['wx263', 'wx-server-sdk', '2.6.3', WX],
  'wx-server-sdk-3.0.4': ['wx304', 'wx-server-sdk', '3.0.4', WX],
  'wx-server-sdk-4.0.2': ['wx402', 'wx-server-sdk', '4.0.2', WX],
  'cloudbase-node-sdk-3.18.3': ['node3183', '@cloudbase/node-sdk', '3.18.3', NODE],
  'tcb-admin-node-1.23.0': ['tcb1230', 'tcb-admin-node', '1.23.0', TCB],
};
// Our own wx-server-sdk, within the runtime script.
const scripts = { 'script runtime': ['script', WX] };
const hasScript = existsSync(join(build, 'mpcloud-script'));
const webs = {
  'cloudbase-js-sdk-1.8.4': ['js184', undefined],
  'cloudbase-js-sdk-2.32.0': ['js2320', undefined],
  'cloudbase-js-sdk-3.7.0': ['js370', 'GATEWAY'],
  'cloudbase-js-sdk-3.7.0 in CLOUD_API mode': ['js370c', 'CLOUD_API'],
};
const pages = { 'mpcloud.js': ['mpjs'] };
const folderOf = (name) => `tests/clients/${name.split(' ')[0]}`;
const lacks = (name) => (name in scripts ? !hasScript && 'this build is without the runtime script'
  : !(name in pages) && lacksPackages(folderOf(name)));
// SDK_CLIENTS=wx263,js184: these only.  Under sanitizers those that differ in what
// they send.
const few = sanitized ? 'wx183,wx402,tcb1230,script,js184,js370,mpjs' : '';
const chosen = (process.env.SDK_CLIENTS || few).split(',').filter(Boolean);
const isChosen = ([, [mark]]) => !chosen.length || chosen.includes(mark);
const serversHere = Object.entries(servers).filter(isChosen);
const scriptsHere = Object.entries(scripts).filter(isChosen);
const websHere = Object.entries(webs).filter(isChosen);
const pagesHere = Object.entries(pages).filter(isChosen);

// One function a server SDK; the collections that visitors use.
function makeProject() {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-sdk-'));
  mkdirSync(join(dir, 'database'), { recursive: true });
  mkdirSync(join(dir, 'cloudfunctions'));
  const functions = [];
  for (const [name, [mark, sdk, version, index]] of serversHere) {
    if (lacks(name)) continue;
    const to = join(dir, 'cloudfunctions', mark);
    mkdirSync(to);
    for (const file of ['run.cjs', 'dialects.cjs', 'scenario.cjs']) cpSync(join(here, file), join(to, file));
    writeFileSync(join(to, 'index.js'), index);
    writeFileSync(join(to, 'package.json'), JSON.stringify({ name: mark, dependencies: { [sdk]: version } }));
    functions.push({ name: mark, handler: 'index.main', runtime: 'Nodejs18.15', timeout: 60, memorySize: 512 });
  }
  for (const [name, [mark, index]] of scriptsHere) {
    if (lacks(name)) continue;
    const to = join(dir, 'cloudfunctions', mark);
    mkdirSync(to);
    for (const file of ['run.cjs', 'dialects.cjs', 'scenario.cjs']) cpSync(join(here, file), join(to, file));
    writeFileSync(join(to, 'index.js'), index);
    functions.push({ name: mark, handler: 'index.main', timeout: 60, memorySize: 512, mpcloud: { runtime: 'script' } });
  }
  for (const [, [mark]] of [...websHere, ...pagesHere])
    for (const name of ['base', 'others', 'work', 'bank'])
      writeFileSync(join(dir, 'database', `${mark}_${name}.json`), JSON.stringify({ permission: 'PRIVATE' }));
  for (const [, [mark]] of [...websHere, ...pagesHere])
    writeFileSync(join(dir, 'database', `${mark}_readable.json`), JSON.stringify({ permission: 'ADMINWRITE' }));
  for (const [, [mark]] of [...serversHere, ...scriptsHere, ...websHere, ...pagesHere])
    writeFileSync(join(dir, 'database', `${mark}_texts.json`), JSON.stringify({ permission: 'READONLY',
      indexes: [{ name: 'words', keys: [{ name: 'words', direction: 'text' }] }],
      documents: [{ _id: 't1', words: 'Green tea from the hill' }, { _id: 't2', words: 'coffee' }, { _id: 't3', words: 'black tea' }] }));
  writeFileSync(join(dir, 'cloudbaserc.json'), JSON.stringify({ version: '2.0', envId: 'test',
    functionRoot: 'cloudfunctions', functions }));
  return dir;
}

let stack, token;
const visitors = {};
before(async () => {
  const project = makeProject();
  try {
    stack = await startStack({ project, gateways: 1 });
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
  token = stack.token('oSdkDbUserAbcdef012345678');
});
after(() => stack?.stop());

async function visitor(name, mode) {
  visitors[name] ??= openWeb(join(source, folderOf(name)), { url: stack.url, env: 'test', mode });
  return visitors[name];
}

const runners = {};
for (const [name, [mark]] of [...serversHere, ...scriptsHere])
  runners[name] = async (step) => {
    const { status, body } = await callFunction(stack, mark, { step: step.name, mark: `${mark}_` }, token);
    assert.equal(status, 200, JSON.stringify(body));
    assert.ok('value' in body, `${body.thrown?.code}: ${body.thrown?.message}\n${body.thrown?.stack}`);
    return body.value;
  };
for (const [name, [mark, mode]] of websHere)
  runners[name] = async (step) => {
    const { db } = await visitor(name, mode);
    return told(await step.run({ db, d: plain, mark: `${mark}_`, _: db.command, $: db.command.aggregate,
      c: (collection) => db.collection(`${mark}_${collection}`) }));
  };

for (const [name, [mark]] of pagesHere)
  runners[name] = async (step) => {
    visitors[name] ??= new Cloud({ url: stack.url, wx: makeWx({ sandbox: stack.sandbox }) });
    const db = visitors[name].database();
    return told(await step.run({ db, d: wx, mark: `${mark}_`, _: db.command, $: db.command.aggregate,
      c: (collection) => db.collection(`${mark}_${collection}`) }));
  };

// Why this client does not take this step, or false.
function skipped(name, step) {
  // The script runtime's SDK is the package 4.0.2, but for the retry after a
  // conflict, which works.
  const client = name in scripts ? (/conflict/.test(step.name) ? name : 'wx-server-sdk-4.0.2') : name.split(' ')[0];
  if (lacks(name)) return lacks(name);
  if (step.only && !step.only.includes(client)) return `${step.only.join(', ')} only`;
  return step.not[name] ?? step.not[client] ?? false;
}

for (const [name] of [...serversHere, ...scriptsHere, ...websHere, ...pagesHere])
  for (const step of steps) {
    const why = skipped(name, step);
    if (why && step.only) continue;
    test(`${name}: ${step.name}`, { skip: why }, async () => {
      const value = await runners[name](step);
      if (typeof step.expect === 'function') step.expect(value, name.split(' ')[0]);
      else assert.deepEqual(value, step.expect);
    });
  }
