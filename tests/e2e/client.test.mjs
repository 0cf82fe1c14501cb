// client/mpcloud.js against a made-up server and a made-up telephone: what it
// sends, what it makes of the answers, when it logs in.
import { strict as assert } from 'node:assert';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const source = process.env.MPCLOUD_SOURCE || fileURLToPath(new URL('../..', import.meta.url));
const { Cloud } = createRequire(import.meta.url)(join(source, 'client/mpcloud.js'));

/* A server that hands out tokens and answers what `reply` says. */
function stage(reply = () => ({}), more = {}) {
	const s = { asked: [], logins: 0, refreshes: 0, storage: new Map(), good: 'token-0' };
	const give = () => ({ uid: 'u1', accessToken: s.good, refreshToken: 'r', expiresIn: s.ttl || 7200 });
	const answer = (path, body, header) => {
		if (path === '/v1/login') {
			s.logins += 1;
			s.good = `login-${s.logins}`;
			return { body: give() };
		}
		if (path === '/v1/token/refresh') {
			s.refreshes += 1;
			if (s.refreshDead)
				return { status: 401, body: { code: 'REFRESH_TOKEN_EXPIRED' } };
			s.good = `refreshed-${s.refreshes}`;
			return { body: give() };
		}
		if (header.authorization !== `Bearer ${s.good}` && more.login !== null)
			return { status: path === '/web' ? 200 : 401, body: { code: s.why || 'ACCESS_TOKEN_EXPIRED', message: 'stale' } };
		return reply(path, body, header) || { body: {} };
	};
	s.wx = {
		login: ({ success }) => setImmediate(success, { code: `c${s.logins}` }),
		getStorageSync: (key) => s.storage.get(key) || '',
		setStorageSync: (key, value) => s.storage.set(key, value),
		request({ url, method, data, header, success, fail }) {
			const path = url.replace('https://h.example', '');

			s.asked.push({ path, method, header, body: data === undefined ? undefined : JSON.parse(data) });
			if (s.offline)
				return setImmediate(fail, { errMsg: 'request:fail timeout' });
			const { status = 200, body, text } = answer(path, data, header);
			return setImmediate(success, { statusCode: status,
				data: text === undefined ? JSON.stringify(body) : text,
				header: { 'X-Request-Id': 'rid-1', 'Content-Type': 'application/json' } });
		},
		...(more.login === null ? { login: undefined } : {}),
	};
	s.cloud = new Cloud({ url: 'https://h.example/', env: 'e', wx: s.wx });
	s.last = () => s.asked[s.asked.length - 1];
	return s;
}

const rows = (list) => () => ({ body: { requestId: 'x', data: { list } } });
const data = (d) => () => ({ body: { requestId: 'x', data: d } });
const query = async (where) => {
	const s = stage(rows([]));

	await s.cloud.database().collection('t').where(where(s.cloud.command)).get();
	return s.last().body.query;
};
const change = async (d) => {
	const s = stage(data({ updated: 1 }));
	const db = s.cloud.database();

	await db.collection('t').doc('i').update({ data: d(db.command, db) });
	return s.last().body;
};

test('it logs in by itself, once for many calls', async () => {
	const s = stage(() => ({ body: 3 }));
	const answers = await Promise.all([1, 2, 3].map((x) =>
		s.cloud.callFunction({ name: 'sum', data: { x } })));

	assert.equal(s.logins, 1);
	assert.deepEqual(answers[0], { errMsg: 'cloud.callFunction:ok', result: 3, requestID: 'rid-1' });
	assert.deepEqual(s.last(), { path: '/v1/functions/sum', method: 'POST', body: { x: 3 },
		header: { 'content-type': 'application/json', authorization: 'Bearer login-1' } });
});

test('the login is remembered', async () => {
	const s = stage();

	await s.cloud.login();
	const again = new Cloud({ url: 'https://h.example', env: 'e', wx: s.wx });
	await again.callFunction({ name: 'f' });
	assert.equal(s.logins, 1);
});

test('an expired token is refreshed once and the call repeated once', async () => {
	const s = stage();

	await s.cloud.login();
	s.good = 'another';
	await Promise.all([s.cloud.callFunction({ name: 'f' }), s.cloud.callFunction({ name: 'g' })]);
	assert.equal(s.refreshes, 1);
	assert.equal(s.logins, 1);
	assert.equal(s.asked.filter((a) => a.path === '/v1/functions/f').length, 2);
});

