export interface Order {
  id: string;
  price: number;
  n?: number;
}

export const total = (orders: Order[]): number =>
  orders.reduce((sum, { price, n = 1 }) => sum + price * n, 0);
