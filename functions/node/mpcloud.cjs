'use strict';
// require('mpcloud'): what a function asks its cloud for without an SDK.
//
//   const mpcloud = require('mpcloud');
//   const { data } = await mpcloud.call('database.queryDocument', {
//     collectionName: 'goods', query: {} });
//   const { outTradeNo, payment } = await mpcloud.pay.order({
//     description: 'Tea', total: 100 });
//   await mpcloud.enqueue('mail', { to: 'a' }, { delay: '10m', key: 'mail-a' });
const runner = globalThis[Symbol.for('mpcloud.runner')];

// The answer's JSON; an answer with a code is thrown as an Error with that code.
function call(action, body = {}) {
  if (typeof action !== 'string' || !action)
    return Promise.reject(new TypeError('mpcloud.call: an action is needed'));
  if (!runner)
    return Promise.reject(new Error('mpcloud: not inside a cloud function'));
  return runner.call({ ...body, action });
}

// A call of a function that nobody waits for, as the same user: at once, or with
// runAt (a Date, milliseconds or RFC 3339) or delay ('10s') later.  It runs at
// least once; when it fails, as often again as retries says (else as the
// function's settings do).  Of calls with the same key the first counts.
// → {id, requestId, existed}
async function enqueue(name, data, options = {}) {
  const { runAt, delay, retries, key, qualifier } = options;
  const { data: { id, requestId, existed } } = await call('functions.enqueue', {
    function_name: name, request_data: JSON.stringify(data === undefined ? {} : data),
    runAt: runAt instanceof Date ? runAt.getTime() : runAt, delay, retries, key, qualifier });

  return { id, requestId, existed };
}

module.exports = {
  call,
  enqueue,
  pay: {
    // {outTradeNo?, description, total (fen), attach?, expireAt?, function? …}
    // → {outTradeNo, payment}; payment is what wx.requestPayment takes.
    order: async (order) =>
      (await call('pay.createOrder', { data: order })).data,
    // → {outTradeNo, total, currency, description, state, createdAt, …}
    get: async (outTradeNo) =>
      (await call('pay.getOrder', { outTradeNo })).data,
    // The same, after WeChat Pay was asked.
    query: async (outTradeNo) =>
      (await call('pay.queryOrder', { outTradeNo })).data,
    // Nobody can pay it any more; throws CONFLICT when it is paid.
    close: async (outTradeNo) =>
      (await call('pay.closeOrder', { outTradeNo })).data,
    // {outTradeNo, amount? (fen; all that is left), key?, reason?, function?} →
    // {outRefundNo, state, amount, …}.  Asking again is the same refund; two of
    // one amount need keys of their own.
    refund: async (refund) =>
      (await call('pay.refund', { data: refund })).data,
    getRefund: async (outRefundNo) =>
      (await call('pay.getRefund', { outRefundNo })).data,
  },
  wechat: {
    // e.detail as the page got it ({encryptedData, iv, rawData?, signature?}) →
    // what it decrypts to.  err.code SESSION_KEY_EXPIRED: wx.login came between.
    openData: async (detail) => (await call('mpc.openData', { data: detail })).data,
    // {rawData, signature} → whether WeChat wrote it.
    checkUserData: async (detail) =>
      (await call('mpc.checkUserData', { data: detail })).data.valid,
    // Whether WeChat still has the user's session_key that is here.
    checkSession: async () => (await call('mpc.checkSession')).data.valid,
    resetSessionKey: async () => (await call('mpc.resetSessionKey')).data.reset,
  },
};
