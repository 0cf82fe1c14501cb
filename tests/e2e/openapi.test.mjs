// cloud.openapi for unmodified wx-server-sdk of every generation, and for the SDK
// built into the script runtime, against the sandbox: it tells what it was asked.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, callFunction, lacksPackages, sanitized, source, startStack } from '../lib/stack.mjs';

// Under sanitizers the first and the last of what they send.
const VERSIONS = sanitized ? ['0.8.1', '2.6.3', '4.0.2'] : ['0.8.1', '1.8.3', '2.1.2', '2.4.0', '2.6.3', '2.7.2', '3.0.4', '4.0.2'];
const APIS = ['subscribeMessage.send', 'subscribeMessage.getPubTemplateTitleList', 'wxacode.getUnlimited',
  'security.imgSecCheck', 'security.msgSecCheck', 'phonenumber.getPhoneNumber',
  'customerServiceMessage.uploadTempMedia', 'customerServiceMessage.getTempMedia', 'logistics.addOrder',
  'cloudbase.getVoIPSign', 'noSuch.api', '/wxa/any/thing', 'cgi-bin/token', 'wxa/limits'];
const INDEX = `const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
exports.main = require('./ask.cjs')(cloud);
`;
const NATIVE = String.raw`#include <mpcloud.h>

MPC_EXPORT int
mpc_main(struct mpc_context *ctx, const char *event, size_t len)
{
	const char *answer;
	size_t n;

	(void)event;
	(void)len;
	if (mpc_openapi(ctx, "logistics.addOrder", "{\"order_id\":7}", &answer,
		    &n) < 0)
		return mpc_fail(ctx, mpc_error_text(ctx)), -1;
	return mpc_result(ctx, answer, n);
}
`;

const clients = VERSIONS.filter((v) => !lacksPackages(`tests/clients/wx-server-sdk-${v}`))
  .map((v) => ({ version: v, name: `wx${v.replaceAll('.', '')}`, sdk: `wx-server-sdk ${v}` }));
const script = existsSync(join(build, 'mpcloud-script')) ? [{ name: 'script', sdk: 'the script runtime' }] : [];
const all = [...clients, ...script];
const newest = clients.at(-1);
const skip = clients.length === 0 && lacksPackages('tests/clients/wx-server-sdk-4.0.2');

// One function a client; one that declares nothing; one in C.
function makeProject() {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-openapi-'));
  const functions = [];
  const lay = (name, files, row) => {
    const to = join(dir, 'cloudfunctions', name);
    mkdirSync(to, { recursive: true });
    for (const [file, text] of Object.entries(files))
      writeFileSync(join(to, file), typeof text === 'string' ? text : JSON.stringify(text));
    functions.push({ name, timeout: 60, memorySize: 512, handler: 'index.main', runtime: 'Nodejs18.15', ...row });
    return to;
  };
  const permissions = { permissions: { openapi: APIS } };
  const ask = (name, version, config, row) => {
    const to = lay(name, { 'index.js': INDEX, ...(config && { 'config.json': config }),
      ...(version && { 'package.json': { name, dependencies: { 'wx-server-sdk': version } } }) }, row);
    cpSync(join(source, 'tests/e2e/openapi/ask.cjs'), join(to, 'ask.cjs'));
  };
  for (const { name, version } of clients) ask(name, version, permissions);
  if (script.length) {
    ask('script', null, permissions, { runtime: 'script' });
    ask('scriptdenied', null, null, { runtime: 'script' });
  }
  if (newest) ask('denied', newest.version, null);
  lay('native', { 'index.c': NATIVE, 'config.json': permissions }, { runtime: 'native', handler: 'index.so' });
  writeFileSync(join(dir, 'cloudbaserc.json'), JSON.stringify({ version: '2.0', envId: 'openapi',
    functionRoot: 'cloudfunctions', functions }));
  return dir;
}

let stack, project, user;
before(async () => {
  if (skip) return;
  project = makeProject();
  stack = await startStack({ project, gateways: 2 });
  user = await stack.login();
});
after(async () => {
  await stack?.stop();
  if (project) rmSync(project, { recursive: true, force: true });
});

