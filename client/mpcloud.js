'use strict';

/*
 * mpcloud.js: the mini program's side of mpcloud.
 *
 * Copy this file into a mini program and write
 *
 *     const cloud = require('./mpcloud.js');
 *     cloud.init({ url: 'https://cloud.example.com' });
 *
 * and what page code knows from wx.cloud goes on working: callFunction and
 * database, with promises and with success/fail/complete, the same results and
 * the same error numbers.  The host needs wx.request and nothing else; it logs
 * in by itself where there is wx.login, and remembers the login where there is
 * wx.setStorageSync.
 *
 * One idea holds it together: ask() is the only way out.  It brings the token,
 * and when the server says that the token is stale it gets another and asks
 * once more; everything above it only shapes what goes in and what comes back.
 *
 * wx.login changes the key that WeChat encrypts a user's data with.  So logins
 * and what is done with such data stand in one queue (alone), and data is asked
 * of WeChat after the login, not before.
 */

/* The server's codes, as the numbers and words that wx.cloud gives. */
const ERRORS = {
	SYS_ERR: [-501001, 'resource system error'],
	SERVER_TIMEOUT: [-501002, 'resource server timeout'],
	EXCEED_REQUEST_LIMIT: [-501003, 'exceed request limit'],
	EXCEED_RATELIMIT: [-501003, 'exceed request limit'],
	EXCEED_CONCURRENT_REQUEST_LIMIT:
		[-501004, 'exceed concurrent request limit'],
	INVALIID_ENV: [-501005, 'invalid env'],
	INVALID_COMMON_PARAM: [-501006, 'invalid common parameters'],
	INVALID_PARAM: [-501007, 'invalid parameters'],
	INVALID_REQUEST_SOURCE: [-501008, 'invalid request source'],
	RESOURCE_NOT_INITIAL: [-501009, 'resource not initialized'],
	DATABASE_REQUEST_FAILED: [-502001, 'database request fail'],
	DATABASE_INVALID_OPERRATOR: [-502002, 'database invalid command'],
	DATABASE_PERMISSION_DENIED: [-502003, 'database permission denied'],
	DATABASE_COLLECTION_EXCEED_LIMIT:
		[-502004, 'database exceed collection limit'],
	DATABASE_COLLECTION_NOT_EXIST:
		[-502005, 'database collection not exists'],
	FUNCTIONS_REQUEST_FAIL: [-504001, 'functions request fail'],
	FUNCTIONS_EXECUTE_FAIL: [-504002, 'functions execute fail'],
	/* The host's own: no answer came. */
	NETWORK: [-601003, 'network error'],
};
/* The server's words for a token that is good no more. */
const STALE = ['ACCESS_TOKEN_EXPIRED', 'CHECK_LOGIN_FAILED'];
const DEFAULT_LIMIT = 20; /* what wx.cloud gives without limit() */
const EARLY_MS = 30000;   /* a token this near its end is renewed first */
/* The server's words for data that was encrypted with a key it has not got. */
const DISPLACED = ['SESSION_KEY_EXPIRED', 'SESSION_KEY_MISSING'];

/* ---- errors, callbacks ---------------------------------------------------- */

/* err: {errCode, errMsg, code, statusCode, requestID}. */
function failure(api, code, message, more) {
	const known = ERRORS[code] || [-1, ''];
	const words = [known[1], message].filter(Boolean).join('. ');
	const err = new Error(`${api}:fail ${code ? `${known[0]} ` : ''}${words}`);

	err.errCode = known[0];
	err.errMsg = err.message;
	err.code = code;
	return Object.assign(err, more);
}

/* What went wrong below, said by the API that the page called. */
function renamed(api, err) {
	if (!err || !err.code || !err.isAnswer)
		return err;
	return failure(api, err.code, err.said, { said: err.said,
		isAnswer: true, statusCode: err.statusCode,
		requestID: err.requestID });
}

/* A promise, or the page's callbacks when it gave any. */
function settle(api, options, work) {
	const o = options || {};
	const promise = Promise.resolve().then(work).catch((err) => {
		throw renamed(api, err);
	});

	if (!o.success && !o.fail && !o.complete)
		return promise;
	promise.then((res) => {
		if (o.success)
			o.success(res);
		if (o.complete)
			o.complete(res);
	}, (err) => {
		if (o.fail)
			o.fail(err);
		if (o.complete)
			o.complete(err);
	});
	return undefined;
}

/* ---- values ---------------------------------------------------------------- */

const isPlain = (v) => v !== null && typeof v === 'object' &&
	(Object.getPrototypeOf(v) === Object.prototype ||
		Object.getPrototypeOf(v) === null);

class ServerDate {
	constructor(offset) {
		this.offset = offset;
	}
}

