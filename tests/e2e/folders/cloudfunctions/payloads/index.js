// Large events and large answers.
const sum = (list) => list.reduce((a, b) => a + b, 0);

exports.main = async (event) => {
  if (event.make)
    return { text: 'x'.repeat(event.make), n: event.make };
  if (event.wide)
    return Array.from({ length: event.wide }, (v, i) => ({ i, s: `茶${i}` }));
  if (event.deep) {
    let o = { end: true };
    for (let i = 0; i < event.deep; i++) o = { o };
    return o;
  }
  return {
    chars: (event.text || '').length,
    bytes: Buffer.byteLength(event.text || ''),
    sum: sum(event.list || []),
    keys: Object.keys(event.map || {}).length,
  };
};
