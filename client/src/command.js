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

