// Timers that nobody clears: of the module, and of each call.
let calls = 0;

setInterval(() => {}, 5);
const heart = setInterval(() => {}, 1000);
if (heart.unref) heart.unref();

exports.main = async (event) => {
  const order = [];
  calls++;
  setTimeout(() => {}, 60000);
  setInterval(() => {}, 50);
  const cleared = setTimeout(() => order.push('never'), 1);
  clearTimeout(cleared);
  await new Promise((resolve) => {
    setTimeout((a, b) => { order.push(a + b); resolve(); }, 10, 'time', 'out');
    Promise.resolve().then(() => order.push('promise'));
    queueMicrotask(() => order.push('microtask'));
    process.nextTick(() => order.push('tick'));
    setImmediate(() => order.push('immediate'));
    order.push('now');
  });
  return { order: order.filter((o) => o !== 'tick'), tick: order.includes('tick'), n: event.n };
};
