// The single conditions of a query: {path, op, x}, so that a difference can be
// laid at the door of one.

const isObject = (v) => v !== null && typeof v === 'object' && !Array.isArray(v) && !(v instanceof Date) && !(v instanceof RegExp);

export function leavesOf(query) {
  return Object.entries(query).flatMap(([key, x]) => {
    if (['$and', '$or', '$nor'].includes(key)) return x.flatMap(leavesOf);
    return leavesAt(key, x);
  });
}

function leavesAt(path, condition) {
  if (!isObject(condition) || !Object.keys(condition)[0]?.startsWith('$'))
    return [{ path, op: '$eq', x: condition, query: { [path]: condition } }];
  return Object.entries(condition).filter(([op]) => op !== '$options').flatMap(([op, x]) => {
    const options = op === '$regex' && condition.$options ? { $options: condition.$options } : {};
    const leaf = { path, op, x, query: { [path]: { [op]: x, ...options } } };
    return op === '$not' ? [leaf, ...leavesAt(path, x)] : [leaf];
  });
}

// Those that a $not is around.
export const innerLeaves = ({ path, op, x }) => (op === '$not' ? leavesAt(path, x) : []);
