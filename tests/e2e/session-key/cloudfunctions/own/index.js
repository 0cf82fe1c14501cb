const { wechat } = require('mpcloud');

exports.main = async ({ ask, detail }) => {
  try {
    return { answer: await wechat[ask](detail) };
  } catch (err) {
    return { code: err.code, message: err.message };
  }
};