class Pattern {
	constructor(source, flags) {
		this.source = source;
		this.flags = flags;
	}
}

/* Places: GeoJSON with names for its parts.  `part` is what one is made of; a
 * Point is made of two numbers.  Works with and without `new`, as wx.cloud's. */
function geoClass(type, member, part) {
	function Geo(...args) {
		if (!(this instanceof Geo))
			return new Geo(...args);
		if (type === 'Point')
			[this.longitude, this.latitude] = args;
		else
			[this[member]] = args;
	}
	Geo.prototype.toJSON = function toJSON() {
		return { type, coordinates: this.coordinates() };
	};
	Geo.prototype.coordinates = function coordinates() {
		return type === 'Point' ? [this.longitude, this.latitude] :
			this[member].map((each) => (each.coordinates instanceof
				Function ? each : GEO[part].from(each.coordinates ||
				each)).coordinates());
	};
	Geo.from = (c) => (type === 'Point' ? new Geo(c[0], c[1]) :
		new Geo(c.map(GEO[part].from)));
	return Geo;
}

const GEO = {};
for (const [type, member, part] of [['Point'], ['LineString', 'points', 'Point'],
	['Polygon', 'lines', 'LineString'], ['MultiPoint', 'points', 'Point'],
	['MultiLineString', 'lines', 'LineString'],
	['MultiPolygon', 'polygons', 'Polygon']])
	GEO[type] = geoClass(type, member, part);
const isGeo = (v) => Object.keys(GEO).some((type) => v instanceof GEO[type]);

/* A value as the wire has it: dates and patterns are tagged objects.  Commands
 * inside become operators: in elemMatch, pull and aggregation they may stand
 * anywhere. */
function encode(v) {
	if (typeof v === 'number' && !Number.isFinite(v))
		return { $numberDouble: String(v) };
	if (v === null || typeof v !== 'object')
		return v;
	if (v instanceof Date)
		return { $date: v.getTime() };
	if (v instanceof ServerDate)
		return { $date: { offset: v.offset } };
	if (v instanceof RegExp || v instanceof Pattern)
		return { $regex: v.source, $options: v.flags };
	if (isGeo(v))
		return v.toJSON();
	if (v instanceof Query)
		return operator(v);
	if (v instanceof Update)
		throw new TypeError('a change cannot stand inside a value');
	if (Array.isArray(v))
		return v.map((each) => encode(each === undefined ? null : each));
	const out = {};
	for (const key of Object.keys(v))
		if (v[key] !== undefined)
			out[key] = encode(v[key]);
	return out;
}

function decode(v) {
	if (Array.isArray(v))
		return v.map(decode);
	if (v === null || typeof v !== 'object')
		return v;
	const keys = Object.keys(v);
	if (keys.length === 1 && keys[0] === '$date' &&
		typeof v.$date === 'number')
		return new Date(v.$date);
	if (keys.length === 1 && keys[0] === '$numberDouble')
		return Number(v.$numberDouble);
	if (keys.length === 2 && Array.isArray(v.coordinates) && GEO[v.type])
		return GEO[v.type].from(v.coordinates);
	const out = {};
	for (const key of keys)
		if (key !== '__proto__')
			out[key] = decode(v[key]);
	return out;
}

/* A function's event: JSON, and an ArrayBuffer as wx.cloud sends it. */
function eventText(data) {
	return JSON.stringify(data === undefined ? {} : data, (key, v) =>
		(typeof ArrayBuffer !== 'undefined' && v instanceof ArrayBuffer ?
			{ type: 'Buffer', data: Array.from(new Uint8Array(v)) } :
			v));
}

/* ---- commands --------------------------------------------------------------- */

const words = (text) => text.trim().split(/\s+/);

const QUERY = words(`eq neq gt gte lt lte in nin exists mod all elemMatch size
	geoNear geoWithin geoIntersects not`);
/* These speak of the whole document. */
const WHOLE = words('expr jsonSchema');
const LISTS = words('and or nor');
const CHANGE = words(`set remove inc mul min max rename bit push pop shift
	unshift addToSet pull pullAll`);
const WIRE = { neq: 'ne', geoNear: 'nearSphere' };
/* Aggregation's operators: $.add([…]) is {$add: […]}. */
const COMPUTE = words(`abs add ceil divide exp floor ln log log10 mod multiply
	pow round sqrt subtract trunc arrayElemAt arrayToObject concatArrays filter
	in indexOfArray isArray map range reduce reverseArray size slice zip and not
	or cmp eq gt gte lt lte neq cond ifNull switch dateFromParts dateFromString
	dateToParts dateToString dayOfMonth dayOfWeek dayOfYear isoDayOfWeek isoWeek
	isoWeekYear millisecond minute month second hour week year literal
	mergeObjects objectToArray allElementsTrue anyElementTrue setDifference
	setEquals setIntersection setIsSubset setUnion concat indexOfBytes indexOfCP
	ltrim rtrim trim regexFind regexFindAll regexMatch split strLenBytes strLenCP
	strcasecmp substr substrBytes substrCP toLower toUpper meta addToSet avg
	first last max min push stdDevPop stdDevSamp sum let convert toBool toDate
	toDecimal toDouble toInt toLong toObjectId toString type`);

