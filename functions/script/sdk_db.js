'use strict';
// cloud.database(): collections, queries and documents, with the results and
// errors that wx-server-sdk 4.0.2 gives.

const ejson = require('./sdk_ejson');
const encode = require('./sdk_encode');
const errors = require('./sdk_errors');
const { command, Update } = require('./sdk_command');
const { Geo } = require('./sdk_geo');
const { send } = require('./sdk_wire');
const { check, told, numbered } = errors;

const LIMIT = 100;
const LIMIT_TOP = 1000;

// ---- what is refused before it is sent

function invalid(message) {
  return new errors.Refused({ code: 'INVALID_PARAM', message });
}

function checkChange(data) {
  if (!data || typeof data !== 'object') throw invalid('参数必需是非空对象');
  if (Object.hasOwn(data, '_id')) throw invalid('不能更新_id的值');
}

function unwatched(what) {
  return new Error(`${what}.watch: a cloud function does not watch; watch in `
    + 'the page, or give the function a "document" trigger');
}

function checkData(options) {
  check(options, { data: 'object' });
  checkNotEmpty(options.data);
}

function checkNotEmpty(data) {
  if (Object.keys(data).length === 0)
    throw new errors.CloudSDKError({ errMsg: 'options.data must not be empty' });
}

function hasUpdate(value) {
  if (value instanceof Update) return true;
  return typeof value === 'object' && value !== null
    && Object.values(value).some(hasUpdate);
}

function checkInteger(name, value) {
  if (!Number.isInteger(value)) throw new Error(`${name}must be integer`);
}

function projection(fields) {
  const out = {};
  for (const [key, value] of Object.entries(fields)) {
    if (typeof value === 'boolean') out[key] = value ? 1 : 0;
    else if (typeof value === 'number') out[key] = value > 0 ? 1 : 0;
    else if (typeof value === 'object') out[key] = value;
  }
  return out;
}

// Runs it and says what went wrong as `api` does.
async function as(api, work) {
  try {
    return await work();
  } catch (err) {
    const said = told(numbered(err), api);
    // runTransaction begins again after these.
    if (err?.code === 'DATABASE_TRANSACTION_CONFLICT') conflicts.add(said);
    throw said;
  }
}
const conflicts = new WeakSet();

// ---- queries

class Query {
  #spec;

  // spec: {database, name, tx, query, order, offset, limit, projection, multiple}
  constructor(spec) {
    this.#spec = spec;
    this.collectionName = spec.name;
    Object.defineProperty(this, 'database', { value: spec.database });
  }

