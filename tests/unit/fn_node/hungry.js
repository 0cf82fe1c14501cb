// Takes memory before it is anybody's worker.
const kept = [];
for (;;) kept.push(Buffer.alloc(1 << 20, 1));