/* A condition on one field, or on the document when it stands alone. */
class Query {
	constructor(op, args) {
		this.op = op;
		this.args = args;
	}

	and(...more) {
		return new Query('and', [this, ...spread(more)]);
	}

	or(...more) {
		return new Query('or', [this, ...spread(more)]);
	}
}
/* _.gt(1).lt(9) means both. */
for (const op of QUERY)
	Query.prototype[op] = function chain(...args) {
		return this.and(new Query(op, one(op, args)));
	};

class Update {
	constructor(op, arg) {
		this.op = op;
		this.arg = arg;
	}
}

/* _.or(a, b) and _.or([a, b]) are the same. */
const spread = (list) => (list.length === 1 && Array.isArray(list[0]) ?
	list[0] : list);
/* _.mod(4, 0) and _.mod([4, 0]) too. */
const one = (op, args) => (op === 'mod' ? spread(args) : args[0]);

function makeCommand() {
	const command = {
		/* where({ $text: _.text({ search: 'tea' }) }) */
		text: (o) => {
			const out = {};
			for (const key of Object.keys(o))
				out[`$${key}`] = o[key];
			return out;
		},
		project: {
			slice: (...args) => ({ $slice: args.length > 1 ? args :
				args[0] }),
			elemMatch: (v) => ({ $elemMatch: v }),
		},
		aggregate: { pipeline: () => new Aggregate() },
	};
	for (const op of LISTS)
		command[op] = (...list) => new Query(op, spread(list));
	for (const op of [...QUERY, ...WHOLE])
		command[op] = (...args) => new Query(op, one(op, args));
	for (const op of CHANGE)
		command[op] = (...list) => new Update(op,
			list.length > 1 ? list : list[0]);
	for (const op of COMPUTE)
		command.aggregate[op] = (v) =>
			({ [`$${WIRE[op] || op}`]: encode(v) });
	return command;
}

/* A condition on one thing that has no name: an array's element, what _.not
 * turns round.  {$gt: 1, $lt: 9}, or an object's fields. */
function nameless(v) {
	if (v instanceof Query && v.op === 'and')
		return Object.assign({}, ...v.args.map(nameless));
	return isPlain(v) ? encodeWhere(v) : encode(v);
}

/* The argument of a condition's operator. */
function argument({ op, args }) {
	if (op === 'elemMatch' || op === 'not')
		return nameless(args);
	if (op === 'geoWithin' && args.centerSphere) {
		const [at, radius] = args.centerSphere;
		return { $centerSphere: [isGeo(at) ? at.coordinates() : at,
			radius] };
	}
	if (op.startsWith('geo')) {
		const out = { $geometry: encode(args.geometry) };
		for (const word of ['maxDistance', 'minDistance'])
			if (args[word] !== undefined)
				out[`$${word}`] = args[word];
		return out;
	}
	return encode(args);
}

/* A condition as an operator's object, {$gt: 1}, without a field. */
function operator(q) {
	if (LISTS.includes(q.op))
		return { [`$${q.op}`]: q.args.map(encode) };
	return { [`$${WIRE[q.op] || q.op}`]: argument(q) };
}

/* One field's condition as a condition on the document. */
function encodeField(field, v) {
	if (!(v instanceof Query))
		return { [field]: encode(v) };
	if (LISTS.includes(v.op))
		return { [`$${v.op}`]:
			v.args.map((each) => encodeField(field, each)) };
	/* $not cannot hold these. */
	if (v.op === 'not' && v.args instanceof Query &&
		['or', 'nor', 'not'].includes(v.args.op))
		return { $nor: [encodeField(field, v.args)] };
	return { [field]: operator(v) };
}

/* {a: {b: 1}} asks for "a.b"; two conditions that share a key are put under
 * $and, so that neither is lost.  What begins with "$" is an operator already. */
function gather(list, where, prefix) {
	for (const key of Object.keys(where)) {
		const v = where[key];
		if (v === undefined)
			continue;
		if (key[0] === '$')
			list.push({ [key]: encode(v) });
		else if (isPlain(v) && Object.keys(v).length > 0 &&
			!Object.keys(v).some((k) => k[0] === '$'))
			gather(list, v, `${prefix}${key}.`);
		else
			list.push(encodeField(prefix + key, v));
	}
	return list;
}

