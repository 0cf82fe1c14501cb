"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.total = void 0;
const total = (orders) => orders.reduce((sum, { price, n = 1 }) => sum + price * n, 0);
exports.total = total;
//# sourceMappingURL=orders.js.map