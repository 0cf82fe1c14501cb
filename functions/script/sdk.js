'use strict';
// require('wx-server-sdk'): the API of the npm package 4.0.2, without its
// network and signatures: a call is one frame to the gateway.

const identity = require('./identity');
const { Database } = require('./sdk_db');
const { CloudSDKError, Refused, told, check } = require('./sdk_errors');
const { send } = require('./sdk_wire');

const CURRENT = Symbol('DYNAMIC_CURRENT_ENV');

const NOT_READY = 'Cloud API isn\'t enabled, please call init first\n'
  + '请先调用 init 完成初始化后再调用其他云 API。init 方法可传入一个对象用于设置默认配置，详见文档。';

// Rarely used: read when asked for.
const storage = () => require('./sdk_storage');
const open = () => require('./sdk_open');

function getWXContext() {
  const keys = identity.get('WX_CONTEXT_KEYS');
  const out = {};
  if (!keys) return out;
  for (const key of keys.split(',')) {
    if (key === 'WX_API_TOKEN' || key === 'WX_TRIGGER_API_TOKEN_V0') continue;
    const value = identity.get(key);
    if (!key || value === undefined) continue;
    out[key.startsWith('WX_') && key.length > 3 ? key.slice(3) : key]
      = /^-?\d+$/.test(value) ? parseInt(value, 10) : value;
  }
  out.ENV = identity.get('TCB_ENV') || identity.get('SCF_NAMESPACE');
  const source = identity.get('TCB_SOURCE');
  if (source) out.SOURCE = source;
  return out;
}

function unwrapped(text) {
  let value = text;
  // Functions that answer with JSON text have it read too, as the package does.
  for (let i = 0; i < 2 && typeof value === 'string'; i++) {
    try {
      value = JSON.parse(value);
    } catch {
      return value;
    }
  }
  return value;
}

async function callFunction(options) {
  const api = 'callFunction';
  try {
    if (!options)
      throw { errMsg: `Params for callFunction must be an object instead of ${typeof options}` };
    check(options, { name: 'string' });
    if (Object.hasOwn(options, 'data')) check(options, { data: 'object' });
    if (!options.name)
      throw new Refused({ code: 'INVALID_PARAM', message: '函数名不能为空' });
    const answer = await send({ action: 'functions.invokeFunction',
      function_name: options.name, request_data: written(options.data || {}) },
    options.timeout);
    return { result: unwrapped(answer.data.response_data),
      errMsg: 'callFunction:ok', requestID: answer.requestId };
  } catch (err) {
    const said = told(err, api);
    said.requestID = err?.requestId;
    throw said;
  }
}

function written(data) {
  try {
    return JSON.stringify(data);
  } catch {
    throw new Refused({ code: 'INVALID_PARAM', message: '对象出现了循环引用' });
  }
}

class Logger {
  constructor() {
    for (const level of ['log', 'info', 'warn', 'error'])
      Object.defineProperty(this, level, { value(message) {
        if (Object.prototype.toString.call(message) !== '[object Object]')
          throw new Refused({ code: 'INVALID_PARAM',
            message: 'log msg must be an object' });
        require('./console').console.__baseLog__({ ...message }, level);
      } });
  }
}

function missing(name) {
  return () => {
    throw new Error(`cloud.${name}: a script function does not have it; give `
      + 'the function "runtime": "node" and install wx-server-sdk from npm');
  };
}

// One instance with its own init, as `new cloud.Cloud(…)` gives.
function make(options) {
  const cloud = { config: {}, isReady: false };
  if (options && !options.resourceEnv) throw new Error('missing resourceEnv');

  const ready = (fn) => (...args) => {
    if (!cloud.isReady)
      throw new CloudSDKError({ errMsg: NOT_READY });
    return fn(...args);
  };
  const init = (config = {}) => {
    if (cloud.isReady) return undefined;
    cloud.isReady = true;
    cloud.config = { ...config };
    return options ? Promise.resolve() : undefined;
  };
  const api = {
    version: '4.0.2',
    DYNAMIC_CURRENT_ENV: CURRENT,
    init,
    updateConfig(config = {}) {
      cloud.config = { ...config };
    },
    createNewInstance(config) {
      const other = make();
      other.init(config);
      return other;
    },
    Cloud: function Cloud(given) {
      return make(given);
    },
    registerService: missing('registerService'),
    getWXContext,
    signature: (given) => (given.type === 'midas'
      ? new (open().MidasSignature)(given) : undefined),
    logger: () => new Logger(),
    database: ready((config) => new Database(cloud, config)),
    callFunction: ready(callFunction),
    ai: missing('ai'),
  };
  for (const name of ['uploadFile', 'downloadFile', 'getTempFileURL',
    'deleteFile'])
    api[name] = ready((given) => storage()[name](given));
  for (const name of ['callOpenAPI', 'getOpenData', 'getVoIPSign',
    'getCloudCallSign'])
    api[name] = ready((given) => open()[name](given));
  for (const name of ['openapi', 'cloudPay']) {
    let made = null;
    Object.defineProperty(api, name, { enumerable: true, configurable: true,
      get: () => (made ??= open()[name](ready)) });
  }
  return api;
}

module.exports = make();
