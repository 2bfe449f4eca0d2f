// A connection, which comes back by itself, and the card that shows how it is.

import {find, setText} from './parts.js';
import {describeClose, describeSize, sizeOf, stateWords} from './words.js';

export class Connection {
  constructor(name, handlers) {
    this.handlers = handlers;
    this.url = new URL(name, document.baseURI);
    this.url.protocol = this.url.protocol.replace('http', 'ws');  // and https becomes wss

    this.card = find(name);
    const parts = find('connection').content.cloneNode(true);
    const [state, toggle, trouble, figures] = parts.children;
    this.part('h2').after(state, toggle, trouble);
    this.card.append(figures);
    this.toggle = toggle;
    this.toggle.addEventListener('click', () => this.change());

    this.messagesSent = this.bytesSent = this.messagesReceived = this.bytesReceived = 0;
    this.failures = 0;     // since it was last open for some time
    this.retryAt = null;   // when it connects again; null: it does not
    this.wanted = true;    // unless the button closed it
    this.lastClose = null;
    this.connect();
  }

  part(selector) { return this.card.querySelector(selector); }
  get isOpen() { return this.socket.readyState === WebSocket.OPEN; }

  connect() {
    clearTimeout(this.timer);
    this.retryAt = null;
    this.openedAt = null;
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => {
      this.openedAt = performance.now();
      this.handlers.onOpen?.();
      this.show();
    });
    socket.addEventListener('message', (event) => {
      ++this.messagesReceived;
      this.bytesReceived += sizeOf(event.data);
      this.handlers.onMessage(event.data);
    });
    socket.addEventListener('close', (event) => this.closed(event));
    this.show();
  }

  // Tries again ever more seldom, up to every 8 seconds; and at random within that, so that not all
  // pages come at once when a server is back.
  closed(event) {
    const now = performance.now();
    if (this.openedAt !== null) this.lastClose = event;
    if (this.openedAt !== null && now - this.openedAt > 1000) this.failures = 0;
    if (this.wanted) {
      const longest = Math.min(8000, 500 * 2 ** this.failures++);
      const wait = longest * (0.5 + Math.random() / 2);
      this.retryAt = now + wait;
      this.timer = setTimeout(() => this.connect(), wait);
    }
    this.handlers.onClose?.(event);
    this.show();
  }

  connectAtOnce() {
    if (this.retryAt !== null) this.connect();
  }

  change() {
    this.wanted = this.socket.readyState === WebSocket.CLOSED;
    this.failures = 0;
    if (this.wanted) {
      this.connect();
    } else {
      this.socket.close(1000, 'the button was pressed');
    }
    this.show();
  }

  send(data) {
    if (!this.isOpen) return false;
    this.socket.send(data);
    ++this.messagesSent;
    this.bytesSent += sizeOf(data);
    this.show();
    return true;
  }

  show() {
    const state = this.socket.readyState;
    this.card.dataset.state = stateWords[state].toLowerCase();
    setText(this.part('.state'), stateWords[state]);
    setText(this.toggle, state === WebSocket.CLOSED ? 'Connect' : 'Close');
    this.toggle.disabled = state === WebSocket.CLOSING;
    this.toggle.setAttribute('aria-label', `${this.toggle.textContent} the ${this.card.id} connection`);
    this.showTrouble();

    const counts = (messages, bytes) =>
        `${messages} ${messages === 1 ? 'message' : 'messages'}, ${describeSize(bytes)}`;
    this.showFigure('.sent', counts(this.messagesSent, this.bytesSent));
    this.showFigure('.received', counts(this.messagesReceived, this.bytesReceived));
    this.showFigure('.buffered', describeSize(this.socket.bufferedAmount));
    if (this.lastClose !== null) this.showFigure('.last', describeClose(this.lastClose));
  }

  showFigure(selector, text) {
    this.part(selector).hidden = false;
    setText(this.part(`${selector} dd`), text);
  }

  showTrouble() {
    const isDown = this.retryAt !== null || !this.wanted || (this.failures > 0 && !this.isOpen);
    this.part('.trouble').hidden = !isDown;
    if (!isDown) return;
    const isClosed = this.socket.readyState === WebSocket.CLOSED;
    const last = this.lastClose === null ? '' : ` It closed with ${describeClose(this.lastClose)}.`;
    setText(this.part('.closed'), this.wanted ? `Not connected.${last}` :
                                  isClosed ? 'You closed it.' : 'Closing.');
    const seconds = Math.ceil((this.retryAt - performance.now()) / 1000);
    setText(this.part('.retry'), this.retryAt === null ? '' :
                                 seconds > 0 ? `Trying again in ${seconds} s.` : 'Trying again.');
  }
}
