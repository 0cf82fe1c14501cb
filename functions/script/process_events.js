'use strict';
// process.on and its kin, before anybody needs a whole EventEmitter.

const lists = new Map();

module.exports = {
  on(name, fn) {
    if (typeof fn !== 'function')
      throw require('./errors').argType('listener', 'of type function', fn);
    if (!lists.has(name)) lists.set(name, []);
    lists.get(name).push(fn);
  },
  off(name, fn) {
    const list = lists.get(name) || [];
    const at = list.findLastIndex((each) => each === fn || each.listener === fn);
    if (at >= 0) lists.set(name, list.toSpliced(at, 1));
  },
  clear(name) {
    if (name === undefined) lists.clear();
    else lists.delete(name);
  },
  list: (name) => (lists.get(name) || []).slice(),
  names: () => [...lists.keys()].filter((name) => lists.get(name).length > 0),
  // true: somebody was there.
  emit(name, ...args) {
    const list = lists.get(name);
    if (!list || list.length === 0) return false;
    for (const fn of list) fn.apply(require('./process').process, args);
    return true;
  },
};
