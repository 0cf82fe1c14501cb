// What the shop sells, the cheapest first.
const cloud = require('wx-server-sdk');

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();

exports.main = async () => {
	const { data } = await db.collection('goods')
		.where({ onSale: true })
		.get();

	data.sort((a, b) => a.price - b.price);
	return {
		goods: data.map(({ _id, name, price, stock }) =>
			({ id: _id, name, price, stock })),
	};
};
