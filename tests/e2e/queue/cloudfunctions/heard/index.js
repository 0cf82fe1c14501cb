// Writes down what it hears.
const mpcloud = require('mpcloud');

exports.main = async (event) => {
  await mpcloud.call('database.addDocument', { collectionName: 'heard', data: [{ event }] });
};
