// What one would write by hand for watch(): ws, pg's LISTEN, a trigger that
// notifies, and a look at each follower's condition.  argv: a folder with
// PostgreSQL's socket.

const http = require('node:http');
const { WebSocketServer } = require('ws');
const { Client } = require('pg');

const rooms = new Map(); // room or '' (all): sockets
const server = http.createServer((_, answer) => answer.end('{}'));
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', (data) => {
    const { room } = JSON.parse(data);
    if (!rooms.has(room)) rooms.set(room, new Set());
    rooms.get(room).add(socket);
    socket.on('close', () => rooms.get(room).delete(socket));
    socket.send('{"ready":true}');
  });
});

async function main() {
  const pg = new Client({ host: process.argv[2], user: 'mpcloud', database: 'postgres' });
  await pg.connect();
  pg.on('notification', ({ payload }) => {
    const doc = JSON.parse(payload);
    const text = JSON.stringify({ type: 'update', doc });
    for (const room of ['', doc.room])
      for (const socket of rooms.get(room) ?? []) socket.send(text);
  });
  await pg.query('LISTEN bench_watch');
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
}
main();