function encodeWhere(where) {
	if (where instanceof Query) {
		if (WHOLE.includes(where.op))
			return operator(where);
		if (!LISTS.includes(where.op))
			throw new TypeError(
				`where: ${where.op} speaks of a field`);
		return { [`$${where.op}`]: where.args.map(encodeWhere) };
	}
	if (!isPlain(where))
		throw new TypeError('where: an object of conditions');
	const list = gather([], where, '');
	const out = {};
	for (const each of list) {
		const [key] = Object.keys(each);
		if (Object.prototype.hasOwnProperty.call(out, key))
			return { $and: list };
		out[key] = each[key];
	}
	return out;
}

/* What an array is given: values, or {each, position, sort, slice}. */
function listed(arg) {
	if (Array.isArray(arg))
		return { $each: arg.map(encode) };
	if (!isPlain(arg) || !Array.isArray(arg.each))
		return { $each: [encode(arg)] };
	const out = { $each: arg.each.map(encode) };
	for (const word of ['position', 'sort', 'slice'])
		if (arg[word] !== undefined)
			out[`$${word}`] = arg[word];
	return out;
}

/* A change's operator on the wire and its argument. */
const CHANGES = {
	remove: () => ['$unset', ''],
	push: (arg) => ['$push', listed(arg)],
	unshift: (arg) => ['$push',
		Object.assign(listed(arg), { $position: 0 })],
	pop: () => ['$pop', 1],
	shift: () => ['$pop', -1],
	pull: (arg) => ['$pull', nameless(arg)],
	addToSet: (arg) => ['$addToSet', isPlain(arg) && Array.isArray(arg.each) ?
		listed(arg) : encode(arg)],
};

/* {o: {z: 1}} sets "o.z" and leaves the rest of o alone. */
function encodeUpdate(data, out, prefix) {
	const put = ([op, arg], key) => {
		out[op] = out[op] || {};
		out[op][key] = arg;
	};
	for (const key of Object.keys(data)) {
		const v = data[key];
		const at = prefix + key;
		if (v === undefined)
			continue;
		if (v instanceof Update)
			put(CHANGES[v.op] ? CHANGES[v.op](v.arg) :
				[`$${v.op}`, encode(v.arg)], at);
		else if (isPlain(v) && Object.keys(v).length > 0)
			encodeUpdate(v, out, `${at}.`);
		else
			put(['$set', encode(v)], at);
	}
	return out;
}

function checkData(data) {
	if (!isPlain(data))
		throw new TypeError('data: an object is needed');
	return data;
}

/* ---- aggregation ------------------------------------------------------------ */

const STAGES = words(`addFields bucket bucketAuto count facet graphLookup group
	limit lookup project redact replaceRoot sample skip sort sortByCount
	unionWith unwind`);

/* A pipeline; without a collection it is part of another's lookup. */
class Aggregate {
	constructor(ask, name) {
		this.ask = ask;
		this.name = name;
		this.stages = [];
	}

	stage(name, value) {
		this.stages.push({ [`$${name}`]: value });
		return this;
	}

	match(where) {
		return this.stage('match', encodeWhere(where));
	}

	geoNear(options) {
		const out = encode(Object.assign({}, options,
			{ query: undefined }));

		if (options.query)
			out.query = encodeWhere(options.query);
		return this.stage('geoNear', out);
	}

	done() {
		return this.stages;
	}

	end(options) {
		return settle('collection.aggregate', options, () =>
			this.ask('aggregateDocuments', {
				collectionName: this.name, stages: this.stages,
			}).then((data) => ({
				list: (data.list || []).map((text) =>
					decode(JSON.parse(text))),
				errMsg: 'collection.aggregate:ok',
			})));
	}
}
for (const name of STAGES)
	Aggregate.prototype[name] = function add(value) {
		return this.stage(name, encode(value));
	};

/* ---- database --------------------------------------------------------------- */

/* Collection and query are one class: a query is a collection with more said. */
class Collection {
	constructor(ask, name, said) {
		this.ask = ask;
		this.name = name;
		this.said = said || { where: {}, order: [] };
	}

	also(more) {
		return new Collection(this.ask, this.name,
			Object.assign({}, this.said, more));
	}

	where(where) {
		return this.also({ where: encodeWhere(where) });
	}

	orderBy(field, direction) {
		return this.also({ order:
			this.said.order.concat([{ field, direction }]) });
	}

	limit(limit) {
		return this.also({ limit });
	}

	skip(offset) {
		return this.also({ offset });
	}

	field(fields) {
		return this.also({ fields: projection(fields) });
	}

	doc(id) {
		return new Document(this.ask, this.name, id);
	}

