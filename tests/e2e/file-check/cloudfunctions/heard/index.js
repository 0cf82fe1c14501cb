const mpcloud = require('mpcloud');

exports.main = (event) => mpcloud.call('database.addDocument', { collectionName: 'heard',
  data: [{ path: event.path, operation: event.operation, size: event.file.size }] });
