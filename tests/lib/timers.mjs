// Timers that a test moves: setTimeout and clearTimeout of this process, until
// restore().  (Node.js 18 has no mock.timers.)

const settle = async () => {
	for (let i = 0; i < 30; i++) await new Promise((done) => setImmediate(done));
};

export function holdTimers() {
	const { setTimeout: real, clearTimeout: realClear } = globalThis;
	const due = new Map();
	let now = 0;
	let count = 0;

	globalThis.setTimeout = (fn, ms = 0, ...args) => {
		count += 1;
		due.set(count, { at: now + ms, run: () => fn(...args) });
		return count;
	};
	globalThis.clearTimeout = (id) => due.delete(id);
	return {
		settle,
		/* Goes on by `ms`, timer by timer; what each sets going is waited for. */
		async tick(ms) {
			const end = now + ms;
			await settle();
			for (;;) {
				const [next] = [...due].filter(([, t]) => t.at <= end).sort((a, b) => a[1].at - b[1].at || a[0] - b[0]);
				if (!next) break;
				due.delete(next[0]);
				now = Math.max(now, next[1].at);
				next[1].run();
				await settle();
			}
			now = end;
		},
		pending: () => due.size,
		restore() {
			globalThis.setTimeout = real;
			globalThis.clearTimeout = realClear;
		},
	};
}
