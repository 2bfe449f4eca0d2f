// Uses the demo as people do, in a browser without a window, and says of each thing whether it held.
//
//     node check.mjs --server PROGRAM --modules FOLDER --browser PROGRAM --pictures FOLDER
//                    [--screenshot FILE]
//
// FOLDER of --modules has playwright-core in it. Pictures of the page are kept as demo-*.png; FILE
// becomes one of two of them, for people to see what this is. The exit status is 0 where all held.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {createHash, randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {writeFile} from 'node:fs/promises';
import {createServer} from 'node:http';
import {createRequire} from 'node:module';
import path from 'node:path';
import {createInterface} from 'node:readline';
import {setTimeout as sleep} from 'node:timers/promises';
import {parseArgs} from 'node:util';

const {values: options} = parseArgs({
  options: Object.fromEntries(['server', 'modules', 'browser', 'pictures', 'screenshot'].map(
      (name) => [name, {type: 'string'}])),
});
const {chromium} = createRequire(path.resolve(options.modules, 'x'))('playwright-core');

const services = ['ticker', 'chat', 'echo'];
const limit = 16 * 1024 * 1024;

// ---- Checks, one line each

let failures = 0;

async function check(what, body) {
  const start = performance.now();
  const tooLong = new AbortController();
  try {
    await Promise.race([
      body(),
      sleep(60000, null, tooLong).then(() => assert.fail('it took longer than a minute')),
    ]);
    console.log(`ok      ${what} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  } catch (wrong) {
    ++failures;
    const lines = String(wrong.message ?? wrong).replace(/\x1b\[\d+m/g, '').trim().split('\n');
    console.log([`FAILED  ${what}`, ...lines.slice(0, 20)].join('\n        '));
  }
  tooLong.abort();
}

async function eventually(what, holds, seconds = 20) {
  for (const end = performance.now() + seconds * 1000; performance.now() < end; await sleep(50)) {
    if (await holds()) return;
  }
  assert.fail(`not within ${seconds} s: ${what}`);
}

// ---- The server

async function startServer(port) {
  const program = spawn(options.server, ['--port', String(port)], {stdio: ['ignore', 'pipe', 'inherit']});
  const server = {program, log: [], url: null, exit: once(program, 'exit')};
  createInterface(program.stdout).on('line', (line) => {
    server.log.push(line);
    const address = /^listening on (\S+)/.exec(line);
    if (address !== null) server.url = new URL(address[1]);
  });
  await eventually('the server prints its address', () => server.url !== null, 10);
  return server;
}

// ---- What a page shows

const sayTo = async (page, text) => {
  await page.getByRole('textbox', {name: 'Message to all'}).fill(text);
  await page.getByRole('textbox', {name: 'Message to all'}).press('Enter');
};
const takeName = async (page, name) => {
  await page.getByRole('textbox', {name: 'Your name'}).fill(name);
  await page.getByRole('textbox', {name: 'Your name'}).press('Enter');
};
const sees = (page, selector, text) =>
    page.locator(selector).filter({hasText: text}).first().waitFor({timeout: 10000});
const isOpen = async (page) => {
  const states = await Promise.all(services.map((name) => page.locator(`#${name} .state`).textContent()));
  return states.every((state) => state === 'Open');
};

// Closes and errors of a WebSocket that the page's own script knows nothing of.
const connectFrom = (page, url, size) => page.evaluate(([to, bytes]) => new Promise((resolve) => {
  const socket = new WebSocket(to);
  let failed = false;
  socket.onerror = () => { failed = true; };
  socket.onopen = () => socket.send(new Uint8Array(bytes));
  socket.onmessage = () => socket.close(4000, 'it came back');
  socket.onclose = ({code, reason, wasClean}) => resolve({code, reason, wasClean, failed});
}), [url, size]);

// How much of the plot's width the line takes, from 0 to 1.
const widthOfLine = (page) => page.evaluate(() => {
  const canvas = document.getElementById('plot');
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const hex = getComputedStyle(document.documentElement).getPropertyValue('--accent').trim();
  const colour = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const columns = new Set();
  for (let i = 0; i < data.length; i += 4) {
    const isLine = data[i + 3] > 200 && colour.every((part, k) => Math.abs(data[i + k] - part) < 16);
    if (isLine) columns.add((i / 4) % canvas.width);
  }
  return columns.size / canvas.width;
});

// ---- All of it

let server = await startServer(0);
process.on('exit', () => server.program.kill('SIGKILL'));
const wsUrl = (name) => Object.assign(new URL(name, server.url), {protocol: 'ws:'}).href;
const browser = await chromium.launch({
  executablePath: options.browser,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic'],
});
const troubles = [];  // of scripts, and with the content security policy

async function openPage(settings, url = server.url.href) {
  const page = await (await browser.newContext(settings)).newPage();
  page.on('pageerror', (wrong) => troubles.push(String(wrong)));
  page.on('dialog', (dialog) => {
    troubles.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) troubles.push(message.text());
  });
  await page.goto(url);
  return page;
}

const desktop = {viewport: {width: 1280, height: 800}, colorScheme: 'light'};
const phone = {viewport: {width: 390, height: 844}, colorScheme: 'dark', isMobile: true,
               hasTouch: true, deviceScaleFactor: 2};
const started = performance.now();
const ada = await openPage(desktop);
const received = [];  // as the browser's own network log has it
ada.on('websocket', (socket) => socket.on('framereceived', ({payload}) => received.push(payload)));
await ada.reload();
const grace = await openPage(phone);
const both = [ada, grace];

await check('the three connections of both pages open', () =>
    eventually('all are open', async () => await isOpen(ada) && await isOpen(grace)));

await check('two tabs chat, with names and presence', async () => {
  await takeName(ada, 'Ada');
  await sees(grace, '#people li', 'Ada');
  await takeName(grace, 'Grace');
  await sees(ada, '#people li', 'Grace');
  await sayTo(ada, 'Is anybody moored here?');
  await sees(grace, '.said:not(.mine)', 'Is anybody moored here?');
  await sayTo(grace, 'Two lines out, and a spring.');
  await sees(ada, '.said:not(.mine)', 'Two lines out, and a spring.');
  await sayTo(ada, 'Good. The ticker looks rough today.');
  for (const page of both) {
    await sees(page, '.said', 'Good. The ticker looks rough today.');
    assert.equal(await page.locator('.said').count(), 3);
    assert.equal(await page.locator('#people li').count(), 2);
  }
});

await check('text comes back', async () => {
  for (const page of both) {
    await page.getByRole('textbox', {name: 'Text to send'}).fill('Ahoy ⚓');
    await page.getByRole('textbox', {name: 'Text to send'}).press('Enter');
    await sees(page, '#echoes .good', 'Ahoy ⚓');
  }
});

await check('a file of 1 MiB comes back with the same hash', async () => {
  const buffer = randomBytes(1024 * 1024);
  const hash = (bytes) => createHash('sha256').update(bytes).digest('hex');
  await ada.getByLabel('Send a file').setInputFiles(
      {name: 'harbour.jpg', mimeType: 'image/jpeg', buffer});
  await sees(ada, '#echoes .good', 'SHA-256');
  assert.equal(await ada.locator('#echoes .good').first().getAttribute('data-sha256'), hash(buffer));
  const frames = received.filter((payload) => payload.length === buffer.length);
  assert.deepEqual(frames.map(hash), [hash(buffer)]);
});

await check('the ticker draws', async () => {
  const before = await Promise.all(both.map(widthOfLine));
  await sleep(2000);
  const after = await Promise.all(both.map(widthOfLine));
  for (const [i, width] of after.entries()) {
    assert.ok(width > Math.min(before[i] + 0.05, 0.9), `the line grew from ${before[i]} to ${width}`);
  }
});

await check('round trip, messages and bytes each way, and bufferedAmount are shown', async () => {
  const figure = (name) => ada.locator(`#echo .${name} dd`).textContent();
  assert.match(await figure('trip'), /^[\d.]+ ms$/);
  assert.match(await figure('sent'), /^\d+ messages, 1\.0 MiB$/);
  assert.match(await figure('received'), /^\d+ messages, 1\.0 MiB$/);
  assert.equal(await figure('buffered'), '0 B');
});

await check('a message above the limit is answered by a close with code 1009', async () => {
  const page = await openPage({}, new URL('icon.svg', server.url).href);
  assert.deepEqual(await connectFrom(page, wsUrl('echo'), limit + 1), {
    code: 1009, reason: 'the message is larger than the limit', wasClean: true, failed: false});
  await page.close();
});

await check('a page of a foreign origin gets an error, and the log says why', async () => {
  const foreign = createServer((request, response) => response.end('a page')).listen(0, '127.0.0.1');
  await once(foreign, 'listening');
  const origin = `http://127.0.0.1:${foreign.address().port}`;
  const page = await openPage({}, origin);
  const end = await connectFrom(page, wsUrl('echo'), 1);
  assert.deepEqual([end.failed, end.code], [true, 1006]);
  const line = server.log.find((each) => each.includes('the Origin is not allowed'));
  assert.ok(line?.includes('/echo') && line.includes(`'${origin}'`), `the log has: ${line}`);
  console.log(`        the log: ${line}`);
  await page.close();
  foreign.close();
});

await check('the page comes with the headers that keep it safe, and nothing else is there', async () => {
  const get = async (target, method = 'GET') => {
    const answer = await fetch(new URL(target, server.url), {method});
    return {status: answer.status, headers: answer.headers, body: await answer.text()};
  };
  const page = await get('/');
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.match(page.headers.get('content-security-policy'), /^default-src 'none'; script-src 'self';/);
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(page.headers.get('cache-control'), 'no-store');
  const head = await get('/', 'HEAD');
  assert.deepEqual([head.status, head.body], [200, '']);
  assert.equal(head.headers.get('content-length'), String(Buffer.byteLength(page.body)));
  const statuses = await Promise.all(['/style.css', '/app.js', '/icon.svg', '/nothing', '/echo'].map(
      async (target) => (await get(target)).status));
  assert.deepEqual(statuses, [200, 200, 200, 404, 404]);
  assert.equal((await get('/', 'POST')).status, 405);
});

const pictures = {};
await check('pictures were taken', async () => {
  const whole = 21000;  // the plot is as long as it gets
  await sleep(Math.max(0, whole - (performance.now() - started)));
  for (const [device, page] of [['desktop', ada], ['phone', grace]]) {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({colorScheme});
      await sleep(200);
      await page.evaluate(() => {
        document.activeElement.blur();
        scrollTo(0, 0);
      });
      const name = `demo-${device}-${colorScheme}`;
      const file = path.resolve(options.pictures, `${name}.png`);
      pictures[name] = await page.screenshot({path: file});
      console.log(`        ${file}`);
    }
  }
  if (options.screenshot === undefined) return;
  const page = await (await browser.newContext({viewport: {width: 1196, height: 580}})).newPage();
  const show = (name, width) =>
      `<img src="data:image/png;base64,${pictures[name].toString('base64')}" width="${width}">`;
  await page.setContent(`<style>
    body { display: flex; justify-content: space-between; margin: 9px; }
    img { height: 560px; outline: 1px solid #8899a0; border-radius: 8px; }
  </style>
  ${show('demo-desktop-light', 896)} ${show('demo-phone-dark', 259)}`);
  await writeFile(options.screenshot, await page.screenshot({omitBackground: true}));
  console.log(`        ${path.resolve(options.screenshot)}`);
  await page.close();
});

