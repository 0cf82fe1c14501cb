'use strict';
// util.types: what a value is by its inside, whatever its prototype says.

const tagGetter = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get;

// A probe that throws on anything but its own kind.
function by(probe) {
  return (value) => {
    if (value === null || typeof value !== 'object') return false;
    try {
      probe(value);
      return true;
    } catch {
      return false;
    }
  };
}

const getter = (Class, name) =>
  Object.getOwnPropertyDescriptor(Class.prototype, name).get;
const mapSize = getter(Map, 'size');
const setSize = getter(Set, 'size');
const bufferLength = getter(ArrayBuffer, 'byteLength');
const sharedLength = typeof SharedArrayBuffer === 'undefined' ? null
  : getter(SharedArrayBuffer, 'byteLength');
const viewLength = getter(DataView, 'byteLength');
const regExpSource = getter(RegExp, 'flags');
const { toString } = Object.prototype;

const typeName = (value) => (typeof value === 'object' && value !== null
  ? tagGetter.call(value) : undefined);
const boxOf = (Class) => by((v) => Class.prototype.valueOf.call(v));
const iteratorOf = (name) => (v) => toString.call(v) === `[object ${name} Iterator]`;

const types = {
  isMap: by((v) => mapSize.call(v)),
  isSet: by((v) => setSize.call(v)),
  isWeakMap: by((v) => WeakMap.prototype.has.call(v, {})),
  isWeakSet: by((v) => WeakSet.prototype.has.call(v, {})),
  isDate: by((v) => Date.prototype.getTime.call(v)),
  isRegExp: (v) => toString.call(v) === '[object RegExp]'
    || (v instanceof RegExp && by((r) => regExpSource.call(r))(v)
      && Object.hasOwn(v, 'lastIndex')),
  isArrayBuffer: by((v) => bufferLength.call(v)),
  isSharedArrayBuffer: by((v) => sharedLength.call(v)),
  isAnyArrayBuffer: (v) => types.isArrayBuffer(v)
    || types.isSharedArrayBuffer(v),
  isDataView: by((v) => viewLength.call(v)),
  isTypedArray: (v) => typeName(v) !== undefined,
  isArrayBufferView: (v) => ArrayBuffer.isView(v),
  isPromise: (v) => v instanceof Promise
    || toString.call(v) === '[object Promise]',
  isNativeError: (v) => v instanceof Error
    || toString.call(v) === '[object Error]',
  isNumberObject: boxOf(Number),
  isStringObject: boxOf(String),
  isBooleanObject: boxOf(Boolean),
  isBigIntObject: boxOf(BigInt),
  isSymbolObject: boxOf(Symbol),
  isBoxedPrimitive: (v) => types.isNumberObject(v) || types.isStringObject(v)
    || types.isBooleanObject(v) || types.isBigIntObject(v)
    || types.isSymbolObject(v),
  isAsyncFunction: (v) => typeof v === 'function'
    && /^Async/.test(toString.call(v).slice(8)),
  isGeneratorFunction: (v) => typeof v === 'function'
    && /GeneratorFunction\]$/.test(toString.call(v)),
  isGeneratorObject: (v) => toString.call(v) === '[object Generator]'
    || toString.call(v) === '[object AsyncGenerator]',
  isArgumentsObject: (v) => toString.call(v) === '[object Arguments]',
  isMapIterator: iteratorOf('Map'),
  isSetIterator: iteratorOf('Set'),
  isModuleNamespaceObject: (v) => toString.call(v) === '[object Module]',
  isProxy: () => false, // this engine does not tell
  isExternal: () => false,
  isKeyObject: () => false,
  isCryptoKey: () => false,
};
for (const name of ['Uint8Array', 'Uint8ClampedArray', 'Uint16Array',
  'Uint32Array', 'Int8Array', 'Int16Array', 'Int32Array', 'Float32Array',
  'Float64Array', 'BigInt64Array', 'BigUint64Array'])
  types[`is${name}`] = (v) => typeName(v) === name;
Object.defineProperty(types, 'typeName', { value: typeName });

module.exports = types;