test('a database call that is told so with status 200 is repeated too', async () => {
	for (const [why, logins, refreshes] of [['ACCESS_TOKEN_EXPIRED', 1, 1], ['CHECK_LOGIN_FAILED', 2, 0]]) {
		const s = stage(rows([{ _id: 'i' }]));

		await s.cloud.login();
		s.good = 'another';
		s.why = why;
		assert.equal((await s.cloud.database().collection('t').get()).data.length, 1);
		assert.deepEqual([s.logins, s.refreshes], [logins, refreshes], why);
	}
});

test('a container\'s call with an expired token is repeated once too, and a 401 of the container\'s own is its answer', async () => {
	let own = 0;
	const s = stage((path) => (path === '/own' ? { status: 401, body: { code: 'CHECK_LOGIN_FAILED', n: own += 1 } } : { body: { ok: 1 } }));

	await s.cloud.login();
	s.good = 'another';
	const got = await s.cloud.callContainer({ path: '/a', service: 'shop' });
	assert.deepEqual([got.statusCode, got.data, s.refreshes], [200, { ok: 1 }, 1]);
	s.good = 'yet another';
	const bytes = s.wx.request;
	s.wx.request = (o) => bytes({ ...o, success: (res) => o.success({ ...res, data: o.responseType === 'arraybuffer' ?
		new TextEncoder().encode(res.data).buffer : res.data }) });
	assert.equal((await s.cloud.callContainer({ path: '/a', service: 'shop', responseType: 'arraybuffer' })).statusCode, 200);
	assert.equal(s.refreshes, 2);
	const refused = await s.cloud.callContainer({ path: '/own', service: 'shop' });
	assert.deepEqual([refused.statusCode, refused.data.n], [401, 2]);
});

test('a token near its end is refreshed before it is used', async () => {
	const s = stage();

	s.ttl = 20;
	await s.cloud.login();
	await s.cloud.callFunction({ name: 'f' });
	assert.equal(s.refreshes, 1);
	assert.equal(s.asked.filter((a) => a.path === '/v1/functions/f').length, 1);
});

test('a dead refresh token means another login', async () => {
	const s = stage();

	await s.cloud.login();
	s.good = 'another';
	s.refreshDead = true;
	await s.cloud.callFunction({ name: 'f' });
	assert.equal(s.logins, 2);
});

test('a token that is not good at all means another login', async () => {
	const s = stage();

	await s.cloud.login();
	s.good = 'another';
	s.why = 'CHECK_LOGIN_FAILED';
	await s.cloud.callFunction({ name: 'f' });
	assert.equal(s.refreshes, 0);
	assert.equal(s.logins, 2);
});

test('a server that refuses every token is not asked for ever', async () => {
	const s = stage(() => ({ status: 401, body: { code: 'ACCESS_TOKEN_EXPIRED' } }));

	await assert.rejects(s.cloud.callFunction({ name: 'f' }), { statusCode: 401 });
	assert.equal(s.asked.filter((a) => a.path === '/v1/functions/f').length, 2);
});

test('without wx.login calls go out as nobody', async () => {
	const s = stage(() => ({ body: 1 }), { login: null });

	assert.equal((await s.cloud.callFunction({ name: 'f' })).result, 1);
	assert.equal(s.last().header.authorization, undefined);
});

test('logout forgets the login', async () => {
	const s = stage();

	await s.cloud.login();
	assert.deepEqual(await s.cloud.logout(), { errMsg: 'cloud.logout:ok' });
	assert.equal(s.last().path, '/v1/logout');
	assert.equal([...s.storage.values()].some((v) => v.accessToken), false);
});

test('logging out of a session that has ended logs nobody in', async () => {
	const s = stage();

	await s.cloud.login();
	s.good = 'another';
	await s.cloud.logout();
	assert.deepEqual([s.logins, s.refreshes], [1, 0]);
});

