// Numbers in words.

// By readyState.
export const stateWords = ['Connecting', 'Open', 'Closing', 'Closed'];

const closeWords = {
  1000: 'closed on purpose',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'unsupported data',
  1005: 'no reason was given',
  1006: 'lost, without a goodbye',
  1007: 'text that is not UTF-8',
  1008: 'against the rules',
  1009: 'message too big',
  1011: 'error in the server',
  1012: 'the server restarts',
  1013: 'try again later',
};

export function describeClose({code, reason}) {
  const words = closeWords[code] ?? 'a code of its own';
  return reason ? `${code}, ${words}: “${reason}”` : `${code}, ${words}`;
}

export function describeSize(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    ++unit;
  }
  return `${unit === 0 || Number.isInteger(bytes) ? bytes : bytes.toFixed(1)} ${units[unit]}`;
}

export function describeTime(milliseconds) {
  return milliseconds < 10 ? `${milliseconds.toFixed(1)} ms` : `${Math.round(milliseconds)} ms`;
}

const encoder = new TextEncoder();

// Of a message, in bytes.
export function sizeOf(data) {
  return typeof data === 'string' ? encoder.encode(data).length : data.byteLength;
}
