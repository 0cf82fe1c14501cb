// A TCP proxy in front of a server, whose connections a test cuts.

import net from 'node:net';

export async function startProxy(url) {
  const target = new URL(url);
  const pairs = new Set();
  let open = true;
  const server = net.createServer((client) => {
    if (!open) { client.destroy(); return; }
    const behind = net.connect(Number(target.port), target.hostname);
    const pair = { client, behind };
    pairs.add(pair);
    const end = () => { pairs.delete(pair); client.destroy(); behind.destroy(); };
    for (const [from, to] of [[client, behind], [behind, client]]) {
      from.pipe(to);
      from.on('error', end);
      from.on('close', end);
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const cut = () => { for (const { client, behind } of [...pairs]) { client.destroy(); behind.destroy(); } };
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    connections: () => pairs.size,
    // Whoever is connected is so no more, in the middle of whatever was said.
    cut,
    // Nobody gets through until it is opened again.
    shut() { open = false; cut(); },
    open() { open = true; },
    stop() { open = false; cut(); server.close(); },
  };
}
