exports.main = async () => process.pid;