test('callbacks get what the promise would', async () => {
	const s = stage(() => ({ body: 1 }));
	const said = [];

	await new Promise((resolve) => {
		assert.equal(s.cloud.callFunction({ name: 'f', complete: resolve,
			success: (res) => said.push(res.result), fail: () => said.push('fail') }), undefined);
	});
	s.offline = true;
	await new Promise((resolve) => {
		s.cloud.callFunction({ name: 'f', complete: resolve, fail: (err) => said.push(err.code) });
	});
	assert.deepEqual(said, [1, 'NETWORK']);
});

test('a function\'s error has wx.cloud\'s number', async () => {
	const s = stage(() => ({ status: 500, body: { code: 'FUNCTIONS_EXECUTE_FAIL', message: 'boom' } }));

	await assert.rejects(s.cloud.callFunction({ name: 'f' }), {
		errCode: -504002, code: 'FUNCTIONS_EXECUTE_FAIL', statusCode: 500, requestID: 'rid-1',
		errMsg: 'cloud.callFunction:fail -504002 functions execute fail. boom' });
});

test('a function that is not there has the number that pages ask for', async () => {
	const s = stage(() => ({ status: 404, body: { code: 'FUNCTION_NOT_FOUND', message: 'no function of this name is deployed' } }));

	await assert.rejects(s.cloud.callFunction({ name: 'nothing' }), { errCode: -501000, statusCode: 404,
		errMsg: 'cloud.callFunction:fail -501000 FunctionName parameter could not be found. no function of this name is deployed' });
});

test('what goes wrong before anything is asked has errCode and errMsg too, for promises and callbacks', async () => {
	const s = stage();
	const t = s.cloud.database().collection('t');
	const circle = {};
	circle.self = circle;
	const fails = (call, o) => new Promise((resolve) => { call({ ...o, fail: resolve }); });

	await assert.rejects(t.add(), { errCode: -401003, errMsg: 'collection.add:fail -401003 api parameter type error. data: an object is needed' });
	assert.equal((await fails((o) => t.doc('x').set(o))).errMsg, 'document.set:fail -401003 api parameter type error. data: an object is needed');
	await assert.rejects(t.add({ data: circle }), { errCode: -402001, errMsg: 'collection.add:fail -402001 circular reference' });
	await assert.rejects(s.cloud.callFunction({ name: 'f', data: circle }), { errCode: -402001 });
	await assert.rejects(s.cloud.callFunction(), { errCode: -501007, errMsg: /^cloud\.callFunction:fail -501007 .*name: the function to call$/ });
	for (const name of ['uploadFile', 'downloadFile', 'getTempFileURL', 'deleteFile', 'callContainer', 'connectContainer', 'request', 'getOpenData'])
		await assert.rejects(s.cloud[name](), (err) => err.errMsg.startsWith(`cloud.${name}:fail -`) && !/undefined/.test(err.errMsg));
	const early = await fails((o) => new Cloud().callFunction(o), { name: 'f' });
	assert.deepEqual([early.errCode, early.errMsg], [-1, 'cloud.callFunction:fail -1 cloud.init comes first']);
	assert.equal(s.asked.filter(({ path }) => path !== '/v1/login').length, 0);
});

test('a function may return what looks like an error', async () => {
	const s = stage(() => ({ body: { code: 'X', message: 'mine' } }));

	assert.equal((await s.cloud.callFunction({ name: 'f' })).result.code, 'X');
});

test('a function that returns nothing gives null', async () => {
	const s = stage(() => ({ text: '' }));

	assert.equal((await s.cloud.callFunction({ name: 'f' })).result, null);
});

test('an answer that is not JSON is an error', async () => {
	const s = stage(() => ({ text: '<html>' }));

	await assert.rejects(s.cloud.callFunction({ name: 'f' }), { errCode: -501001 });
});

test('a database error has the shape of wx.cloud\'s, with status 200 and 403', async () => {
	for (const status of [200, 403]) {
		const s = stage(() => ({ status, body: { code: 'DATABASE_PERMISSION_DENIED', message: 'no' } }));

		await assert.rejects(s.cloud.database().collection('t').get(), {
			errCode: -502003, errMsg: 'collection.get:fail -502003 database permission denied. no' });
	}
});

