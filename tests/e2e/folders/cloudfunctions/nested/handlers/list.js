module.exports = async (event, store) => store.list();
