// Plays the cases with npm's `ws` as the client:
//
//     ws_client.mjs ECHO LIMITED STRICT PLAY ORIGIN STATUS
//
// URLs: see README.md. STATUS is the outcome that a page of ORIGIN gets at STRICT: 101 or 403.

import { createRequire } from 'node:module';

import { Cases, require } from './cases.mjs';

// NODE_PATH says where it is installed, which `import` does not look at.
const WebSocket = createRequire(import.meta.url)('ws');

const [echo, limited, strict, play, origin, status] = process.argv.slice(2);
let isGood = true;

function tell(outcome, name, detail) {
  if (outcome !== 'ok') isGood = false;
  console.log(outcome === 'ok' ? `ok ${name}` : `FAILED ${name}\t${detail}`);
}

const cases = new Cases(
  { echo, limited, strict, play },
  (url, protocols = [], options = {}) =>
    new WebSocket(url, protocols, { maxPayload: 64 << 20, ...options }),
  tell,
  'ws',
);

/** The status of the answer to a handshake, 101 where it opened, and its headers. */
function handshake(url, options) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, options);
    socket.on('error', () => {});
    socket.on('open', () => {
      resolve({ status: 101, headers: {} });
      socket.close();
    });
    socket.on('unexpected-response', (request, response) => {
      resolve({ status: response.statusCode, headers: response.headers });
      response.resume();
      request.destroy();
    });
  });
}

async function requireStatus(expected, url, options) {
  const found = await handshake(url, options);
  require(found.status === expected, `the status is ${found.status}`);
  return found;
}

async function frames() {
  await cases.play('fragments to the server', async () => {
    const talk = await cases.talk(echo).open();
    const { socket } = talk;
    const text = Buffer.from('one two thr\u00e9e');
    socket.send(text.subarray(0, 4), { binary: false, fin: false });
    socket.send(Buffer.alloc(0), { fin: false });
    socket.send(text.subarray(4, 12), { fin: false }); // inside a character
    socket.ping('between');
    socket.send(text.subarray(12), { fin: true });
    await talk.expect('one two thr\u00e9e');
    await talk.close();
  });
  await cases.play('ping to the server', async () => {
    const talk = await cases.talk(echo).open();
    const pongs = [];
    const longest = 'p'.repeat(125);
    talk.socket.on('pong', (data) => pongs.push(String(data)));
    talk.socket.ping(longest);
    talk.socket.ping();
    talk.socket.send('behind them');
    await talk.expect('behind them');
    require(pongs.length === 2 && pongs[0] === longest && pongs[1] === '', `pongs: ${pongs}`);
    await talk.close();
  });
}

async function handshakes() {
  await cases.play('header', async () => {
    const headers = { 'X-Interop': 'a, b; c="d"' };
    const talk = cases.talk(`${play}/header`, [], { headers });
    await talk.expect('a, b; c="d"');
    await talk.close();
  });
  await cases.play("Origin of the URL's host", () => requireStatus(Number(status), strict, { origin }));
  await cases.play('Origin that is refused', () =>
    requireStatus(403, strict, { origin: 'https://evil.example' }));
  for (const each of [401, 404, 426, 503]) {
    await cases.play(`refused with status ${each}`, () =>
      requireStatus(each, `${play}/status?status=${each}`));
  }
  await cases.play('version that is not 13', async () => {
    const { headers } = await requireStatus(426, echo, { protocolVersion: 8 });
    require(headers['sec-websocket-version'] === '13', 'the answer does not name version 13');
  });
}

async function violations() {
  await cases.play('client vanishes', async () => {
    const id = cases.nextId();
    const talk = await cases.talk(`${play}/echo?id=${id}`).open();
    talk.socket.terminate();
    await talk.expectEnd(1006, '', false);
    await cases.requireEnded(id, '1006');
  });
  await cases.play("over the client's limit: 1009", async () => {
    const id = cases.nextId();
    const talk = cases.talk(`${play}/flood?size=2000&id=${id}`, [], { maxPayload: 1000 });
    await talk.wait('end', () => talk.end, true);
    require(talk.messages.length === 0, 'it came');
    await cases.requireEnded(id, '1009');
  });
  await cases.play('text to the server that is not UTF-8: 1007', async () => {
    const talk = await cases.talk(echo).open();
    talk.socket.send(Buffer.from([0xff]), { binary: false });
    await talk.expectEnd(1007, null);
  });
}

await cases.sizes();
await cases.frames();
await frames();
await cases.subprotocols();
await handshakes();
await cases.closes([1000, 1001, 3000, 4999, 1005]);
await cases.violations();
await violations();
process.exit(isGood ? 0 : 1);
