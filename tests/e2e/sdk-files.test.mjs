// Files through unmodified SDKs: every generation of wx-server-sdk, node-sdk and
// tcb-admin-node inside deployed functions, js-sdk as visitors of a page.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { callFunction, join, lacksPackages, sanitized, source, startStack } from '../lib/stack.mjs';
import { openWeb } from './sdk/web.mjs';

// js-sdk writes long advice about Tencent's console; the runner reads our output.
for (const word of ['log', 'info', 'warn', 'error']) console[word] = () => {};

const WX = `const sdk = require('wx-server-sdk');
sdk.init({ env: sdk.DYNAMIC_CURRENT_ENV });
exports.main = require('./work.cjs')(sdk);
`;
const OLD_WX = WX.replace('{ env: sdk.DYNAMIC_CURRENT_ENV }', '');
const NODE = `const sdk = require('@cloudbase/node-sdk');
exports.main = require('./work.cjs')(sdk.init({ env: sdk.SYMBOL_CURRENT_ENV }));
`;
const TCB = `const sdk = require('tcb-admin-node');
sdk.init({ env: process.env.SCF_NAMESPACE || process.env.TCB_ENV });
exports.main = require('./work.cjs')(sdk);
`;
// Under sanitizers those that differ in what they send.
const versions = sanitized ? ['0.8.1', '2.6.3', '4.0.2']
  : ['0.8.1', '1.8.3', '2.1.2', '2.4.0', '2.6.3', '2.7.2', '3.0.4', '4.0.2'];
const servers = {
  ...Object.fromEntries(versions.map((v) =>
    [`wx-server-sdk-${v}`, ['wx-server-sdk', v, v === '0.8.1' ? OLD_WX : WX]])),
  'cloudbase-node-sdk-3.18.3': ['@cloudbase/node-sdk', '3.18.3', NODE],
  'tcb-admin-node-1.23.0': ['tcb-admin-node', '1.23.0', TCB],
};
const webs = {
  'cloudbase-js-sdk-1.8.4': undefined,
  'cloudbase-js-sdk-2.32.0': undefined,
  'cloudbase-js-sdk-3.7.0': 'GATEWAY',
  'cloudbase-js-sdk-3.7.0 in CLOUD_API mode': 'CLOUD_API',
};
const folderOf = (name) => `tests/clients/${name.split(' ')[0]}`;
const markOf = (name) => name.replace(/[^a-z0-9]/g, '');
const MISSING = 'cloud://project.files/none/there.txt';

function makeProject() {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-sdk-'));
  const functions = [];
  for (const [name, [sdk, version, index]] of Object.entries(servers)) {
    if (lacksPackages(folderOf(name))) continue;
    const mark = markOf(name), to = join(dir, 'cloudfunctions', mark);
    mkdirSync(to, { recursive: true });
    cpSync(join(source, 'tests/e2e/sdk-files/work.cjs'), join(to, 'work.cjs'));
    writeFileSync(join(to, 'index.js'), index);
    writeFileSync(join(to, 'package.json'), JSON.stringify({ name: mark, dependencies: { [sdk]: version } }));
    functions.push({ name: mark, handler: 'index.main', runtime: 'Nodejs18.15', timeout: 60, memorySize: 512 });
  }
  mkdirSync(join(dir, 'cloudfunctions'), { recursive: true });
  writeFileSync(join(dir, 'cloudbaserc.json'), JSON.stringify({ version: '2.0', envId: 'test', functionRoot: 'cloudfunctions', functions }));
  return dir;
}

