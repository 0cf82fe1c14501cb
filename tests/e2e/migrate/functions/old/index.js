const tcb = require('tcb-admin-node');
const app = tcb.init({ env: tcb.SYMBOL_CURRENT_ENV });
exports.main = () => app.database().collection('goods').get();
