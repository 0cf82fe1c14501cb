// A chat over WebSockets: says back what it hears, tells another connection, and
// notes in what order it was called.
const mpcloud = require('mpcloud');

const seen = [];

exports.main = async (event, context) => {
  if (event.type) seen.push([event.connectionId, event.type, event.data ?? event.code ?? null]);
  switch (event.type) {
    case 'websocket.upgrade':
      if (event.queryStringParameters?.no) return { statusCode: 451, body: 'not you' };
      return { allowWebSocket: !event.queryStringParameters?.never };
    case 'websocket.message': return hear(event);
    case 'websocket.connection':
    case 'websocket.close': return undefined;
    default:
      return event.seen ? seen : { statusCode: 200, headers: {}, body: `${event.httpMethod} ${event.path} ${event.body ?? ''}` };
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
