// npm's `ws` as the client of hawser and as its server, over every mix of parameters that it takes:
// what is agreed on, and messages of all kinds in both directions.
//
//     ws_deflate.mjs client|server PROGRAM CONNECTIONS
//
// PROGRAM is interop_deflating, CONNECTIONS the plan_as_json of deflate_mixes.py.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

import { payloadOf, require } from './cases.mjs';

// NODE_PATH says where it is installed, which `import` does not look at.
const WebSocket = createRequire(import.meta.url)('ws');

const PATIENCE = 20000;
const LARGE = '16 MiB';
const MIB = 1 << 20;
const [role, program, planned] = process.argv.slice(2);
const connections = JSON.parse(planned).map(([row, own, name, mix, expected], number) => ({
  row,
  own,
  name: `${row}: ${name}`,
  mix,
  expected,
  number,
}));
let isGood = true;

async function play(name, body) {
  let timer;
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error('it took too long')), PATIENCE);
  });
  try {
    await Promise.race([body(), late]);
    console.log(`ok ${name}`);
  } catch (wrong) {
    isGood = false;
    console.log(`FAILED ${name}\t${wrong.message ?? wrong}`);
  }
  clearTimeout(timer);
}

// ---- The messages: of every kind, all of them within eight connections

function make(kind, size) {
  const data = payloadOf((kind & 1) !== 0, (kind & 2) === 0, size);
  return { data, inFragments: (kind & 4) !== 0 };
}

const KINDS = [0, 1, 2, 3, 4, 5, 6, 7];
const small = [0, 1, 64, 125, 126, 1000].flatMap((size) => KINDS.map((kind) => make(kind, size)));
const middle = [65535, 65536, 300000].map((size) => KINDS.map((kind) => make(kind, size)));

function messagesOf({ row, number }) {
  if (row !== LARGE) {
    return [...small, ...middle.map((each, i) => each[(number + [0, 3, 5][i]) % 8])];
  }
  const text = payloadOf(true, true, MIB).repeat(16);
  return [
    { data: text, inFragments: false },
    { data: text, inFragments: true },
    { data: payloadOf(false, false, 16 * MIB), inFragments: number % 2 === 1 },
  ];
}

function send(socket, { data, inFragments }) {
  if (!inFragments) return socket.send(data);
  const binary = typeof data !== 'string';
  const bytes = Buffer.from(data); // cut inside of characters, too
  const places = [0, Math.floor(bytes.length / 3), Math.floor(bytes.length / 2), bytes.length];
  for (let i = 0; i < 3; ++i) {
    socket.send(bytes.subarray(places[i], places[i + 1]), { binary, fin: i === 2 });
  }
}

function isSame(data, found, isBinary) {
  if (isBinary !== (typeof data !== 'string')) return false;
  return Buffer.compare(Buffer.from(data), found) === 0;
}

async function converse(socket, connection) {
  const messages = messagesOf(connection);
  await new Promise((resolve, reject) => {
    let next = 0;
    const goOn = () => (next < messages.length ? send(socket, messages[next]) : resolve());
    socket.on('message', (found, isBinary) => {
      const { data } = messages[next++] ?? {};
      if (data !== undefined && isSame(data, found, isBinary)) goOn();
      else reject(new Error(`${found.length} bytes came for message ${next - 1}`));
    });
    socket.on('error', reject);
    socket.on('close', (code, reason) => reject(new Error(`it ended with ${code} ${reason}`)));
    goOn();
  });
  socket.close(1000);
  const [code] = await once(socket, 'close');
  require(code === 1000, `it ended with ${code}`);
}

function requireAgreed(found, expected) {
  const sorted = (text) => (text ?? '').split('; ').sort().join('; ');
  require(sorted(found) === sorted(expected), `${found} was agreed on instead of ${expected}`);
}

// Its options for a mix; null is what stands nowhere.
function optionsOf([noServer, noClient, serverBits, clientBits], isClient) {
  return {
    serverNoContextTakeover: noServer || undefined,
    clientNoContextTakeover: noClient || undefined,
    serverMaxWindowBits: serverBits ?? undefined,
    clientMaxWindowBits: clientBits ?? (isClient ? false : undefined),
    threshold: 0,
  };
}

// ---- Both roles

async function playClients() {
  const options = [...new Set(connections.map((each) => each.own))];
  const ours = spawn(program, ['serve', ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: ours.stdout }), 'line');
  const ports = line.match(/\d+/g);
  for (const connection of connections) {
    await play(connection.name, async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${ports[options.indexOf(connection.own)]}/`, {
        perMessageDeflate: optionsOf(connection.mix, true),
        maxPayload: 64 * MIB,
      });
      let agreed;
      socket.on('upgrade', ({ headers }) => (agreed = headers['sec-websocket-extensions']));
      await once(socket, 'open');
      requireAgreed(agreed, connection.expected);
      await converse(socket, connection);
    });
  }
  ours.kill();
}

async function playServer(connection) {
  const server = new WebSocket.WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate: optionsOf(connection.mix, false),
    maxPayload: 64 * MIB,
  });
  await once(server, 'listening');
  const url = `ws://127.0.0.1:${server.address().port}/`;
  const ours = spawn(program, ['echo', connection.own, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  const told = once(createInterface({ input: ours.stdout }), 'line');
  try {
    if (connection.expected.startsWith('permessage-deflate')) {
      const [socket] = await Promise.race([once(server, 'connection'), told]);
      require(socket instanceof WebSocket, `${socket}`);
      await converse(socket, connection);
    }
    const [found] = await told;
    requireAgreed(found, connection.expected);
  } finally {
    ours.kill();
    for (const client of server.clients) client.terminate();
    server.close();
  }
}

if (role === 'client') await playClients();
else for (const each of connections) await play(each.name, () => playServer(each));
process.exit(isGood ? 0 : 1);
