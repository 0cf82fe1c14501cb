// Chance that comes back: the same seed, the same cases.

export function makeRandom(seed) {
  let state = seed >>> 0;
  const next = () => { // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const int = (low, high) => low + Math.floor(next() * (high - low + 1));
  const one = (list) => list[int(0, list.length - 1)];
  return {
    next, int, one,
    // true once in n times
    once: (n) => int(1, n) === 1,
    some: (low, high, make) => Array.from({ length: int(low, high) }, make),
    // [[weight, thing], …]
    weighed: (list) => {
      let at = next() * list.reduce((sum, [w]) => sum + w, 0);
      for (const [w, thing] of list) if ((at -= w) < 0) return thing;
      return list[list.length - 1][1];
    },
    sample: (list, n) => {
      const left = [...list];
      const out = [];
      while (out.length < n && left.length) out.push(left.splice(int(0, left.length - 1), 1)[0]);
      return out;
    },
  };
}
