'use strict';
// What util.inspect shows of each kind of object: {head, braces, entries} or
// {text} where nothing is laid out.

const stack = require('./stack');
const types = require('./util_types');
const { quote } = require('./inspect_text');

function className(value) {
  for (let at = value; at !== null; at = Object.getPrototypeOf(at)) {
    const slot = Object.getOwnPropertyDescriptor(at, 'constructor');
    if (slot && typeof slot.value === 'function' && slot.value.name !== ''
      && value instanceof slot.value)
      return slot.value.name;
  }
  return null;
}

function tagOf(value, name) {
  let tag;
  try {
    tag = value[Symbol.toStringTag];
  } catch {
    return '';
  }
  return typeof tag === 'string' && tag !== '' && tag !== name ? tag : '';
}

// "Name [tag] " as it stands before braces; `preset` is the name that needs
// not be said.
function prefix(value, fallback, preset, size) {
  const name = className(value);
  const count = size === undefined ? '' : `(${size})`;
  const tag = tagOf(value, name ?? '');
  const tagged = tag ? ` [${tag}]` : '';
  if (name === null) return `[${fallback}${count}: null prototype]${tagged}`;
  if (name === preset && !tag) return '';
  return `${name}${count}${tagged}`;
}

function keysOf(ctx, value) {
  const symbols = Object.getOwnPropertySymbols(value);
  if (ctx.showHidden) return [...Object.getOwnPropertyNames(value), ...symbols];
  return [...Object.keys(value), ...symbols.filter((each) =>
    Object.prototype.propertyIsEnumerable.call(value, each))];
}

const isIndex = (key) => typeof key === 'string' && /^(0|[1-9]\d*)$/.test(key)
  && Number(key) < 2 ** 32 - 1;

function plural(n, word) {
  return `${n} more ${word}${n > 1 ? 's' : ''}`;
}

function rest(ctx, value, show, skip = () => false) {
  return keysOf(ctx, value).filter((key) => !skip(key))
    .map((key) => show(value[0], key));
}

// ---- lists

function elements(ctx, value, show, element) {
  const out = [];
  let i = 0;
  for (; i < value.length && out.length < ctx.maxArrayLength; i++) {
    if (i in value) {
      out.push(element(i));
      continue;
    }
    let gap = i;
    while (gap < value.length && !(gap in value)) gap++;
    out.push(`<${gap - i} empty item${gap - i > 1 ? 's' : ''}>`);
    i = gap - 1;
  }
  if (i < value.length) out.push(`... ${plural(value.length - i, 'item')}`);
  return out;
}

function array(ctx, value) {
  const isPlain = className(value) === 'Array' && !tagOf(value, 'Array');
  return {
    head: isPlain ? '' : prefix(value, 'Array', '', value.length),
    braces: ['[', ']'],
    isList: true,
    entries: (show) => [...elements(ctx, value, show, (i) => show(null, i)),
      ...rest(ctx, value, show, (key) => isIndex(key)
        || (key === 'length' && !ctx.showHidden))],
  };
}

function typedArray(ctx, value) {
  const shown = (n) => (typeof n === 'bigint' ? `${n}n`
    : Object.is(n, -0) ? '-0' : String(n));
  return {
    head: prefix(value, types.typeName(value), '', value.length),
    braces: ['[', ']'],
    isList: true,
    entries(show) {
      const count = Math.min(value.length, ctx.maxArrayLength);
      const out = [];
      for (let i = 0; i < count; i++) out.push(shown(value[i]));
      if (value.length > count)
        out.push(`... ${plural(value.length - count, 'item')}`);
      return [...out, ...rest(ctx, value, show, isIndex)];
    },
  };
}

// ---- collections

function limited(ctx, list, each) {
  const out = list.slice(0, ctx.maxArrayLength).map(each);
  if (list.length > out.length)
    out.push(`... ${plural(list.length - out.length, 'item')}`);
  return out;
}

function deeper(ctx, fn) {
  ctx.indent += 2;
  const out = fn();
  ctx.indent -= 2;
  return out;
}

function map(ctx, value) {
  return {
    head: prefix(value, 'Map', '', value.size),
    braces: ['{', '}'],
    entries: (show) => [...deeper(ctx, () => limited(ctx, [...value],
      ([k, v]) => `${show(k)} => ${show(v)}`)), ...rest(ctx, value, show)],
  };
}

function set(ctx, value) {
  return {
    head: prefix(value, 'Set', '', value.size),
    braces: ['{', '}'],
    entries: (show) => [...deeper(ctx, () => limited(ctx, [...value],
      (each) => show(each))), ...rest(ctx, value, show)],
  };
}

function iterator(ctx, value) {
  return {
    head: `[${value[Symbol.toStringTag]}]`,
    braces: ['{', '}'],
    entries: () => [],
  };
}

function bytes(ctx, value) {
  const view = new Uint8Array(value);
  const some = [...view.slice(0, 50)].map((b) => b.toString(16).padStart(2, '0'))
    .join(' ');
  const more = view.length > 50 ? ` ... ${view.length - 50} more byte${
    view.length > 51 ? 's' : ''}` : '';
  return {
    head: prefix(value, 'ArrayBuffer', ''),
    braces: ['{', '}'],
    entries: (show) => [`[Uint8Contents]: <${some}${more}>`,
      `byteLength: ${value.byteLength}`, ...rest(ctx, value, show)],
  };
}

