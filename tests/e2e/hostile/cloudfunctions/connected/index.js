// A function that was given the network.
const net = require('net');

exports.main = (options) => new Promise((done) => {
  const socket = net.connect(options);
  socket.on('connect', () => { socket.destroy(); done('connected'); });
  socket.on('error', (error) => done(error.code));
});
