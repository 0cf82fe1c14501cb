// Several services behind one function, with tcb-router from npm.
const TcbRouter = require('tcb-router');

exports.main = (event, context) => {
  const app = new TcbRouter({ event });

  app.use(async (ctx, next) => {
    ctx.data = { trail: ['every'] };
    await next();
    ctx.data.trail.push('done');
  });
  app.router(['user', 'timer'], async (ctx, next) => {
    ctx.data.company = 'Tea & Co';
    await next();
  });
  app.router('user', async (ctx, next) => {
    ctx.data.name = ctx._req.event.name;
    await next();
  }, async (ctx) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    ctx.data.trail.push('user');
    ctx.body = { code: 0, data: ctx.data };
  });
  app.router('school', (ctx) => {
    ctx.body = { code: 0, data: ctx.data, at: ctx._req.url };
  });
  return app.serve();
};