	aggregate() {
		return new Aggregate(this.ask, this.name);
	}

	/* One document, or an array of them. */
	add(options) {
		const made = (data) => (Array.isArray(options.data) ?
			{ _ids: data.insertedIds } : { _id: data._id });

		return settle('collection.add', options, () => {
			[].concat(options.data).forEach(checkData);
			return this.ask('addDocument', {
				collectionName: this.name,
				data: encode(options.data) })
				.then((data) => Object.assign(made(data),
					{ errMsg: 'collection.add:ok' }));
		});
	}

	get(options) {
		const said = this.said;
		const body = { collectionName: this.name, queryType: 'WHERE',
			query: said.where,
			limit: said.limit === undefined ? DEFAULT_LIMIT :
				said.limit };

		if (said.order.length > 0)
			body.order = said.order;
		if (said.offset)
			body.offset = said.offset;
		if (said.fields)
			body.projection = said.fields;
		return settle('collection.get', options, () =>
			this.ask('queryDocument', body).then((data) => ({
				data: decode(data.list || []),
				errMsg: 'collection.get:ok',
			})));
	}

	count(options) {
		return settle('collection.count', options, () =>
			this.ask('countDocument', { collectionName: this.name,
				queryType: 'WHERE', query: this.said.where })
				.then((data) => ({ total: data.total,
					errMsg: 'collection.count:ok' })));
	}

	update(options) {
		return settle('collection.update', options, () =>
			this.ask('updateDocument', { collectionName: this.name,
				queryType: 'WHERE', query: this.said.where,
				data: encodeUpdate(checkData(options.data), {},
					''),
				multi: true, merge: true, upsert: false })
				.then((data) => ({
					stats: { updated: data.updated || 0 },
					errMsg: 'collection.update:ok',
				})));
	}

	remove(options) {
		return settle('collection.remove', options, () =>
			this.ask('deleteDocument', { collectionName: this.name,
				queryType: 'WHERE', query: this.said.where,
				multi: true })
				.then((data) => ({
					stats: { removed: data.deleted || 0 },
					errMsg: 'collection.remove:ok',
				})));
	}
}

function projection(fields) {
	const out = {};

	for (const key of Object.keys(fields))
		if (isPlain(fields[key]))
			out[key] = encode(fields[key]);
		else
			out[key] = fields[key] ? 1 : 0;
	return out;
}

class Document {
	constructor(ask, name, id, fields) {
		this.ask = ask;
		this.name = name;
		this.id = id;
		this.fields = fields;
	}

	field(fields) {
		return new Document(this.ask, this.name, this.id,
			projection(fields));
	}

	body(more) {
		return Object.assign({ collectionName: this.name,
			queryType: 'DOC', query: { _id: this.id } }, more);
	}

	get(options) {
		const body = this.body({ limit: 1 });

		if (this.fields)
			body.projection = this.fields;
		return settle('document.get', options, () =>
			this.ask('queryDocument', body).then((data) => {
				const [found] = data.list || [];
				if (!found)
					throw failure('document.get', '',
						`document with _id ${this.id} does not exist`);
				return { data: decode(found),
					errMsg: 'document.get:ok' };
			}));
	}

	set(options) {
		return settle('document.set', options, () =>
			this.ask('updateDocument', this.body({
				data: encode(checkData(options.data)),
				multi: false, merge: false, upsert: true,
			})).then((data) => ({
				_id: this.id,
				stats: { updated: data.updated || 0,
					created: data.upserted_id ||
						data.upsert_id ? 1 : 0 },
				errMsg: 'document.set:ok',
			})));
	}

	update(options) {
		return settle('document.update', options, () =>
			this.ask('updateDocument', this.body({
				data: encodeUpdate(checkData(options.data), {},
					''),
				multi: false, merge: true, upsert: false,
			})).then((data) => ({
				stats: { updated: data.updated || 0 },
				errMsg: 'document.update:ok',
			})));
	}

	remove(options) {
		return settle('document.remove', options, () =>
			this.ask('deleteDocument', this.body({ multi: false }))
				.then((data) => ({
					stats: { removed: data.deleted || 0 },
					errMsg: 'document.remove:ok',
				})));
	}
}

/* ---- the way out -------------------------------------------------------------- */

function header(headers, name) {
	const low = name.toLowerCase();
	const key = Object.keys(headers || {})
		.find((each) => each.toLowerCase() === low);

	return key === undefined ? '' : String(headers[key]);
}

/* A call that nobody waits for: {async, runAt: Date | ms | text, delay: '10s'}.
 * Its result is {id, requestId}. */
