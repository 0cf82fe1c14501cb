// Answers in the way that the path names; else shows what it was given.
const answers = {
  '/text': () => 'hello 世界',
  '/number': () => 42,
  '/object': () => ({ foo: 'bar', n: [1, 2] }),
  '/nothing': () => undefined,
  '/html': () => ({ statusCode: 200, headers: { 'content-type': 'text/html; charset=utf-8' },
    body: '<h1>世界</h1>', isBase64Encoded: false }),
  '/created': () => ({ statusCode: 201, headers: { 'X-Made': 'yes' }, body: { made: true } }),
  // The smallest PNG: one pixel, transparent.
  '/pixel.png': () => ({ statusCode: 200, headers: { 'Content-Type': 'image/png' }, isBase64Encoded: true,
    body: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==' }),
  '/cookies': () => ({ statusCode: 200, headers: { 'Set-Cookie': ['a=1; Path=/', 'b=2; HttpOnly'] },
    cookies: ['c=3'], body: 'ok' }),
  '/redirect': () => ({ statusCode: 302, headers: { Location: '/web-app/text' }, body: '' }),
  '/gzip': (event) => ({ statusCode: 200, headers: { 'content-type': 'text/plain', 'content-encoding': 'gzip' },
    isBase64Encoded: true, body: require('zlib').gzipSync('x'.repeat(10000)).toString('base64') }),
  '/big': () => ({ statusCode: 200, headers: { 'content-type': 'text/plain' }, body: 'y'.repeat(1 << 20) }),
  '/hop': () => ({ statusCode: 200, headers: { connection: 'close', 'content-length': '3', 'transfer-encoding': 'chunked',
    'x-kept': '1' }, body: 'not three' }),
  '/split': () => ({ statusCode: 200, headers: { 'x-a': 'b\r\nset-cookie: stolen=1' }, body: '' }),
  '/status': () => ({ statusCode: 1000, headers: {} }),
  '/many': () => ({ statusCode: 200, multiValueHeaders: { Vary: ['Accept', 'Origin'] }, body: '' }),
  '/throw': () => { throw new Error('on purpose'); },
  '/not-modified': () => ({ statusCode: 304, headers: { etag: '"1"' }, body: 'none of this' }),
  '/digest': (event) => {
    const bytes = Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8');
    return { length: bytes.length, base64: event.isBase64Encoded,
      sha256: require('crypto').createHash('sha256').update(bytes).digest('hex') };
  },
};

exports.main = async (event, context) => (answers[event.path] ?? (() => ({
  event, env: process.env.TCB_ENV, source: process.env.TCB_SOURCE, openid: process.env.WX_OPENID ?? null })))(event);
