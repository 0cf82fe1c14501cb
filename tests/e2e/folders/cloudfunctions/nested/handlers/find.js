module.exports = (event, store) => Promise.resolve(store.find(event.id));
