'use strict';

const kinds = {
  nothing: () => undefined,
  echo: (event) => event,
  throw: function brew() {
    throw new TypeError('out of tea');
  },
  look() {
    const code = (fn) => {
      try {
        fn();
      } catch (err) {
        return err.code;
      }
      return null;
    };
    const fs = require('fs');

    fs.writeFileSync('/tmp/note', 'kept');
    return {
      passwd: code(() => fs.readFileSync('/etc/passwd')),
      // which of the two depends on where the source lies: below /tmp it is hidden
      code: /^(EROFS|EACCES)$/.test(code(() => fs.writeFileSync(`${__dirname}/new.js`, 'x'))) ? 'refused' : 'written',
      tmp: fs.readFileSync('/tmp/note', 'utf8'),
      host: typeof host,
      secret: process.env.SECRET_OF_THE_HOST ?? null,
      mine: process.env.MY_VARIABLE,
    };
  },
  loop() {
    for (;;);
  },
  hog() {
    const all = [];
    for (;;) all.push(new Array(100000).fill(all.length));
  },
  later: () => new Promise(() => {
    setTimeout(() => {
      throw new Error('too late');
    }, 1);
  }),
};

exports.main = async (event) => kinds[event.do](event);