function laterQuery({ async, runAt, delay }) {
	const at = runAt instanceof Date ? runAt.getTime() : runAt;
	const words = [async && 'async=true',
		at !== undefined && `runAt=${encodeURIComponent(at)}`,
		delay !== undefined && `delay=${encodeURIComponent(delay)}`]
		.filter(Boolean);

	return words.length ? `?${words.join('&')}` : '';
}

class Cloud {
	constructor(conf) {
		this.command = makeCommand();
		this.conf = null;
		this.tokens = null; /* {uid, accessToken, refreshToken, endsAt} */
		this.renewing = null; /* the one login or refresh under way */
		this.turn = Promise.resolve(); /* the last of alone()'s */
		if (conf)
			this.init(conf);
	}

	init(conf) {
		const host = conf.wx || (typeof wx === 'undefined' ?
			null : wx); /* eslint-disable-line no-undef */

		if (!conf.url || !host)
			throw new TypeError('cloud.init: url (and wx) needed');
		this.conf = { url: String(conf.url).replace(/\/+$/, ''),
			env: conf.env || '', timeout: conf.timeout || 60000,
			wx: host };
		this.tokens = this.load();
	}

	/* -- tokens -- */

	place() {
		return `mpcloud.login ${this.conf.url} ${this.conf.env}`;
	}

	load() {
		const { wx: host } = this.conf;
		const kept = host.getStorageSync &&
			host.getStorageSync(this.place());

		return kept && (kept.accessToken || kept.by) ? kept : null;
	}

	/* A full storage must not make a login fail. */
	keep(tokens) {
		const { wx: host } = this.conf;

		this.tokens = tokens;
		try {
			if (host.setStorageSync)
				host.setStorageSync(this.place(), tokens || '');
		} catch (err) {
			/* The next start logs in again. */
		}
	}

	granted(api, answer, by) {
		const d = answer.data;

		if (!d || !d.accessToken)
			throw failure(api, 'SYS_ERR', 'no token in the answer');
		this.keep({ uid: d.uid || (this.tokens && this.tokens.uid),
			accessToken: d.accessToken,
			refreshToken: d.refreshToken, by,
			endsAt: Date.now() + d.expiresIn * 1000 });
		return d;
	}

	/* One after the other: no login while open data is under way. */
	alone(work) {
		const mine = this.turn.then(work);

		this.turn = mine.then(() => {}, () => {});
		return mine;
	}

	/* Which mini program this is, and on what: for a server that serves
	 * several, and for the user's list of devices. */
	self() {
		const { wx: host } = this.conf;
		const about = {};

		try {
			const { miniProgram } = host.getAccountInfoSync();
			if (miniProgram && miniProgram.appId)
				about.appid = miniProgram.appId;
		} catch (err) {
			/* Not a mini program. */
		}
		try {
			const d = (host.getDeviceInfo || host.getSystemInfoSync)
				.call(host);
			const name = [d.brand, d.model].filter(Boolean).join(' ');
			if (name)
				about.device = name.slice(0, 64);
		} catch (err) {
			/* It does not say. */
		}
		return about;
	}

	code() {
		return new Promise((resolve, reject) => {
			this.conf.wx.login({
				success: (res) => resolve(res.code),
				fail: (err) => reject(failure('cloud.login',
					'NETWORK', err && err.errMsg)),
			});
		});
	}

	freshLogin() {
		return this.alone(async () => {
			const code = await this.code();

			return this.granted('cloud.login', await this.send({
				path: '/v1/login', body: JSON.stringify(
					Object.assign({ code }, this.self())) }));
		});
	}

	/* By a ticket of the developer's own accounts, or a name and a password. */
	async loginBy({ ticket, username, password }) {
		const said = ticket === undefined ? { username, password } :
			{ ticket };

		return this.granted('cloud.login', await this.send({
			path: '/v1/login', body: JSON.stringify(
				Object.assign(said, this.self())) }),
		ticket === undefined ? 'password' : 'ticket');
	}

	/* A refresh token is good once: when it is refused, log in again.  Who
	 * came by a ticket or a password must not become somebody else: the page
	 * logs him in. */
	async refresh() {
		const { refreshToken, by } = this.tokens;

		try {
			return this.granted('cloud.refresh', await this.send({
				path: '/v1/token/refresh',
				body: JSON.stringify({ refreshToken }) }), by);
		} catch (err) {
			if (err.statusCode !== 401)
				throw err;
			this.keep(by ? { by } : null);
			if (by)
				throw err;
			return this.conf.wx.login ? this.freshLogin() : null;
		}
	}

	/* Single flight: whoever comes meanwhile waits for the same answer. */
	renew(work) {
		if (!this.renewing) {
			const over = () => {
				this.renewing = null;
			};
			this.renewing = work.call(this);
			this.renewing.then(over, over);
		}
		return this.renewing;
	}

