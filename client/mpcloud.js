/*
 * mpcloud.js: wx.cloud for a server of one's own.
 *
 * Copy this file into a mini program and write, first thing in app.js,
 *
 *     require('./mpcloud.js').install({ url: 'https://cloud.example.com' });
 *
 * and what pages know from wx.cloud goes on working, by promise and by
 * success/fail/complete, with the same results and the same error numbers.  In
 * browsers and in Node.js it is the same file.
 *
 * One idea holds it together: session.ask() is the only way out.  It brings the
 * token, and when the server says that the token is stale it gets another and
 * asks once more; everything above it only shapes what goes in and what comes
 * back.
 *
 * wx.login changes the key that WeChat encrypts a user's data with.  So logins
 * and what is done with such data stand in one queue (alone), and data is asked
 * of WeChat after the login, not before.
 *
 * This file is put together from client/src by client/join; edit those.  Its
 * syntax is ES2015 (no async functions, no object spread): what mini programs
 * run as it stands, and their tools can turn into ES5.
 */
(function () {
'use strict';

/* ---- errors, callbacks ---------------------------------------------------- */

/* The server's codes, as the numbers and words that wx.cloud gives. */
const ERRORS = {
	SYS_ERR: [-501001, 'resource system error'],
	SERVER_TIMEOUT: [-501002, 'resource server timeout'],
	EXCEED_REQUEST_LIMIT: [-501003, 'exceed request limit'],
	EXCEED_RATELIMIT: [-501003, 'exceed request limit'],
	EXCEED_CONCURRENT_REQUEST_LIMIT:
		[-501004, 'exceed concurrent request limit'],
	INVALIID_ENV: [-501005, 'invalid env'],
	INVALID_ENV: [-501005, 'invalid env'],
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
	STORAGE_REQUEST_FAIL: [-503001, 'storage request fail'],
	STORAGE_EXCEED_AUTHORITY: [-503002, 'storage permission denied'],
	STORAGE_FILE_NONEXIST: [-503003, 'storage file not exists'],
	STORAGE_SIGN_PARAM_INVALID: [-503004, 'storage invalid sign parameters'],
	FUNCTION_NOT_FOUND: [-501000,
		'FunctionName parameter could not be found'],
	FUNCTIONS_REQUEST_FAIL: [-504001, 'functions request fail'],
	FUNCTIONS_EXECUTE_FAIL: [-504002, 'functions execute fail'],
	/* The host's own: no answer came. */
	NETWORK: [-601003, 'network error'],
	/* A parameter that was refused before anything was sent. */
	PARAM: [-401002, 'invalid parameters'],
	TYPE: [-401003, 'api parameter type error'],
	CIRCULAR: [-402001, 'circular reference'],
	/* Of watch(). */
	WATCH_INIT: [-402002, 'watch could not begin'],
	WATCH_RECONNECT: [-402003, 'watch could not connect again'],
	WATCH_REBUILD: [-402004, 'watch could not be resumed'],
	WATCH_SERVER: [-402006, 'watch was ended by the server'],
};

/* err: {errCode, errMsg, code, statusCode, requestID}. */
function failure(api, code, message, more) {
	const known = ERRORS[code] || [-1, ''];
	const said = [known[1], message].filter(Boolean).join('. ');
	const err = new Error(`${api}:fail ${code ? `${known[0]} ` : ''}${said}`);

	err.errCode = known[0];
	err.errMsg = err.message;
	err.code = code;
	return Object.assign(err, more);
}

/* What went wrong before anything was asked is said as wx.cloud says it, too:
 * pages show err.errMsg. */
function worded(api, err) {
	const isCircle = /circular|call stack/i.test(err.message);
	const code = isCircle ? 'CIRCULAR' : err instanceof TypeError ?
		'TYPE' : 'SAID';
	const { errCode, errMsg } = failure(api, code, isCircle ? '' :
		err.message);

	return Object.assign(err, { errCode, errMsg });
}

/* What went wrong below, said by the API that the page called. */
function renamed(api, err) {
	if (err instanceof Error && !err.errMsg)
		return worded(api, err);
	if (!err || !err.code || !err.isAnswer)
		return err;
	return failure(api, err.code, err.said, { said: err.said,
		isAnswer: true, statusCode: err.statusCode,
		requestID: err.requestID, retryAfter: err.retryAfter });
}

const wantsCallbacks = (o) => Boolean(o && (o.success || o.fail || o.complete));

/* A promise, or the page's callbacks when it gave any.  work(options), which are
 * an object even where the page gave none. */
function settle(api, options, work) {
	const o = options || {};
	const promise = Promise.resolve(o).then(work).catch((err) => {
		throw renamed(api, err);
	});

	if (!wantsCallbacks(o))
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

/* The same for what has a task, as wx.uploadFile has: with callbacks the page
 * gets the task, without a promise.  work(options, task) begins; the host's own task is
 * given to task.follow once there is one. */
function settleTask(api, options, work) {
	const task = new Task(api);
	const promise = settle(api, options, (o) => work(o, task));

	return promise || task;
}

const TASK_EVENTS = ['ProgressUpdate', 'HeadersReceived'];

class Task {
	constructor(api) {
		this.api = api;
		this.inner = null;
		this.isAborted = false;
		this.listeners = [];
	}

	abort() {
		this.isAborted = true;
		if (this.inner && this.inner.abort)
			this.inner.abort();
	}

	/* To be asked where there is nothing of the host's to abort yet. */
	check() {
		if (this.isAborted)
			throw failure(this.api, '', 'abort');
	}

	follow(inner) {
		this.inner = inner;
		for (const [event, listener] of this.listeners)
			if (inner && inner[`on${event}`])
				inner[`on${event}`](listener);
		if (this.isAborted && inner && inner.abort)
			inner.abort();
	}
}
for (const event of TASK_EVENTS) {
	Task.prototype[`on${event}`] = function on(listener) {
		this.listeners.push([event, listener]);
		if (this.inner && this.inner[`on${event}`])
			this.inner[`on${event}`](listener);
	};
	Task.prototype[`off${event}`] = function off(listener) {
		this.listeners = this.listeners.filter(([which, each]) =>
			which !== event || (listener && each !== listener));
		if (this.inner && this.inner[`off${event}`])
			this.inner[`off${event}`](listener);
	};
}

/* ---- values ---------------------------------------------------------------- */

/* By what they are, not by whose constructor made them: a page's values may
 * come from another frame or context. */
const tag = (v) => Object.prototype.toString.call(v).slice(8, -1);
const isPlain = (v) => {
	if (v === null || typeof v !== 'object')
		return false;
	const above = Object.getPrototypeOf(v);
	return above === null || Object.getPrototypeOf(above) === null;
};
const isBytes = (v) => tag(v) === 'ArrayBuffer';

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
		if (args[0] && args[0].type === type && args[0].coordinates)
			return Geo.from(args[0].coordinates);
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
	if (tag(v) === 'Date')
		return { $date: v.getTime() };
	if (v instanceof ServerDate)
		return { $date: { offset: v.offset } };
	if (tag(v) === 'RegExp' || v instanceof Pattern)
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
		(isBytes(v) ?
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

	nor(...more) {
		return new Query('nor', [this, ...spread(more)]);
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
	limit lookup project redact replaceRoot skip sort sortByCount
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

	/* {size}, as the pages have it, or a number, as the types have it. */
	sample(size) {
		return this.stage('sample', isPlain(size) ? size : { size });
	}

	done() {
		return this.stages;
	}

	end(options) {
		return settle('collection.aggregate', options, () =>
			this.ask('aggregateDocuments', {
				collectionName: this.name, stages: this.stages,
			}, true).then((data) => ({
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

const DEFAULT_LIMIT = 20; /* what wx.cloud gives without limit() */

/* Collection and query are one class: a query is a collection with more said. */
class Collection {
	constructor(ask, name, said) {
		this.ask = ask;
		this.name = name;
		this.collectionName = name;
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

	/* An id that is not there must not become whichever document. */
	doc(id) {
		if (typeof id !== 'string' && typeof id !== 'number')
			throw failure('collection.doc', 'TYPE', 'docId: a ' +
				`string or a number, not ${id === null ? 'null' :
					typeof id}`);
		return new Document(this.ask, this.name, id);
	}

	aggregate() {
		return new Aggregate(this.ask, this.name);
	}

	/* One document, or an array of them. */
	add(options) {
		return settle('collection.add', options, ({ data: told }) => {
			[].concat(told).forEach(checkData);
			return this.ask('addDocument', {
				collectionName: this.name, data: encode(told) })
				.then((data) => Object.assign(Array.isArray(told) ?
					{ _ids: data.insertedIds } :
					{ _id: data._id },
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
			this.ask('queryDocument', body, true).then((data) => ({
				data: decode(data.list || []),
				errMsg: 'collection.get:ok',
			})));
	}

	/* {onChange, onError} → {close()}.  Whole documents: field() is not
	 * heeded, as in wx.cloud. */
	watch(options) {
		const { where, order, limit } = this.said;
		const orderBy = {};

		for (const each of order)
			orderBy[each.field] = each.direction;
		return this.ask.watch({ collName: this.name,
			query: JSON.stringify(where), limit, orderBy }, options);
	}

	count(options) {
		return settle('collection.count', options, () =>
			this.ask('countDocument', { collectionName: this.name,
				queryType: 'WHERE', query: this.said.where }, true)
				.then((data) => ({ total: data.total,
					errMsg: 'collection.count:ok' })));
	}

	update(options) {
		return settle('collection.update', options, (o) =>
			this.ask('updateDocument', { collectionName: this.name,
				queryType: 'WHERE', query: this.said.where,
				data: encodeUpdate(checkData(o.data), {},
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

/* One document. */
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
			this.ask('queryDocument', body, true).then((data) => {
				const [found] = data.list || [];
				if (!found)
					throw failure('document.get', '',
						`document with _id ${this.id} does not exist`);
				return { data: decode(found),
					errMsg: 'document.get:ok' };
			}));
	}

	set(options) {
		return settle('document.set', options, (o) =>
			this.ask('updateDocument', this.body({
				data: encode(checkData(o.data)),
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
		return settle('document.update', options, (o) =>
			this.ask('updateDocument', this.body({
				data: encodeUpdate(checkData(o.data), {},
					''),
				multi: false, merge: true, upsert: false,
			})).then((data) => ({
				stats: { updated: data.updated || 0 },
				errMsg: 'document.update:ok',
			})));
	}

	watch(options) {
		return this.ask.watch({ collName: this.name,
			query: JSON.stringify({ _id: this.id }) }, options);
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

/* ---- hosts ------------------------------------------------------------------- */

/*
 * What this file needs of the world, in the shape that a mini program's wx has
 * it: request, uploadFile, downloadFile, connectSocket, and where there are
 * any login, getStorageSync and setStorageSync.  A mini program is its own
 * host; the others imitate that much of it.
 */

/* Node's own modules; not by a plain require, which a mini program's
 * compiler would go looking for. */
function nodeModule(name) {
	/* eslint-disable no-undef */
	return process.getBuiltinModule ? process.getBuiltinModule(name) :
		module.require(name);
	/* eslint-enable no-undef */
}

/* A task with the listeners that wx's tasks have. */
function hostTask(abort) {
	const listeners = { ProgressUpdate: [], HeadersReceived: [] };
	const task = { abort, tell: (event, what) => listeners[event]
		.forEach((each) => each(what)) };

	for (const event of TASK_EVENTS) {
		task[`on${event}`] = (fn) => listeners[event].push(fn);
		task[`off${event}`] = (fn) => {
			listeners[event] = listeners[event].filter((each) =>
				fn && each !== fn);
		};
	}
	return task;
}

/* What WHATWG's WebSocket tells, as wx's SocketTask tells it. */
const SOCKET_EVENTS = {
	Open: () => ({ header: {} }),
	Message: ({ data }) => ({ data }),
	Close: ({ code, reason }) => ({ code, reason }),
	Error: (err) => ({ errMsg: (err && err.message) || 'error' }),
};

/* One in the shape of the other.  All events have a listener from the start:
 * npm's ws ends the process over an error that nobody listens for. */
function socketTask(socket) {
	const task = {};
	const attempt = (name, o, act) => {
		let res = { errMsg: `${name}:ok` };
		let tell = 'success';

		try {
			act();
		} catch (err) {
			res = { errMsg: `${name}:fail ${err.message}` };
			tell = 'fail';
		}
		Promise.resolve().then(() => [tell, 'complete'].forEach((each) =>
			o && o[each] && o[each](res)));
	};

	socket.binaryType = 'arraybuffer';
	for (const event of Object.keys(SOCKET_EVENTS)) {
		const listeners = [];

		socket[`on${event.toLowerCase()}`] = (e) => listeners
			.forEach((fn) => fn(SOCKET_EVENTS[event](e)));
		task[`on${event}`] = (fn) => listeners.push(fn);
	}
	task.send = (o) => attempt('sendSocketMessage', o, () =>
		socket.send(o.data));
	task.close = (o) => attempt('closeSocket', o, () => socket.close(
		(o && o.code) || 1000, (o && o.reason) || ''));
	return task;
}

/* The token of a socket whose header cannot be set goes as a subprotocol. */
function plainSocket(WebSocket, { url, protocols, token }) {
	const offered = (protocols || []).concat(token ?
		['mpcloud', `mpcloud.token.${token}`] : []);

	return socketTask(offered.length ? new WebSocket(url, offered) :
		new WebSocket(url));
}

const progress = (name, done, all) => ({
	progress: all ? Math.floor(done * 100 / all) : 100,
	[`totalBytes${name}`]: done, [`totalBytesExpectedTo${
		name === 'Sent' ? 'Send' : 'Write'}`]: all });

/* -- browsers: XMLHttpRequest has progress in both directions -- */

function browserHost(conf) {
	/* eslint-disable no-undef */
	const headersOf = (xhr) => {
		const out = {};

		for (const line of xhr.getAllResponseHeaders().split('\r\n'))
			if (line)
				out[line.split(':', 1)[0]] =
					line.slice(line.indexOf(':') + 1).trim();
		return out;
	};
	const exchange = (o, body, answered) => {
		const xhr = new XMLHttpRequest();
		const task = hostTask(() => xhr.abort());
		const failed = (why) => () =>
			o.fail({ errMsg: `request:fail ${why}` });

		xhr.open(o.method || 'GET', o.url);
		xhr.timeout = o.timeout;
		xhr.responseType = o.responseType;
		for (const name of Object.keys(o.header || {}))
			xhr.setRequestHeader(name, o.header[name]);
		xhr.onreadystatechange = () => {
			if (xhr.readyState === 2)
				task.tell('HeadersReceived',
					{ header: headersOf(xhr) });
		};
		xhr.onload = () => answered({ data: xhr.response,
			statusCode: xhr.status, header: headersOf(xhr) });
		xhr.onerror = failed('no answer (is the server up, and does it ' +
			'let this origin in?)');
		xhr.ontimeout = failed('timeout');
		xhr.onabort = failed('abort');
		xhr.upload.onprogress = (e) => task.tell('ProgressUpdate',
			progress('Sent', e.loaded, e.total));
		xhr.onprogress = (e) => o.isDownload &&
			task.tell('ProgressUpdate',
				progress('Written', e.loaded, e.total));
		xhr.send(body);
		return task;
	};
	/* A File, a Blob, bytes, or the URL that createObjectURL made. */
	const blobOf = (file) => (typeof file === 'string' ?
		fetch(file).then((res) => res.blob()) :
		Promise.resolve(file instanceof Blob ? file :
			new Blob([file])));

	return {
		request: (o) => exchange(Object.assign({}, o,
			{ responseType: o.responseType === 'arraybuffer' ?
				'arraybuffer' : 'text' }), o.data, o.success),
		uploadFile(o) {
			let inner = null;
			const task = new Task('uploadFile');

			blobOf(o.filePath).then((blob) => {
				const form = new FormData();

				for (const key of Object.keys(o.formData || {}))
					form.append(key, o.formData[key]);
				form.append(o.name, blob, blob.name || 'file');
				inner = exchange(Object.assign({}, o,
					{ method: 'POST', responseType: 'text' }),
				form, o.success);
				task.follow(inner);
			}).catch((err) => o.fail({ errMsg:
				`uploadFile:fail ${err.message}` }));
			return task;
		},
		downloadFile: (o) => exchange(Object.assign({}, o,
			{ responseType: 'blob', isDownload: true }), undefined,
		(res) => o.success(Object.assign(res, { tempFilePath:
			URL.createObjectURL(res.data) }))),
		connectSocket: (o) => plainSocket(conf.WebSocket || WebSocket, o),
		getStorageSync: (key) => {
			try {
				return JSON.parse(localStorage.getItem(key));
			} catch (err) {
				return null; /* none, or forbidden */
			}
		},
		setStorageSync: (key, value) =>
			localStorage.setItem(key, JSON.stringify(value)),
		isHeaderless: true,
		asFile: (bytes) => Promise.resolve({ filePath: new Blob([bytes]),
			drop: () => {} }),
	};
	/* eslint-enable no-undef */
}

/* -- Node.js -- */

/* RFC 7578: the head of each part, and the end. */
function formParts(o, fileName) {
	const boundary = `----mpcloud${Math.random().toString(16).slice(2)}${
		Date.now().toString(16)}`;
	const field = (name, more) => `--${boundary}\r\nContent-Disposition: ` +
		`form-data; name="${name}"${more || ''}\r\n`;
	const fields = Object.keys(o.formData || {}).map((name) =>
		`${field(name)}\r\n${o.formData[name]}\r\n`);

	return { boundary, end: `\r\n--${boundary}--\r\n`,
		head: `${fields.join('')}${field(o.name, `; filename="${
			fileName.replace(/["\\\r\n]/g, '_')}"`)
		}Content-Type: application/octet-stream\r\n\r\n` };
}

function nodeHost(conf) {
	/* eslint-disable no-undef */
	const fs = nodeModule('fs');
	const os = nodeModule('os');
	const path = nodeModule('path');
	const REDIRECTS = 5;
	const begin = (o, url, hops, task, answered) => {
		const far = new URL(url);
		const http = nodeModule(far.protocol.slice(0, -1));
		const headers = Object.assign({}, o.header, o.length === undefined ?
			{} : { 'content-length': o.length });
		const req = http.request(far, { method: o.method || 'GET', headers,
			ca: conf.ca });
		/* Not by destroy(err) alone: once the answer has begun, a
		 * connection that breaks is told to the answer only. */
		const failed = (err) => {
			req.destroy();
			o.fail({ errMsg: `request:fail ${err.message ||
				err.code}` });
		};
		const timer = setTimeout(() =>
			failed(new Error('timeout')), o.timeout);

		task.abort = () => failed(new Error('abort'));
		req.on('error', failed);
		req.on('close', () => clearTimeout(timer));
		req.on('response', (res) => {
			const { location } = res.headers;

			if (location && res.statusCode > 300 && !o.write &&
				o.followRedirect !== false &&
				(o.method || 'GET') === 'GET' && hops < REDIRECTS) {
				res.resume();
				begin(o, new URL(location, url).href, hops + 1,
					task, answered);
				return;
			}
			task.tell('HeadersReceived', { header: res.headers });
			answered(res, failed);
		});
		if (o.write)
			o.write(req);
		else
			req.end(o.data === undefined ? undefined :
				isBytes(o.data) ? Buffer.from(o.data) : o.data);
	};
	const exchange = (o, answered) => {
		const task = hostTask(() => {});

		begin(o, o.url, 0, task, answered);
		return task;
	};
	const whole = (o, success) => (res, failed) => {
		const chunks = [];

		res.on('data', (chunk) => chunks.push(chunk));
		res.on('error', failed);
		res.on('end', () => {
			const bytes = Buffer.concat(chunks);

			success({ statusCode: res.statusCode, header: res.headers,
				data: o.responseType === 'arraybuffer' ?
					bytes.buffer.slice(bytes.byteOffset,
						bytes.byteOffset + bytes.length) :
					bytes.toString('utf8') });
		});
	};
	/* A path, or bytes. */
	const sourceOf = (file) => (typeof file === 'string' ?
		{ size: fs.statSync(file).size, name: path.basename(file),
			stream: () => fs.createReadStream(file) } :
		{ size: file.byteLength, name: 'file', stream: () =>
			nodeModule('stream').Readable.from([Buffer.from(file)]) });

	return {
		request: (o) => exchange(o, whole(o, o.success)),
		uploadFile(o) {
			let source = null;

			try {
				source = sourceOf(o.filePath);
			} catch (err) {
				o.fail({ errMsg: `uploadFile:fail ${err.message}` });
				return hostTask(() => {});
			}
			const { boundary, head, end } = formParts(o, source.name);
			let sent = 0;
			const task = exchange(Object.assign({}, o, { method: 'POST',
				header: Object.assign({}, o.header, { 'content-type':
					`multipart/form-data; boundary=${boundary}` }),
				length: Buffer.byteLength(head) + source.size +
					Buffer.byteLength(end),
				write: (req) => {
					const stream = source.stream();

					req.write(head);
					stream.on('data', (chunk) => {
						sent += chunk.length;
						setImmediate(() => task.tell(
							'ProgressUpdate', progress('Sent',
								sent, source.size)));
					});
					stream.on('error', (err) => req.destroy(err));
					stream.on('end', () => req.end(end));
					stream.pipe(req, { end: false });
				} }), whole(o, o.success));
			return task;
		},
		downloadFile(o) {
			const to = o.filePath || path.join(os.tmpdir(),
				`mpcloud-${process.pid}-${Date.now()}-${
					Math.random().toString(16).slice(2)}`);
			const task = exchange(o, (res, failed) => {
				const all = Number(res.headers['content-length']) || 0;
				const out = fs.createWriteStream(to, { flags: 'wx',
					mode: 0o600 });
				let got = 0;

				res.on('data', (chunk) => {
					got += chunk.length;
					task.tell('ProgressUpdate',
						progress('Written', got, all));
				});
				/* Half a file is none. */
				const gone = (err) => {
					out.on('close', () =>
						fs.unlink(to, () => {}));
					out.destroy();
					failed(err);
				};

				res.on('error', gone);
				out.on('error', gone);
				out.on('finish', () => o.success({ tempFilePath: to,
					statusCode: res.statusCode,
					header: res.headers }));
				res.pipe(out);
			});
			return task;
		},
		connectSocket(o) {
			const WebSocket = conf.WebSocket || globalThis.WebSocket;

			if (!WebSocket)
				throw new Error('this Node.js has no WebSocket (22 ' +
					'has): npm install ws, and cloud.init({ ' +
					'WebSocket: require(\'ws\').WebSocket, … })');
			return plainSocket(WebSocket, o);
		},
		isHeaderless: true,
		asFile: (bytes) => Promise.resolve({ filePath:
			typeof bytes === 'string' ? Buffer.from(bytes) : bytes,
		drop: () => {} }),
	};
	/* eslint-enable no-undef */
}

/* -- mini programs -- */

/* Bytes as a file that wx.uploadFile takes. */
function miniFile(host, bytes) {
	const fs = host.getFileSystemManager();
	const filePath = `${host.env.USER_DATA_PATH}/mpcloud-${Date.now()}-${
		Math.random().toString(16).slice(2)}`;

	return new Promise((resolve, reject) => {
		fs.writeFile({ filePath, data: bytes,
			encoding: typeof bytes === 'string' ? 'utf8' : undefined,
			success: () => resolve({ filePath, drop: () =>
				fs.unlink({ filePath, fail: () => {} }) }),
			fail: (err) => reject(failure('cloud.CDN', '',
				err && err.errMsg)) });
	});
}

/* eslint-disable no-undef */
const HOSTS = [
	{ name: 'mini program', make: () => wx,
		isHere: () => typeof wx !== 'undefined' && Boolean(wx.request) },
	{ name: 'browser', make: browserHost,
		isHere: () => typeof XMLHttpRequest === 'function' },
	{ name: 'Node.js', make: nodeHost,
		isHere: () => typeof process === 'object' &&
			Boolean(process.versions && process.versions.node) },
];
/* eslint-enable no-undef */

function hostFor(conf) {
	const found = HOSTS.find((each) => each.isHere());

	return conf.wx || (found ? found.make(conf) : null);
}

/* ---- the way out: tokens, requests, retries --------------------------------- */

/* The server's words for a token that is good no more. */
const STALE = ['ACCESS_TOKEN_EXPIRED', 'CHECK_LOGIN_FAILED'];
const EARLY_MS = 30000; /* a token this near its end is renewed first */
/* The server's words for "not now": nothing was done, so anything may be asked
 * again, after Retry-After. */
const REFUSED = ['EXCEED_RATELIMIT', 'EXCEED_REQUEST_LIMIT',
	'EXCEED_CONCURRENT_REQUEST_LIMIT'];
const RETRIES = 2;
const RETRY_MS = 200;      /* the first wait; each further one is doubled */
const RETRY_WAIT_TOP = 5;  /* seconds of Retry-After that are waited for */

const later = (ms) => new Promise((resolve) => {
	setTimeout(resolve, ms);
});
/* Half of it to all of it: many who failed together do not come back so. */
const jitter = (ms) => ms / 2 + Math.random() * ms / 2;

function header(headers, name) {
	const low = name.toLowerCase();
	const key = Object.keys(headers || {})
		.find((each) => each.toLowerCase() === low);

	return key === undefined ? '' : String(headers[key]);
}

/* Retry-After in seconds (RFC 9110, 10.2.3: a number or a date), or undefined. */
function retryAfter(headers) {
	const text = header(headers, 'Retry-After');
	const seconds = /^\d+$/.test(text) ? Number(text) :
		(Date.parse(text) - Date.now()) / 1000;

	return text && seconds === seconds ? Math.max(0, seconds) : undefined;
}

function parsed(text) {
	try {
		return text === '' ? null : JSON.parse(text);
	} catch (err) {
		return undefined;
	}
}

/* One server and one login. */
class Session {
	constructor(conf) {
		this.conf = conf; /* {url, env, timeout, host, retries} */
		this.host = conf.host;
		this.renewing = null; /* the one login or refresh under way */
		this.turn = Promise.resolve(); /* the last of alone()'s */
		this.tokens = this.load(); /* {uid, accessToken, refreshToken,
					      by, endsAt} */
	}

	/* -- tokens -- */

	place() {
		return `mpcloud.login ${this.conf.url} ${this.conf.env}`;
	}

	load() {
		const kept = this.host.getStorageSync &&
			this.host.getStorageSync(this.place());

		return kept && (kept.accessToken || kept.by) ? kept : null;
	}

	/* A full storage must not make a login fail. */
	keep(tokens) {
		this.tokens = tokens;
		try {
			if (this.host.setStorageSync)
				this.host.setStorageSync(this.place(),
					tokens || '');
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
		const { host } = this;
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

	/* Is there a way to log in without the page's doing? */
	canLogin() {
		return Boolean(this.conf.login || this.host.login);
	}

	code() {
		return new Promise((resolve, reject) => {
			this.host.login({
				success: (res) => resolve(res.code),
				fail: (err) => reject(failure('cloud.login',
					'NETWORK', err && err.errMsg)),
			});
		});
	}

	loginWith(said, by) {
		return this.send({ path: '/v1/login', body: JSON.stringify(
			Object.assign(said, this.self())) })
			.then((answer) => this.granted('cloud.login', answer, by));
	}

	/* conf.login gives what to log in with where there is no wx.login:
	 * {code}, {ticket} or {username, password}, or a promise of it. */
	freshLogin() {
		const { login } = this.conf;

		return this.alone(() => (login ?
			Promise.resolve(login()) :
			this.code().then((code) => ({ code })))
			.then((said) => this.loginWith(Object.assign({}, said))));
	}

	/* By a ticket of the developer's own accounts, or a name and a password. */
	loginBy({ ticket, username, password }) {
		return ticket === undefined ?
			this.loginWith({ username, password }, 'password') :
			this.loginWith({ ticket }, 'ticket');
	}

	/* A refresh token is good once: when it is refused, log in again.  Who
	 * came by a ticket or a password must not become somebody else: the page
	 * logs him in. */
	refresh() {
		const { refreshToken, by } = this.tokens;

		return this.send({ path: '/v1/token/refresh',
			body: JSON.stringify({ refreshToken }) })
			.then((answer) => this.granted('cloud.refresh', answer, by),
				(err) => {
					if (err.statusCode !== 401)
						throw err;
					this.keep(by ? { by } : null);
					if (by)
						throw err;
					return this.canLogin() ?
						this.freshLogin() : null;
				});
	}

	/* Single flight: whoever comes meanwhile waits for the same answer. */
	renew(work) {
		return this.renewing || this.renewed(work.call(this));
	}

	/* A login as somebody in particular is no answer to share: it comes after
	 * what is under way, and whoever comes then waits for it. */
	renewNext(work) {
		return this.renewed(Promise.resolve(this.renewing)
			.then(work, work));
	}

	renewed(promise) {
		const over = () => {
			if (this.renewing === promise)
				this.renewing = null;
		};

		this.renewing = promise;
		promise.then(over, over);
		return promise;
	}

	/* Resolves to the token to send, '' when there is none to be had. */
	token() {
		return Promise.resolve(this.renewing).then(() => {
			const { tokens } = this;

			if (tokens && !tokens.accessToken)
				throw failure('cloud.login', 'CHECK_LOGIN_FAILED',
					'the login has ended: cloud.login again');
			if (!tokens && this.canLogin())
				return this.renew(this.freshLogin);
			if (tokens && tokens.refreshToken &&
				Date.now() > tokens.endsAt - EARLY_MS)
				return this.renew(this.refresh);
			return null;
		}).then(() => (this.tokens ? this.tokens.accessToken : ''));
	}

	/* The server refused `token`.  True when there is another to try. */
	another(token, code) {
		let renewed = Promise.resolve();

		if (this.tokens && this.tokens.accessToken !== token)
			return Promise.resolve(true); /* somebody else did it */
		if (code === 'ACCESS_TOKEN_EXPIRED' && this.tokens) {
			renewed = this.renew(this.refresh);
		} else if (this.tokens && this.tokens.by) {
			this.keep({ by: this.tokens.by });
			return Promise.resolve(false);
		} else if (code === 'CHECK_LOGIN_FAILED' && this.canLogin()) {
			this.keep(null);
			renewed = this.renew(this.freshLogin);
		}
		return renewed.then(() => this.tokens !== null &&
			this.tokens.accessToken !== token);
	}

	/* A session that has ended already is fine; no login for a logout. */
	logout(all) {
		const token = this.tokens && this.tokens.accessToken;

		return Promise.resolve(token && this.send({ path: '/v1/logout',
			body: all ? '{"all":true}' : '{}', token })
			.catch((err) => {
				if (!STALE.includes(err.code))
					throw err;
			})).then(() => this.keep(null));
	}

	/* -- requests -- */

	/* One exchange: resolves to {data, statusCode, header, requestID}.
	 * isCall: the answer may be an error with status 200, as CloudBase's
	 * action protocol has it.  isRaw: whatever comes is an answer. */
	send({ path, method, body, token, more, isCall, isRaw, isLast, type,
		timeout }) {
		const { conf, host } = this;
		const headers = Object.assign({}, more);

		if (body !== undefined && !header(headers, 'content-type'))
			headers['content-type'] = 'application/json';
		if (token)
			headers.authorization = `Bearer ${token}`;
		return new Promise((resolve, reject) => {
			host.request({
				url: conf.url + path, method: method || 'POST',
				data: body, header: headers,
				timeout: timeout || conf.timeout,
				dataType: 'text', responseType: type || 'text',
				success: (res) => {
					try {
						resolve(isRaw ?
							this.raw(res, token && !isLast) :
							this.opened(res, isCall));
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

	/* Whatever came; but a server that says that the token is good no more is
	 * an error, where a newer one may be tried. */
	raw(res, mayBeStale) {
		const said = mayBeStale && res.statusCode === 401 &&
			parsed(typeof res.data === 'string' ? res.data :
				String.fromCharCode.apply(null,
					new Uint8Array(res.data)
						.subarray(0, 512)));

		if (said && STALE.includes(said.code))
			throw this.refused(said, res,
				header(res.header, 'X-Request-Id'));
		return res;
	}

	/* An answer that is an error becomes one. */
	opened(res, isCall) {
		const requestID = header(res.header, 'X-Request-Id');
		const isJson = /json/.test(header(res.header, 'Content-Type'));
		let { data } = res;

		if (typeof data === 'string' && (isJson || data === '')) {
			data = parsed(data);
			if (data === undefined)
				throw failure('cloud.request', 'SYS_ERR',
					'the answer is not JSON', { requestID,
						statusCode: res.statusCode });
		}
		if (res.statusCode >= 200 && res.statusCode < 300 &&
			!(isCall && (!data || data.code)))
			return { data, statusCode: res.statusCode,
				header: res.header, requestID };
		throw this.refused(data, res, requestID);
	}

	refused(data, res, requestID) {
		const code = (data && data.code) || `HTTP_${res.statusCode}`;
		const said = (data && data.message) || '';

		return failure('cloud.request', code, said, { said,
			statusCode: res.statusCode,
			requestID: requestID || (data && data.requestId) || '',
			retryAfter: retryAfter(res.header), isAnswer: true });
	}

	/* send() as the user: with a token, and once more with a newer one. */
	sendAs(request) {
		const once = (token, isLast) => this.send(Object.assign({},
			request, { token, isLast }));

		return this.token().then((token) => once(token).catch((err) => {
			if (!STALE.includes(err.code))
				throw err;
			return this.another(token, err.code).then((isNew) => {
				if (!isNew)
					throw err;
				return once(this.tokens.accessToken, true);
			});
		}));
	}

	/* The wait before another try, in ms; 0: do not try again. */
	pause(request, err, tries) {
		const refused = err.statusCode === 429 ||
			REFUSED.includes(err.code);
		const lost = err.code === 'NETWORK' || err.statusCode === 502 ||
			err.statusCode === 503 || err.statusCode === 504;

		if (tries >= this.conf.retries || err.retryAfter > RETRY_WAIT_TOP)
			return 0;
		/* A limit that does not say when is the caller's own fault. */
		if (refused)
			return err.retryAfter === undefined ? 0 :
				err.retryAfter * 1000 + jitter(RETRY_MS);
		if (!lost || !request.isSafe)
			return 0;
		return Math.max((err.retryAfter || 0) * 1000,
			jitter(RETRY_MS << tries));
	}

	/* sendAs() and what may be repeated, repeated.  isSafe: asking twice does
	 * no more than asking once, so it is repeated when no answer came. */
	ask(request, tries) {
		const n = tries || 0;

		return this.sendAs(request).catch((err) => {
			const ms = this.pause(request, err, n);

			if (!ms)
				throw err;
			return later(ms).then(() => this.ask(request, n + 1));
		});
	}

	/* One of CloudBase's actions; resolves to what it gives. */
	act(action, more, isSafe) {
		return this.ask({ path: '/web', isCall: true, isSafe,
			body: JSON.stringify(Object.assign({ action,
				dataVersion: '2020-01-10',
				env: this.conf.env || undefined }, more)) })
			.then(({ data }) => data.data || {});
	}
}

/* ---- files -------------------------------------------------------------------- */

const FILES_TOP = 50; /* of one getTempFileURL or deleteFile */

/* What a store says when it refuses: our JSON, or XML as COS and S3 have it. */
function refusedFile(api, session, res) {
	const text = typeof res.data === 'string' ? res.data : '';
	const xml = (name) => (new RegExp(`<${name}>([^<]*)</${name}>`)
		.exec(text) || [])[1];
	const said = parsed(text) || { code: xml('Code'), message: xml('Message') };

	return renamed(api, session.refused(said, res, ''));
}

/* One call of the host's that has a task. */
function hosted(api, session, task, name, options) {
	return new Promise((resolve, reject) => {
		if (!session.host[name])
			throw failure(api, 'PARAM', `this host has no ${name}`);
		task.follow(session.host[name](Object.assign({
			timeout: session.conf.timeout,
			success: resolve,
			/* A lost connection may be called an aborted one, too. */
			fail: (err) => reject(task.isAborted ?
				failure(api, '', 'abort') :
				failure(api, 'NETWORK', err && err.errMsg)),
		}, options)));
	}).then((res) => {
		if (res.statusCode < 200 || res.statusCode >= 300)
			throw refusedFile(api, session, res);
		return res;
	});
}

function cloudPathOf(api, cloudPath) {
	if (typeof cloudPath !== 'string' || !cloudPath)
		throw failure(api, 'PARAM', 'cloudPath: where the file goes, ' +
			'such as "images/a.png"');
	return cloudPath.replace(/^\/+/, '');
}

/* One form for all hosts, that of js-sdk 1.x: wx.uploadFile knows no other. */
function uploadFile(session, { cloudPath, filePath, header: more }, task) {
	const api = 'cloud.uploadFile';
	const path = cloudPathOf(api, cloudPath);

	if (!filePath)
		throw failure(api, 'PARAM', 'filePath: the file to send');
	return session.act('storage.getUploadMetadata', { path }).then((meta) => {
		task.check();
		return hosted(api, session, task, 'uploadFile', {
			url: meta.url, filePath, name: 'file',
			header: Object.assign({ accept: 'application/json' },
				more),
			formData: { key: path, signature: meta.authorization,
				'x-cos-security-token': meta.token,
				'x-cos-meta-fileid': meta.cosFileId } })
			.then((res) => ({ fileID: meta.fileId,
				statusCode: res.statusCode,
				errMsg: 'cloud.uploadFile:ok' }));
	});
}

function fileList(api, list) {
	if (!Array.isArray(list) || !list.length || list.length > FILES_TOP)
		throw failure(api, 'INVALID_PARAM',
			`fileList: an array of 1 to ${FILES_TOP} fileIDs`);
	return list;
}

/* {fileID, status, errMsg}: 0 and "ok", or the number and words of an error. */
function fileState(api, each) {
	const code = each.code || 'SUCCESS';

	if (code === 'SUCCESS')
		return { fileID: each.fileID || each.fileid, status: 0,
			errMsg: 'ok' };
	const { errCode, errMsg } = failure(api, code, each.message);
	return { fileID: each.fileID || each.fileid, status: errCode, errMsg };
}

function tempURLs(session, api, list) {
	return session.act('storage.batchGetDownloadUrl', {
		file_list: fileList(api, list).map((each) =>
			(typeof each === 'string' ? { fileid: each } :
				{ fileid: each.fileID, max_age: each.maxAge })),
	}, true).then((data) => (data.download_list || []).map((each, i) => {
		const asked = typeof list[i] === 'string' ? {} : list[i];
		const url = each.tempFileURL || each.download_url || '';

		return Object.assign(fileState(api, each), { tempFileURL: url,
			maxAge: each.maxAge || asked.maxAge || 0 });
	}));
}

const getTempFileURL = (session, { fileList: list }) =>
	tempURLs(session, 'cloud.getTempFileURL', list).then((found) =>
		({ fileList: found, errMsg: 'cloud.getTempFileURL:ok' }));

const deleteFile = (session, { fileList: list }) =>
	session.act('storage.batchDeleteFile',
		{ fileid_list: fileList('cloud.deleteFile', list) })
		.then((data) => ({ errMsg: 'cloud.deleteFile:ok',
			fileList: (data.delete_list || []).map((each) =>
				fileState('cloud.deleteFile', each)) }));

function downloadFile(session, { fileID }, task) {
	const api = 'cloud.downloadFile';

	if (typeof fileID !== 'string' || !fileID)
		throw failure(api, 'PARAM', 'fileID: the file to fetch');
	return tempURLs(session, api, [fileID]).then(([found]) => {
		if (!found || found.status !== 0)
			throw Object.assign(new Error(found ? found.errMsg :
				`${api}:fail`), { errCode: found ? found.status : -1,
				errMsg: found ? found.errMsg : `${api}:fail` });
		task.check();
		return hosted(api, session, task, 'downloadFile',
			{ url: found.tempFileURL });
	}).then((res) => ({ tempFilePath: res.tempFilePath,
		statusCode: res.statusCode, errMsg: 'cloud.downloadFile:ok' }));
}

/* -- CDN: what is too large for a function's event goes as a file -- */

class CDN {
	constructor(target) {
		this.target = target;
	}
}

/* The URL that stands in the event. */
function cdnURL(session, { target }) {
	const { host } = session;
	const api = 'cloud.callFunction';
	const isFile = isPlain(target) && target.type === 'filePath';
	const cloudPath = `tmp/cdn/${Date.now().toString(36)}-${
		Math.random().toString(36).slice(2)}`;

	if (!isFile && typeof target !== 'string' && !isBytes(target))
		throw failure(api, 'PARAM', 'CDN: a string, an ArrayBuffer or ' +
			'{type: "filePath", filePath}');
	return Promise.resolve(isFile ?
		{ filePath: target.filePath, drop: () => {} } :
		(host.asFile ? host.asFile(target) : miniFile(host, target)))
		.then((file) => uploadFile(session,
			{ cloudPath, filePath: file.filePath }, new Task(api))
			.then((res) => {
				file.drop();
				return tempURLs(session, api, [res.fileID]);
			}, (err) => {
				file.drop();
				throw err;
			}))
		.then(([found]) => {
			if (found.status !== 0)
				throw failure(api, 'STORAGE_REQUEST_FAIL',
					found.errMsg);
			return found.tempFileURL;
		});
}

/* The data with its CDN members, at any depth, become URLs. */
function withCDN(session, data) {
	if (data instanceof CDN)
		return cdnURL(session, data);
	if (!Array.isArray(data) && !isPlain(data))
		return data;
	const keys = Object.keys(data);
	const made = keys.map((key) => withCDN(session, data[key]));
	if (keys.every((key, i) => made[i] === data[key]))
		return data; /* nothing in it: as it was */
	return Promise.all(made).then((values) => {
		const out = Array.isArray(data) ? [] : {};

		keys.forEach((key, i) => {
			out[key] = values[i];
		});
		return out;
	});
}

/* ---- watch -------------------------------------------------------------------- */

/*
 * One socket for all of a session's watches.  A watch is told what the server
 * saw in numbered events; a gap in the numbers, or a lost socket, and it asks
 * to be told again from the last number it has.  So nothing is lost or doubled
 * as long as the server remembers; when it does not, the watch gets all
 * documents anew.
 */
const WATCH = { login: 5000, answer: 10000, ping: 10000, pong: 5000,
	behind: 5000, backoff: 500, backoffTop: 10000, tries: 12, again: 2 };
/* The server's words for a signature or login that is good no more. */
const UNSIGNED = ['CHECK_LOGIN_FAILED', 'SIGN_EXPIRED_ERROR',
	'SIGN_INVALID_ERROR', 'SIGN_PARAM_INVALID', 'ACCESS_TOKEN_EXPIRED'];

let watchCount = 0;
const watchWord = (prefix) => `${prefix}${Date.now()}_${watchCount++}_${
	Math.random()}`;

function watchFailure(code, text, more) {
	return failure('collection.watch', code, text, more);
}

/* "a.b.0.c" of a document. */
function setPath(doc, path, value) {
	const names = path.split('.');
	const last = names.pop();
	let at = doc;

	for (const [i, name] of names.entries()) {
		if (at[name] === null || typeof at[name] !== 'object')
			at[name] = /^\d+$/.test(names[i + 1] || last) ? [] : {};
		at = at[name];
	}
	if (value === undefined)
		delete at[last];
	else
		at[last] = value;
}

function copied(v) {
	if (Array.isArray(v))
		return v.map(copied);
	if (!isPlain(v))
		return v;
	const out = {};
	for (const key of Object.keys(v))
		out[key] = copied(v[key]);
	return out;
}

/* That nothing is left is told by a document without a name, come and gone. */
const isDocument = (e) => e.DocID !== '';

/* An event of the wire as a page sees it. */
function docChange(e) {
	const removed = e.removedFields || e.RemovedFields;
	const change = { id: e.ID, dataType: e.DataType, queueType: e.QueueType,
		docId: e.DocID,
		doc: e.Doc && e.Doc !== '{}' ? decode(JSON.parse(e.Doc)) :
			undefined };

	if (e.DataType === 'update' && e.UpdatedFields)
		change.updatedFields = decode(JSON.parse(e.UpdatedFields));
	if (e.DataType === 'update' && removed)
		change.removedFields = JSON.parse(removed);
	return change;
}

/* One watch: what it asks for, where it stands, what it holds. */
class Watcher {
	constructor(realtime, asked, { onChange, onError }) {
		this.realtime = realtime;
		this.asked = asked; /* {collName, query, limit?, orderBy?} */
		this.onChange = onChange;
		this.onError = onError;
		this.id = watchWord('watchid_');
		this.queryID = null;
		this.seq = 0; /* of the last event that was told */
		this.docs = [];
		this.isActive = false;
		this.isClosed = false;
		this.behind = null; /* timer: the server knows of later events */
	}

	/* INIT_WATCH, or REBUILD_WATCH when it stood before. */
	begin(tries) {
		const n = tries || 0;
		const isNew = this.queryID === null;
		const { realtime } = this;
		const { collName } = this.asked;

		this.isActive = false;
		realtime.request(this.id, isNew ? 'INIT_WATCH' : 'REBUILD_WATCH',
			Object.assign({ envId: realtime.envId }, isNew ? this.asked :
				{ collName, queryID: this.queryID,
					eventID: this.seq }), WATCH.answer)
			.then((msg) => this.begun(msg, isNew),
				(err) => this.refused(err, isNew, n));
	}

	begun(msg, isNew) {
		if (this.isClosed)
			return;
		this.isActive = true;
		if (isNew) {
			const { queryID, currEvent, events } = msg.msgData;

			this.queryID = queryID;
			this.tellAll(events, currEvent);
		} else {
			this.take(msg.msgData);
		}
	}

	refused(err, isNew, n) {
		const { realtime } = this;
		const code = isNew ? 'WATCH_INIT' : 'WATCH_REBUILD';

		if (this.isClosed || err.isLost)
			return; /* begins again with the next socket */
		if (err.isTimeout) {
			if (n < WATCH.again)
				this.begin(n + 1);
			else
				realtime.lost('no answer');
		} else if (UNSIGNED.includes(err.code)) {
			realtime.lost(err.code);
		} else if (!isNew && err.code === 'QUERYID_INVALID_ERROR') {
			this.queryID = null; /* forgotten: all anew */
			this.begin(0);
		} else {
			this.fail(watchFailure(code, `${err.code} - ${err.said}`,
				{ said: err.said, serverCode: err.code }));
		}
	}

	/* All documents: the first snapshot, and one after a lost state. */
	tellAll(events, seq) {
		const docChanges = events.map((e) => docChange(
			Object.assign({}, e, { ID: seq })));

		this.docs = docChanges.map((change) => change.doc);
		this.tell(seq, docChanges, 'init');
	}

	tell(seq, docChanges, type) {
		this.seq = seq;
		if (this.behind && seq >= this.expected)
			this.caughtUp();
		const snapshot = { id: seq, docChanges, docs: copied(this.docs) };
		if (type)
			snapshot.type = type;
		try {
			this.onChange(snapshot);
		} catch (err) {
			/* A page's mistake must not stop the watch. */
			setTimeout(() => {
				throw err;
			});
		}
	}

	/* NEXT_EVENT: events of one number belong together. */
	take({ events }) {
		for (let i = 0; i < events.length && !this.isClosed;) {
			const { ID: seq } = events[i];
			let end = i;

			while (end < events.length && events[end].ID === seq)
				end += 1;
			const group = events.slice(i, end);
			i = end;
			if (group[0].QueueType === 'init')
				this.tellAll(group.filter(isDocument), seq);
			else if (seq > this.seq + 1)
				return this.begin(0); /* a gap */
			else if (seq === this.seq + 1)
				this.tell(seq, group.map((e) => this.apply(e)));
		}
		return undefined;
	}

	apply(e) {
		const change = docChange(e);
		const at = this.docs.findIndex((doc) => doc._id === change.docId);
		const old = at < 0 ? undefined : this.docs[at];

		if (!change.doc && old) {
			change.doc = copied(old);
			if (change.dataType === 'update')
				this.change(change);
		}
		if (change.queueType === 'dequeue') {
			if (at >= 0)
				this.docs.splice(at, 1);
		} else if (at >= 0) {
			this.docs[at] = change.doc;
		} else if (change.doc) {
			this.docs.push(change.doc);
		}
		return Object.assign(change, { doc: copied(change.doc) });
	}

	change({ doc, updatedFields, removedFields }) {
		for (const path of Object.keys(updatedFields || {}))
			setPath(doc, path, updatedFields[path]);
		for (const path of removedFields || [])
			setPath(doc, path, undefined);
	}

	/* What the server says besides answers. */
	hear(msg) {
		if (msg.msgType === 'ERROR') {
			const { code, message } = msg.msgData;

			if (UNSIGNED.includes(code))
				this.realtime.lost(code);
			else
				this.fail(watchFailure('WATCH_SERVER',
					`${code} - ${message}`,
					{ said: message, serverCode: code }));
		} else if (!this.isActive) {
			return; /* comes again with the answer to begin() */
		} else if (msg.msgType === 'NEXT_EVENT') {
			this.take(msg.msgData);
		} else if (msg.msgType === 'CHECK_EVENT' &&
			msg.msgData.currEvent > this.seq && !this.behind) {
			this.expected = msg.msgData.currEvent;
			this.behind = setTimeout(() => {
				this.behind = null;
				if (this.isActive && this.seq < this.expected)
					this.begin(0);
			}, WATCH.behind);
		}
	}

	caughtUp() {
		clearTimeout(this.behind);
		this.behind = null;
	}

	fail(err) {
		this.end();
		if (this.onError)
			this.onError(err);
	}

	end() {
		this.isClosed = true;
		this.isActive = false;
		this.caughtUp();
		this.realtime.drop(this);
	}

	close() {
		if (!this.isClosed) {
			if (this.isActive)
				this.realtime.say(this.id, 'CLOSE_WATCH', null);
			this.end();
		}
		return Promise.resolve();
	}
}

/* The socket.  state: idle (none, none wanted), opening, ready, waiting (for
 * another try). */
class Realtime {
	constructor(session) {
		this.session = session;
		this.watchers = {};
		this.waiting = {}; /* by requestId: {resolve, reject, timer} */
		this.state = 'idle';
		this.turn = 0; /* which socket: those before are not listened to */
		this.tries = 0;
		this.envId = '';
	}

	add(asked, options) {
		const watcher = new Watcher(this, asked, options);

		this.watchers[watcher.id] = watcher;
		if (this.state === 'ready')
			watcher.begin(0);
		else if (this.state === 'idle')
			this.open();
		return { close: () => watcher.close() };
	}

	drop(watcher) {
		delete this.watchers[watcher.id];
		if (!Object.keys(this.watchers).length)
			this.hangUp(3001, 'no watches');
	}

	each(act) {
		for (const id of Object.keys(this.watchers))
			act(this.watchers[id]);
	}

	/* -- a socket's life -- */

	open() {
		const turn = this.turn += 1;
		const still = () => this.turn === turn;

		this.state = 'opening';
		this.session.act('auth.wsWebSign', { runtime: 'web' }, true)
			.then((sign) => still() && this.connect(sign, turn),
				(err) => still() && this.unsigned(err));
	}

	/* No signature: the server's no is final, silence is not. */
	unsigned(err) {
		const isNo = err.isAnswer && err.code !== 'NETWORK' &&
			err.statusCode < 500 && err.statusCode !== 429;

		if (!isNo && err.isAnswer)
			this.lost(err.message);
		else
			this.failAll(watchFailure('WATCH_INIT', err.message));
	}

	connect(sign, turn) {
		const still = () => this.turn === turn;
		let socket = null;

		try {
			socket = this.session.host.connectSocket({ url: sign.wsUrl,
				header: {}, fail: () => still() &&
					this.lost('no connection') });
		} catch (err) {
			this.failAll(watchFailure('WATCH_INIT', err.message));
			return;
		}
		this.socket = socket;
		socket.onOpen(() => still() && this.login(sign));
		socket.onMessage(({ data }) => still() && this.hear(data));
		socket.onClose(({ code, reason }) => still() &&
			this.lost(`closed ${code} ${reason || ''}`));
		socket.onError(({ errMsg }) => still() && this.lost(errMsg));
		this.clock = setTimeout(() => this.lost('no connection'),
			WATCH.login * 2);
	}

	login(sign) {
		this.request(undefined, 'LOGIN', { envId: sign.envId || '',
			accessToken: '', referrer: 'web', sdkVersion: 'mpcloud',
			dataVersion: '2020-01-10' }, WATCH.login,
		{ runtime: 'web', signStr: sign.signStr,
			secretVersion: sign.secretVersion })
			.then((msg) => this.ready(msg), (err) => err.isLost ||
				this.lost(err.said || err.message));
	}

	ready(msg) {
		const { code, message, envId } = msg.msgData || {};

		if (code) {
			this.lost(`${code} ${message}`);
			return;
		}
		this.envId = envId;
		this.state = 'ready';
		this.tries = 0;
		this.each((watcher) => watcher.begin(0));
		this.listen();
	}

	/* Silence is asked about; silence after that is the end. */
	listen() {
		clearTimeout(this.clock);
		if (this.state !== 'ready')
			return;
		this.clock = setTimeout(() => {
			this.clock = setTimeout(() => this.lost('no PONG'),
				WATCH.pong);
			this.say(undefined, 'PING', null);
			this.each((watcher) => watcher.isActive &&
				this.say(watcher.id, 'CHECK_LAST',
					{ queryID: watcher.queryID,
						eventID: watcher.seq }));
		}, WATCH.ping);
	}

	/* The socket is gone or of no use: another one, later and later. */
	lost(why) {
		this.hangUp(3000, 'again');
		if (!Object.keys(this.watchers).length)
			return;
		if (this.tries >= WATCH.tries) {
			this.failAll(watchFailure('WATCH_RECONNECT', why));
			return;
		}
		this.state = 'waiting';
		this.clock = setTimeout(() => this.open(), jitter(Math.min(
			WATCH.backoff << this.tries, WATCH.backoffTop)));
		this.tries += 1;
	}

	hangUp(code, reason) {
		const { socket, waiting } = this;

		this.turn += 1;
		this.state = 'idle';
		this.socket = null;
		this.waiting = {};
		clearTimeout(this.clock);
		for (const id of Object.keys(waiting)) {
			clearTimeout(waiting[id].timer);
			waiting[id].reject(Object.assign(new Error('lost'),
				{ isLost: true }));
		}
		this.each((watcher) => {
			watcher.isActive = false;
		});
		try {
			if (socket)
				socket.close({ code, reason });
		} catch (err) {
			/* It is closed already. */
		}
	}

	failAll(err) {
		this.each((watcher) => watcher.fail(err));
		this.tries = 0;
	}

	/* -- messages -- */

	say(watchId, msgType, msgData, exMsgData, id) {
		const requestId = id || watchWord('');

		try {
			this.socket.send({ data: JSON.stringify({ watchId, requestId,
				msgType, msgData, exMsgData }) });
		} catch (err) {
			/* onClose comes. */
		}
	}

	request(watchId, msgType, msgData, ms, exMsgData) {
		const { waiting } = this;

		return new Promise((resolve, reject) => {
			const id = watchWord('');

			waiting[id] = { resolve, reject, timer: setTimeout(() => {
				delete waiting[id];
				reject(Object.assign(new Error(`${msgType}: no answer`),
					{ isTimeout: true }));
			}, ms) };
			this.say(watchId, msgType, msgData, exMsgData, id);
		});
	}

	hear(text) {
		const msg = parsed(text);

		if (!msg)
			return;
		this.listen();
		const waits = this.waiting[msg.requestId];
		const watcher = this.watchers[msg.watchId];

		if (waits) {
			delete this.waiting[msg.requestId];
			clearTimeout(waits.timer);
			if (msg.msgType === 'ERROR')
				waits.reject(Object.assign(new Error('refused'),
					{ code: msg.msgData.code,
						said: msg.msgData.message }));
			else
				waits.resolve(msg);
		} else if (watcher) {
			watcher.hear(msg);
		} else if (msg.msgType === 'ERROR') {
			this.lost(msg.msgData && msg.msgData.code);
		}
	}
}

function checkWatch({ onChange, onError }) {
	if (typeof onChange !== 'function' || typeof onError !== 'function')
		throw failure('collection.watch', 'PARAM',
			'onChange and onError: two functions');
}

/* ---- containers: whatever else the server routes ------------------------------ */

/* The service's name goes as a header, as in wx.cloud; which route answers is
 * the server's to say (routes.json). */
function containerHeader({ service, header: more }) {
	return Object.assign(service ? { 'x-wx-service': service } : {}, more);
}

function pathOf(api, path) {
	if (typeof path !== 'string' || path[0] !== '/')
		throw failure(api, 'PARAM', 'path: begins with "/"');
	return path;
}

/* Where a header may be lost, of a socket or in a browser's preflight, the path
 * names the service. */
function containerPath(api, session, { path, service }) {
	pathOf(api, path);
	return session.host.isHeaderless && service ?
		`/v1/cloudrun/${encodeURIComponent(service)}${path}` : path;
}

/* The body: what JSON is not goes as it is; a GET's data becomes its query. */
function containerBody(method, path, data) {
	if (data === undefined || data === null)
		return { path };
	if (method !== 'GET' && method !== 'HEAD')
		return { path, body: typeof data === 'string' || isBytes(data) ?
			data : JSON.stringify(data) };
	const query = Object.keys(data).map((key) => `${encodeURIComponent(key)}=${
		encodeURIComponent(data[key])}`).join('&');
	return { path: query ? path + (path.includes('?') ? '&' : '?') + query :
		path };
}

function callContainer(session, options) {
	const api = 'cloud.callContainer';
	const method = (options.method || 'GET').toUpperCase();
	const isJson = options.dataType === undefined ||
		options.dataType === 'json';

	return session.ask(Object.assign({ method, isRaw: true,
		isSafe: method === 'GET' || method === 'HEAD',
		more: containerHeader(options), timeout: options.timeout,
		type: options.responseType },
	containerBody(method, containerPath(api, session, options),
		options.data)))
		.then((res) => {
			const value = isJson && typeof res.data === 'string' ?
				parsed(res.data) : res.data;

			return { data: value === undefined ? res.data : value,
				statusCode: res.statusCode, header: res.header,
				callID: header(res.header, 'X-Request-Id'),
				errMsg: 'cloud.callContainer:ok' };
		});
}

function connectContainer(session, options) {
	const api = 'cloud.connectContainer';
	const { url } = session.conf;
	const path = containerPath(api, session,
		Object.assign({}, options, { path: options.path || '/' }));

	return session.token().then((token) => ({ errMsg: `${api}:ok`,
		socketTask: session.host.connectSocket({
			url: url.replace(/^http/, 'ws') + path,
			header: Object.assign(token ?
				{ authorization: `Bearer ${token}` } : {},
			containerHeader(options)),
			protocols: options.protocols, token,
			tcpNoDelay: options.tcpNoDelay,
			perMessageDeflate: options.perMessageDeflate,
			timeout: options.timeout }) }));
}

/* wx.cloud.services.Gateway: the same calls by another name. */
class Gateway {
	constructor(session) {
		this.session = session; /* () => the session, once there is one */
	}

	call(options) {
		const o = Object.assign({ method: 'POST' }, options);

		return settle('cloud.services.Gateway', o, () =>
			callContainer(this.session(), o));
	}

	/* Nothing to warm up: the next call logs in if it must. */
	refresh() {
		return Promise.resolve(this.session().token()).then(() => {});
	}
}

/* wx.cloud.extend.AI is Tencent's own service: a server of one's own has none.
 * Each of its functions says what to do instead. */
function noModels(name) {
	return () => {
		throw failure(`cloud.extend.AI.${name}`, 'PARAM', 'there are no ' +
			'models here: call your provider from a function, and ' +
			'that function from here');
	};
}

const AI = { createModel: noModels('createModel'), bot: {} };
for (const name of ['get', 'list', 'create', 'update', 'delete',
	'getChatRecords', 'sendFeedback', 'getFeedBack',
	'getRecommendQuestions', 'sendMessage'])
	AI.bot[name] = noModels(`bot.${name}`);

/* ---- the surface --------------------------------------------------------------- */

const TIMEOUT_MS = 60000;

/* The server's words for data that was encrypted with a key it has not got. */
const DISPLACED = ['SESSION_KEY_EXPIRED', 'SESSION_KEY_MISSING'];

/* A call that nobody waits for: {async, runAt: Date | ms | text, delay: '10s'}.
 * Its result is {id, requestId}. */
function laterQuery({ async: isAsync, runAt, delay }) {
	const at = tag(runAt) === 'Date' ? runAt.getTime() : runAt;
	const said = [isAsync && 'async=true',
		at !== undefined && `runAt=${encodeURIComponent(at)}`,
		delay !== undefined && `delay=${encodeURIComponent(delay)}`]
		.filter(Boolean);

	return said.length ? `?${said.join('&')}` : '';
}

const member = (o, name, what) => {
	if (!o || !o[name] || typeof o[name] !== 'string')
		throw new TypeError(`cloud.init: ${name}: ${what}`);
	return o[name];
};

/* env may be one for each service, as in wx.cloud: here they are one. */
const envOf = (env) => (isPlain(env) ?
	env.database || env.functions || env.storage || '' : env || '');

class Cloud {
	constructor(conf) {
		this.command = makeCommand();
		this.session = null;
		this.realtime = null;
		this.wanted = conf && conf.resourceEnv ? conf : null;
		const session = () => this.ready();
		this.services = { Gateway: function MakeGateway() {
			return new Gateway(session);
		} };
		this.extend = { AI };
		this.CDN = function MakeCDN(target) {
			return new CDN(target);
		};
		if (conf && !this.wanted)
			this.init(conf);
	}

	/* {url, env?, traceUser?, timeout?, retries?, login?, wx?, WebSocket?, ca?}.
	 * traceUser changes nothing: the server knows its users anyway.  An
	 * instance for another environment (new cloud.Cloud({resourceEnv})) takes
	 * what is not said from the first one. */
	init(conf) {
		const o = Object.assign({}, this.wanted && main.session &&
			main.session.conf, this.wanted && { env:
			this.wanted.resourceEnv, url: this.wanted.url ||
				(main.session && main.session.conf.url) }, conf);
		const url = member(o, 'url', 'the server\'s address is needed, ' +
			'cloud.init({ url: "https://cloud.example.com" })');
		const host = o.host || hostFor(o);

		if (!host)
			throw new TypeError('cloud.init: wx: this is neither a ' +
				'mini program nor a browser nor Node.js: give ' +
				'what has request()');
		if (this.realtime)
			this.realtime.failAll(watchFailure('WATCH_INIT',
				'cloud.init was called again'));
		this.session = new Session({ url: url.replace(/\/+$/, ''),
			env: envOf(o.env), timeout: o.timeout || TIMEOUT_MS,
			retries: o.retries === undefined ? RETRIES : o.retries,
			host, login: o.login });
		this.realtime = new Realtime(this.session);
		return this.wanted ? Promise.resolve() : undefined;
	}

	/* init(), and this in the place of wx.cloud: pages stay as they are. */
	install(conf) {
		/* eslint-disable no-undef */
		const place = typeof wx === 'undefined' ?
			(globalThis.wx = {}) : wx;
		/* eslint-enable no-undef */

		this.init(Object.assign({}, conf));
		try {
			place.cloud = this;
		} catch (err) {
			/* Read only; perhaps it may be defined anew. */
		}
		if (place.cloud !== this)
			try {
				Object.defineProperty(place, 'cloud', {
					value: this, configurable: true,
					writable: true, enumerable: true });
			} catch (err) {
				/* The message below. */
			}
		if (place.cloud !== this)
			throw new Error('cloud.install: this WeChat does not let ' +
				'wx.cloud be replaced: in each file that uses it, ' +
				'const cloud = require(\'./mpcloud.js\') and cloud ' +
				'instead of wx.cloud');
		return this;
	}

	ready() {
		if (!this.session)
			throw new Error('cloud.init comes first');
		return this.session;
	}

	get tokens() {
		return this.session && this.session.tokens;
	}

	get renewing() {
		return this.session && this.session.renewing;
	}

	/* -- who -- */

	/* Silent: wx.login's code for tokens; or {ticket}, or {username, password}.
	 * Resolves to {uid, accessToken, refreshToken, expiresIn}. */
	login(options) {
		const o = options || {};
		const by = o.ticket !== undefined || o.username !== undefined;

		return settle('cloud.login', options, () => {
			const session = this.ready();

			return by ? session.renewNext(() => session.loginBy(o)) :
				session.renew(session.freshLogin);
		});
	}

	/* {all: true}: on all of the user's devices.  Watches end first: one that
	 * came back would log in again. */
	logout(options) {
		return settle('cloud.logout', options, ({ all }) => {
			const session = this.ready();

			this.realtime.failAll(watchFailure('WATCH_SERVER',
				'cloud.logout was called'));
			return session.logout(Boolean(all))
				.then(() => ({ errMsg: 'cloud.logout:ok' }));
		});
	}

	/* The user's devices that are logged in: {devices: [{sid, device, kind,
	 * createdAt, usedAt, current}]}. */
	devices(options) {
		return settle('cloud.devices', options, () => this.ready().ask({
			path: '/v1/session/devices', method: 'GET', isSafe: true,
		}).then(({ data }) => Object.assign(data,
			{ errMsg: 'cloud.devices:ok' })));
	}

	/* Logs one of them out. */
	endDevice(options) {
		return settle('cloud.endDevice', options, (o) => this.ready().ask({
			method: 'DELETE', isSafe: true, path:
				`/v1/session/devices/${encodeURIComponent(o.sid)}`,
		}).then(() => ({ errMsg: 'cloud.endDevice:ok' })));
	}

	/* -- functions -- */

	callFunction(options) {
		return settle('cloud.callFunction', options, (o) => {
			const { name, data, idempotencyKey } = o;
			const session = this.ready();

			if (!name || typeof name !== 'string')
				throw failure('cloud.callFunction', 'INVALID_PARAM',
					'name: the function to call');
			return Promise.resolve(withCDN(session, data))
				.then((event) => session.ask({
					path: `/v1/functions/${
						encodeURIComponent(name)}` +
						laterQuery(o),
					more: idempotencyKey && { 'idempotency-key':
						idempotencyKey },
					isSafe: Boolean(idempotencyKey),
					body: eventText(event) }))
				.then((answer) => ({
					errMsg: 'cloud.callFunction:ok',
					result: answer.data,
					requestID: answer.requestID }));
		});
	}

	/* What WeChat says of the user in an encrypted form: `from` asks it for that
	 * (() => wx.getWeRunData(), say; a promise or the answer itself), the
	 * server opens it and gives a cloudID, for CloudID() in a function's data.
	 * The order is kept: login, `from`, server.  When the key was displaced all
	 * the same (another device of the user's), it is done once more. */
	getOpenData(options) {
		return settle('cloud.getOpenData', options, ({ from }) => {
			const session = this.ready();

			if (typeof from !== 'function')
				throw failure('cloud.getOpenData',
					'INVALID_PARAM',
					'from: a function that asks WeChat');
			return this.openOnce(from).catch((err) => {
				const again = () => this.openOnce(from);

				if (DISPLACED.includes(err.code) &&
					session.canLogin())
					return session.renew(session.freshLogin)
						.then(again);
				if (!STALE.includes(err.code))
					throw err;
				return session.another(err.token, err.code)
					.then((isNew) => {
						if (!isNew)
							throw err;
						return again();
					});
			});
		});
	}

	openOnce(from) {
		const { session } = this;

		return session.token().then((token) => session.alone(() =>
			Promise.resolve(from()).then(({ encryptedData, iv, rawData,
				signature }) => session.send({ token,
				path: '/v1/wechat/open-data',
				body: JSON.stringify({ encryptedData, iv, rawData,
					signature }) }))
				.then(({ data }) => Object.assign(data || {},
					{ errMsg: 'cloud.getOpenData:ok' }),
				(err) => {
					throw Object.assign(err, { token });
				})));
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

	/* -- files -- */

	uploadFile(options) {
		return settleTask('cloud.uploadFile', options, (o, task) =>
			uploadFile(this.ready(), o, task));
	}

	downloadFile(options) {
		return settleTask('cloud.downloadFile', options, (o, task) =>
			downloadFile(this.ready(), o, task));
	}

	getTempFileURL(options) {
		return settle('cloud.getTempFileURL', options, (o) =>
			getTempFileURL(this.ready(), o));
	}

	deleteFile(options) {
		return settle('cloud.deleteFile', options, (o) =>
			deleteFile(this.ready(), o));
	}

	/* -- what else the server answers -- */

	callContainer(options) {
		return settle('cloud.callContainer', options, (o) =>
			callContainer(this.ready(), o));
	}

	connectContainer(options) {
		return settle('cloud.connectContainer', options, (o) =>
			connectContainer(this.ready(), o));
	}

	/* Any other path of the server, as the logged-in user. */
	request(options) {
		return settle('cloud.request', options, (o) => {
			const { data } = o;
			const path = pathOf('cloud.request', o.path);
			const method = o.method ||
				(data === undefined ? 'GET' : 'POST');

			return this.ready().ask({ path, method,
				isSafe: method === 'GET', more: o.header,
				body: data === undefined ? undefined :
					JSON.stringify(data) })
				.then((answer) => Object.assign(answer,
					{ errMsg: 'cloud.request:ok' }));
		});
	}

	database(options) {
		const session = this.ready();
		const { realtime } = this;
		const env = (options && options.env) || session.conf.env ||
			undefined;
		const ask = (action, more, isSafe) => session.act(
			`database.${action}`, Object.assign({ env }, more), isSafe);

		ask.watch = (asked, wanted) => {
			checkWatch(wanted || {});
			return realtime.add(asked, wanted);
		};
		return {
			config: { env },
			command: this.command,
			Geo: GEO,
			collection: (name) => new Collection(ask, name),
			serverDate: (o) => new ServerDate((o && o.offset) || 0),
			RegExp: function MakePattern(o) {
				return new Pattern(o.regexp, o.options || '');
			},
		};
	}

	/* Another login or another server, beside this one. */
	createNewInstance(conf) {
		return new Cloud(conf);
	}
}

const main = new Cloud();
main.Cloud = Cloud;

/* A module where there are modules, mpcloud where there are none. */
/* eslint-disable no-undef */
if (typeof module === 'object' && module.exports)
	module.exports = main;
else
	globalThis.mpcloud = main;
}());
