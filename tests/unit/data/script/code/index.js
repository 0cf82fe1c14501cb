'use strict';
exports.main = () => 'main';
exports.started = Date.now();
