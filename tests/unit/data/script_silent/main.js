'use strict';
// Workers that do not get ready: the first of them hangs or ends ("hang once",
// "end once"), or all of them do ("end always").  /tmp is the same for all.

const MARK = '/tmp/one-was-there';
let forked = false;
let told = false;

function misbehave() {
  told = true;
  const [what, when] = host.env.HOW.split(' ');
  if (when === 'once' && host.stat(MARK)) return;
  if (when === 'once') host.mkdir(MARK);
  if (what === 'end') host.exit(7);
  for (;;);
}

const nothing = () => undefined;
return {
  load: nothing,
  warm() {
    forked = true;
  },
  invoke: (id) => host.result(id, host.stat(MARK) ? '"second"' : '"first"'),
  onTimer: nothing,
  onReply: nothing,
  onFetch: nothing,
  onRejection: nothing,
  onIdle() {
    if (forked && !told) misbehave();
  },
};
