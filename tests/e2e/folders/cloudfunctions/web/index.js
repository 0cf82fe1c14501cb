// A small router in the manner of Express, of the project's own.
const Router = require('./router');

const app = new Router();
const todos = [{ id: 1, title: 'boil water' }];

app.use((req, res, next) => { res.set('x-served-by', 'tea'); next(); });
app.get('/todos', (req, res) => res.json(todos.filter((t) =>
  !req.query.q || t.title.includes(req.query.q))));
app.get('/todos/:id', (req, res) => {
  const todo = todos.find((t) => t.id === Number(req.params.id));
  if (!todo) return res.status(404).json({ error: 'not found' });
  return res.json(todo);
});
app.post('/todos', async (req, res) => {
  await null;
  res.status(201).json({ id: 2, ...req.body });
});
app.get('/broken', async () => { throw new Error('broken'); });
app.onError((err, req, res) => res.status(500).json({ error: err.message }));

exports.main = (event) => app.handle(event);