	/* Silent: wx.login's code for tokens; or {ticket}, or {username, password}.
	 * Resolves to {uid, accessToken, refreshToken, expiresIn}. */
	login(options) {
		const o = options || {};
		const by = o.ticket !== undefined || o.username !== undefined;

		return settle('cloud.login', options, () => this.renew(by ?
			() => this.loginBy(o) : this.freshLogin));
	}

	/* {all: true}: on all of the user's devices. */
	logout(options) {
		const all = Boolean(options && options.all);

		return settle('cloud.logout', options, async () => {
			if (this.tokens && this.tokens.accessToken)
				await this.end(this.tokens.accessToken, all);
			this.keep(null);
			return { errMsg: 'cloud.logout:ok' };
		});
	}

	/* A session that has ended already is fine; no login for a logout. */
	end(token, all) {
		return this.send({ path: '/v1/logout',
			body: all ? '{"all":true}' : '{}', token })
			.catch((err) => {
				if (!STALE.includes(err.code))
					throw err;
			});
	}

	/* The token to send, '' when there is none to be had. */
	async token() {
		if (this.renewing)
			await this.renewing;
		if (this.tokens && !this.tokens.accessToken)
			throw failure('cloud.login', 'CHECK_LOGIN_FAILED',
				'the login has ended: cloud.login again');
		if (!this.tokens && this.conf.wx.login)
			await this.renew(this.freshLogin);
		else if (this.tokens && this.tokens.refreshToken &&
			Date.now() > this.tokens.endsAt - EARLY_MS)
			await this.renew(this.refresh);
		return this.tokens ? this.tokens.accessToken : '';
	}

	/* The server refused `token`.  True when there is another to try. */
	async another(token, code) {
		if (this.tokens && this.tokens.accessToken !== token)
			return true; /* renewed by somebody else meanwhile */
		if (code === 'ACCESS_TOKEN_EXPIRED' && this.tokens) {
			await this.renew(this.refresh);
		} else if (this.tokens && this.tokens.by) {
			this.keep({ by: this.tokens.by });
			return false;
		} else if (code === 'CHECK_LOGIN_FAILED' &&
			this.conf.wx.login) {
			this.keep(null);
			await this.renew(this.freshLogin);
		}
		return this.tokens !== null &&
			this.tokens.accessToken !== token;
	}

	/* -- requests -- */

	/* One exchange: resolves to {data, statusCode, header, requestID}.
	 * isCall: the answer may be an error with status 200, as CloudBase's
	 * action protocol has it. */
	send({ path, method, body, token, more, isCall }) {
		const { url, timeout, wx: host } = this.conf;
		const headers = Object.assign({}, more);

		if (body !== undefined)
			headers['content-type'] = 'application/json';
		if (token)
			headers.authorization = `Bearer ${token}`;
		return new Promise((resolve, reject) => {
			host.request({
				url: url + path, method: method || 'POST',
				data: body, header: headers, timeout,
				dataType: 'text', responseType: 'text',
				success: (res) => {
					try {
						resolve(this.opened(res, isCall));
					} catch (err) {
						reject(err);
					}
				},
				fail: (err) => reject(failure('cloud.request',
					'NETWORK', err && err.errMsg,
					{ isAnswer: true,
						said: err && err.errMsg })),
			});
		});
	}

	/* An answer that is an error becomes one. */
	opened(res, isCall) {
		const requestID = header(res.header, 'X-Request-Id');
		const isJson = /json/.test(header(res.header, 'Content-Type'));
		let { data } = res;

		if (typeof data === 'string' && (isJson || data === ''))
			try {
				data = data === '' ? null : JSON.parse(data);
			} catch (err) {
				throw failure('cloud.request', 'SYS_ERR',
					'the answer is not JSON',
					{ requestID, statusCode: res.statusCode });
			}
		if (res.statusCode >= 200 && res.statusCode < 300 &&
			!(isCall && (!data || data.code)))
			return { data, statusCode: res.statusCode,
				header: res.header, requestID };
		throw this.refused(data, res.statusCode, requestID);
	}

	refused(data, statusCode, requestID) {
		const code = (data && data.code) || `HTTP_${statusCode}`;
		const said = (data && data.message) || '';

		return failure('cloud.request', code, said, { said, statusCode,
			requestID: requestID || (data && data.requestId) || '',
			isAnswer: true });
	}

	/* send() as the user: with a token, and once more with a newer one. */
	async ask(request) {
		if (!this.conf)
			throw new Error('cloud.init comes first');
		const token = await this.token();
		const once = (with_) => this.send(Object.assign({}, request,
			{ token: with_ }));

		try {
			return await once(token);
		} catch (err) {
			if (!STALE.includes(err.code) ||
				!await this.another(token, err.code))
				throw err;
			return once(this.tokens.accessToken);
		}
	}