test('get sends a gen-1 query and gives dates back', async () => {
	const s = stage(rows([{ _id: '1', at: { $date: 5 }, list: [{ $date: 6 }] }]));
	const got = await s.cloud.database().collection('t').where({ a: 1 }).orderBy('n', 'desc')
		.skip(5).limit(10).field({ a: true, b: false }).get();

	assert.deepEqual(s.last(), { path: '/web', method: 'POST', header: s.last().header, body: {
		action: 'database.queryDocument', dataVersion: '2020-01-10', env: 'e', collectionName: 't',
		queryType: 'WHERE', query: { a: 1 }, order: [{ field: 'n', direction: 'desc' }],
		offset: 5, limit: 10, projection: { a: 1, b: 0 } } });
	assert.deepEqual(got, { errMsg: 'collection.get:ok',
		data: [{ _id: '1', at: new Date(5), list: [new Date(6)] }] });
});

test('a query can be kept and gone on with twice', async () => {
	const s = stage(rows([]));
	const all = s.cloud.database().collection('t').where({ a: 1 });

	await all.limit(1).get();
	await all.get();
	assert.equal(s.last().body.limit, 20);
});

test('conditions are encoded', async () => {
	assert.deepEqual(await query(() => ({ a: { b: { c: 1 } }, d: null, e: [1], u: undefined })),
		{ 'a.b.c': 1, d: null, e: [1] });
	assert.deepEqual(await query((_) => ({ a: _.gt(1).lt(9), b: _.neq(3), c: _.in([1, 2]), d: _.nin([]) })),
		{ $and: [{ a: { $gt: 1 } }, { a: { $lt: 9 } }], b: { $ne: 3 }, c: { $in: [1, 2] }, d: { $nin: [] } });
	assert.deepEqual(await query((_) => ({ a: _.gte(1).and(_.lte(2)), b: _.or(_.eq(1), _.eq(2)) })),
		{ $and: [{ a: { $gte: 1 } }, { a: { $lte: 2 } }], $or: [{ b: { $eq: 1 } }, { b: { $eq: 2 } }] });
	assert.deepEqual(await query((_) => ({ a: _.or([_.lt(1), _.gt(2)]), b: _.or(_.lt(3), _.gt(4)) })),
		{ $and: [{ $or: [{ a: { $lt: 1 } }, { a: { $gt: 2 } }] }, { $or: [{ b: { $lt: 3 } }, { b: { $gt: 4 } }] }] });
	assert.deepEqual(await query((_) => _.or([{ a: 1 }, { b: _.gt(2) }])),
		{ $or: [{ a: 1 }, { b: { $gt: 2 } }] });
	assert.deepEqual(await query(() => ({ at: new Date(7), s: /^a/i })),
		{ at: { $date: 7 }, s: { $regex: '^a', $options: 'i' } });
});

test('every condition has its operator', async () => {
	const rows = [
		[(_) => ({ a: _.exists(false), b: _.size(2), c: _.all([1, 2]) }), { a: { $exists: false }, b: { $size: 2 }, c: { $all: [1, 2] } }],
		[(_) => ({ a: _.mod(4, 1), b: _.mod([4, 1]) }), { a: { $mod: [4, 1] }, b: { $mod: [4, 1] } }],
		[(_) => ({ a: _.not(_.gt(2)) }), { a: { $not: { $gt: 2 } } }],
		[(_) => ({ a: _.not(_.gt(2).lt(9)) }), { a: { $not: { $gt: 2, $lt: 9 } } }],
		[(_) => ({ a: _.not(_.or(_.gt(2), _.lt(1))) }), { $nor: [{ $or: [{ a: { $gt: 2 } }, { a: { $lt: 1 } }] }] }],
		[(_) => ({ a: _.nor(_.gt(2), _.lt(1)) }), { $nor: [{ a: { $gt: 2 } }, { a: { $lt: 1 } }] }],
		[(_) => _.nor([{ a: 1 }, { b: 2 }]), { $nor: [{ a: 1 }, { b: 2 }] }],
		[(_) => ({ l: _.elemMatch({ x: _.gt(2).lt(9), y: 'p', at: new Date(5) }) }),
			{ l: { $elemMatch: { $and: [{ x: { $gt: 2 } }, { x: { $lt: 9 } }], y: 'p', at: { $date: 5 } } } }],
		[(_) => ({ l: _.elemMatch(_.gt(2).lt(9)) }), { l: { $elemMatch: { $gt: 2, $lt: 9 } } }],
		[(_) => _.expr(_.aggregate.gt(['$a', '$b'])), { $expr: { $gt: ['$a', '$b'] } }],
		[(_) => _.and(_.jsonSchema({ required: ['a'] }), { b: 1 }), { $and: [{ $jsonSchema: { required: ['a'] } }, { b: 1 }] }],
		[(_) => ({ $text: _.text({ search: 'tea' }), a: 1 }), { $text: { $search: 'tea' }, a: 1 }],
		[() => ({ a: { $gt: 1 }, n: NaN }), { a: { $gt: 1 }, n: { $numberDouble: 'NaN' } }],
	];

	for (const [where, wanted] of rows)
		assert.deepEqual(await query(where), wanted);
});

