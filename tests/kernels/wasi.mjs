// Runs a WebAssembly program with node's WASI: wasi.mjs PROGRAM [ARGUMENT...]. The program sees no
// file and no variable of the environment; its exit code is ours.

import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';

const [program, ...parameters] = process.argv.slice(2);
const wasi = new WASI({ version: 'preview1', args: [program, ...parameters], env: {}, returnOnExit: true });
const { instance } = await WebAssembly.instantiate(await readFile(program), {
  wasi_snapshot_preview1: wasi.wasiImport,
});
process.exitCode = wasi.start(instance);
