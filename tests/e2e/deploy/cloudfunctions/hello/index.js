const version = require('./version');
const greet = require('common/greet');
const pad = require('pad');
const { readFileSync } = require('fs');

exports.main = async (event, context) => {
  if (event.fail) throw new Error(`version ${version} fails`);
  return {
    version,
    greeting: greet('you'),
    padded: pad('7'),
    layer: readFileSync('/opt/layer.txt', 'utf8').trim(),
    timeout: context.time_limit_in_ms,
    variables: Object.fromEntries((event.names ?? []).map((name) => [name, process.env[name]])),
  };
};
