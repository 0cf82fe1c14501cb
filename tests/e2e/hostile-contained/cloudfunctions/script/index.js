// Means harm, with what the runtime script gives.
const fs = require('fs');

const hold = [];
const ways = {
  loop: () => { for (;;); },
  fast: () => { for (;;) hold.push(new Uint8Array(64 << 20).fill(1)); },
  slow: async () => {
    for (;;) { hold.push(new Uint8Array(1 << 20).fill(1)); await new Promise((done) => setTimeout(done, 2)); }
  },
  shadow: () => fs.readFileSync('/etc/shadow', 'utf8'),
  environ: () => fs.readFileSync('/proc/1/environ', 'utf8'),
  disk: () => {
    try { for (let i = 0; ; i++) fs.writeFileSync(`/tmp/fill${i}`, new Uint8Array(1 << 20)); }
    finally { for (const name of fs.readdirSync('/tmp')) if (/^fill/.test(name)) fs.unlinkSync(`/tmp/${name}`); }
  },
  fetch: async ({ url }) => (await fetch(url)).status,
  answer: () => Array.from({ length: 64 }, () => 'x'.repeat(16 << 20)),
  flood: () => { for (let i = 0; i < 100000; i++) console.log('flood', i, 'x'.repeat(100)); },
  line: () => { console.log('x'.repeat(4 << 20)); console.log('end of line'); },
  echo: (event) => event,
};

exports.main = (event) => ways[event.how](event);
