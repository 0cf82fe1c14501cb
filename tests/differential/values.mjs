// Values of both worlds: JavaScript's own (what mingo takes and gives), EJSON
// (what the daemon takes and gives), and a canonical text to compare them by,
// in which 1 equals 1.0 and the order of keys does not count.

export function toWire(v) {
  if (typeof v === 'number') {
    if (Number.isInteger(v) && Math.abs(v) < 2 ** 31) return { $numberInt: String(v) };
    if (Number.isSafeInteger(v)) return { $numberLong: String(v) };
    return { $numberDouble: String(v) };
  }
  if (v instanceof Date) return { $date: { $numberLong: String(v.getTime()) } };
  if (v instanceof RegExp) return { $regularExpression: { pattern: v.source, options: v.flags } };
  if (Array.isArray(v)) return v.map(toWire);
  if (v && typeof v === 'object')
    return Object.fromEntries(Object.entries(v).filter(([, x]) => x !== undefined).map(([k, x]) => [k, toWire(x)]));
  return v;
}

const tags = {
  $numberInt: Number, $numberLong: Number, $numberDouble: Number,
  $date: (x) => new Date(typeof x === 'object' ? Number(x.$numberLong) : x),
};

export function fromWire(v) {
  if (Array.isArray(v)) return v.map(fromWire);
  if (!v || typeof v !== 'object') return v;
  const keys = Object.keys(v);
  if (keys.length === 1 && tags[keys[0]]) return tags[keys[0]](v[keys[0]]);
  return Object.fromEntries(keys.map((k) => [k, fromWire(v[k])]));
}

// digits: significant ones that must agree; sums of doubles depend on their
// order.
export function canonical(v, digits = 17) {
  if (v === undefined) return 'missing';
  if (typeof v === 'number') {
    if (digits < 17 && Math.abs(v) < 10 ** -digits) return '0';
    return String((digits < 17 ? Number(v.toPrecision(digits)) : v) + 0);
  }
  if (v instanceof Date) return `Date(${v.getTime()})`;
  if (v instanceof RegExp) return String(v);
  if (Array.isArray(v)) return `[${v.map((x) => canonical(x, digits)).join(',')}]`;
  if (v && typeof v === 'object')
    return `{${Object.keys(v).filter((k) => v[k] !== undefined).sort()
      .map((k) => `${JSON.stringify(k)}:${canonical(v[k], digits)}`).join(',')}}`;
  return JSON.stringify(v);
}

export const copy = (v) => {
  if (v instanceof Date) return new Date(v.getTime());
  if (v instanceof RegExp) return v;
  if (Array.isArray(v)) return Array.from(v, (x) => (x === undefined ? null : copy(x))); // a hole is null
  if (v && typeof v === 'object') return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, copy(x)]));
  return v;
};

// For reports: shorter than EJSON and can be pasted into a shell.
export function show(v) {
  if (v instanceof Date) return `Date(${v.getTime()})`;
  if (v instanceof RegExp) return String(v);
  if (Array.isArray(v)) return `[${v.map(show).join(', ')}]`;
  if (v && typeof v === 'object')
    return `{${Object.entries(v).map(([k, x]) => `${/^[\w$]+$/.test(k) ? k : JSON.stringify(k)}: ${show(x)}`).join(', ')}}`;
  return typeof v === 'number' || v === undefined ? String(v) : JSON.stringify(v) ?? String(v);
}
