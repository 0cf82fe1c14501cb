// Its dependency is installed when it is deployed ("installDependency").
const greeting = require('greeting');

exports.main = async (event) => ({ text: greeting(event.name || 'you'), version: greeting.version });
