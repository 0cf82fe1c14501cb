'use strict';
const shop = {};
shop.door.open();
exports.main = () => 1;
