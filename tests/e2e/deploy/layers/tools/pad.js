module.exports = (text) => text.padStart(3, '0');
