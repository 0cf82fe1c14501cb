'use strict';
// What the template does before its first fork, so that workers find it done:
// files read and compiled that most functions touch sooner or later, the SDK's
// ways walked once when the author's code has asked for it, and some rounds of
// what every call does, so that it is compiled.
//
// Of a function without the SDK a few rounds are enough: what is compiled
// further costs a cold start more than it gives.  With it, the engine's own
// compiler has done its work after as many as here.

const USUAL = ['inspect', 'inspect_text', 'inspect_kinds', 'log', 'timers',
  'calls', 'buffer', 'text_codec', 'url', 'clone', 'abort', 'blob', 'form_data',
  'stream', 'body', 'request', 'response', 'wire', 'fetch', 'performance',
  'crypto', 'web_crypto', 'events', 'util'];

const ANSWER = '{"_id":"a","n":{"$numberInt":"1"},"at":{"$date":'
  + '{"$numberLong":"1"}},"o":{"k":[1,"x",null]},'
  + '"p":{"type":"Point","coordinates":[1,2]}}';

function walkSdk() {
  const { command: _ } = require('./sdk_command');
  const encode = require('./sdk_encode');
  const ejson = require('./sdk_ejson');
  for (let i = 0; i < 3; i++) {
    encode.queryText({ a: 1, b: _.gt(1).and(_.lt(5)), c: { d: 'x' } });
    encode.updateText({ a: _.inc(1), b: { c: 'x' }, d: new Date(0) });
    ejson.stringify({ a: 1.5, b: ['x', new Date(0)], c: { d: null } });
    ejson.parse(ANSWER, true);
  }
}

const ROUNDS = 3;
const SDK_ROUNDS = 150;
const REPLY = JSON.stringify({ requestId: 'r', data: { limit: 1,
  list: ['{"_id":"a","n":1,"o":{"k":[1,"x",null]}}'] } });

async function plainRound(event, context) {
  await null;
  return { event, id: context.request_id };
}

async function sdkRound() {
  const db = require('./sdk').database();
  const { data } = await db.collection('x').doc('y').get();
  return data;
}

function prepare(sdk) {
  for (const name of USUAL) require(`./${name}`);
  require('./inspect').format('%s', 'x', { a: [1, 'b'] }, new Error('x'));
  if (sdk) walkSdk();
}

module.exports = {
  // C asks for round 0, 1, 2 … until the answer is undefined; else it is what
  // the cloud is to have answered to the calls that were made meanwhile.
  // isLoaded(name): has the author's code brought this file of ours in?
  round(n, isLoaded) {
    const sdk = isLoaded('sdk_db');
    if (n === 0) prepare(sdk);
    if (n >= (sdk ? SDK_ROUNDS : ROUNDS)) return undefined;
    require('./invocation').warm(sdk ? sdkRound : plainRound);
    return REPLY;
  },
};