const control = async (path, body) => {
  const answer = await fetch(`${stack.sandbox}/sandbox/${path}`, body === undefined ? {} : { method: 'POST',
    headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
};
const ask = async (name, event) => {
  const { status, body } = await callFunction(stack, name, event, user.accessToken);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
};
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452000000', 'hex');

for (const { name, sdk } of all) {
  test(`${sdk}: an object goes as JSON in snake_case and comes back in camelCase`, async () => {
    const { ok, ...bad } = await ask(name, { api: 'logistics.addOrder',
      data: { orderId: '7', deliveryList: [{ goodsName: '茶' }], weight: 1.5, none: null } });
    assert.deepEqual(bad, {});
    const { echo, errMsg, errCode } = ok;
    assert.deepEqual([errMsg, errCode], ['openapi.logistics.addOrder:ok', 0]);
    assert.equal(echo.method, 'POST');
    assert.equal(echo.path, '/cgi-bin/express/business/order/add');
    assert.equal(echo.contentType, 'application/json');
    // the answer's keys are converted by the SDK, so the body's are camelCase again
    assert.deepEqual(echo.body, { orderId: '7', deliveryList: [{ goodsName: '茶' }], weight: 1.5, none: null });
  });

  test(`${sdk}: members of a GET stand in the query`, async () => {
    const { ok } = await ask(name, { api: 'subscribeMessage.getPubTemplateTitleList',
      data: { ids: '2,616', start: 0, limit: 1 } });
    assert.equal(ok.echo.method, 'GET');
    const { accessToken, ...query } = ok.echo.query;
    assert.deepEqual(query, { ids: '2,616', start: '0', limit: '1' });
  });

  test(`${sdk}: a picture goes as a form`, async () => {
    const { ok, ...bad } = await ask(name, { api: 'security.imgSecCheck',
      data: { media: { contentType: 'image/png', base64: PNG.toString('base64') } } });
    assert.deepEqual(bad, {});
    const [part] = ok.echo.body.parts;
    assert.equal(part.name, 'media');
    assert.equal(part.contentType, 'image/png');
    assert.equal(part.sha256, sha(PNG));
  });

  test(`${sdk}: a picture comes back as bytes with its type`, async () => {
    const { ok, ...bad } = await ask(name, { api: 'wxacode.getUnlimited', data: { scene: 'a=1', checkPath: false } });
    assert.deepEqual(bad, {});
    assert.equal(ok.contentType, 'image/png');
    assert.equal(Buffer.from(ok.buffer.bytes, 'base64').subarray(0, 8).toString('hex'), '89504e470d0a1a0a');
  });

  test(`${sdk}: an errcode of WeChat's is the errCode that is thrown`, async () => {
    await control('answer', { path: '/cgi-bin/message/subscribe/send', errcode: 43101, errmsg: 'user refuse' });
    const { errCode, errMsg } = await ask(name, { api: 'subscribeMessage.send',
      data: { touser: 'o1', templateId: 't', data: {} } });
    assert.equal(errCode, 43101);
    assert.match(errMsg, /openapi\.subscribeMessage\.send:fail .*user refuse.*requestSubscribeMessage/);
  });

  test(`${sdk}: a name that WeChat does not have is -604100`, async () => {
    const { errCode } = await ask(name, { api: 'noSuch.api', data: {} });
    assert.equal(errCode, -604100);
  });

  test(`${sdk}: a token that WeChat refuses is replaced in the middle of a call`, async () => {
    await control('token', { action: 'invalidate' });
    const answers = await ask(name, { api: 'logistics.addOrder', data: { orderId: '8' }, times: 5 });
    for (const { ok, ...bad } of answers) {
      assert.deepEqual(bad, {});
      assert.equal(ok.errCode, 0);
    }
  });

  test(`${sdk}: getVoIPSign asks for the user who called`, async () => {
    await control('answer', { path: '/wxa/getvoipsign', answer: { errcode: 0, errmsg: 'ok', signature: 'sig' } });
    const { ok, ...bad } = await ask(name, { of: 'getVoIPSign',
      data: { groupId: 'g', nonce: 'n', timestamp: 1700000000 } });
    assert.deepEqual(bad, {});
    assert.equal(ok.signature, 'sig');
  });

  test(`${sdk}: WeChat exchanges its cloudIDs, and one that it does not know is told in its place`, async () => {
    const answer = { errcode: 0, errmsg: 'ok', data_list: [{ cloud_id: '47_one',
      json: JSON.stringify({ cloudID: '47_one', data: { purePhoneNumber: '13800000000' } }) }] };
    await control('answer', { path: '/wxa/getopendata', answer });
    const { ok, ...bad } = await ask(name, { of: 'getOpenData', data: { list: ['47_one', '47_two'] } });
    assert.deepEqual(bad, {});
    const [one, two] = ok.list;
    assert.equal(one.data.purePhoneNumber, '13800000000');
    assert.equal(two.cloudID, '47_two');
    assert.ok(two.errCode < 0 && two.errMsg, JSON.stringify(two));
  });

  test(`${sdk}: callOpenAPI takes names and paths`, async () => {
    const { ok, ...bad } = await ask(name, { of: 'callOpenAPI', data: { api: '/wxa/any/thing', data: { a_b: 1 } } });
    assert.deepEqual(bad, {});
    assert.equal(ok.errMsg, 'callOpenAPI:ok');
    const result = typeof ok.result === 'string' ? JSON.parse(ok.result) : ok.result;
    assert.deepEqual(result.echo.body, { a_b: 1 });
    assert.equal(result.echo.path, '/wxa/any/thing');
  });
}

test('an API by its path', { skip }, async () => {
  const { ok, ...bad } = await ask(newest.name, { api: '/wxa/any/thing', data: { someName: 1 } });
  assert.deepEqual(bad, {});
  assert.deepEqual(ok.echo.body, { someName: 1 });
  assert.equal(ok.echo.path, '/wxa/any/thing');
});

test('a file that was uploaded comes back the same', { skip }, async () => {
  const up = await ask(newest.name, { api: 'customerServiceMessage.uploadTempMedia', data: { type: 'image',
    media: { contentType: 'image/png', base64: PNG.toString('base64') } } });
  assert.equal(up.ok?.type, 'image', JSON.stringify(up));
  const { ok } = await ask(newest.name, { api: 'customerServiceMessage.getTempMedia', data: { mediaId: up.ok.mediaId } });
  assert.equal(ok.buffer.bytes, PNG.toString('base64'));
  assert.equal(ok.contentType, 'image/png');
});

test("a function calls what its config.json lists, and nothing else", { skip }, async () => {
  const sent = async () => (await control('counts'))['/cgi-bin/message/subscribe/send'];
  const before = await sent();
  for (const name of ['denied', ...script.map(() => 'scriptdenied')]) {
    const { errCode, errMsg } = await ask(name, { api: 'subscribeMessage.send', data: {} });
    assert.equal(errCode, -604101);
    // as CloudBase's documentation shows it
    assert.equal(errMsg, 'system error: error code: -604101');
    const api = await ask(name, { of: 'callOpenAPI', data: { api: 'subscribeMessage.send', data: {} } });
    assert.match(api.errMsg, /permissions\.openapi/);
  }
  assert.equal(await sent(), before);
  const { errCode } = await ask(newest.name, { api: 'wxacode.get', data: {} });
  assert.equal(errCode, -604101);
  assert.match(stack.cli('logs', 'denied').stdout, /add "subscribeMessage\.send" to permissions\.openapi/);
});

test('no function gets a token, not even by its path', { skip }, async () => {
  const { errMsg } = await ask(newest.name, { api: 'cgi-bin/token', data: {} });
  assert.match(errMsg, /secrets/);
});

test('a phone number by the code of the button, and what is said to another code', { skip }, async () => {
  const { code } = await control('phone-code', { phone: '13800000000' });
  const { ok } = await ask(newest.name, { api: 'phonenumber.getPhoneNumber', data: { code } });
  assert.equal(ok.phoneInfo.purePhoneNumber, '13800000000');
  const login = await control('code', {});
  const { errCode, errMsg } = await ask(newest.name, { api: 'phonenumber.getPhoneNumber', data: { code: login.code } });
  assert.equal(errCode, 40029);
  assert.match(errMsg, /bindgetphonenumber, not the one of wx\.login/);
  const direct = await fetch(`${stack.url}/v1/wechat/phone`, { method: 'POST', body: JSON.stringify({ code }),
    headers: { authorization: `Bearer ${user.accessToken}`, 'content-type': 'application/json' } });
  assert.equal(direct.status, 403);
  assert.match((await direct.json()).message, /phonenumber\.getPhoneNumber/);
});

test('an appid that is not ours is named', { skip }, async () => {
  const { errMsg } = await ask(newest.name, { api: 'logistics.addOrder', appid: 'wxstranger', data: {} });
  assert.match(errMsg, /wxstranger is no mini program of this server/);
});

test('a native function calls by name and JSON', { skip }, async () => {
  const body = await ask('native', {});
  assert.deepEqual(body.echo.body, { order_id: 7 });
});

test('other accounts and services of the cloud are refused in words', { skip }, async () => {
  const { errMsg } = await ask(newest.name, { of: 'getCloudCallSign', data: { parameterList: ['a'] } });
  assert.match(errMsg, /GetCloudCallSign: WeChat offers this inside Tencent's own cloud only/);
});

test('the operator sees the tokens by their age', { skip }, async () => {
  const { tokens } = stack.cliJson('wechat', 'token');
  assert.equal(tokens.length, 1);
  assert.equal(tokens[0].isGood, true);
  assert.ok(tokens[0].fetches >= 1);
  const shown = stack.cli('wechat', 'token').stdout;
  assert.match(shown, /^APPID +TOKEN +AGE +LEFT +FETCHES +LAST FAILURE\n\S+ +good +\d+ (s|min) +1 h \d+ min +\d+ +-/);
});

test('no token is in any log', { skip }, async () => {
  const log = stack.daemonLog() + stack.cli('logs').stdout;
  assert.doesNotMatch(log, /access_token=/);
});
