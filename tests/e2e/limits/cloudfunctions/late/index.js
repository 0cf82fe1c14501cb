// Never in time, unless it is told to be.
exports.main = async (event) => {
  if (!event.well) await new Promise((done) => setTimeout(done, 60000));
  return 'well';
};
