// A service of callContainer and connectContainer.
exports.main = async (event) => {
  if (event.type === 'websocket.upgrade') return { allowWebSocket: true };
  if (event.type === 'websocket.message') return `heard ${event.data}`;
  if (event.type) return undefined;
  return { statusCode: 201, headers: { 'content-type': 'application/json', 'x-room': '7' },
    body: JSON.stringify({ path: event.path, method: event.httpMethod, body: event.body && JSON.parse(event.body), q: event.queryStringParameters }) };
};
