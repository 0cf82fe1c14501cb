// The caller's own order and how far its payment is: {outTradeNo} →
// {order: {outTradeNo, items, total, createdAt}, state}.
const cloud = require('wx-server-sdk');
const mpcloud = require('mpcloud');

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();

exports.main = async ({ outTradeNo }) => {
	const { OPENID } = cloud.getWXContext();
	const { data: [order] } = await db.collection('orders')
		.where({ outTradeNo: String(outTradeNo), _openid: OPENID })
		.get();

	if (!order)
		throw new Error('no such order');
	const paid = await mpcloud.pay.get(order.outTradeNo);
	const { items, total, createdAt } = order;
	// What we wrote down and what WeChat Pay was told must agree.
	if (paid.total !== total)
		throw new Error('the order and its payment differ');
	return { order: { outTradeNo: order.outTradeNo, items, total,
		createdAt }, state: paid.state };
};
