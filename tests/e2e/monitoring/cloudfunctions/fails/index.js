exports.main = async () => { throw new Error('as always'); };
