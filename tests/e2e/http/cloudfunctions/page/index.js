// The same on the other runtime, without npm packages.
exports.main = async (event) => {
  if (event.path === '/pixel.png')
    return { statusCode: 200, headers: { 'Content-Type': 'image/png' }, isBase64Encoded: true,
      body: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==' };
  if (event.path === '/cookies')
    return { statusCode: 201, headers: { 'Set-Cookie': ['a=1', 'b=2'] }, body: '世界' };
  if (event.path === '/throw') throw new Error('on purpose');
  return { path: event.path, query: event.queryStringParameters, body: event.body,
    base64: event.isBase64Encoded, trigger: process.env.TRIGGER_SRC };
};
