'use strict';

function open(shop) {
  return shop.door.key;
}

open({});