function dataView(ctx, value) {
  return {
    head: prefix(value, 'DataView', ''),
    braces: ['{', '}'],
    entries: (show) => deeper(ctx, () => [`byteLength: ${value.byteLength}`,
      `byteOffset: ${value.byteOffset}`, `buffer: ${show(value.buffer)}`]),
  };
}

function unknown(fallback, inside) {
  return (ctx, value) => ({
    head: prefix(value, fallback, ''),
    braces: ['{', '}'],
    entries: (show) => [inside, ...rest(ctx, value, show)],
  });
}

// ---- what is a head and, when it has members, braces after it

function withMembers(ctx, value, head, skip) {
  const keys = keysOf(ctx, value).filter((key) => !skip || !skip(key));
  if (keys.length === 0) return { text: head };
  return {
    head, braces: ['{', '}'],
    entries: (show) => keys.map((key) => show(null, key)),
  };
}

function functionHead(value) {
  const source = Function.prototype.toString.call(value);
  const name = className(value);
  if (/^class[\s{]/.test(source)) {
    const parent = Object.getPrototypeOf(value);
    const own = Object.hasOwn(value, 'name') && value.name
      ? ` ${value.name}` : ' (anonymous)';
    const extended = parent && parent.name ? ` extends ${parent.name}` : '';
    return `[class${own}${extended}${name === null ? ' extends [null prototype]' : ''}]`;
  }
  const tag = tagOf(value, name);
  const kind = `${/^Async/.test(tag || name || '') ? 'Async' : ''}${
    /Generator/.test(tag || name || '') ? 'Generator' : ''}Function`;
  const called = value.name ? `: ${value.name}` : ' (anonymous)';
  return `[${kind}${name === null ? ' (null prototype)' : ''}${called}]`;
}

function error(ctx, value) {
  let text = stack.of(value) || Error.prototype.toString.call(value);
  const frames = text.indexOf('\n    at');
  if (frames === -1) text = `[${text}]`;
  if (ctx.indent > 0)
    text = text.replaceAll('\n', `\n${' '.repeat(ctx.indent)}`);
  const keys = keysOf(ctx, value).filter((key) => !['stack', 'message', 'line',
    'column', 'sourceURL', 'toString'].includes(key)
    && !(key === 'name' && text.includes(String(value.name))));
  for (const name of ['cause', 'errors'])
    if (Object.hasOwn(value, name) && !keys.includes(name)) keys.push(name);
  if (keys.length === 0) return { text };
  return {
    head: text, braces: ['{', '}'],
    entries: (show) => keys.map((key) => show(null, key)),
  };
}

function boxed(ctx, value) {
  const inner = value.valueOf();
  const kind = typeof inner;
  const name = kind === 'bigint' ? 'BigInt'
    : kind[0].toUpperCase() + kind.slice(1);
  const own = className(value);
  const shown = kind === 'string' ? quote(inner)
    : kind === 'bigint' ? `${inner}n` : Object.is(inner, -0) ? '-0' : String(inner);
  const head = `[${name}${own === name ? '' : own === null ? ' (null prototype)'
    : ` (${own})`}: ${shown}]`;
  return withMembers(ctx, value, head, kind === 'string'
    ? (key) => isIndex(key) || key === 'length' : undefined);
}

function date(ctx, value) {
  const text = Number.isNaN(value.getTime()) ? 'Invalid Date'
    : value.toISOString();
  const head = prefix(value, 'Date', 'Date');
  return withMembers(ctx, value, head ? `${head} ${text}` : text);
}

function regExp(ctx, value) {
  const head = prefix(value, 'RegExp', 'RegExp');
  return withMembers(ctx, value, `${head ? `${head} ` : ''}${
    RegExp.prototype.toString.call(value)}`,
  (key) => key === 'lastIndex' && !ctx.showHidden);
}

function object(ctx, value) {
  return {
    head: types.isArgumentsObject(value) ? '[Arguments]'
      : prefix(value, 'Object', 'Object'),
    braces: ['{', '}'],
    entries: (show) => keysOf(ctx, value).map((key) => show(null, key)),
  };
}

const ROWS = [
  [(v) => Array.isArray(v), array],
  [types.isTypedArray, typedArray],
  [types.isMap, map],
  [types.isSet, set],
  [(v) => typeof v === 'function',
    (ctx, v) => withMembers(ctx, v, functionHead(v), (key) => ctx.showHidden
      && ['length', 'name', 'prototype', 'arguments', 'caller'].includes(key))],
  [types.isRegExp, regExp],
  [types.isDate, date],
  [types.isNativeError, error],
  [types.isAnyArrayBuffer, bytes],
  [types.isDataView, dataView],
  [types.isPromise, unknown('Promise', '<pending>')],
  [types.isWeakSet, unknown('WeakSet', '<items unknown>')],
  [types.isWeakMap, unknown('WeakMap', '<items unknown>')],
  [types.isBoxedPrimitive, boxed],
  [(v) => /^(Map|Set|Array|String) Iterator$/.test(tagOf(v, '')), iterator],
];

module.exports = {
  describe(ctx, value) {
    const row = ROWS.find(([is]) => is(value));
    const kind = row ? row[1](ctx, value) : object(ctx, value);
    kind.tooDeep ??= Array.isArray(value) ? '[Array]'
      : `[${className(value) ?? 'Object: null prototype'}${
        tagOf(value, className(value) ?? '') ? ` [${tagOf(value)}]` : ''}]`;
    return kind;
  },
};
