// Orders as their author places them: {do, order | outTradeNo}.
const mpcloud = require('mpcloud');

exports.main = async ({ do: what, order, outTradeNo }) => {
  try {
    return { data: await (what === 'order' ? mpcloud.pay.order(order) : mpcloud.pay[what](outTradeNo)) };
  } catch (error) {
    return { code: error.code, message: error.message };
  }
};
