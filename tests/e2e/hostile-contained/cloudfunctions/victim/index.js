// Means harm: one way for each name.
const fs = require('fs');
const http = require('http');
const net = require('net');
const { spawn } = require('child_process');

const hold = [];
const connect = (options) => new Promise((done, fail) => {
  const socket = net.connect(options, () => { done('connected'); socket.destroy(); });
  socket.on('error', fail);
});

const ways = {
  loop: () => { for (;;); },
  fast: () => { for (;;) hold.push(Buffer.alloc(64 << 20, 1)); },
  slow: async () => {
    for (;;) { hold.push(Buffer.alloc(1 << 20, 1)); await new Promise((done) => setTimeout(done, 2)); }
  },
  bomb: () => new Promise((done, fail) => {
    spawn('/bin/sh', ['-c', 'f() { f | f & f; }; f'], { stdio: 'ignore' }).on('error', fail);
  }),
  disk: () => {
    try { for (;;) fs.appendFileSync('/tmp/fill', Buffer.alloc(1 << 20)); } finally { fs.unlinkSync('/tmp/fill'); }
  },
  files: () => {
    const all = [];
    try { for (;;) all.push(fs.openSync('/dev/null', 'r')); } finally { all.forEach((fd) => fs.closeSync(fd)); }
  },
  signal: () => { process.kill(1, 'SIGKILL'); process.kill(4194303, 'SIGKILL'); },
  shadow: () => fs.readFileSync('/etc/shadow', 'utf8'),
  environ: () => fs.readFileSync('/proc/1/environ', 'utf8'),
  symlink: () => {
    try { fs.symlinkSync('/etc/shadow', '/tmp/link'); return fs.readFileSync('/tmp/link', 'utf8'); }
    finally { fs.unlinkSync('/tmp/link'); }
  },
  connect,
  garbage: () => { fs.writeSync(3, Buffer.from('\xff\xff\xff\xffgarbage garbage garbage', 'latin1')); return new Promise(() => {}); },
  half: () => { fs.writeSync(3, Buffer.from([0xe8, 3, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0x7b, 0x22])); process.reallyExit(3); },
  answer: () => Array.from({ length: 64 }, () => 'x'.repeat(16 << 20)),
  flood: () => { for (let i = 0; i < 100000; i++) console.log('flood', i, 'x'.repeat(100)); },
  line: () => { console.log('x'.repeat(4 << 20)); console.log('end of line'); },
  admin: ({ socket, token }) => new Promise((done, fail) => {
    const body = JSON.stringify({ action: 'database.countDocument', collectionName: 'items', query: '{}',
      sessionToken: token });
    const sent = http.request({ socketPath: socket, path: '/admin', method: 'POST',
      headers: { 'content-type': 'application/json' } }, (answer) => {
      let text = '';
      answer.on('data', (d) => { text += d; }).on('end', () => done(JSON.parse(text)));
    });
    sent.on('error', fail).end(body);
  }),
  token: () => process.env.TENCENTCLOUD_SESSIONTOKEN,
  echo: (event) => event,
};

exports.main = (event) => ways[event.how](event);
