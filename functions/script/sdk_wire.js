'use strict';
// How the SDK speaks: actions as CALL frames; what carries bytes (openapi,
// pay) as the multipart POST that the npm package sends.

const calls = require('./calls');
const identity = require('./identity');
const { Refused } = require('./sdk_errors');

// Members that are undefined are not sent: JSON leaves them out.
async function send(body, timeout) {
  const answer = await (timeout ? within(calls.send(body), timeout)
    : calls.send(body));
  if (answer.code) throw new Refused(answer);
  return answer;
}

function within(promise, ms) {
  const timers = require('./timers').module;
  let timer;
  const late = new Promise((resolve, reject) => {
    timer = timers.setTimeout(() => {
      const err = new Error(`no answer within ${ms} ms`);
      err.code = 'ESOCKETTIMEDOUT';
      reject(err);
    }, ms);
  });
  return Promise.race([promise, late]).finally(() =>
    timers.clearTimeout(timer));
}

// ---- multipart

function cloudUrl() {
  try {
    return JSON.parse(identity.get('TCB_CONTEXT_CNFG')).URL;
  } catch {
    return 'http://mpcloud.internal/admin';
  }
}

function part(boundary, name, value) {
  const isText = typeof value === 'string';
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${
    isText ? '' : '\r\nContent-Type: application/octet-stream'}\r\n\r\n`;
  return [host.utf8(head), isText ? host.utf8(value) : value,
    host.utf8('\r\n')];
}

// {action, apiName, requestData: bytes, …} → the answer's bytes.
async function post(members) {
  const env = identity.get('TCB_ENV') ?? identity.get('SCF_NAMESPACE') ?? '';
  const all = { ...members, envName: env,
    wxCloudApiToken: identity.get('WX_API_TOKEN') ?? '', tcb_sessionToken: '',
    sessionToken: identity.get('TENCENTCLOUD_SESSIONTOKEN') ?? '' };
  const boundary = `mpcloud${Array.from(host.random(12),
    (b) => b.toString(16).padStart(2, '0')).join('')}`;
  const parts = Object.entries(all).filter(([, value]) => value !== undefined)
    .flatMap(([name, value]) => part(boundary, name, value));
  parts.push(host.utf8(`--${boundary}--\r\n`));
  const answer = await require('./wire').send({
    method: 'POST',
    url: `${cloudUrl()}?env=${env}`,
    headers: [['content-type', `multipart/form-data; boundary=${boundary}`],
      ['x-sdk-version', 'wx-server-sdk/4.0.2']],
    body: require('./bytes').concat(parts),
  });
  const type = answer.headers.find(([name]) =>
    name.toLowerCase() === 'content-type')?.[1];
  if (type === 'application/json; charset=utf-8' || answer.status !== 200) {
    const text = host.text(answer.body);
    let told;
    try {
      told = JSON.parse(text);
    } catch {
      told = { code: answer.status, message: `${answer.status} ${text}` };
    }
    if (told.code !== undefined && told.message !== undefined)
      throw new Refused(told);
  }
  return answer.body;
}

module.exports = { send, post };
