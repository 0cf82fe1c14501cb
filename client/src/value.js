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

