// Takes as long as it is told to.
exports.main = async (event) => {
  const { ms } = event.body ? JSON.parse(event.body) : event;
  await new Promise((done) => setTimeout(done, ms));
  return { held: ms };
};
