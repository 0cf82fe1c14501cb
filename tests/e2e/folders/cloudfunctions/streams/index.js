const { createReadStream, createWriteStream } = require('fs');
const { pipeline, Readable, Transform } = require('stream');
const { promisify } = require('util');
const zlib = require('zlib');
const readline = require('readline');

const pipe = promisify(pipeline);

exports.main = async (event) => {
  const packed = `/tmp/lines-${process.pid}.gz`;
  const upper = new Transform({
    transform(chunk, encoding, done) { done(null, String(chunk).toUpperCase()); },
  });
  await pipe(Readable.from(event.lines.map((l) => `${l}\n`)), upper,
    zlib.createGzip(), createWriteStream(packed));
  const lines = [];
  const input = createReadStream(packed).pipe(zlib.createGunzip());
  for await (const line of readline.createInterface({ input })) lines.push(line);
  let bytes = 0;
  for await (const chunk of Readable.from(Buffer.alloc(event.bytes, 7))) bytes += chunk.length;
  return { lines, bytes };
};
