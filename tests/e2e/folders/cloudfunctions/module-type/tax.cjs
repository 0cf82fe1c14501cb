exports.of = (fen) => Math.round(fen * 0.13);
