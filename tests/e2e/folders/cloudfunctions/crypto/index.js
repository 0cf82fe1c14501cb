const crypto = require('crypto');

exports.main = async ({ text, key, list }) => {
  const bytes = Buffer.from(text, 'utf8');
  const mixed = Buffer.concat([bytes, Buffer.from([0, 255]), Buffer.from('e88cb6', 'hex')]);
  return {
    md5: crypto.createHash('md5').update(text).digest('hex'),
    sha256: crypto.createHash('sha256').update(bytes).digest('base64'),
    sign: crypto.createHmac('sha1', key).update(text).digest('hex'),
    sorted: crypto.createHmac('sha256', key)
      .update(Object.keys(list).sort().map((k) => `${k}=${list[k]}`).join('&'))
      .digest('hex').toUpperCase(),
    base64: bytes.toString('base64'),
    hex: mixed.toString('hex'),
    slice: mixed.slice(1, 3).toString('hex'),
    number: mixed.readUInt16BE(0),
    found: mixed.indexOf('茶'),
    same: Buffer.compare(bytes, Buffer.from(text)) === 0,
    json: JSON.parse(JSON.stringify(Buffer.from('ab'))),
    random: crypto.randomBytes(16).length,
    uuid: /^[0-9a-f-]{36}$/.test(crypto.randomUUID()),
    back: Buffer.from(bytes.toString('base64'), 'base64').toString(),
  };
};
