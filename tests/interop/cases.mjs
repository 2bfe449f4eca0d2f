// The cases that a client of the WHATWG's WebSocket interface plays against hawser's servers: in
// Chromium by page.html, with npm's `ws` by ws_client.mjs, which can do more than a browser allows.

const MIB = 1 << 20;
const PATIENCE = 20000;

const encoder = new TextEncoder();

function nameOfSize(size) {
  return size >= MIB ? `${size / MIB} MiB` : `${size} B`;
}

/** Text of a given size in bytes, with characters of one, two and four. */
function textOf(size) {
  const part = 'h\u00e9llo \u{1F600} ';
  const count = Math.floor(size / encoder.encode(part).length);
  const text = part.repeat(count);
  return text + '.'.repeat(size - encoder.encode(text).length);
}

function binaryOf(size) {
  const bytes = new Uint8Array(size);
  let state = 0x9e3779b9;
  for (let i = 0; i < size; ++i) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

function repeated(data, times) {
  if (typeof data === 'string') return data.repeat(times);
  const all = new Uint8Array(data.length * times);
  for (let i = 0; i < times; ++i) all.set(data, i * data.length);
  return all;
}

const DISTANCES = [100, 300, 600, 1500, 3000, 6000, 12000, 24000];
const CHARACTERS = [...Array(95).keys()].map((i) => String.fromCharCode(32 + i));
CHARACTERS.push(...'\u00e9\u00fc\u03ba\u4e16\u754c\u{1F600}\u{1F44B}');
const WIDTHS = CHARACTERS.map((each) => encoder.encode(each).length);

/** A text or bytes for compressed connections: random, or such that parts of it come again. */
export function payloadOf(isText, isCompressible, size) {
  const random = binaryOf(size);
  const units = new Uint8Array(size);
  for (let i = 0; i < size; ) {
    const distance = DISTANCES[random[i] % DISTANCES.length];
    const isRepeat = isCompressible && distance <= i && random[i] < 180;
    const end = Math.min(size, i + (isRepeat ? 20 + (random[i] % 80) : 30));
    const from = isRepeat ? units : random;
    for (const back = isRepeat ? distance : 0; i < end; ++i) units[i] = from[i - back];
  }
  if (!isText) return units;
  const characters = [];
  let left = size;
  for (const unit of units) {
    const chosen = unit % CHARACTERS.length;
    if (WIDTHS[chosen] > left) break;
    left -= WIDTHS[chosen];
    characters.push(CHARACTERS[chosen]);
  }
  return characters.join('') + '.'.repeat(left);
}

function require(holds, what) {
  if (!holds) throw new Error(what);
}

function isSame(a, b) {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  const [one, two] = [new Uint8Array(a), new Uint8Array(b)];
  return one.length === two.length && one.every((byte, i) => byte === two[i]);
}

function shown(data) {
  return typeof data === 'string'
    ? `text of ${data.length}: ${data.slice(0, 60)}`
    : `binary of ${data.byteLength}`;
}

/** One connection, and all that it takes to hold a conversation over it. */
export class Conversation {
  constructor(socket) {
    this.socket = socket;
    this.messages = [];
    this.wakers = [];
    this.isOpen = false;
    this.end = null;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => this.#wake(() => (this.isOpen = true)));
    socket.addEventListener('message', ({ data }) => this.#wake(() => this.messages.push(data)));
    socket.addEventListener('error', () => {});
    socket.addEventListener('close', (event) => this.#wake(() => (this.end = event)));
  }

  #wake(change) {
    change();
    for (const waker of this.wakers.splice(0)) waker();
  }

  async wait(what, condition, survivesEnd = false) {
    const limit = Date.now() + PATIENCE;
    while (!condition()) {
      require(survivesEnd || !this.end, `the connection ended before ${what}: ${this.ended()}`);
      require(Date.now() < limit, `no ${what} came`);
      let timer;
      await new Promise((resolve) => {
        timer = setTimeout(resolve, PATIENCE);
        this.wakers.push(resolve);
      });
      clearTimeout(timer);
    }
  }

  ended() {
    return this.end
      ? `${this.end.code} ${this.end.reason} ${this.end.wasClean ? '(clean)' : '(not clean)'}`
      : 'not at all';
  }

  async open() {
    await this.wait('open', () => this.isOpen);
    return this;
  }

  async message() {
    await this.wait('message', () => this.messages.length > 0);
    return this.messages.shift();
  }

  async expect(data) {
    const found = await this.message();
    require(isSame(found, data), `${shown(found)} came instead of ${shown(data)}`);
  }

  /** What is null may be anything. */
  async expectEnd(code, reason = '', wasClean = true) {
    await this.wait('end', () => this.end, true);
    const { end } = this;
    require(
      end.code === code &&
        (reason === null || end.reason === reason) &&
        (wasClean === null || end.wasClean === wasClean),
      `it ended with ${this.ended()}`,
    );
  }

  async expectFailure() {
    await this.wait('end', () => this.end || this.isOpen);
    await this.expectEnd(1006, null, false);
    require(!this.isOpen, 'it was open');
  }

  async close(code = 1000, reason = '') {
    if (code === 1005) this.socket.close();
    else this.socket.close(code, reason);
    await this.expectEnd(code, reason);
  }
}

const ENDINGS = [
  [1000, '1000', 'done'],
  [1001, '1001', ''],
  [3000, '3000', ''],
  [4999, '4999 and a reason', 'Gr\u00fc\u00dfe \u{1F44B}'],
  [1005, 'no code', ''],
];

export class Cases {
  /**
   * @param urls of the servers: echo, limited, strict, play; see README.md
   * @param connect makes a WebSocket: (url, protocols) => WebSocket
   * @param tell is given ('ok' or 'FAILED', name, why) for each case
   * @param name of the client, for what the server remembers
   */
  constructor(urls, connect, tell, name) {
    this.urls = urls;
    this.connect = connect;
    this.tell = tell;
    this.name = name;
    this.ids = 0;
  }

  talk(url, ...more) {
    return new Conversation(this.connect(url, ...more));
  }

  async play(name, body) {
    try {
      await body();
      this.tell('ok', name);
    } catch (wrong) {
      this.tell('FAILED', name, String(wrong.message ?? wrong));
    }
  }

  nextId() {
    return `${this.name}${++this.ids}`;
  }

  /** How the server says that the connection of this id ended. */
  async ended(id) {
    const limit = Date.now() + 10000;
    for (;;) {
      const talk = this.talk(`${this.urls.play}/closed?id=${id}`);
      const end = await talk.message();
      await talk.close();
      if (end !== 'unknown' || Date.now() > limit) return end;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async requireEnded(id, expected) {
    const told = await this.ended(id);
    require(told === expected || (expected.test && expected.test(told)), `the server was told ${told}`);
  }

  async sizes() {
    for (const type of ['text', 'binary']) {
      for (const size of [0, 1, 125, 126, 127, 65535, 65536, MIB, 16 * MIB]) {
        await this.play(`${type} of ${nameOfSize(size)}`, async () => {
          const talk = await this.talk(this.urls.echo).open();
          const data = type === 'text' ? textOf(size) : binaryOf(size);
          talk.socket.send(data);
          await talk.expect(data);
          require(talk.socket.bufferedAmount === 0, 'something is still buffered');
          await talk.close();
        });
      }
    }
    await this.play('1000 messages in order', async () => {
      const talk = await this.talk(this.urls.echo).open();
      for (let i = 0; i < 1000; ++i) talk.socket.send(`message ${i}`);
      for (let i = 0; i < 1000; ++i) await talk.expect(`message ${i}`);
      await talk.close();
    });
  }

  async frames() {
    await this.play('fragments to the client', async () => {
      const talk = this.talk(`${this.urls.play}/fragments`);
      await talk.expect('one two thr\u00e9e');
      await talk.expect(encoder.encode('four'));
      await talk.close();
    });
    await this.play('ping to the client', async () => {
      const talk = this.talk(`${this.urls.play}/ping`);
      await talk.expect('pong: are you there?');
      await talk.close();
    });
    await this.play('compression is agreed on', async () => {
      const talk = await this.talk(this.urls.echo).open();
      const { extensions } = talk.socket;
      require(extensions.startsWith('permessage-deflate'), `extensions: ${extensions}`);
      await talk.close();
      const plain = await this.talk(`${this.urls.play}/echo`).open();
      require(plain.socket.extensions === '', `extensions: ${plain.socket.extensions}`);
      await plain.close();
    });
  }

  /** Messages of all kinds over a server that compresses, and what must be agreed on with it. */
  async compressed({ row, url, expected, isLarge }) {
    const converse = async (sizes) => {
      const talk = await this.talk(url).open();
      const { extensions } = talk.socket;
      require(extensions === expected, `${extensions} was agreed on instead of ${expected}`);
      for (const size of sizes) {
        for (const [isText, isCompressible] of [[true, true], [true, false], [false, true], [false, false]]) {
          if (size > MIB && isText !== isCompressible) continue;
          const data = payloadOf(isText, isCompressible, Math.min(size, MIB));
          const whole = size > MIB ? repeated(data, size / MIB) : data;
          talk.socket.send(whole);
          await talk.expect(whole);
        }
      }
      await talk.close();
    };
    const sizes = [0, 1, 64, 125, 126, 1000, 65535, 65536, 300000];
    await this.play(`${row}: ${expected}`, () => converse(sizes));
    if (isLarge) await this.play(`16 MiB: ${expected}`, () => converse([16 * MIB]));
  }

  async subprotocols() {
    const url = `${this.urls.play}/subprotocol`;
    const agree = async (offered, chosen) => {
      const talk = this.talk(url, offered);
      await talk.expect(chosen || 'none');
      require(talk.socket.protocol === chosen, `the subprotocol is ${talk.socket.protocol}`);
      await talk.close();
    };
    await this.play('subprotocol: the first that both know', () =>
      agree(['x', 'chat.v2', 'chat.v1'], 'chat.v2'));
    // The client fails then, by its own rules.
    await this.play('subprotocol: none in common', () => this.talk(url, ['x', 'y']).expectFailure());
    await this.play('subprotocol: none offered', () => agree([], ''));
  }

  /** `codes` are those that the interface lets a client send. */
  async closes(codes) {
    for (const [code, name, reason] of ENDINGS.filter(([each]) => codes.includes(each))) {
      await this.play(`client closes with ${name}`, async () => {
        const id = this.nextId();
        const talk = await this.talk(`${this.urls.play}/echo?id=${id}`).open();
        await talk.close(code, reason);
        await this.requireEnded(id, `${code} ${reason}`.trim());
      });
    }
    for (const [code, name, reason] of ENDINGS) {
      await this.play(`server closes with ${name}`, async () => {
        const query = `code=${code === 1005 ? '' : code}&reason=${encodeURIComponent(reason)}`;
        await this.talk(`${this.urls.play}/close?${query}`).expectEnd(code, reason);
      });
    }
    await this.play('server vanishes', async () => {
      const talk = await this.talk(`${this.urls.play}/abort`);
      await talk.expectEnd(1006, '', false);
      require(talk.isOpen, 'it was not open');
    });
  }

  async violations() {
    await this.play("over the server's limit: 1009", async () => {
      const talk = await this.talk(this.urls.limited).open();
      const text = 'x'.repeat(1000);
      talk.socket.send(text);
      await talk.expect(text);
      talk.socket.send(`${text}x`);
      // nginx may cut off the client's own close frame: then a browser does not call it clean.
      await talk.expectEnd(1009, null, null);
    });
    await this.play('text to the client that is not UTF-8', async () => {
      const id = this.nextId();
      const talk = this.talk(`${this.urls.play}/invalid?id=${id}`);
      await talk.wait('end', () => talk.end, true);
      require(talk.messages.length === 0, 'it came');
      await this.requireEnded(id, /^100[27]/); // 1007 by the RFC; Chromium sends 1002
    });
  }
}

export { require };
