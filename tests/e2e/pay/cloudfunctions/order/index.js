// Orders as their author places them: {do, order | outTradeNo}.
const mpcloud = require('mpcloud');

exports.main = async ({ do: what, order, outTradeNo }) => {
  try {
    if (what === 'order') return { data: await mpcloud.pay.order(order) };
    if (what === 'refund') return { data: (await mpcloud.call('pay.refund', { data: outTradeNo })).data };
    return { data: await mpcloud.pay[what](outTradeNo) };
  } catch (error) {
    return { code: error.code, message: error.message };
  }
};
