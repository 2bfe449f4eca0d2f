// The echo: what was sent comes back, in the same order.

import {Connection} from './connection.js';
import {find, make, setText} from './parts.js';
import {describeClose, describeSize, describeTime, sizeOf} from './words.js';

const limit = 16 * 1024 * 1024;  // of a message, at the server
const echoes = find('echoes');
const waiting = [];  // what was sent and did not come back: replies keep the order
const mostEchoes = 30;

function addEcho(what, size) {
  const line = make('div', 'sent-out');
  line.append(make('span', 'what', what), make('span', 'size', describeSize(size)),
              make('span', 'result', 'On its way'));
  echoes.querySelector('.empty')?.remove();
  echoes.prepend(line);
  while (echoes.children.length > mostEchoes) echoes.lastChild.remove();
  return line;
}

function finish(line, isGood, text) {
  line.classList.add(isGood ? 'good' : 'bad');
  setText(line.querySelector('.result'), text);
}

function isSame(a, b) {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  const [left, right] = [new Uint8Array(a), new Uint8Array(b)];
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}

// Only a page that is served securely, or from this machine, may hash.
async function hash(bytes) {
  const digest = await crypto.subtle?.digest('SHA-256', bytes);
  return digest === undefined ? '' :
      Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function compare(sent, data, time) {
  if (!isSame(sent.data, data)) return finish(sent.line, false, 'Came back changed');
  const text = `Came back the same in ${describeTime(time)}`;
  finish(sent.line, true, text);
  if (typeof data === 'string') return;
  const sum = await hash(data);
  if (sum === '') return;
  sent.line.dataset.sha256 = sum;
  finish(sent.line, true, `${text}, SHA-256 ${sum.slice(0, 8)}…`);
}

export const connection = new Connection('echo', {
  onOpen: () => probe(),
  onMessage(data) {
    const sent = waiting.shift();
    const time = performance.now() - sent.at;
    if (sent.line === null) {
      connection.showFigure('.trip', describeTime(time));
    } else {
      compare(sent, data, time);
    }
  },
  onClose(event) {
    for (const sent of waiting.splice(0)) {
      if (sent.line === null) continue;
      const more = event.code === 1009 ? ` The server takes at most ${describeSize(limit)}.` : '';
      const {code} = event;
      finish(sent.line, false, `Did not come back: ${describeClose({code})}.${more}`);
    }
  },
});

function send(data, line) {
  if (connection.send(data)) {
    waiting.push({data, line, at: performance.now()});
    return true;
  }
  if (line !== null) finish(line, false, 'Not sent: there is no connection');
  return false;
}

// The round trip is that of a short message, measured while nothing else is under way.
function probe() {
  if (waiting.length === 0) send('round trip?', null);
}
setInterval(probe, 2000);

function sendBytes(what, bytes) {
  send(bytes, addEcho(what, bytes.byteLength));
}

find('send').addEventListener('submit', (event) => {
  event.preventDefault();
  const field = find('text');
  if (send(field.value, addEcho(field.value === '' ? 'Empty text' : field.value, sizeOf(field.value)))) {
    field.value = '';
  }
});
find('file').addEventListener('change', async ({target}) => {
  const [file] = target.files;
  if (file === undefined) return;
  // Of a file that is too big, as much as is needed to see that it is.
  const bytes = await file.slice(0, limit + 1).arrayBuffer();
  target.value = '';
  send(bytes, addEcho(file.name, file.size));
});
find('random').addEventListener('click', () => {
  const bytes = new Uint8Array(1024 * 1024);
  const most = 65536;  // in one call
  for (let at = 0; at < bytes.length; at += most) {
    crypto.getRandomValues(bytes.subarray(at, at + most));
  }
  sendBytes('Random bytes', bytes.buffer);
});
find('large').addEventListener('click', () => {
  sendBytes('16 MiB and one byte', new ArrayBuffer(limit + 1));
});
echoes.append(make('p', 'empty', 'Nothing was sent yet.'));
