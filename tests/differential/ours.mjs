// The daemon, asked as its operator over the private socket: POST /admin with
// the second generation's actions, many at once over connections that stay.

import http from 'node:http';
import { fromWire, toWire } from './values.mjs';

const text = (v) => JSON.stringify(toWire(v));

export class Ours {
  constructor(socketPath, env) {
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
    this.socketPath = socketPath;
    this.env = env;
  }

  close() {
    this.agent.destroy();
  }

  send(action, members) {
    const body = JSON.stringify({ action, envName: this.env, ...members });
    return new Promise((done, fail) => {
      const request = http.request({ agent: this.agent, socketPath: this.socketPath, method: 'POST', path: '/admin',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } }, (answer) => {
        const parts = [];
        answer.on('data', (d) => parts.push(d));
        answer.on('end', () => {
          const got = Buffer.concat(parts).toString();
          try {
            done(JSON.parse(got));
          } catch {
            fail(new Error(`${action}: HTTP ${answer.statusCode} ${got.slice(0, 300)}`));
          }
        });
        answer.on('error', fail);
      });
      request.on('error', fail);
      request.end(body);
    });
  }

  // The answer's data; a refusal is thrown, with its code.
  async call(action, collection, members = {}) {
    const answer = await this.send(action, { collectionName: collection, ...members });
    if (answer.code) throw Object.assign(new Error(answer.message), { code: answer.code });
    return answer.data ?? {};
  }

  add(collection) {
    return this.call('database.addCollection', collection);
  }

  async insert(collection, docs) {
    for (let at = 0; at < docs.length; at += 200)
      await this.call('database.insertDocument', collection, { data: docs.slice(at, at + 200).map(text) });
  }

  async find(collection, { query, order, projection, skip, limit }) {
    const data = await this.call('database.getDocument', collection, { queryType: 'WHERE', query: text(query ?? {}),
      limit: limit ?? 1000, ...(skip ? { offset: skip } : {}), ...(order ? { order: text(order) } : {}),
      ...(projection ? { projection: text(projection) } : {}) });
    return data.list.map((doc) => fromWire(JSON.parse(doc)));
  }

  async count(collection, query) {
    return (await this.call('database.calculateDocument', collection, { queryType: 'WHERE', query: text(query) })).total;
  }

  update(collection, query, update, { multi = false, upsert = false, arrayFilters } = {}) {
    return this.call('database.modifyDocument', collection, { queryType: 'WHERE', query: text(query), data: text(update),
      multi, merge: true, upsert, ...(arrayFilters ? { arrayFilters: text(arrayFilters) } : {}) });
  }

  async aggregate(collection, pipeline) {
    const stages = pipeline.map((stage) => Object.entries(stage)[0]).map(([stageKey, v]) => ({ stageKey, stageValue: text(v) }));
    return (await this.call('database.aggregateDocuments', collection, { stages })).list.map((doc) => fromWire(JSON.parse(doc)));
  }
}
