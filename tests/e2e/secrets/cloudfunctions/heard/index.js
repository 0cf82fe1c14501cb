exports.main = async () => ({ errcode: 0 });
