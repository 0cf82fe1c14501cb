'use strict';
// The text side of util.inspect: quotes, names of members, and how entries are
// laid out.  The numbers are Node's: a line takes 80 columns, short arrays of
// more than six entries stand in columns of at most sixteen.

const META = ['\\x00', '\\x01', '\\x02', '\\x03', '\\x04', '\\x05', '\\x06',
  '\\x07', '\\b', '\\t', '\\n', '\\x0B', '\\f', '\\r'];

function escaped(char) {
  const code = char.charCodeAt(0);
  if (char === "'") return "\\'";
  if (char === '\\') return '\\\\';
  if (code < META.length) return META[code];
  return code < 0x100 ? `\\x${code.toString(16).toUpperCase().padStart(2, '0')}`
    : `\\u${code.toString(16)}`;
}

// Control characters and halves of surrogate pairs are never shown raw.
const RISKY = /[\x00-\x1f'\\\x7f-\x9f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const RISKY_ALL = new RegExp(RISKY.source, 'g');

function quote(text) {
  if (!RISKY.test(text)) return `'${text}'`;
  let mark = "'";
  if (text.includes("'")) {
    if (!text.includes('"')) mark = '"';
    else if (!text.includes('`') && !text.includes('${')) mark = '`';
  }
  const inside = text.replace(RISKY_ALL,
    (char) => (char === "'" && mark !== "'" ? char : escaped(char)));
  return mark + inside + mark;
}

function quoteString(ctx, value) {
  let text = value;
  let tail = '';
  if (text.length > ctx.maxStringLength) {
    const left = text.length - ctx.maxStringLength;
    text = text.slice(0, ctx.maxStringLength);
    tail = `... ${left} more character${left > 1 ? 's' : ''}`;
  }
  if (ctx.compact !== true && text.length > 16
    && text.length > ctx.breakLength - ctx.indent - 4)
    return text.split(/(?<=\n)/).map(quote)
      .join(` +\n${' '.repeat(ctx.indent + 2)}`) + tail;
  return quote(text) + tail;
}

function keyText(key, isEnumerable = true) {
  if (typeof key === 'symbol') return `[${String(key)}]`;
  if (key === '__proto__') return "['__proto__']";
  if (!isEnumerable) return `[${key}]`;
  return /^[a-zA-Z_][a-zA-Z_0-9]*$/.test(key) ? String(key) : quote(String(key));
}

// Columns that text takes; wide characters count twice.
function width(text) {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let columns = 0;
  for (const char of text.normalize('NFC')) {
    const code = char.codePointAt(0);
    if (/\p{Mn}|\p{Me}|\p{Cf}/u.test(char)) continue;
    columns += code >= 0x1100 && (code <= 0x115f
      || (code >= 0x2e80 && code <= 0xa4cf) || (code >= 0xac00 && code <= 0xd7a3)
      || (code >= 0xf900 && code <= 0xfaff) || (code >= 0xfe30 && code <= 0xfe6f)
      || (code >= 0xff00 && code <= 0xff60) || (code >= 0xffe0 && code <= 0xffe6)
      || (code >= 0x1f300 && code <= 0x1f64f) || (code >= 0x20000 && code <= 0x3fffd))
      ? 2 : 1;
  }
  return columns;
}

// Many short entries, side by side.
function inColumns(ctx, entries, value) {
  const hasMore = ctx.maxArrayLength < value.length;
  const count = hasMore ? entries.length - 1 : entries.length;
  const lengths = entries.slice(0, count).map((each) => width(each));
  const longest = Math.max(0, ...lengths) + 2;
  const total = lengths.reduce((sum, n) => sum + n, 0) + 2 * count;
  if (longest * 3 + ctx.indent >= ctx.breakLength
    || (total / longest <= 5 && longest > 8))
    return entries;
  const bias = Math.sqrt(longest - total / entries.length);
  const biased = Math.max(longest - 3 - bias + 0, 1);
  const columns = Math.min(
    Math.round(Math.sqrt(2.5 * biased * count) / biased),
    Math.floor((ctx.breakLength - ctx.indent) / longest),
    ctx.compact * 4, 15);
  if (columns <= 1) return entries;
  const widths = [];
  for (let column = 0; column < columns; column++) {
    let most = 0;
    for (let i = column; i < count; i += columns)
      most = Math.max(most, lengths[i]);
    widths.push(most + 2);
  }
  const atEnd = value.every((each) => typeof each === 'number'
    || typeof each === 'bigint');
  const rows = [];
  for (let from = 0; from < count; from += columns) {
    const to = Math.min(from + columns, count);
    let row = '';
    for (let i = from; i < to; i++) {
      const isLast = i === to - 1;
      const cell = isLast ? entries[i] : `${entries[i]}, `;
      const room = widths[i - from] + cell.length
        - (lengths[i] + (isLast ? 0 : 2));
      if (atEnd) row += cell.padStart(isLast ? room - 2 : room);
      else row += isLast ? cell : cell.padEnd(room);
    }
    rows.push(row);
  }
  if (hasMore) rows.push(entries[count]);
  return rows;
}

function fits(ctx, entries, start, head) {
  let total = entries.length + start;
  if (total + entries.length > ctx.breakLength) return false;
  for (const entry of entries) {
    total += entry.length;
    if (total > ctx.breakLength) return false;
  }
  return head === '' || !head.includes('\n');
}

// list: the array whose elements the entries are, or null.
function layout(ctx, head, braces, given, depth, list) {
  const [open, close] = braces;
  const before = head ? `${head} ` : '';
  if (given.length === 0) return `${before}${open}${close}`;
  let entries = given;
  if (ctx.compact === true || typeof ctx.compact !== 'number')
    return `${before}${open} ${entries.join(', ')} ${close}`;
  if (list && given.length > 6 && ctx.compact >= 1)
    entries = inColumns(ctx, given, list);
  if (ctx.currentDepth - depth < ctx.compact && entries === given) {
    const start = entries.length + ctx.indent + open.length + head.length + 10;
    if (fits(ctx, entries, start, head)) {
      const line = entries.join(', ');
      if (!line.includes('\n')) return `${before}${open} ${line} ${close}`;
    }
  }
  const gap = `\n${' '.repeat(ctx.indent)}`;
  return `${before}${open}${gap}  ${entries.join(`,${gap}  `)}${gap}${close}`;
}

module.exports = { layout, quote, quoteString, keyText, width };