test('places are GeoJSON, in conditions and coming back', async () => {
	const s = stage(rows([{ _id: 'i', at: { type: 'Point', coordinates: [1, 2] },
		area: { type: 'Polygon', coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]] }, like: { type: 'Point', coordinates: [1, 2], more: 1 } }]));
	const db = s.cloud.database();
	const { Point, LineString, Polygon } = db.Geo;
	const area = new Polygon([new LineString([Point(0, 0), new Point(1, 0), Point(1, 1), Point(0, 0)])]);
	const got = await db.collection('t').where({
		at: db.command.geoNear({ geometry: Point(1, 2), maxDistance: 5 }), in: db.command.geoWithin({ geometry: area }),
		near: db.command.geoWithin({ centerSphere: [Point(1, 2), 0.1] }), on: db.command.geoIntersects({ geometry: Point(3, 4) }) }).get();
	const polygon = { type: 'Polygon', coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]] };

	assert.deepEqual(s.last().body.query, {
		at: { $nearSphere: { $geometry: { type: 'Point', coordinates: [1, 2] }, $maxDistance: 5 } },
		in: { $geoWithin: { $geometry: polygon } }, near: { $geoWithin: { $centerSphere: [[1, 2], 0.1] } },
		on: { $geoIntersects: { $geometry: { type: 'Point', coordinates: [3, 4] } } } });
	const [doc] = got.data;
	assert.deepEqual([doc.at.longitude, doc.at.latitude], [1, 2]);
	assert.equal(doc.area.lines[0].points[2].latitude, 1);
	assert.deepEqual(JSON.parse(JSON.stringify(doc.area)), polygon);
	assert.equal(doc.like.longitude, undefined);
});

test('every change has its operator', async () => {
	const { data: sent } = await change((_) => ({ mul: _.mul(2), min: _.min(1), max: _.max(new Date(3)), name: _.rename('new'),
		bit: _.bit({ and: 5 }), pop: _.pop(), shift: _.shift(), un: _.unshift([1, 2]), set: _.addToSet('x'),
		many: _.addToSet({ $each: [1, 2] }), each: _.addToSet({ each: [1, 2] }), pull: _.pull(3), cond: _.pull({ x: _.gt(2) }),
		above: _.pull(_.gt(4)), all: _.pullAll([1, 2]), sorted: _.push({ each: [1], sort: { x: 1 }, slice: -3, position: 0 }) }));

	assert.deepEqual(sent, { $mul: { mul: 2 }, $min: { min: 1 }, $max: { max: { $date: 3 } }, $rename: { name: 'new' },
		$bit: { bit: { and: 5 } }, $pop: { pop: 1, shift: -1 },
		$push: { un: { $each: [1, 2], $position: 0 }, sorted: { $each: [1], $position: 0, $sort: { x: 1 }, $slice: -3 } },
		$addToSet: { set: 'x', many: { $each: [1, 2] }, each: { $each: [1, 2] } },
		$pull: { pull: 3, cond: { x: { $gt: 2 } }, above: { $gt: 4 } }, $pullAll: { all: [1, 2] } });
});

test('several documents are added at once', async () => {
	const s = stage(data({ insertedIds: ['1', '2'] }));
	const got = await s.cloud.database().collection('t').add({ data: [{ a: 1 }, { a: new Date(2) }] });

	assert.deepEqual(s.last().body.data, [{ a: 1 }, { a: { $date: 2 } }]);
	assert.deepEqual(got, { _ids: ['1', '2'], errMsg: 'collection.add:ok' });
});

