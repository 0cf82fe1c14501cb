exports.main = async () => ({ traceparent: process.env.TRACEPARENT ?? null });
