// Node's clients as packages use them, one way for each name.
const dns = require('dns');
const http = require('http');
const http2 = require('http2');
const https = require('https');
const net = require('net');
const os = require('os');
const tls = require('tls');
const { execFileSync } = require('child_process');
const { Worker } = require('worker_threads');

const said = (error) => ({ code: error.code ?? error.cause?.code, message: error.cause?.message ?? error.message,
  syscall: error.syscall });

function request(client, options) {
  return new Promise((done, fail) => {
    const sent = client.request(options, (answer) => {
      let text = '';
      answer.on('data', (d) => { text += d; });
      answer.on('end', () => done({ status: answer.statusCode, text, remote: sent.socket.remoteAddress }));
    });
    sent.on('error', fail);
    sent.end(options.body);
  });
}

const ways = {
  http: ({ host, port, body }) => request(http, { host, port, path: '/x', method: 'POST', body }),
  agent: async ({ host, port }) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const all = await Promise.all([1, 2, 3].map((n) => request(http, { host, port, path: `/${n}`, agent })));
    agent.destroy();
    return all.map((a) => a.text);
  },
  https: ({ host, port, ca }) => request(https, { host, port, path: '/x', ca, servername: 'localhost' }),
  badTls: ({ host, port }) => request(https, { host, port, path: '/x' }),
  fetch: async ({ url, body }) => {
    const answer = await fetch(url, body ? { method: 'POST', body } : {});
    return { status: answer.status, text: await answer.text() };
  },
  http2: ({ url, ca }) => new Promise((done, fail) => {
    const session = http2.connect(url, { ca });
    session.on('error', fail);
    const stream = session.request({ ':path': '/two' });
    let text = '';
    stream.on('data', (d) => { text += d; });
    stream.on('end', () => { session.close(); done(text); });
    stream.end();
  }),
  // Written before it is connected; ends its half and reads the rest.
  net: ({ host, port, size }) => new Promise((done, fail) => {
    const events = [];
    const socket = net.connect({ host, port, allowHalfOpen: true });
    let bytes = 0;
    for (const name of ['lookup', 'connect', 'ready', 'end', 'close'])
      socket.on(name, () => { events.push(name); });
    socket.on('data', (d) => { bytes += d.length; });
    socket.on('error', fail);
    socket.on('close', () => done({ bytes, events, remote: [socket.remoteAddress, socket.remotePort, socket.remoteFamily] }));
    socket.setNoDelay(true).setKeepAlive(true, 1000);
    events.push(socket.connecting);
    socket.end(Buffer.alloc(size, 'x'));
    socket.on('end', () => socket.end());
  }),
  many: async ({ host, port, count }) => {
    const one = () => new Promise((done, fail) => {
      let text = '';
      const socket = net.connect(port, host).on('error', fail);
      socket.on('data', (d) => { text += d; }).on('end', () => done(text));
      socket.end('a');
    });
    return (await Promise.all(Array.from({ length: count }, one))).join('');
  },
  tls: ({ host, port, ca }) => new Promise((done, fail) => {
    const socket = tls.connect(port, host, { ca, servername: 'localhost' }, () => {
      done({ authorized: socket.authorized, remote: socket.remoteAddress, protocol: socket.getProtocol() });
      socket.destroy();
    });
    socket.on('error', fail);
  }),
  timeout: ({ host, port }) => new Promise((done, fail) => {
    const socket = net.connect({ host, port, timeout: 50 });
    socket.on('timeout', () => { done('timeout'); socket.destroy(); });
    socket.on('error', fail);
  }),
  destroy: ({ host, port }) => new Promise((done) => {
    const socket = net.connect(port, host, () => done('connected'));
    socket.on('close', () => done('closed'));
    socket.destroy();
  }),
  lookup: ({ host, options }) => dns.promises.lookup(host, options),
  lookupOld: ({ host }) => new Promise((done, fail) => {
    dns.lookup(host, { all: true }, (error, all) => (error ? fail(error) : done(all)));
  }),
  resolve4: ({ host }) => dns.promises.resolve4(host),
  txt: ({ host }) => dns.promises.resolveTxt(host),
  ownLookup: ({ host, port }) => new Promise((done, fail) => {
    const lookup = (name, options, callback) => callback(null, '127.0.0.1', 4);
    const socket = net.connect({ host, port, lookup }, () => { done('connected'); socket.destroy(); });
    socket.on('error', fail);
  }),
  esm: ({ host, port }) => import('./client.mjs').then((m) => m.reach(host, port)),
  thread: ({ host, port }) => new Promise((done, fail) => {
    const worker = new Worker(`const net = require('net');
      const s = net.connect(${port}, ${JSON.stringify(host)}, () => {
        require('worker_threads').parentPort.postMessage('connected'); s.destroy(); });
      s.on('error', (e) => require('worker_threads').parentPort.postMessage(e.code));`, { eval: true });
    worker.on('message', done).on('error', fail);
  }),
  curl: ({ url }) => execFileSync('curl', ['-s', '-x', `socks5h://localhost${process.env.MPCLOUD_EGRESS}`, url],
    { encoding: 'utf8' }),
  direct: ({ url }) => {
    try { return execFileSync('curl', ['-s', '-m', '5', url], { encoding: 'utf8', stdio: 'pipe' }); }
    catch (error) { return error.status; }
  },
  interfaces: () => os.networkInterfaces(),
  variable: () => process.env.MPCLOUD_EGRESS ?? null,
};

exports.main = async (event) => {
  try { return await ways[event.how](event); } catch (error) { return { error: said(error) }; }
};
