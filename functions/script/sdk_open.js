'use strict';
// cloud.openapi.*, cloudPay.*, getOpenData, getVoIPSign, getCloudCallSign,
// callOpenAPI: WeChat's own services, asked through the cloud.

const proto = require('./sdk_proto');
const { CloudSDKError, WX_SYSTEM_ERROR, WORDS, numbered, told, check, kindOf }
  = require('./sdk_errors');
const { post, send } = require('./sdk_wire');

// ---- messages (field numbers are the protocol's)

const PAIR = { key: [1, 'text'], value: [2, 'bytes'], contentType: [3, 'text'],
  filename: [4, 'text'] };
const REQUEST = { apiType: [1, 'int'], openapi: [2, [{ pairs: [1, [PAIR], true] }]],
  service: [4, [{ apiName: [1, 'text'], reqData: [2, 'bytes'] }]],
  appid: [6, 'text'] };
const ANSWER = { respData: [1, 'bytes'], contentType: [2, 'text'],
  errorCode: [3, 'int'], httpCode: [4, 'int'], svrkitErrorCode: [6, 'int'] };
const OPEN_API = 0;
const SERVICE_API = 2;

// ---- names of members

const snake = (key) => key.replace(/[A-Z]/g,
  (letter, at) => `${at ? '_' : ''}${letter.toLowerCase()}`);
const camel = (key) => key.replace(/_[a-z]/g, (two) => two[1].toUpperCase());

function renamed(value, name) {
  if (Array.isArray(value)) return value.map((each) => renamed(each, name));
  if (kindOf(value) !== 'object' || value instanceof MidasSignature)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) =>
    [name(key), renamed(each, name)]));
}

// ---- signatures of virtual payments

class MidasSignature {
  constructor({ params, secret }) {
    if (!Array.isArray(params))
      throw new Error('options.params must be a string array');
    if (!secret) throw new Error('options.secret must be provided');
    this.type = 'midas';
    this.params = params;
    this.secret = secret;
  }

  compute(path, values) {
    const said = [...this.params].sort().map(snake).map((name) => {
      if (!Object.hasOwn(values, name))
        throw new Error(`Cannot compute signature: lack of param '${name}'`);
      return `${name}=${values[name]}`;
    }).join('&');
    const text = `${said}&org_loc=${path}&method=POST&secret=${this.secret}`;
    return require('./crypto').createHmac('sha256', this.secret).update(text)
      .digest('hex');
  }
}

function midasPath(api) {
  const [, name, sandbox] = /^openapi\.midas\.(getBalance|pay|cancelPay|present)(Sandbox)?$/
    .exec(api) ?? [];
  return name && `/cgi-bin/midas/${sandbox ? 'sandbox/' : ''}${name.toLowerCase()}`;
}

// ---- requests

function bufferOf(bytes) {
  return require('./buffer').Buffer.from(bytes.buffer, bytes.byteOffset,
    bytes.byteLength);
}

// {contentType, value: Buffer}: a picture or another file.
function isMedia(value) {
  return kindOf(value) === 'object' && (value.contentType || value.content_type)
    && value.value instanceof Uint8Array;
}

function pairOf(key, value, api, all) {
  if (isMedia(value)) {
    const contentType = String(value.contentType || value.content_type);
    const kind = /^[\w.-]+\/([\w-]+)/.exec(contentType)?.[1];
    const extension = { jpeg: 'jpeg', plain: 'txt' }[kind] ?? kind ?? 'png';
    return { key, value: value.value,
      filename: value.fileName || value.file_name || `${key}.${extension}` };
  }
  const path = value instanceof MidasSignature && midasPath(api);
  const text = JSON.stringify(path ? value.compute(path, all) : value,
    (name, each) => (typeof each === 'bigint' ? JSON.rawJSON
      ? JSON.rawJSON(String(each)) : Number(each) : each));
  return text === undefined ? null : { key, value: host.utf8(text) };
}

function refuse(err) {
  throw numbered(err);
}

async function ask(api, message) {
  const bytes = await post({ action: 'wx.openApi', apiName: api,
    requestData: proto.encode(REQUEST, message) }).catch(refuse);
  const answer = proto.decode(ANSWER, bytes);
  if (answer.errorCode)
    throw new CloudSDKError({ errCode: answer.errorCode,
      errMsg: `${WORDS[WX_SYSTEM_ERROR]}: error code: ${answer.errorCode}` });
  return answer;
}

// WeChat's JSON.  Numbers that JavaScript would round stay text.
function parse(text) {
  const safe = text.replace(/("(?:[^"\\]|\\.)*")|(-?\d{16,})(?=\s*[,}\]])/g,
    (whole, string, digits) => (digits && !Number.isSafeInteger(Number(digits))
      ? `"${digits}"` : whole));
  return JSON.parse(safe);
}

function resultOf(answer, api, convert) {
  if (!/(application\/json)|(text\/plain)/.test(answer.contentType))
    return { contentType: answer.contentType.trim(),
      buffer: bufferOf(answer.respData) };
  const text = host.text(answer.respData);
  let result;
  try {
    result = parse(text);
  } catch {
    if (/text\/plain/.test(answer.contentType)) return { result: text };
    throw new CloudSDKError({ errCode: WX_SYSTEM_ERROR,
      errMsg: `${api}:fail wechat server internal error, response body is invalid json: ${text}` });
  }
  if (result.errcode)
    throw new CloudSDKError({ errCode: result.errcode,
      errMsg: `${api}:fail ${result.errmsg}` });
  delete result.errcode;
  delete result.errmsg;
  return convert ? renamed(result, camel) : result;
}

