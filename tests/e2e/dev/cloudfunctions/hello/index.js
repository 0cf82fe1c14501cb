const { word } = require('./lib/word');

exports.main = async (event) => {
  const answer = { word, n: event.n };
  return answer;
};
