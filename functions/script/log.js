'use strict';
// Lines to the author's log, of the invocation that runs.

const PIECE = 2729; // three bytes each stay below a LOG frame's 8192
const PIECES = 32;  // what one call may write

function line(level, text) {
  const id = require('./invocation').nowId();
  if (text.length <= PIECE) {
    host.log(id, level, text);
    return;
  }
  for (let at = 0, n = 0; n < PIECES && at < text.length; n++) {
    let end = Math.min(at + PIECE, text.length);
    // not between the halves of a character
    if (end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800)
      end--;
    host.log(id, level, text.slice(at, end));
    at = end;
  }
}

module.exports = { line };
