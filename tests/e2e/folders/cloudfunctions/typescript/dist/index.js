"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.main = exports.Ledger = void 0;
// Compiled with tsc 5.6 (target es2019, commonjs, sourceMap); dist/ is deployed.
const orders_1 = require("./orders");
var State;
(function (State) {
    State["Open"] = "open";
    State["Paid"] = "paid";
})(State || (State = {}));
class Ledger {
    constructor() {
        this.entries = [];
    }
    add(order) {
        if (order.price < 0)
            throw new RangeError(`order ${order.id} costs ${order.price}`);
        this.entries.push(order);
        return this;
    }
    get report() {
        return { total: (0, orders_1.total)(this.entries), state: this.entries.length ? State.Paid : State.Open };
    }
}
exports.Ledger = Ledger;
const main = async (event) => {
    var _a;
    const ledger = new Ledger();
    for (const order of (_a = event.orders) !== null && _a !== void 0 ? _a : [])
        ledger.add(order);
    if (event.bad)
        ledger.add({ id: 'bad', price: -1 });
    return ledger.report;
};
exports.main = main;
//# sourceMappingURL=index.js.map