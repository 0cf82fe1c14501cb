// An order: {items: [{id, count}]} → {outTradeNo, total, payment}.
//
// The mini program says what and how many, never how much it costs: prices are
// read here.  `payment` is what wx.requestPayment takes.  Stock is looked at,
// not taken: that belongs to the moment of payment.
const { randomBytes } = require('crypto');
const cloud = require('wx-server-sdk');
const mpcloud = require('mpcloud');

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();

const ITEMS_TOP = 20;
const COUNT_TOP = 99;

function checkItems(items) {
	if (!Array.isArray(items) || items.length === 0 ||
		items.length > ITEMS_TOP)
		throw new Error(`items: 1 to ${ITEMS_TOP} of them`);
	for (const { id, count } of items)
		if (typeof id !== 'string' || !Number.isInteger(count) ||
			count < 1 || count > COUNT_TOP)
			throw new Error('items: {id, count} each');
	return items;
}

async function price({ id, count }) {
	const { data } = await db.collection('goods').doc(id).get();

	if (!data.onSale || data.stock < count)
		throw new Error(`${data.name.en} is sold out`);
	return { id, name: data.name, price: data.price, count };
}

// S20261121 and 20 letters: at most 32, no two alike.
function newNumber() {
	const day = new Date().toISOString().slice(0, 10).replace(/-/g, '');

	return `S${day}${randomBytes(10).toString('hex')}`;
}

exports.main = async (event) => {
	const { OPENID } = cloud.getWXContext();
	const items = await Promise.all(checkItems(event.items).map(price));
	const total = items.reduce((sum, i) => sum + i.price * i.count, 0);
	const outTradeNo = newNumber();

	if (!OPENID)
		throw new Error('log in first');
	await db.collection('orders').add({ data: {
		_openid: OPENID, outTradeNo, items, total,
		createdAt: db.serverDate(),
	} });
	const { payment } = await mpcloud.pay.order({ outTradeNo, total,
		description: `Tea shop: ${items[0].name.zh}` });
	return { outTradeNo, total, payment };
};
