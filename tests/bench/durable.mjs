// The least that a server of uploads does which acknowledges nothing that a power cut
// would take back: bytes into a file, fsync, its name, fsync of the folder. No rows,
// no sums, no rules. node durable.mjs DIR PORT
import { open, rename } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';

const [dir, port] = process.argv.slice(2), folder = await open(dir);
let count = 0;
http.createServer(async (request, answer) => {
  if (request.method !== 'PUT') return answer.end();
  const tmp = join(dir, `tmp${count++}`), file = await open(tmp, 'wx');
  for await (const part of request) await file.write(part);
  await rename(tmp, join(dir, encodeURIComponent(request.url)));
  await file.sync();
  await folder.sync();
  await file.close();
  answer.writeHead(201).end();
}).listen(port, '127.0.0.1');
