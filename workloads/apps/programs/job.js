// A fixed job for node: what comes from malloc (buffers, zlib, the compiler's zones) beside V8's own heap.
'use strict';
const zlib = require('zlib');
const crypto = require('crypto');

function buffers(rounds) {
    const kept = [];
    let sum = 0;
    for (let i = 0; i < rounds; ++i) {
        const buffer = Buffer.alloc(64 + (i * 7919) % 20000, i & 255);
        sum += buffer[buffer.length >> 1];
        if (i % 16 === 0) kept[(i / 16) % 256] = buffer;
    }
    return sum + kept.length;
}

function compressed(rounds) {
    const hash = crypto.createHash('sha256');
    for (let i = 0; i < rounds; ++i) {
        const text = Buffer.from(`line ${i} of ${i % 13}\n`.repeat(400 + i));
        hash.update(zlib.inflateSync(zlib.deflateSync(text, { level: 1 + (i % 9) })));
    }
    return hash.digest('hex');
}

function records(count) {
    const all = new Map();
    for (let i = 0; i < count; ++i) all.set(`key ${i}`, { id: i, values: Array.from({ length: i % 9 }, (_, k) => k * i) });
    return JSON.parse(JSON.stringify([...all.values()])).reduce((sum, one) => sum + one.values.length, 0);
}

async function main() {
    const squares = await Promise.all(Array.from({ length: 20000 }, async (_, i) => i * i));
    console.log('total', buffers(60000), records(60000), squares.reduce((a, b) => a + b, 0));
    console.log(compressed(150));
}

main();
