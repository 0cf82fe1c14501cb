'use strict';
// The errors of wx-server-sdk: numbers for the cloud's words, and the texts
// that code compares with.

// The cloud's word: its number.
const NUMBERS = {
  SUCCESS: 0,
  SYS_ERR: -501001,
  SERVER_TIMEOUT: -501002,
  EXCEED_REQUEST_LIMIT: -501003,
  EXCEED_CONCURRENT_REQUEST_LIMIT: -501004,
  INVALIID_ENV: -501005,
  INVALID_COMMON_PARAM: -501006,
  INVALID_PARAM: -501007,
  INVALID_REQUEST_SOURCE: -501008,
  RESOURCE_NOT_INITIAL: -501009,
  DATABASE_REQUEST_FAILED: -502001,
  DATABASE_INVALID_OPERRATOR: -502002,
  DATABASE_PERMISSION_DENIED: -502003,
  DATABASE_COLLECTION_EXCEED_LIMIT: -502004,
  DATABASE_COLLECTION_NOT_EXIST: -502005,
  STORAGE_REQUEST_FAIL: -503001,
  STORAGE_EXCEED_AUTHORITY: -503002,
  STORAGE_FILE_NONEXIST: -503003,
  STORAGE_SIGN_PARAM_INVALID: -503004,
  FUNCTIONS_REQUEST_FAIL: -504001,
  FUNCTIONS_EXECUTE_FAIL: -504002,
};

// A number: its words.
const WORDS = {
  [-1]: 'unknown error',
  [-501001]: 'resource system error',
  [-501002]: 'resource server timeout',
  [-501003]: 'exceed request limit',
  [-501004]: 'exceed concurrent request limit',
  [-501005]: 'invalid env',
  [-501006]: 'invalid common parameters',
  [-501007]: 'invalid parameters',
  [-501008]: 'invalid request source',
  [-501009]: 'resource not initialized',
  [-502001]: 'database request fail',
  [-502002]: 'database invalid command',
  [-502003]: 'database permission denied',
  [-502004]: 'database exceed collection limit',
  [-502005]: 'database collection not exists',
  [-503001]: 'storage request fail',
  [-503002]: 'storage permission denied',
  [-503003]: 'storage file not exists',
  [-503004]: 'storage invalid sign parameter',
  [-504001]: 'functions request fail',
  [-504002]: 'functions execute fail',
  [-601001]: 'system error',
  [-601002]: 'system args error',
  [-601003]: 'system network error',
  [-601004]: 'api permission denied',
  [-601005]: 'invalid cloudID',
  [-601006]: 'cloudID expired',
  [-601007]: 'cloudID and calling user does not match',
  [-601008]: 'server-side request timedout',
  [-604100]: 'API not found',
  [-604101]: 'function has no permission to call this API',
  [-604102]: 'call open API timeout',
  [-604103]: 'call open API system error',
  [-604104]: 'illegal source of invocation',
};
const WX_SYSTEM_ERROR = -601001;

const numberOf = (code) => NUMBERS[code] || NUMBERS.SYS_ERR;

// What the cloud refused: {code, message, requestId} as an Error.
class Refused extends Error {
  constructor(answer) {
    super(answer.message);
    this.code = answer.code;
    this.requestId = answer.requestId || '';
  }
}

// Found before anything was sent, or about what a third party answered.
class CloudSDKError extends Error {
  constructor({ errCode, errMsg }) {
    super(errMsg);
    this.errCode = errCode || -1;
    this.errMsg = errMsg;
    Object.defineProperty(this, 'message', { configurable: true,
      get: () => `errCode: ${this.errCode} ${WORDS[this.errCode] || ''} | errMsg: ${this.errMsg}`,
      set: (text) => { this.errMsg = text; } });
  }
}

function prefixed(err, prefix) {
  const { stack } = err;
  err.message = `${prefix}${err.message}`;
  if (typeof stack === 'string' && stack.startsWith('Error: '))
    Object.defineProperty(err, 'stack', { writable: true, configurable: true,
      value: `Error: ${prefix}${stack.slice(7)}` });
  err.errCode = -1;
  return err;
}

// Whatever went wrong, as the API that was called says it.
function told(err, api) {
  if (err instanceof Error && typeof err.errMsg === 'string') return err;
  let out;
  if (!err) {
    out = new Error(`${api}:fail`);
    out.errCode = -1;
  } else if (err instanceof Error) {
    out = prefixed(err, `${api}:fail `);
  } else if (typeof err === 'string') {
    out = new Error(`${api}:fail ${err}`);
    out.errCode = -1;
  } else {
    out = new Error(`${api}:fail ${err.errCode} ${WORDS[err.errCode] || ''}. ${err.errMsg || ''}`);
    out.errCode = err.errCode || -1;
  }
  out.errMsg = `${out.message}`;
  return out;
}

// The database's APIs say a number where others keep the word.
function numbered(err) {
  return err && err.code
    ? { errCode: numberOf(err.code), errMsg: err.message } : err;
}

const kindOf = (value) =>
  Object.prototype.toString.call(value).slice(8, -1).toLowerCase();

// shape: 'object', or {member: 'string'}.
function check(value, shape, name = 'parameter') {
  if (typeof shape === 'string') {
    if (kindOf(value) !== shape)
      throw new CloudSDKError({
        errMsg: `${name} should be ${shape} instead of ${kindOf(value)};` });
    return;
  }
  if (kindOf(value) !== 'object')
    throw new CloudSDKError({
      errMsg: `${name} should be object instead of ${kindOf(value)}; ` });
  let wrong = '';
  for (const [key, kind] of Object.entries(shape))
    if (kindOf(value[key]) !== kind)
      wrong += `${name}.${key} should be ${kind} instead of ${kindOf(value[key])};`;
  if (wrong) throw new CloudSDKError({ errMsg: wrong });
}

module.exports = { Refused, CloudSDKError, WX_SYSTEM_ERROR, NUMBERS, WORDS,
  numberOf, numbered, told, check, kindOf };
