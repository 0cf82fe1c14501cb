import { connect } from 'node:net';

export const reach = (host, port) => new Promise((done) => {
  const socket = connect(port, host, () => { socket.destroy(); done('connected'); });
  socket.on('error', (error) => done(error.code));
});
