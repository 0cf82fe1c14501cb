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

