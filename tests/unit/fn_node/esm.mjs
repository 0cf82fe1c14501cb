// An ES module with a thread, for test_keeper_node.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import mpcloud from 'mpcloud';

export async function main(event) {
  const thread = new Worker(
    'require("worker_threads").parentPort.postMessage(4)', { eval: true });
  const [answer] = await once(thread, 'message');
  return [typeof mpcloud.call, event.n + 1, answer];
}
