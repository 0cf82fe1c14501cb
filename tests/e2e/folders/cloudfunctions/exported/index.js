'use strict';

function main(event) {
  return { kind: 'plain', this: this === undefined || typeof this, twice: (event.n || 0) * 2 };
}

const helper = () => 'unused';

module.exports = { main, helper };