test('a pipeline is sent stage by stage and its documents come back', async () => {
	const s = stage(rows(['{"_id": "g", "at": {"$date": 5}, "sum": {"$numberDouble": "Infinity"}}']));
	const db = s.cloud.database();
	const $ = db.command.aggregate;
	const got = await db.collection('t').aggregate().match({ a: db.command.gt(1), o: { k: 1 } })
		.geoNear({ near: db.Geo.Point(1, 2), distanceField: 'd', query: { b: db.command.lt(2) } })
		.lookup({ from: 'u', let: { id: '$_id' }, pipeline: $.pipeline().match(db.command.expr($.eq(['$x', '$$id']))).limit(1).done(), as: 'u' })
		.group({ _id: '$a', sum: $.sum('$n'), when: new Date(3) }).sort({ _id: -1 }).limit(5).end();

	assert.deepEqual([s.last().body.action, s.last().body.stages], ['database.aggregateDocuments', [
		{ $match: { a: { $gt: 1 }, 'o.k': 1 } },
		{ $geoNear: { near: { type: 'Point', coordinates: [1, 2] }, distanceField: 'd', query: { b: { $lt: 2 } } } },
		{ $lookup: { from: 'u', let: { id: '$_id' }, pipeline: [{ $match: { $expr: { $eq: ['$x', '$$id'] } } }, { $limit: 1 }], as: 'u' } },
		{ $group: { _id: '$a', sum: { $sum: '$n' }, when: { $date: 3 } } }, { $sort: { _id: -1 } }, { $limit: 5 }]]);
	assert.deepEqual(got, { errMsg: 'collection.aggregate:ok', list: [{ _id: 'g', at: new Date(5), sum: Infinity }] });
});

test('field may slice and pick elements', async () => {
	const s = stage(rows([]));
	const db = s.cloud.database();

	await db.collection('t').field({ a: true, l: db.command.project.slice(1, 2),
		m: db.command.project.elemMatch({ x: db.command.gt(1) }) }).get();
	assert.deepEqual(s.last().body.projection, { a: 1, l: { $slice: [1, 2] }, m: { $elemMatch: { x: { $gt: 1 } } } });
});

test('a condition on a field alone is no condition on the document', async () => {
	const s = stage(rows([]));
	const db = s.cloud.database();

	assert.throws(() => db.collection('t').where(db.command.gt(1)), /gt speaks of a field/);
});

test('updates are encoded', async () => {
	const body = await change((_, db) => ({ o: { z: 1, y: { x: 2 } }, a: [1], whole: _.set({ k: 1 }), n: _.inc(2),
		gone: _.remove(), p: _.push([1, 2]), q: _.push({ each: [3], position: 0 }), one: _.push(4),
		at: db.serverDate({ offset: 60000 }), empty: {} }));

	assert.equal(body.action, 'database.updateDocument');
	assert.deepEqual(body.query, { _id: 'i' });
	assert.deepEqual([body.queryType, body.multi, body.merge, body.upsert], ['DOC', false, true, false]);
	assert.deepEqual(body.data, { $set: { 'o.z': 1, 'o.y.x': 2, a: [1], whole: { k: 1 },
		at: { $date: { offset: 60000 } }, empty: {} }, $inc: { n: 2 }, $unset: { gone: '' },
	$push: { p: { $each: [1, 2] }, q: { $each: [3], $position: 0 }, one: { $each: [4] } } });
});

test('results have wx.cloud\'s shapes', async () => {
	const say = (d, work) => work(stage(data(d)).cloud.database().collection('t'));

	assert.deepEqual(await say({ _id: 'n' }, (t) => t.add({ data: { a: 1 } })),
		{ _id: 'n', errMsg: 'collection.add:ok' });
	assert.deepEqual(await say({ total: 4 }, (t) => t.count()), { total: 4, errMsg: 'collection.count:ok' });
	assert.deepEqual(await say({ updated: 2 }, (t) => t.where({ a: 1 }).update({ data: { b: 2 } })),
		{ stats: { updated: 2 }, errMsg: 'collection.update:ok' });
	assert.deepEqual(await say({ deleted: 2 }, (t) => t.where({ a: 1 }).remove()),
		{ stats: { removed: 2 }, errMsg: 'collection.remove:ok' });
	assert.deepEqual(await say({ updated: 0, upserted_id: 'i' }, (t) => t.doc('i').set({ data: { a: 1 } })),
		{ _id: 'i', stats: { updated: 0, created: 1 }, errMsg: 'document.set:ok' });
	assert.deepEqual(await say({ deleted: 1 }, (t) => t.doc('i').remove()),
		{ stats: { removed: 1 }, errMsg: 'document.remove:ok' });
	assert.deepEqual(await say({ list: [{ _id: 'i' }] }, (t) => t.doc('i').get()),
		{ data: { _id: 'i' }, errMsg: 'document.get:ok' });
});

