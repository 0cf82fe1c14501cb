class Response {
  constructor(done) {
    Object.assign(this, { code: 200, headers: {}, done });
  }

  set(name, value) { this.headers[name] = value; return this; }

  status(code) { this.code = code; return this; }

  json(body) {
    this.set('content-type', 'application/json');
    this.done({ statusCode: this.code, headers: this.headers, body: JSON.stringify(body) });
  }
}

module.exports = class Router {
  constructor() {
    this.layers = [];
    this.failed = () => {};
    for (const method of ['get', 'post', 'put', 'delete'])
      this[method] = (path, fn) => this.add(method, path, fn);
  }

  use(fn) { this.layers.push({ fn }); }

  onError(fn) { this.failed = fn; }

  add(method, path, fn) {
    const names = [];
    const pattern = path.replace(/:(\w+)/g, (all, name) => { names.push(name); return '([^/]+)'; });
    this.layers.push({ method, pattern: new RegExp(`^${pattern}$`), names, fn });
  }

  handle(event) {
    return new Promise((resolve) => {
      const req = {
        method: (event.method || 'get').toLowerCase(), path: event.path,
        query: event.query || {}, body: event.body || {}, params: {},
      };
      const res = new Response(resolve);
      let at = 0;
      const next = (err) => {
        if (err) { this.failed(err, req, res); return; }
        const layer = this.layers[at++];
        if (!layer) { res.status(404).json({ error: `no route ${req.path}` }); return; }
        const found = layer.pattern && layer.pattern.exec(req.path);
        if (layer.pattern && (layer.method !== req.method || !found)) { next(); return; }
        if (found) layer.names.forEach((n, i) => { req.params[n] = decodeURIComponent(found[i + 1]); });
        Promise.resolve().then(() => layer.fn(req, res, next)).catch(next);
      };
      next();
    });
  }
};
