// A program of the operator's that signs its requests: what auth/api_sign.h and
// docs/routes.md say, in the words of Node alone.
import { createHash, createHmac, randomBytes } from 'node:crypto';

export function authorization(key, { method, target, body = '', now = Date.now(), nonce } = {}) {
  const [path, query = ''] = target.split(/\?(.*)/s);
  const timestamp = String(Math.floor(now / 1000));
  nonce ??= randomBytes(16).toString('hex');
  const text = ['MPCLOUD-HMAC-SHA256', method, path, query, timestamp, nonce,
    createHash('sha256').update(body).digest('hex')].join('\n');
  const signature = createHmac('sha256', key).update(text).digest('hex');
  return `MPCLOUD-HMAC-SHA256 key="${key.slice(4, 20)}", timestamp="${timestamp}", ` +
    `nonce="${nonce}", signature="${signature}"`;
}
