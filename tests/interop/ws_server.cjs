// The server of npm's `ws` for the tests: what each path does, README.md says.
// Prints its port; ends by SIGTERM.
'use strict';

const http = require('node:http');
const { WebSocketServer } = require('ws');

const ends = new Map();

const actions = {
  '/echo'() {},
  '/limited'() {},
  '/strict'() {},
  '/ping'(socket) {
    socket.on('pong', (data) => socket.send(`pong: ${data}`));
    socket.ping('are you there?');
  },
  '/fragments'(socket) {
    const text = Buffer.from('one two thr\u00e9e');
    socket.send(text.subarray(0, 4), { binary: false, fin: false });
    socket.send(Buffer.alloc(0), { fin: false });
    socket.send(text.subarray(4, 12), { fin: false });
    socket.send(text.subarray(12), { fin: true });
    socket.send(Buffer.from('fo'), { binary: true, fin: false });
    socket.send(Buffer.from('ur'), { fin: true });
  },
  '/close'(socket, query) {
    const code = query.get('code');
    socket.close(code ? Number(code) : undefined, code ? query.get('reason') : undefined);
  },
  '/abort'(socket) {
    socket.terminate();
  },
  '/invalid'(socket) {
    socket.send(Buffer.from([0xff]), { binary: false });
  },
  '/flood'(socket, query) {
    socket.send(Buffer.alloc(Number(query.get('size'))));
  },
  '/header'(socket, query, request) {
    socket.send(request.headers['x-interop']);
  },
  '/subprotocol'(socket) {
    socket.send(socket.protocol || 'none');
  },
  '/unoffered'() {},
  '/extensions'(socket) {
    socket.send(socket.extensions || 'none');
  },
  '/closed'(socket, query) {
    socket.send(ends.get(query.get('id')) ?? 'unknown');
  },
};

const options = {
  noServer: true,
  perMessageDeflate: true,
  handleProtocols: (offered) => [...offered].find((name) => /^chat\.v[12]$/.test(name)) ?? false,
};
const servers = {
  '/limited': new WebSocketServer({ ...options, maxPayload: 1000 }),
  '/unoffered': new WebSocketServer({ ...options, handleProtocols: () => false }),
  others: new WebSocketServer({ ...options, maxPayload: 64 << 20 }),
};
servers['/unoffered'].on('headers', (lines) => lines.push('Sec-WebSocket-Protocol: other'));

function serve(socket, request, url) {
  const id = url.searchParams.get('id');
  socket.on('error', () => {});
  socket.on('close', (code, reason) => {
    if (id && url.pathname !== '/closed') ends.set(id, `${code} ${reason}`.trim());
  });
  if (url.pathname !== '/fragments') {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  }
  actions[url.pathname](socket, url.searchParams, request);
}

const server = http.createServer();
server.on('upgrade', (request, connection, head) => {
  const url = new URL(request.url, 'http://localhost');
  const status =
    url.pathname === '/status' ? url.searchParams.get('status')
    : url.pathname === '/strict' && request.headers.origin !== 'https://good.example' ? 403
    : !(url.pathname in actions) ? 404
    : 0;
  if (status) {
    connection.end(`HTTP/1.1 ${status} As you asked\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    return;
  }
  const chosen = servers[url.pathname] ?? servers.others;
  chosen.handleUpgrade(request, connection, head, (socket) => serve(socket, request, url));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.on('SIGTERM', () => process.exit(0));
