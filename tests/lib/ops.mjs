// Cloud calls as the operator makes them: POST /admin on the operator's socket.
// Without an agent each has a connection of its own, so that any gateway may get
// any call.

import { request } from 'node:http';
import { join } from 'node:path';

const TIMEOUT_MS = 30000;

// The envelope; rejects when no answer came (error.code: ECONNRESET, …).
export function opsCall(stack, action, body = {}, agent = false) {
  return new Promise((done, fail) => {
    const r = request({ socketPath: join(stack.run, 'run', 'ops.sock'), method: 'POST',
      path: '/admin', agent, timeout: TIMEOUT_MS }, (answer) => {
      let text = '';
      answer.on('data', (d) => { text += d; });
      answer.on('error', fail);
      answer.on('end', () => {
        try { done(JSON.parse(text)); } catch (error) { fail(error); }
      });
    });
    r.on('timeout', () => r.destroy(Object.assign(new Error('no answer'), { code: 'HUNG' })));
    r.on('error', fail);
    r.end(JSON.stringify({ action, ...body }));
  });
}

// A transaction, in generation 2's words.  Refusals are thrown as envelopes.
export class Tx {
  constructor(stack, id) { Object.assign(this, { stack, id }); }

  static async start(stack) {
    const answer = await opsCall(stack, 'database.startTransaction');
    if (answer.code) throw answer;
    return new Tx(stack, answer.transactionId);
  }

  async call(action, body = {}) {
    const answer = await opsCall(this.stack, action, { ...body, transactionId: this.id });
    if (answer.code) throw answer;
    return answer;
  }

  async get(collectionName, _id) {
    const { data } = await this.call('database.getDocument', { collectionName, queryType: 'DOC',
      query: JSON.stringify({ _id }), multi: false });
    return data.list.length ? JSON.parse(data.list[0]) : null;
  }

  async update(collectionName, _id, change) {
    const { data } = await this.call('database.modifyDocument', { collectionName, queryType: 'DOC',
      query: JSON.stringify({ _id }), data: JSON.stringify(change), multi: false, merge: true, upsert: false });
    return data.updated;
  }

  async set(collectionName, _id, doc) {
    const { data } = await this.call('database.modifyDocument', { collectionName, queryType: 'DOC',
      query: JSON.stringify({ _id }), data: JSON.stringify(doc), multi: false, merge: false, upsert: true });
    return data;
  }

  async add(collectionName, doc) {
    const { data } = await this.call('database.insertDocument', { collectionName, data: [JSON.stringify(doc)] });
    return data.insertedIds[0];
  }

  async remove(collectionName, _id) {
    const { data } = await this.call('database.removeDocument', { collectionName, queryType: 'DOC',
      query: JSON.stringify({ _id }), multi: false });
    return data.deleted;
  }

  commit() { return this.call('database.commitTransaction'); }

  abort() { return this.call('database.abortTransaction'); }
}
