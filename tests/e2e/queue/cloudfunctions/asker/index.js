// Asks for calls that it does not wait for.
const mpcloud = require('mpcloud');

exports.main = async ({ id, options }) => {
  if (options) return mpcloud.enqueue('job', { id }, options);
  return mpcloud.call('functions.invokeFunction', { function_name: 'job',
    request_data: JSON.stringify({ id }), InvocationType: 'Event' });
};
