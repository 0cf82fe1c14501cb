// A chat over WebSockets: says back what it hears, tells another connection, and
// notes in what order it was called.
const mpcloud = require('mpcloud');

// Workers share nothing but the database; the machine's clock says the order.
const note = ({ connectionId, type, data, code }) => mpcloud.call('database.insertDocument', { collectionName: 'seen',
  data: [JSON.stringify({ connectionId, type, what: data ?? code ?? null, at: Number(process.hrtime.bigint() / 1000n) })] });
const seen = async (connectionId) => (await mpcloud.call('database.queryDocument', { collectionName: 'seen',
  query: { connectionId }, order: [{ field: 'at', direction: 'asc' }], limit: 100 })).data.list;

exports.main = async (event) => {
  if (event.type && (event.type !== 'websocket.message' || event.data === 'id')) await note(event);
  switch (event.type) {
    case 'websocket.upgrade':
      if (event.queryStringParameters?.no) return { statusCode: 451, body: 'not you' };
      return { allowWebSocket: !event.queryStringParameters?.never };
    case 'websocket.message': return hear(event);
    case 'websocket.connection':
    case 'websocket.close': return undefined;
    default:
      return event.seen ? seen(event.seen) : { statusCode: 200, headers: {}, body: `${event.httpMethod} ${event.path} ${event.body ?? ''}` };
  }
};

async function hear({ connectionId, data, isBase64Encoded }) {
  if (isBase64Encoded) return { bytes: Buffer.from(data, 'base64').length };
  const word = data.split(' ')[0];
  if (word === 'id') return connectionId;
  if (word === 'silent') return undefined;
  if (word === 'who') return { openid: process.env.WX_OPENID ?? '' };
  if (word === 'throw') throw new Error('as asked');
  if (word === 'tell') {
    const [, to, ...text] = data.split(' ');
    try {
      await mpcloud.call('websocket.send', { connectionId: to, data: text.join(' ') });
      return 'told';
    } catch (error) {
      return `not told: ${error.code}`;
    }
  }
  if (word === 'end') await mpcloud.call('websocket.close', { connectionId, code: 3333, reason: 'as asked' });
  if (word === 'slow') await new Promise((done) => { setTimeout(done, 20); });
  return `heard ${data}`;
}
