'use strict';
// The global `performance`: a clock that only goes forward.

const origin = host.mono();
const marks = [];

const performance = {
  timeOrigin: host.now(),
  now: () => host.mono() - origin,
  mark(name, options) {
    const entry = { name: `${name}`, entryType: 'mark', duration: 0,
      startTime: options?.startTime ?? performance.now(),
      detail: options?.detail ?? null };
    marks.push(entry);
    return entry;
  },
  measure(name, from, to) {
    const at = (mark, preset) => (typeof mark === 'number' ? mark
      : marks.findLast((each) => each.name === mark)?.startTime ?? preset);
    const startTime = at(typeof from === 'object' ? from?.start : from, 0);
    const end = at(typeof from === 'object' ? from?.end : to, performance.now());
    const entry = { name: `${name}`, entryType: 'measure', startTime,
      duration: end - startTime, detail: from?.detail ?? null };
    marks.push(entry);
    return entry;
  },
  getEntries: () => [...marks],
  getEntriesByName: (name) => marks.filter((each) => each.name === name),
  getEntriesByType: (type) => marks.filter((each) => each.entryType === type),
  clearMarks: () => {
    marks.length = 0;
  },
  clearMeasures: () => {
    marks.length = 0;
  },
  toJSON: () => ({ timeOrigin: performance.timeOrigin }),
};

module.exports = { performance };