  #with(more) {
    return new Query({ ...this.#spec, ...more });
  }

  where(given) {
    if (Object.prototype.toString.call(given) !== '[object Object]')
      throw Error('查询参数必须为对象');
    const keys = Object.keys(given);
    if (keys.length > 0 && keys.every((key) => given[key] === undefined))
      throw Error('查询参数对象值不能均为undefined');
    return this.#with({ query: encode.queryText(given) });
  }

  field(fields) {
    return this.#with({ projection: projection(fields) });
  }

  orderBy(path, direction) {
    if (!/^[a-zA-Z0-9-_.]/.test(path))
      throw new Error(`orderBy: ${path} is not the path of a field`);
    if (direction !== 'asc' && direction !== 'desc')
      throw new Error('排序字符不合法');
    return this.#with({ order: { ...this.#spec.order,
      [path]: direction === 'desc' ? -1 : 1 } });
  }

  limit(limit) {
    checkInteger('limit', limit);
    return this.#with({ limit });
  }

  skip(offset) {
    checkInteger('offset', offset);
    return this.#with({ offset });
  }

  #body(more) {
    const { name, query } = this.#spec;
    return { collectionName: name, queryType: 'WHERE', query: query || undefined,
      ...more };
  }

  get() {
    return as('collection.get', async () => {
      const { tx, order, offset, limit, projection: fields } = this.#spec;
      const { data } = await send(this.#body({
        action: 'database.getDocument',
        transactionId: tx,
        order: order && ejson.stringify(order),
        offset: offset || undefined,
        limit: limit ? Math.min(limit, LIMIT_TOP) : LIMIT,
        projection: fields && ejson.stringify(fields),
      }));
      return { data: data.list.map((text) => ejson.parse(text, true)),
        errMsg: 'collection.get:ok' };
    });
  }

  count() {
    return as('collection.count', async () => {
      const { data } = await send(this.#body({
        action: 'database.calculateDocument' }));
      return { total: data.total, errMsg: 'collection.count:ok' };
    });
  }

  update(options) {
    return as('collection.update', async () => {
      check(options?.data, 'object');
      checkNotEmpty(options.data);
      checkChange(options.data);
      const { data } = await send(this.#body({
        action: 'database.modifyDocument',
        multi: options.multi !== false,
        merge: true,
        upsert: false,
        data: encode.updateText(options.data),
      }));
      return { stats: { updated: data.updated || 0 },
        errMsg: 'collection.update:ok' };
    });
  }

  remove(options = {}) {
    return as('collection.remove', async () => {
      const { data } = await send(this.#body({
        action: 'database.removeDocument',
        query: this.#spec.query ?? '',
        multi: options.multi !== false,
      }));
      return { stats: { removed: data.deleted }, errMsg: 'collection.remove:ok' };
    });
  }

  watch() {
    throw unwatched('collection');
  }
}

class Collection extends Query {
  #spec;

  constructor(spec) {
    super(spec);
    this.#spec = spec;
  }

  doc(id) {
    if (typeof id !== 'string' && typeof id !== 'number')
      throw new Error('docId必须为字符串或数字');
    return new Document({ ...this.#spec, id, collection: this });
  }

  add(options) {
    return as('collection.add', async () => {
      const { name, tx } = this.#spec;
      const isList = Array.isArray(options.data);
      const documents = isList ? options.data : [options.data];
      const { data } = await send({ action: 'database.insertDocument',
        collectionName: name, data: documents.map(ejson.stringify),
        transactionId: tx });
      return isList
        ? { _ids: data.insertedIds, errMsg: 'collection.add:ok' }
        : { _id: data.insertedIds[0], errMsg: 'collection.add:ok' };
    });
  }

  aggregate() {
    const { Aggregation } = require('./sdk_aggregate');
    return new Aggregation(this.#spec.name);
  }
}

// ---- documents

class Document {
  #spec;

  constructor(spec) {
    this.#spec = spec;
    this._id = spec.id;
    Object.defineProperty(this, 'collection', { value: spec.collection });
    Object.defineProperty(this, 'database', { value: spec.database });
  }

  #send(action, more) {
    const { name, id, tx } = this.#spec;
    return send({ action: `database.${action}`, collectionName: name,
      queryType: 'DOC', query: ejson.stringify({ _id: id }), multi: false,
      transactionId: tx, ...more });
  }

  field(fields) {
    if (fields === undefined || fields === null)
      throw new errors.CloudSDKError({
        errMsg: 'parameter object of function field must be provided' });
    check(fields, 'object', 'field');
    return new Document({ ...this.#spec, projection: projection(fields) });
  }

  get() {
    return as('document.get', async () => {
      const { id, projection: fields, database } = this.#spec;
      const { data } = await this.#send('getDocument',
        { projection: fields && ejson.stringify(fields) });
      if (data.list.length > 0)
        return { data: ejson.parse(data.list[0], true), errMsg: 'document.get:ok' };
      if (database.throwsOnNotFound())
        throw `document with _id ${id} does not exist`;
      return { data: null, errMsg: 'document.get:ok' };
    });
  }

  set(options) {
    return as('document.set', async () => {
      checkData(options);
      if (!this.#spec.id) throw invalid('docId不能为空');
      checkChange(options.data);
      if (hasUpdate(options.data))
        throw new errors.Refused({ code: 'DATABASE_REQUEST_FAILED',
          message: 'update operator complicit' });
      const { data } = await this.#send('modifyDocument', { merge: false,
        upsert: true, data: ejson.stringify(options.data) });
      // In a transaction the package does not tell what was created.
      const created = data.upsert_id && !this.#spec.tx ? 1 : 0;
      return { _id: this.#spec.id, errMsg: 'document.set:ok',
        stats: { updated: data.updated, created } };
    });
  }

  update(options) {
    return as('document.update', async () => {
      checkData(options);
      checkChange(options.data);
      const { data } = await this.#send('modifyDocument', { merge: true,
        upsert: false, data: encode.updateText(options.data) });
      return { stats: { updated: data.updated }, errMsg: 'document.update:ok' };
    });
  }

