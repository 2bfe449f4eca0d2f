// The ticker: numbers come, and are drawn.

import {Connection} from './connection.js';
import {find, setText} from './parts.js';

const canvas = find('plot');
const seconds = 20;
const period = 100;  // milliseconds
let points = [];  // {time, value, follows}: whether a line leads to it from the one before
let lastCount = null;
let skipped = 0;

export const connection = new Connection('ticker', {
  onOpen() { lastCount = null; },
  onMessage(text) {
    const [count, value, pages] = text.split(' ').map(Number);
    const now = performance.now();
    let time = now;
    if (lastCount !== null) {
      // The count tells the time better than the arrival, which is late by now this and now that.
      const expected = points.at(-1).time + (count - lastCount) * period;
      time = expected + (now - expected) / 10;
      skipped += count - lastCount - 1;
    }
    points.push({time, value, follows: lastCount !== null});
    lastCount = count;
    // The first that is out of sight is the end of a line that is not.
    const first = points.findIndex((point) => point.time > now - seconds * 1000);
    if (first > 1) points = points.slice(first - 1);
    find('value').textContent = value.toFixed(1);
    setText(find('watching'), pages > 1 ? `seen by ${pages} pages` : 'seen by this page');
    if (skipped > 0) connection.showFigure('.skipped', skipped);
  },
  onClose() { setText(find('watching'), 'no connection'); },
});

let colours;
function readColours() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  colours = {line: colour('--accent'), grid: colour('--edge'), label: colour('--soft')};
}
readColours();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', readColours);

function fitCanvas() {
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth * scale, canvas.clientHeight * scale].map(Math.round);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, {width, height});
  return scale;
}

function draw() {
  const scale = fitCanvas();
  const pen = canvas.getContext('2d');
  const [width, height] = [canvas.width / scale, canvas.height / scale];
  const margin = 8;
  const now = performance.now();
  const x = (time) => (width - margin) * (1 - (now - time) / (seconds * 1000));
  const y = (value) => margin + (height - 2 * margin) * (1 - value / 100);
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);

  pen.lineWidth = 1;
  pen.strokeStyle = colours.grid;
  pen.beginPath();
  for (const value of [0, 25, 50, 75, 100]) {
    pen.moveTo(0, Math.round(y(value)) + 0.5);
    pen.lineTo(width, Math.round(y(value)) + 0.5);
  }
  pen.stroke();
  pen.fillStyle = colours.label;
  pen.font = '12px system-ui, sans-serif';
  for (const value of [0, 100]) pen.fillText(value, 0, y(value) + (value === 0 ? -4 : 14));

  pen.lineWidth = 2;
  pen.lineJoin = 'round';
  pen.strokeStyle = pen.fillStyle = colours.line;
  let from = 0;
  for (let i = 1; i <= points.length; ++i) {
    if (i < points.length && points[i].follows) continue;
    drawRun(pen, points.slice(from, i), x, y);
    from = i;
  }
  const last = points.at(-1);
  if (last === undefined || !connection.isOpen) return;
  pen.beginPath();
  pen.arc(x(last.time), y(last.value), 4, 0, 2 * Math.PI);
  pen.fill();
}

// A line without gaps, and the area below it.
function drawRun(pen, run, x, y) {
  pen.beginPath();
  for (const point of run) pen.lineTo(x(point.time), y(point.value));
  pen.stroke();
  pen.lineTo(x(run.at(-1).time), y(0));
  pen.lineTo(x(run[0].time), y(0));
  pen.globalAlpha = 0.12;
  pen.fill();
  pen.globalAlpha = 1;
}

function drawAll() {
  if (points.length !== 0) draw();
  requestAnimationFrame(drawAll);
}
drawAll();