let stack, token;
before(async () => {
  const project = makeProject();
  try {
    stack = await startStack({ project, gateways: 1, set: { 'auth.anonymous': 'yes' } });
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
  token = stack.token('oSdkFilesUser0123456789abc');
});
after(() => stack?.stop());

const hex = (bytes) => Buffer.from(bytes).subarray(0, 8).toString('hex');
const EXPECTED = { 'a b.txt': { length: 11, hex: hex('hello world') }, '图.bin': { length: 7, hex: '000102fffe0d0a' },
  'empty.txt': { length: 0, hex: '' }, 'large.bin': { length: 700001, hex: '07'.repeat(8) }, 'stream.bin': { length: 90000, hex: '09'.repeat(8) } };

for (const name of Object.keys(servers))
  test(`${name}: files go up and down, are linked and removed, with its results and errors`, { skip: lacksPackages(folderOf(name)) }, async () => {
    const mark = markOf(name), isWx = name.startsWith('wx'), version = name.split('-').at(-1);
    const { status, body } = await callFunction(stack, mark, { folder: `f/${mark}`, missing: MISSING }, token);
    assert.equal(status, 200, JSON.stringify(body));
    for (const [file, expected] of Object.entries(EXPECTED)) {
      const up = body.up[file === 'stream.bin' ? 'stream' : file];
      assert.ok(up.value, `${file}: ${JSON.stringify(up)}`);
      assert.equal(up.value.fileID, `cloud://project.files/f/${mark}/${file}`);
      if (isWx) assert.deepEqual([up.value.statusCode, up.value.errMsg], [-1, 'uploadFile:ok']);
      // An empty Buffer is nothing to the form libraries of old versions.
      assert.deepEqual(body.down[file].value, expected, `${file}: ${JSON.stringify(body.down[file])}`);
    }
    assert.ok(body.up.bad.thrown || body.up.bad.value?.code, JSON.stringify(body.up.bad));
    if (isWx) {
      assert.equal(body.down.missing.thrown?.code, version === '4.0.2' ? -1 : -503003, JSON.stringify(body.down.missing));
      assert.doesNotMatch(body.down.missing.thrown.message, /undefined/);
      assert.deepEqual(body.links.list.map((f) => [f.status, f.errMsg, f.url]), [[0, 'ok', true], [0, 'ok', true], [-503003, 'storage file not exists', false]]);
      assert.equal(body.links.list[1].maxAge, 60);
      assert.deepEqual(body.removed.map((f) => [f.status, f.errMsg]), [[0, 'ok'], [-503003, 'storage file not exists']]);
      assert.ok(body.many.thrown, JSON.stringify(body.many));
    } else {
      assert.deepEqual(body.down.missing.value ?? body.down.missing.thrown.code, body.down.missing.value ? { code: 'STORAGE_FILE_NONEXIST' } : 'STORAGE_FILE_NONEXIST');
      assert.deepEqual(body.links.list.map((f) => f.code), ['SUCCESS', 'SUCCESS', 'STORAGE_FILE_NONEXIST']);
      assert.deepEqual(body.removed.map((f) => f.code), ['SUCCESS', 'STORAGE_FILE_NONEXIST']);
      assert.equal(body.many.value?.code ?? body.many.thrown?.code, 'INVALID_PARAM');
    }
    // What a function hands to its users leads where they reach us.
    assert.ok(body.links.urls[1].startsWith(`${stack.url}/v1/files/f/${mark}/`), body.links.urls[1]);
    const got = await fetch(body.links.urls[1]);
    assert.equal(hex(await got.arrayBuffer()), EXPECTED['图.bin'].hex);
    assert.equal((await fetch(body.links.urls[0])).status, 404, 'it was removed');
  });

const visitors = {};
for (const [name, mode] of Object.entries(webs))
  test(`${name}: a visitor's files go up and down, are linked and removed`, { skip: lacksPackages(folderOf(name)) }, async () => {
    const { app } = visitors[name] = await openWeb(join(source, folderOf(name)), { url: stack.url, env: 'test', mode });
    const path = `web/${markOf(name)}/é 1.txt`, bytes = Buffer.from('from a page');
    const up = await app.uploadFile({ cloudPath: path, filePath: new Blob([bytes], { type: 'text/plain' }) });
    assert.equal(up.fileID, `cloud://project.files/${path}`);
    assert.ok(up.download_url.startsWith(stack.url));
    const { fileList } = await app.getTempFileURL({ fileList: [up.fileID, MISSING] });
    assert.deepEqual(fileList.map((f) => [f.code, Boolean(f.tempFileURL)]), [['SUCCESS', true], ['STORAGE_EXCEED_AUTHORITY', false]]);
    const got = await fetch(fileList[0].tempFileURL);
    assert.deepEqual([await got.text(), got.headers.get('content-type')], ['from a page', 'text/plain']);
    const down = await app.downloadFile({ fileID: up.fileID });
    assert.equal(String(down.data ?? down.fileContent), 'from a page');
    // another visitor's file is none of his business
    const other = Object.entries(visitors).find(([n]) => n !== name)?.[1];
    if (other) assert.deepEqual((await other.app.getTempFileURL({ fileList: [up.fileID] })).fileList.map((f) => f.code), ['STORAGE_EXCEED_AUTHORITY']);
    if (app.copyFile) {
      const copied = await app.copyFile({ fileList: [{ srcPath: path, dstPath: `web/${markOf(name)}/copy.txt` }] });
      assert.deepEqual(copied.fileList.map((f) => [f.code, f.fileID]), [['SUCCESS', `cloud://project.files/web/${markOf(name)}/copy.txt`]]);
    }
    const removed = await app.deleteFile({ fileList: [up.fileID] });
    assert.deepEqual(removed.fileList.map((f) => [f.code, f.fileID]), [['SUCCESS', up.fileID]]);
    assert.deepEqual((await app.getTempFileURL({ fileList: [up.fileID] })).fileList.map((f) => f.code), ['STORAGE_EXCEED_AUTHORITY']);
  });