	callFunction(options) {
		return settle('cloud.callFunction', options, async () => {
			if (!options.name || typeof options.name !== 'string')
				throw failure('cloud.callFunction', 'INVALID_PARAM',
					'name: the function to call');
			const answer = await this.ask({
				path: `/v1/functions/${encodeURIComponent(options.name)}` +
					laterQuery(options),
				body: eventText(options.data) });

			return { errMsg: 'cloud.callFunction:ok',
				result: answer.data,
				requestID: answer.requestID };
		});
	}

	/* What WeChat says of the user in an encrypted form: `from` asks it for that
	 * (() => wx.getWeRunData(), say; a promise or the answer itself), the
	 * server opens it and gives a cloudID, for CloudID() in a function's data.
	 * The order is kept: login, `from`, server.  When the key was displaced all
	 * the same (another device of the user's), it is done once more. */
	getOpenData(options) {
		return settle('cloud.getOpenData', options, async () => {
			const { from } = options;

			if (typeof from !== 'function')
				throw failure('cloud.getOpenData',
					'INVALID_PARAM',
					'from: a function that asks WeChat');
			try {
				return await this.openOnce(from);
			} catch (err) {
				if (DISPLACED.includes(err.code) &&
					this.conf.wx.login)
					await this.renew(this.freshLogin);
				else if (!STALE.includes(err.code) ||
					!await this.another(err.token, err.code))
					throw err;
			}
			return this.openOnce(from);
		});
	}

	async openOnce(from) {
		const token = await this.token();

		return this.alone(async () => {
			const { encryptedData, iv, rawData, signature } =
				await from();

			try {
				const { data } = await this.send({ token,
					path: '/v1/wechat/open-data',
					body: JSON.stringify({ encryptedData, iv,
						rawData, signature }) });
				return Object.assign(data || {},
					{ errMsg: 'cloud.getOpenData:ok' });
			} catch (err) {
				throw Object.assign(err, { token });
			}
		});
	}

	/* Members of a function's data, with or without `new`: the server puts
	 * there {cloudID, data}, or {cloudID, errCode, errMsg, code}.  An id is
	 * that of getOpenData, or WeChat's own. */
	get CloudID() {
		return function CloudID(id) {
			return { $cloudID: id };
		};
	}

	/* The same for what a page has at hand (e.detail of a button). */
	get OpenData() {
		return function OpenData(detail) {
			const { encryptedData, iv, rawData, signature } =
				detail || {};

			if (!encryptedData || !iv)
				throw new TypeError('cloud.OpenData: encryptedData ' +
					'and iv needed, as e.detail has them');
			return { $openData: { encryptedData, iv, rawData,
				signature } };
		};
	}

	/* The user's devices that are logged in: {devices: [{sid, device, kind,
	 * createdAt, usedAt, current}]}. */
	devices(options) {
		return settle('cloud.devices', options, async () => {
			const { data } = await this.ask({
				path: '/v1/session/devices', method: 'GET' });

			return Object.assign(data, { errMsg: 'cloud.devices:ok' });
		});
	}

	/* Logs one of them out. */
	endDevice(options) {
		return settle('cloud.endDevice', options, async () => {
			await this.ask({ method: 'DELETE', path:
				`/v1/session/devices/${encodeURIComponent(options.sid)}` });
			return { errMsg: 'cloud.endDevice:ok' };
		});
	}

	/* Any other path of the server, as the logged-in user. */
	request(options) {
		return settle('cloud.request', options, async () => {
			const { path, data } = options;
			const method = options.method ||
				(data === undefined ? 'GET' : 'POST');
			const answer = await this.ask({ path, method,
				more: options.header,
				body: data === undefined ? undefined :
					JSON.stringify(data) });

			return Object.assign(answer,
				{ errMsg: 'cloud.request:ok' });
		});
	}

	database(options) {
		if (!this.conf)
			throw new Error('cloud.init comes first');
		const env = (options && options.env) || this.conf.env ||
			undefined;
		const ask = async (action, more) => {
			const { data } = await this.ask({ path: '/web',
				isCall: true, body: JSON.stringify(Object.assign({
					action: `database.${action}`,
					dataVersion: '2020-01-10', env }, more)) });

			return data.data || {};
		};

		return {
			config: { env },
			command: this.command,
			Geo: GEO,
			collection: (name) => new Collection(ask, name),
			serverDate: (o) => new ServerDate((o && o.offset) || 0),
			RegExp: (o) => new Pattern(o.regexp, o.options || ''),
		};
	}

	/* Another login or another server, beside this one. */
	createNewInstance(conf) {
		return new Cloud(conf);
	}
}

module.exports = new Cloud();
module.exports.Cloud = Cloud;
