exports.main = async ({ how }) => {
  if (how === 'exit') process.exit(7);
  if (how === 'throw') throw new Error('not today');
  return 'fine';
};