async function openapi({ path, appid, convertCase }, given) {
  const name = path.join('.');
  const api = `openapi.${name}`;
  const convert = convertCase !== false;
  try {
    const data = (convert ? renamed(given, snake) : given) ?? {};
    const pairs = Object.entries(data).map(([key, value]) =>
      pairOf(key, value, api, data)).filter(Boolean);
    const answer = await ask(name, { apiType: OPEN_API, openapi: { pairs },
      appid });
    return { ...resultOf(answer, api, convert), errMsg: `${api}:ok`, errCode: 0 };
  } catch (err) {
    throw told(err, api);
  }
}

async function cloudPay({ path, appid }, given) {
  const name = path.join('.');
  const api = `cloudPay.${name}`;
  try {
    const data = renamed(given, snake);
    const bytes = await post({ action: 'wx.wxPayApi', apiName: name,
      apiOptions: proto.encode({ appid: [1, 'text'] }, { appid }),
      requestData: host.utf8(JSON.stringify(data) ?? '') }).catch(refuse);
    return { ...payResult(name, bytes, data), errCode: 0, errMsg: `${api}:ok` };
  } catch (err) {
    throw told(err, api);
  }
}

function payResult(name, bytes, data) {
  const text = host.text(bytes);
  try {
    return renamed(JSON.parse(text), camel);
  } catch {
    if (name !== 'downloadBill')
      throw new CloudSDKError({ errCode: WX_SYSTEM_ERROR,
        errMsg: `${name}:fail unknown wx response received: ${text}` });
    return { data: data?.tar_type === 'GZIP' ? bufferOf(bytes) : text };
  }
}

// ---- names as members: openapi.subscribeMessage.send(…)

const OF_FUNCTIONS = new Set(Object.getOwnPropertyNames(Function.prototype));

function callable(call, options, path) {
  return new Proxy(() => {}, {
    get(target, name) {
      if (typeof name === 'symbol' || name === 'toJSON') return undefined;
      if (path.length > 0 && OF_FUNCTIONS.has(name)) return target[name];
      return callable(call, options, [...path, name]);
    },
    apply(target, self, args) {
      if (path.length > 0) return call({ ...options, path }, args[0]);
      if (kindOf(args[0]) !== 'object')
        throw new Error('an options object is expected');
      return callable(call, args[0], []);
    },
  });
}

// ---- services with messages of their own

async function service(name, api, schema, message, appid) {
  const answer = await ask(name, { apiType: SERVICE_API, appid,
    service: { apiName: name, reqData: proto.encode(schema, message) } });
  if (answer.svrkitErrorCode !== 0)
    throw { errCode: WX_SYSTEM_ERROR,
      errMsg: `internal svrkit error, code ${answer.svrkitErrorCode}` };
  return answer.respData;
}

const api = (name, work) => async (options) => {
  try {
    if (!options)
      throw { errMsg: `Params for ${name} must be an object instead of ${typeof options}` };
    return await work(options);
  } catch (err) {
    throw told(err, name);
  }
};

const signature = (bytes, name) => ({
  signature: proto.decode({ signature: [1, 'text'] }, bytes).signature,
  errMsg: `${name}:ok`, errCode: 0 });

module.exports = {
  MidasSignature,
  openapi: (guard) => callable(guard(openapi), {}, []),
  cloudPay: (guard) => callable(guard(cloudPay), {}, []),
  getOpenData: api('getOpenData', async ({ list, appid }) => {
    if (!list) throw new Error('list must be provided');
    const bytes = await service('ApiGetOpenDataByCloudId', 'getOpenData',
      { list: [2, 'text', true] }, { list }, appid);
    const { items } = proto.decode(
      { items: [1, [{ cloudId: [1, 'text'], json: [2, 'text'] }], true] }, bytes);
    return { list: items.map((item) => {
      if (!item.json)
        throw { errCode: WX_SYSTEM_ERROR,
          errMsg: `internal svrkit error, empty openData json field for ${item.cloudId}` };
      return JSON.parse(item.json);
    }), errMsg: 'getOpenData:ok', errCode: 0 };
  }),
  getVoIPSign: api('getVoIPSign', async (options) => {
    check(options, { groupId: 'string', timestamp: 'number', nonce: 'string' });
    return signature(await service('ApiVoipSign', 'getVoIPSign',
      { groupId: [2, 'text'], timestamp: [3, 'int'], nonce: [4, 'text'] },
      options), 'getVoIPSign');
  }),
  getCloudCallSign: api('getCloudCallSign', async (options) =>
    signature(await service('GetCloudCallSign', 'getCloudCallSign',
      { list: [2, 'text', true] }, { list: options.parameterList }),
    'getCloudCallSign')),
  callOpenAPI: api('callOpenAPI', async (options) => {
    check(options, { api: 'string' });
    if (options.data) check(options, { data: 'object' });
    const { data } = await send({ action: 'wx.api', apiName: options.api,
      cgiName: options.version === 'v1' ? undefined : 'commrpcv2',
      requestData: options.data ? JSON.stringify(options.data) : '' });
    let result = data.responseData;
    try {
      result = JSON.parse(result);
    } catch {
      // it is a text
    }
    return { result, errMsg: 'callOpenAPI:ok' };
  }),
};
