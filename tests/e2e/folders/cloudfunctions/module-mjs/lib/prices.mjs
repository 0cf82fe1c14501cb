// Top-level await in a child: the parent sees what it waited for.
const load = () => new Promise((resolve) => {
  setTimeout(() => resolve({ green: 1200, black: 990, oolong: 2050 }), 5);
});

export default await load();
export const currency = 'CNY';