test('a document that is not there is an error', async () => {
	await assert.rejects(stage(rows([])).cloud.database().collection('t').doc('i').get(),
		{ errCode: -1, errMsg: 'document.get:fail document with _id i does not exist' });
});

test('a document without an id is refused before it is sent', () => {
	const s = stage();
	const t = s.cloud.database().collection('t');

	for (const id of [undefined, null, {}, ['a']])
		assert.throws(() => t.doc(id), { errCode: -401003, errMsg: /^collection\.doc:fail -401003 .*docId: a string or a number/ });
	assert.equal(t.doc(0).id, 0);
	assert.equal(s.asked.length, 0);
});

test('data that is no object is refused before it is sent', async () => {
	const s = stage();
	const t = s.cloud.database().collection('t');

	for (const work of [t.add({}), t.doc('i').set({ data: [] }), t.doc('i').update({ data: 'x' })])
		await assert.rejects(work, TypeError);
	assert.throws(() => t.where('x'), TypeError);
	assert.equal(s.asked.length, 0);
});

test('request reaches other paths as the user', async () => {
	const s = stage(() => ({ body: { ok: 1 } }));
	const got = await s.cloud.request({ path: '/v1/pay/orders', data: { outTradeNo: 'S1' } });

	assert.deepEqual([got.data, got.statusCode, got.requestID, s.last().method], [{ ok: 1 }, 200, 'rid-1', 'POST']);
	assert.equal(s.last().header.authorization, 'Bearer login-1');
	await s.cloud.request({ path: '/v1/session' });
	assert.deepEqual([s.last().method, s.last().body], ['GET', undefined]);
});

test('a login says which mini program it is and on what', async () => {
	const s = stage();

	s.wx.getAccountInfoSync = () => ({ miniProgram: { appId: 'wx1', envVersion: 'release' } });
	s.wx.getDeviceInfo = () => ({ brand: 'Apple', model: 'iPhone 15' });
	await s.cloud.login();
	assert.deepEqual(s.last().body, { code: 'c0', appid: 'wx1', device: 'Apple iPhone 15' });
	s.wx.getAccountInfoSync = () => { throw new Error('not here'); };
	delete s.wx.getDeviceInfo;
	await s.cloud.login();
	assert.deepEqual(s.last().body, { code: 'c1' });
});

test('a ticket or a password logs in without wx.login', async () => {
	const s = stage();

	await s.cloud.login({ ticket: 't' });
	assert.deepEqual(s.last().body, { ticket: 't' });
	await s.cloud.login({ username: 'anna', password: 'p' });
	assert.deepEqual(s.last().body, { username: 'anna', password: 'p' });
});

test('a login by name is not taken for the silent one that is under way, and calls after it wait for it', async () => {
	const s = stage(() => ({ body: {} }));
	const said = () => s.asked.filter(({ path }) => path === '/v1/login').map(({ body }) => body.code || body.username);

	const first = s.cloud.login();
	while (!s.cloud.renewing)
		await Promise.resolve();
	const [ann, ben] = [s.cloud.login({ username: 'ann', password: 'x' }), s.cloud.login({ username: 'ben', password: 'x' })];
	const last = s.cloud.callFunction({ name: 'b' });
	assert.deepEqual([(await ann).accessToken, (await ben).accessToken], ['login-2', 'login-3']);
	assert.equal((await first).accessToken, 'login-1');
	await last;
	assert.deepEqual(said(), ['c0', 'ann', 'ben']);
	assert.deepEqual(s.asked.filter(({ path }) => path === '/v1/functions/b').map(({ header }) => header.authorization), ['Bearer login-3']);
	assert.equal(s.cloud.renewing, null);
});

