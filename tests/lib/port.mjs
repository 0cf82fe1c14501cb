// A port for a program that must be told its own.  Below those that the kernel gives
// to connections and to whoever asks for any (net.ipv4.ip_local_port_range begins at
// 32768), so that nobody gets it between now and then; each program begins elsewhere.

import { createServer } from 'node:net';

const FIRST = 15000, COUNT = 15000;
let next = (process.pid * 61) % COUNT;

const isFree = (port) => new Promise((done) => {
  const server = createServer();
  server.once('error', () => done(false));
  server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
});

export async function freePort() {
  for (;;) {
    next = (next + 1) % COUNT;
    if (await isFree(FIRST + next)) return FIRST + next;
  }
}