await check('what looks like HTML is text, in messages and names', async () => {
  const attack = '<img src=x onerror="alert(1)">';
  await sayTo(ada, attack);
  await takeName(ada, '<b>Ada</b>');
  for (const page of both) {
    await sees(page, '.said p', attack);
    await sees(page, '#people li', '<b>Ada</b>');
    assert.equal(await page.locator('.said p').last().textContent(), attack);
    assert.equal(await page.locator('#lines img, #people b').count(), 0);
  }
  await sleep(500);  // for a handler to run, if there were one
  await takeName(ada, 'Ada');
});

await check('a name that is taken gets a number, and writing too fast is refused', async () => {
  await takeName(ada, 'Grace');
  await sees(grace, '#people li', 'Grace 2');
  await eventually('the field shows it', async () => await ada.locator('#name').inputValue() === 'Grace 2');
  await ada.evaluate(() => {
    for (let i = 1; i <= 20; ++i) {
      document.getElementById('line').value = `Hurry ${i}`;
      document.getElementById('say').requestSubmit();
    }
  });
  await sees(ada, '.refused', 'too fast');
});

await check('the page tells 1009 in words, and connects again', async () => {
  await ada.getByRole('button', {name: 'One byte too many'}).click();
  await sees(ada, '#echoes .bad', '1009, message too big');
  await sees(ada, '#echo .last dd', '1009, message too big: “the message is larger than the limit”');
  await eventually('all are open', () => isOpen(ada));
});