  remove() {
    return as('document.remove', async () => {
      const { data } = await this.#send('removeDocument');
      return { stats: { removed: data.deleted || 0 },
        errMsg: 'document.remove:ok' };
    });
  }

  watch() {
    throw unwatched('document');
  }
}

// ---- transactions

function named(name) {
  if (!name) throw new Error('Collection name is required');
  return name;
}

class Transaction {
  #id;
  #database;

  constructor(database, id) {
    this.#database = database;
    this.#id = id;
    this.isOver = false;
    Object.defineProperty(this, 'isOver', { enumerable: false });
  }

  collection(name) {
    return new Collection({ database: this.#database, name: named(name),
      tx: this.#id });
  }

  async commit() {
    const answer = await send({ action: 'database.commitTransaction',
      transactionId: this.#id });
    this.isOver = true;
    return answer;
  }

  // What runTransaction rejects with.
  async rollback(reason) {
    const answer = await send({ action: 'database.abortTransaction',
      transactionId: this.#id });
    this.isOver = true;
    Object.defineProperty(this, 'aborted', { value: { reason } });
    return answer;
  }
}

async function begin(database) {
  const { transactionId } = await send({ action: 'database.startTransaction' });
  return new Transaction(database, transactionId);
}

function isConflict(err) {
  return Boolean(err) && (conflicts.has(err)
    || err.code === 'DATABASE_TRANSACTION_CONFLICT');
}

async function attempt(database, work) {
  const tx = await begin(database);
  let value;
  try {
    value = await work(tx);
    if (!tx.aborted) await tx.commit();
  } catch (err) {
    if (!tx.isOver) await tx.rollback().catch(() => undefined);
    else if (tx.aborted) throw tx.aborted.reason;
    throw err;
  }
  if (tx.aborted) throw tx.aborted.reason;
  return value;
}

// ---- the database

class Database {
  #cloud;
  #config;

  constructor(cloud, config = {}) {
    this.#cloud = cloud;
    this.#config = config;
    this.command = command;
    this.Geo = Geo;
    this.serverDate = (options) => new ejson.ServerDate(options);
    this.RegExp = (options) => new ejson.RegularExpression(options);
    this.ObjectId = (options) => new ejson.ObjectId(options);
  }

  throwsOnNotFound() {
    return Boolean(this.#config.throwOnNotFound
      ?? this.#cloud.config.throwOnNotFound ?? true);
  }

  collection(name) {
    return new Collection({ database: this, name: named(name) });
  }

  async createCollection(name) {
    try {
      const { requestId } = await send({ action: 'database.addCollection',
        collectionName: name });
      return { errMsg: 'createCollection:ok', requestId };
    } catch (err) {
      throw told(err, 'createCollection');
    }
  }

  startTransaction() {
    return begin(this);
  }

  async runTransaction(work, times = 3) {
    for (let left = times; ; left--) {
      try {
        return await attempt(this, work);
      } catch (err) {
        if (left <= 0 || !isConflict(err)) throw err;
      }
    }
  }
}

module.exports = { Database };
