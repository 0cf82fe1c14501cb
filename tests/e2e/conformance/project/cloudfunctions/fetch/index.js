// The files that stand in the event as addresses: how they are called.
exports.main = async ({ text, bytes, file }) => [text, bytes, file].map((each) => typeof each === 'string' && /^https?:/.test(each));