await check('the button closes a connection with 1000, and opens it again', async () => {
  await ada.getByRole('button', {name: 'Close the echo connection'}).click();
  await sees(ada, '#echo .trouble', 'You closed it.');
  await sees(ada, '#echo .last dd', '1000');
  await ada.getByRole('button', {name: 'Connect the echo connection'}).click();
  await eventually('all are open', () => isOpen(ada));
});

await check('no window is too narrow', async () => {
  for (const [width, height] of [[320, 568], [390, 844], [768, 1024], [1024, 700], [1920, 1080]]) {
    await ada.setViewportSize({width, height});
    const wide = await ada.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${width} pixels: ${wide} too wide`);
  }
  await ada.setViewportSize(desktop.viewport);
});

async function restart(signal, code) {
  const {port} = server.url;
  server.program.kill(signal);
  const [status] = await server.exit;
  for (const page of both) {
    for (const name of services) await sees(page, `#${name} .last dd`, code);
    await sees(page, '#ticker .trouble', 'Trying again');
  }
  server = await startServer(port);
  await eventually('both pages are connected', async () => await isOpen(ada) && await isOpen(grace), 30);
  await sees(ada, '#people li', 'Grace');
  await sayTo(grace, `Back after ${signal}`);
  await sees(ada, '.said:not(.mine)', `Back after ${signal}`);
  return status;
}

await check('the server says goodbye with 1001 where it is stopped; both pages connect again', async () => {
  assert.equal(await restart('SIGTERM', '1001, going away'), 0);
});

await check('both pages connect again after the server was killed', () =>
    restart('SIGKILL', '1006, lost'));

await check('no script failed, no dialog opened, no policy was broken', async () =>
    assert.deepEqual(troubles, []));

await browser.close();
console.log(failures === 0 ? 'All held.' : `${failures} did not hold.`);
process.exit(failures === 0 ? 0 : 1);
