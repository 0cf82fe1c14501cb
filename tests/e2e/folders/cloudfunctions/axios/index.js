// Asks a server outside, over HTTP, as functions that call others' APIs do.
const axios = require('axios');

exports.main = async (event) => {
  const api = axios.create({
    baseURL: event.base,
    timeout: 5000,
    headers: { 'X-Shop': 'tea' },
  });
  if (event.fails) {
    try {
      await api.get('/missing');
      return 'no error';
    } catch (err) {
      return { status: err.response.status, said: err.response.data };
    }
  }
  const { data: got } = await api.get('/goods', { params: { page: 2 } });
  const { data: put, status } = await api.post('/orders', {
    items: event.items, note: '茶',
  });
  return { got, put, status };
};
