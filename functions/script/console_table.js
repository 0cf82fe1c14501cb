'use strict';
// console.table: rows and columns in boxes.

const { width } = require('./inspect_text');

function cell(value) {
  return require('./inspect').inspect(value, { maxArrayLength: 3,
    breakLength: Infinity, depth: value !== null && typeof value === 'object'
      && !Array.isArray(value) && Object.keys(value).length > 2 ? -1 : 0 });
}

function boxes(head, rows) {
  const widths = head.map((name, i) => Math.max(width(name),
    ...rows.map((row) => width(row[i]))) + 2);
  const rule = (left, middle, right) =>
    left + widths.map((n) => '─'.repeat(n)).join(middle) + right;
  const line = (cells) => `│${cells.map((text, i) =>
    ` ${text}${' '.repeat(widths[i] - width(text) - 1)}`).join('│')}│`;
  return [rule('┌', '┬', '┐'), line(head), rule('├', '┼', '┤'),
    ...rows.map(line), rule('└', '┴', '┘')].join('\n');
}

function entriesOf(data) {
  if (data instanceof Map)
    return { index: '(iteration index)', rows: [...data].map(([k, v], i) =>
      [String(i), { Key: k, Values: v }]) };
  if (data instanceof Set)
    return { index: '(iteration index)', rows: [...data].map((v, i) =>
      [String(i), v]) };
  return { index: '(index)', rows: Object.entries(data) };
}

module.exports = {
  render(data, chosen) {
    const { index, rows } = entriesOf(data);
    const columns = [];
    let hasValues = false;
    for (const [, row] of rows) {
      if (row === null || typeof row !== 'object') hasValues = true;
      else if (!chosen)
        for (const key of Object.keys(row))
          if (!columns.includes(key)) columns.push(key);
    }
    const keys = chosen ?? columns;
    const head = [index, ...keys, ...(hasValues ? ['Values'] : [])];
    return boxes(head, rows.map(([key, row]) => {
      const isObject = row !== null && typeof row === 'object';
      return [key, ...keys.map((name) => (isObject && Object.hasOwn(row, name)
        ? cell(row[name]) : '')), ...(hasValues ? [isObject ? '' : cell(row)]
        : [])];
    }));
  },
};
