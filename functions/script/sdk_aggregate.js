'use strict';
// collection.aggregate() and $.pipeline(): stages one after the other.

const ejson = require('./sdk_ejson');
const encode = require('./sdk_encode');
const geo = require('./sdk_geo');
const { told } = require('./sdk_errors');
const { send } = require('./sdk_wire');

const API = 'collection.aggregate';

class Aggregation {
  #name;
  #stages = [];

  constructor(name) {
    this.#name = name;
  }

  #add(name, value) {
    const isObject = Object.prototype.toString.call(value) === '[object Object]';
    this.#stages.push({ stageKey: `$${name}`,
      stageValue: isObject ? ejson.stringify(value) : JSON.stringify(value) });
    return this;
  }

  match(given) {
    return this.#add('match', encode.query(given));
  }

  geoNear(given) {
    const value = { ...given };
    if (given.query) value.query = encode.query(given.query);
    if (given.near)
      value.near = new geo.Point(given.near.longitude, given.near.latitude)
        .toJSON();
    return this.#add('geoNear', value);
  }

  indexStats() {
    return this.#add('indexStats', {});
  }

  // What a pipeline within a stage is made of.
  done() {
    return this.#stages.map(({ stageKey, stageValue }) =>
      ({ [stageKey]: JSON.parse(stageValue) }));
  }

  async end() {
    try {
      if (!this.#name)
        throw new Error('Aggregation pipeline cannot send request');
      const { data } = await send({ action: 'database.aggregateDocuments',
        collectionName: this.#name, stages: this.#stages });
      return { list: data.list.map((text) => ejson.parse(text)),
        errMsg: `${API}:ok` };
    } catch (err) {
      throw told(err, API);
    }
  }

  static {
    for (const name of ['addFields', 'bucket', 'bucketAuto', 'collStats',
      'count', 'facet', 'graphLookup', 'group', 'limit', 'lookup', 'out',
      'project', 'redact', 'replaceRoot', 'sample', 'skip', 'sort',
      'sortByCount', 'unwind'])
      Object.defineProperty(Aggregation.prototype, name, { writable: true,
        configurable: true, value(given) {
          return this.#add(name, given);
        } });
  }
}

module.exports = { Aggregation };
