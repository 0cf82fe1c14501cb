exports.main = async (event) => event.status;
