'use strict';
// util.inspect: values as Node's console shows them (compact 3, 80 columns).
//
// A value becomes a head ("Map(2)"), two braces and a list of entries; layout
// puts these on one line or several.  What each kind of object gives stands in
// inspect_kinds.js.

const { layout, quoteString, keyText } = require('./inspect_text');

const PRESETS = {
  depth: 2, showHidden: false, breakLength: 80, compact: 3, sorted: false,
  getters: false, maxArrayLength: 100, maxStringLength: 10000, colors: false,
  numericSeparator: false, customInspect: true, showProxy: false,
};
const CUSTOM = Symbol.for('nodejs.util.inspect.custom');

function primitive(ctx, value) {
  switch (typeof value) {
  case 'string':
    return quoteString(ctx, value);
  case 'number':
    return Object.is(value, -0) ? '-0' : String(value);
  case 'bigint':
    return `${value}n`;
  default:
    return String(value); // booleans, symbols, undefined, null
  }
}

function custom(ctx, value, depth) {
  if (!ctx.customInspect) return undefined;
  const own = value[CUSTOM];
  if (typeof own !== 'function' || own === inspect
    || (value.constructor && value.constructor.prototype === value))
    return undefined;
  const left = ctx.depth === null || ctx.depth === Infinity ? ctx.depth
    : ctx.depth - depth;
  const shown = own.call(value, left, { ...ctx.options, depth: left,
    stylize: (text) => String(text) }, inspect);
  if (shown === value) return undefined;
  if (typeof shown !== 'object') return String(shown);
  return format(ctx, shown, depth);
}

function circle(ctx, value) {
  let number = ctx.circles.get(value);
  if (number === undefined) {
    number = ctx.circles.size + 1;
    ctx.circles.set(value, number);
  }
  return `[Circular *${number}]`;
}

function format(ctx, value, depth) {
  if (value === null || (typeof value !== 'object'
    && typeof value !== 'function'))
    return primitive(ctx, value);
  const own = custom(ctx, value, depth);
  if (own !== undefined) return ctx.indent && typeof own === 'string'
    ? own.replaceAll('\n', `\n${' '.repeat(ctx.indent)}`) : own;
  if (ctx.seen.includes(value)) return circle(ctx, value);
  const { describe } = require('./inspect_kinds');
  const kind = describe(ctx, value);
  if (kind.text !== undefined) return kind.text;
  if (depth > ctx.depth && ctx.depth !== null) return kind.tooDeep;
  ctx.seen.push(value);
  const before = ctx.currentDepth;
  ctx.currentDepth = depth;
  const inside = (each, key) => {
    if (key !== undefined) return property(ctx, value, key, depth, kind.isList);
    return format(ctx, each, depth + 1);
  };
  const entries = kind.entries(inside);
  ctx.seen.pop();
  if (entries.length === 0) ctx.currentDepth = before;
  if (ctx.sorted) entries.sort(ctx.sorted === true ? undefined : ctx.sorted);
  let { head } = kind;
  const number = ctx.circles.get(value);
  if (number !== undefined) head = `<ref *${number}>${head ? ` ${head}` : ''}`;
  return layout(ctx, head, kind.braces, entries, depth,
    kind.isList ? value : null);
}

// "key: value" of an object, or a bare value when it is an element.
function property(ctx, holder, key, depth, isElement) {
  const slot = Object.getOwnPropertyDescriptor(holder, key)
    || { value: holder[key], enumerable: true };
  let text;
  if (slot.value !== undefined || !(slot.get || slot.set)) {
    ctx.indent += 2;
    text = format(ctx, slot.value, depth + 1);
    ctx.indent -= 2;
  } else {
    text = slot.get ? (slot.set ? '[Getter/Setter]' : '[Getter]') : '[Setter]';
    if (slot.get && ctx.getters) text = shownGetter(ctx, holder, key, depth, text);
  }
  if (isElement && typeof key === 'number') return text;
  return `${keyText(key, slot.enumerable)}: ${text}`;
}

function shownGetter(ctx, holder, key, depth, text) {
  try {
    const got = holder[key];
    return typeof got === 'object' && got !== null
      ? `${text} ${format(ctx, got, depth + 1)}`
      : `${text.slice(0, -1)}: ${primitive(ctx, got)}]`;
  } catch (err) {
    return `${text.slice(0, -1)}: <Inspection threw (${err.message})>]`;
  }
}

function inspect(value, options, ...old) {
  const given = typeof options === 'object' && options !== null ? options : {};
  const ctx = { ...PRESETS, ...inspect.defaultOptions, ...given };
  if (typeof options === 'boolean') ctx.showHidden = options;
  if (old.length > 0 && typeof old[0] === 'number') ctx.depth = old[0];
  if (ctx.depth === undefined) ctx.depth = PRESETS.depth;
  if (ctx.maxArrayLength === null) ctx.maxArrayLength = Infinity;
  if (ctx.maxStringLength === null) ctx.maxStringLength = Infinity;
  ctx.options = given;
  ctx.seen = [];
  ctx.circles = new Map();
  ctx.indent = 0;
  ctx.currentDepth = 0;
  return format(ctx, value, 0);
}
inspect.custom = CUSTOM;
inspect.defaultOptions = {};
inspect.colors = Object.create(null);
inspect.styles = Object.create(null);

// ---- util.format

function number(value) {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'symbol') return 'NaN';
  return primitive(null, Number(value));
}

function json(value) {
  try {
    return JSON.stringify(value);
  } catch (err) {
    if (/circular|cyclic/i.test(err.message)) return '[Circular]';
    throw err;
  }
}

function text(value, options) {
  if (typeof value === 'number' || typeof value === 'bigint')
    return primitive(null, value);
  if (typeof value !== 'object' || value === null || saysItself(value))
    return String(value);
  return inspect(value, { ...options, depth: 0, colors: false, compact: 3 });
}

// Has it a toString that is not the language's own?
function saysItself(value) {
  if (Object.hasOwn(value, 'toString')) return true;
  const { toString } = value;
  return typeof toString === 'function'
    && !/\[native code\]/.test(Function.prototype.toString.call(toString));
}

const PARTS = {
  s: (value, options) => text(value, options),
  d: number,
  i: (value) => (typeof value === 'bigint' ? `${value}n`
    : typeof value === 'symbol' ? 'NaN' : primitive(null, parseInt(value, 10))),
  f: (value) => (typeof value === 'symbol' ? 'NaN'
    : primitive(null, parseFloat(value))),
  j: (value) => json(value),
  o: (value, options) => inspect(value, { ...options, showHidden: true,
    showProxy: true, depth: 4 }),
  O: (value, options) => inspect(value, options),
  c: () => '',
};

function formatWithOptions(options, ...args) {
  if (args.length === 0) return '';
  const [first] = args;
  let at = 1;
  let out = '';
  if (typeof first !== 'string') {
    at = 0;
  } else if (args.length === 1) {
    return first;
  } else {
    out = first.replace(/%([sdifjoOc%])/g, (whole, kind) => {
      if (kind === '%') return '%';
      return at < args.length ? PARTS[kind](args[at++], options) : whole;
    });
  }
  for (let i = at; i < args.length; i++) {
    const value = args[i];
    out += `${i > 0 ? ' ' : ''}${typeof value === 'string' ? value
      : inspect(value, { ...options, compact: 3, colors: false })}`;
  }
  return out;
}

module.exports = {
  inspect,
  formatWithOptions,
  format: (...args) => formatWithOptions({}, ...args),
  error: (err) => inspect(err),
};
