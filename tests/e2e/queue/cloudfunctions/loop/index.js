// Sets itself off: each document that is made makes another.
const mpcloud = require('mpcloud');

exports.main = async ({ doc }) => {
  await mpcloud.call('database.addDocument', { collectionName: 'rings', data: [{ n: doc.n + 1 }] });
};
