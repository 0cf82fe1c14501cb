// An ES module by its package.json; a CommonJS file beside it.
import { createRequire } from 'node:module';
import Basket from './basket.js';

const require = createRequire(import.meta.url);
const tax = require('./tax.cjs');

export const main = async (event) => {
  const basket = new Basket();
  for await (const item of basket.take(event.items ?? [])) basket.add(item);
  return { ...basket.report(), tax: tax.of(basket.total) };
};
