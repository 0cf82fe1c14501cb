'use strict';

exports.brew = function brew(leaf) {
  if (leaf === undefined) throw new TypeError('no leaf was given');
  return `${process.env.GREETING} ${leaf}`;
};
