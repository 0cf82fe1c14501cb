let calls = 0;

exports.main = async () => ({ pid: process.pid, calls: ++calls });