test('who came by a ticket does not become somebody else when that login ends', async () => {
	for (const why of ['ACCESS_TOKEN_EXPIRED', 'CHECK_LOGIN_FAILED']) {
		const s = stage();

		await s.cloud.login({ ticket: 't' });
		s.good = 'another';
		s.why = why;
		s.refreshDead = true;
		await assert.rejects(s.cloud.callFunction({ name: 'f' }));
		await assert.rejects(s.cloud.callFunction({ name: 'f' }), { code: 'CHECK_LOGIN_FAILED' });
		const again = new Cloud({ url: 'https://h.example', env: 'e', wx: s.wx });
		await assert.rejects(again.callFunction({ name: 'f' }), { code: 'CHECK_LOGIN_FAILED' });
		assert.equal(s.logins, 1);
		await s.cloud.login();
		await s.cloud.callFunction({ name: 'f' });
		assert.equal(s.logins, 2);
	}
});

test('no login falls between asking WeChat for data and giving it to the server', async () => {
	const happened = [];
	const s = stage((path) => {
		happened.push(path);
		return { body: { cloudID: 'id-1', expiresIn: 300 } };
	});
	const { login, request } = s.wx;

	s.wx.login = (o) => { happened.push('wx.login'); login(o); };
	s.wx.request = (o) => { if (o.url.endsWith('/v1/login')) happened.push('/v1/login'); request(o); };
	const from = () => new Promise((done) => {
		happened.push('from');
		s.cloud.login();
		setImmediate(done, { encryptedData: 'e', iv: 'i', other: 1 });
	});
	const got = await s.cloud.getOpenData({ from });
	assert.deepEqual(got, { cloudID: 'id-1', expiresIn: 300, errMsg: 'cloud.getOpenData:ok' });
	assert.deepEqual(s.cloud.CloudID('id-1'), { $cloudID: 'id-1' });
	await s.cloud.renewing;
	assert.deepEqual(happened, ['wx.login', '/v1/login', 'from', '/v1/wechat/open-data', 'wx.login', '/v1/login']);
	assert.deepEqual(s.asked.find((a) => a.path === '/v1/wechat/open-data').body, { encryptedData: 'e', iv: 'i' });
});

test('data whose key was displaced is asked for once more, after a login', async () => {
	const codes = ['SESSION_KEY_EXPIRED', 'SESSION_KEY_EXPIRED'];
	const s = stage(() => (codes.length ? { status: 401, body: { code: codes.pop(), message: 'displaced' } } :
		{ body: { cloudID: 'id-1', expiresIn: 300 } }));
	let asked = 0;
	const from = () => { asked += 1; return { encryptedData: `e${asked}`, iv: 'i' }; };

	await assert.rejects(s.cloud.getOpenData({ from }), { code: 'SESSION_KEY_EXPIRED' });
	assert.deepEqual([asked, s.logins], [2, 2]);
	assert.equal((await s.cloud.getOpenData({ from })).cloudID, 'id-1');
	assert.equal(asked, 3);
});

test('a stale token in between is renewed, and the data asked for anew', async () => {
	const s = stage(() => ({ body: { cloudID: 'id-1', expiresIn: 300 } }));
	let asked = 0;

	await s.cloud.login();
	s.good = 'another';
	await s.cloud.getOpenData({ from: () => { asked += 1; return { encryptedData: 'e', iv: 'i' }; } });
	assert.deepEqual([asked, s.refreshes, s.logins], [2, 1, 1]);
});

test('devices are listed and ended', async () => {
	const s = stage((path) => (path === '/v1/session/devices' ? { body: { devices: [{ sid: 'a1' }] } } : { body: {} }));

	assert.deepEqual((await s.cloud.devices()).devices, [{ sid: 'a1' }]);
	assert.equal((await s.cloud.endDevice({ sid: 'a1' })).errMsg, 'cloud.endDevice:ok');
	assert.deepEqual([s.last().method, s.last().path], ['DELETE', '/v1/session/devices/a1']);
	await s.cloud.logout({ all: true });
	assert.deepEqual(s.last().body, { all: true });
});
