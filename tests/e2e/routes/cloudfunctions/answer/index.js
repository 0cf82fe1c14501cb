// What the request asks for: {status, headers, body}.
exports.main = async (event) => {
  const { n = '1', status = '200', etag } = event.queryStringParameters;
  return {
    statusCode: Number(status),
    headers: { 'content-type': 'application/json', 'x-inner': 'secret', ...(etag ? { etag } : {}) },
    body: JSON.stringify({ user: { id: 1, password: 'p' }, list: Array.from({ length: Number(n) }, (_, i) => `item ${i}`) }),
  };
};
