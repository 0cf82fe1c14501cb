'use strict';
// require('mpcloud'): what a function asks its cloud for without an SDK.
//
//   const mpcloud = require('mpcloud');
//   const { data } = await mpcloud.call('database.queryDocument', {
//     collectionName: 'goods', query: {} });
//   const { outTradeNo, payment } = await mpcloud.pay.order({
//     description: 'Tea', total: 100 });
const runner = globalThis[Symbol.for('mpcloud.runner')];

// The answer's JSON; an answer with a code is thrown as an Error with that code.
function call(action, body = {}) {
  if (typeof action !== 'string' || !action)
    return Promise.reject(new TypeError('mpcloud.call: an action is needed'));
  if (!runner)
    return Promise.reject(new Error('mpcloud: not inside a cloud function'));
  return runner.call({ ...body, action });
}

module.exports = {
  call,
  pay: {
    // {outTradeNo?, description, total (fen), attach?} → {outTradeNo, payment};
    // payment is what wx.requestPayment takes.
    order: async (order) => (await call('pay.createOrder', order)).data,
    // → {outTradeNo, total, currency, description, state, createdAt}
    get: async (outTradeNo) =>
      (await call('pay.getOrder', { outTradeNo })).data,
  },
};
