export const format = (fen, currency) =>
  `${(fen / 100).toFixed(2)} ${currency}`;
