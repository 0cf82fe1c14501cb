// The inspector of one process of a function that is debugged (mpcloud dev
// --inspect).  Its port is one, its processes come and go: who finds the port
// taken tries again until the one before has ended.
import inspector from 'node:inspector';
import net from 'node:net';

const AGAIN_MS = 200;
const HOST = '127.0.0.1';

// inspector.open would print that it failed, every time.
function isFree(port) {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, HOST, () => probe.close(() => resolve(true)));
  });
}

export async function openInspector(port) {
  if (await isFree(port)) inspector.open(port, HOST);
  else setTimeout(openInspector, AGAIN_MS, port).unref();
}
