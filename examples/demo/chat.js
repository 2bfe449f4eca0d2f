// The chat: chat.hpp says what the lines mean.

import {Connection} from './connection.js';
import {find, make} from './parts.js';

const lines = find('lines');
const nameField = find('name');
const mostLines = 300;
let me = '';

const seaNames = ['Bowline', 'Capstan', 'Halyard', 'Bosun', 'Fender', 'Bollard', 'Anchor',
                  'Rudder', 'Beacon', 'Spinnaker', 'Sextant', 'Driftwood'];
nameField.value =
    sessionStorage.getItem('name') || seaNames[Math.floor(Math.random() * seaNames.length)];

function add(line) {
  const isAtEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 60;
  lines.querySelector('.empty')?.remove();
  lines.append(line);
  while (lines.children.length > mostLines) lines.firstChild.remove();
  if (isAtEnd) lines.scrollTop = lines.scrollHeight;
}

function addSaid(name, text) {
  const line = make('div', name === me ? 'said mine' : 'said');
  const by = make('div', 'by');
  let sum = 0;
  for (const character of name) sum += character.codePointAt(0);
  const now = new Date();
  const time = make('time', '', now.toLocaleTimeString([], {hour: '2-digit', minute: '2-digit'}));
  time.dateTime = now.toISOString();
  by.append(make('bdi', `person-${sum % 6}`, name), time);
  const said = make('p', '', text);
  said.dir = 'auto';
  line.append(by, said);
  add(line);
}

function showPeople(names) {
  const shown = names.slice(0, 12).map((name) => make('li', '', name === me ? `${name} (you)` : name));
  if (names.length > shown.length) shown.push(make('li', '', `and ${names.length - shown.length} more`));
  find('people').replaceChildren(...shown);
}

const news = (text) => add(make('p', 'news', text));

const meanings = {
  you(name) {
    me = name;
    if (nameField.value.trim() === wished) nameField.value = name;  // else another is being typed
    sessionStorage.setItem('name', name);
  },
  here: (...names) => showPeople(names),
  joined: (name) => news(name === me ? `You are ${name}` : `${name} came in`),
  left: (name) => news(`${name} left`),
  renamed: (before, name) => news(`${before} is ${name} now`),
  said: (name, ...text) => addSaid(name, text.join('\n')),
  no(reason) {
    add(make('p', 'refused', reason));
    if (document.activeElement !== nameField) nameField.value = me || nameField.value;
  },
};

let wished = '';  // the name that was asked for last
const join = () => {
  wished = nameField.value.trim();
  return connection.send(`join\n${wished}`);
};
export const connection = new Connection('chat', {
  onOpen: () => join(),
  onMessage(text) {
    const [what, ...rest] = text.split('\n');
    meanings[what]?.(...rest);
  },
  onClose() {
    showPeople([]);
  },
});

nameField.addEventListener('change', join);
nameField.addEventListener('keydown', (event) => {
  if (event.key === 'Enter') nameField.blur();
});
find('say').addEventListener('submit', (event) => {
  event.preventDefault();
  const field = find('line');
  if (field.value === '') return;
  if (connection.send(`say\n${field.value}`)) {
    field.value = '';
  } else {
    add(make('p', 'refused', 'Not sent: there is no connection'));
  }
});
lines.append(make('p', 'empty', 'Nothing was said yet.'));
