// What each folder is called with.  `script`: it also runs on that runtime;
// `module`: that runtime refuses it.
export const WX = ['0.8.1', '1.8.3', '2.1.2', '2.4.0', '2.6.3', '2.7.2', '3.0.4', '4.0.2'];

const orders = [
  { id: 'a', user: 'u1', price: 100, at: 3 }, { id: 'b', user: 'u2', price: 250, at: 9 },
  { id: 'c', user: 'u1', price: 50, at: 5 }, { id: 'a', user: 'u2', price: 1, at: 1 },
];

export const folders = {
  router: { events: [{ $url: 'user', name: 'Lu Yu' }, { $url: 'school' }, { $url: 'nowhere' }] },
  lodash: { events: [{ orders, text: 'green tea_house' }, { a: { b: [{ c: 4 }] } }] },
  dates: { env: { TZ: 'Asia/Shanghai' },
    events: [{ at: '2024-02-28T16:30:00.000Z', days: 2 }, { at: 0, days: -1 }] },
  'module-mjs': { module: true, events: [{}, { name: 'oolong' }, { name: 'unknown' }] },
  'module-type': { module: true,
    events: [{}, { items: [{ id: 't', price: 1200, n: 2 }, { id: 't', price: 1200 }] }] },
  nested: { script: true, events: [{}, { act: 'find', id: 't3', numbers: [1, 2, 3.5], title: 'green tea' },
    { act: 'find', id: 'none' }] },
  errors: { script: true, events: ['none', 'throw', 'reject', 'custom', 'value', 'object', 'reference',
    'chained', 'callback', 'answered', 'timer', 'none', 'unhandled', 'none', 'after', 'none',
  ].map((how) => ({ how })) },
  timers: { script: true, events: [{ n: 1 }, { n: 2 }, { n: 3 }] },
  payloads: { script: true, events: [{}, { text: '茶'.repeat(150000) },
    { list: Array.from({ length: 100000 }, (v, i) => i) },
    { map: Object.fromEntries(Array.from({ length: 20000 }, (v, i) => [`k${i}`, { i }])) },
    { wide: 30000 }, { deep: 200 }, { make: 1000000 }] },
  state: { script: true, events: [{ key: 'a', forget: true }, { key: 'b' }, { key: 'a' }, { key: 'a' }] },
  emitters: { script: true, events: [{}, { orders: [{ id: 1 }, { id: 2, n: 3 }, { id: 3, bad: true }] }] },
  streams: { events: [{ lines: ['green', 'black', '茶'], bytes: 300000 }] },
  crypto: { script: true, events: [{ text: 'green tea 茶', key: 'secret', list: { b: 2, a: 1, c: '茶' } },
    { text: '', key: 'k', list: {} }] },
  web: { script: true, events: [{ path: '/todos' }, { path: '/todos/1' }, { path: '/todos/9' },
    { path: '/todos', query: { q: 'none' } }, { method: 'POST', path: '/todos', body: { title: 'drink' } },
    { path: '/broken' }, { path: '/nowhere' }] },
  exported: { script: true, events: [{}, { n: 21 }] },
  optional: { script: true, events: [{}, { bytes: [1, 2, 255] }] },
  typescript: { script: true, handler: 'dist/index.main', events: [{}, { orders: [{ id: 'a', price: 5, n: 2 }] },
    { bad: true }] },
};
