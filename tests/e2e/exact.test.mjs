// No byte is lost, doubled or out of place, whatever the command prints and whatever else runs.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { eventually, RawServer, stateDirectory } from './support.mjs';

const commands = Number(process.env.REXEC_E2E_COMMANDS ?? 10_000);
const rounds = Number(process.env.REXEC_E2E_ROUNDS ?? 200);

const state = stateDirectory();
let server;
before(async () => {
  server = new RawServer(state.path);
  await server.initialize();
});
after(async () => {
  await server.close();
  state.remove();
});

/** A command with what it must print, by number. */
function varied(n) {
  switch (n % 8) {
    case 0: return { command: `echo ${n}`, stdout: `${n}\n` };
    case 1: return { command: `printf ${n}`, stdout: `${n}` };
    case 2: return { command: `echo ${n} >&2`, stderr: `${n}\n` };
    case 3: return { command: `echo a${n}; echo b${n} >&2; exit ${n % 200}`, stdout: `a${n}\n`, stderr: `b${n}\n`, code: n % 200 };
    case 4: return { command: `seq ${n} ${n + 99}`, stdout: Array.from({ length: 100 }, (_, i) => `${n + i}\n`).join('') };
    case 5: return { command: 'true' };
    case 6: return { command: 'false', code: 1 };
    default: return { command: `head -c ${n % 5000} /dev/zero | tr '\\0' x`, stdout: 'x'.repeat(n % 5000) };
  }
}

function check(n, expected, result) {
  const where = `command ${n}: ${expected.command}`;
  assert.equal(result.status, 'exited', where);
  assert.equal(result.stdout ?? '', expected.stdout ?? '', where);
  assert.equal(result.stderr ?? '', expected.stderr ?? '', where);
  assert.equal(result.exit_code, expected.code ?? 0, where);
}

test(`${commands} fast commands under load, none wrong`, async () => {
  let next = 0;
  const lane = async () => {
    for (;;) {
      const n = next++;
      if (n >= commands) return;
      const expected = varied(n);
      check(n, expected, await server.exec(expected.command));
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
});

test(`50 overlapping commands, ${rounds} rounds, none wrong`, async () => {
  for (let round = 0; round < rounds; ++round) {
    await Promise.all(Array.from({ length: 50 }, async (_, i) => {
      const n = round * 50 + i;
      const command = `echo start ${n}; sleep 0.0${i % 4}; echo end ${n}; echo err ${n} >&2`;
      check(n, { command, stdout: `start ${n}\nend ${n}\n`, stderr: `err ${n}\n` }, await server.exec(command));
    }));
  }
});

/** All of a stream, by following process_read's cursor in base64. */
async function wholeStream(process, stream) {
  const parts = [];
  let cursor = '';
  for (let page = 0; page < 200; ++page) {
    const answer = await server.call('process_read', {
      process, stream, encoding: 'base64', max_chars: 400_000, ...(cursor ? { cursor } : { cursor: '0.0' }),
    });
    assert.ok(!answer.isError, answer.content[0].text);
    const result = answer.structuredContent;
    parts.push(Buffer.from(result[stream] ?? '', 'base64'));
    cursor = result.cursor;
    if (!result.more) return Buffer.concat(parts);
  }
  throw new Error('the cursor does not reach the end');
}

test('4 MB on one line come back whole', async () => {
  const result = await server.exec("head -c 4000000 /dev/zero | tr '\\0' y");
  assert.equal(result.stdout_bytes, 4_000_000);
  assert.ok(result.omitted_bytes > 3_900_000);
  const whole = await wholeStream(result.process, 'stdout');
  assert.equal(whole.length, 4_000_000);
  assert.ok(whole.every((byte) => byte === 0x79));
});

test('invalid UTF-8 and NUL are replaced in text and exact as base64', async () => {
  const result = await server.exec("printf 'a\\377\\0b\\300\\257\\n'");
  assert.equal(result.stdout_bytes, 7);
  assert.match(result.stdout, /^a\ufffd\0b\ufffd\ufffd\n$/);
  assert.deepEqual(await wholeStream(result.process, 'stdout'), Buffer.from([0x61, 0xff, 0, 0x62, 0xc0, 0xaf, 0x0a]));
});

test('random bytes on both streams are exact', async () => {
  const result = await server.exec(
    'head -c 3000000 /dev/urandom | tee out.bin & head -c 2000000 /dev/urandom | tee err.bin >&2; wait; sha256sum out.bin err.bin > sums');
  const sums = (await server.exec('cat sums')).stdout;
  const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');
  assert.ok(sums.includes(digest(await wholeStream(result.process, 'stdout'))));
  assert.ok(sums.includes(digest(await wholeStream(result.process, 'stderr'))));
});

test('a grandchild that keeps the pipe open does not hold the answer', async () => {
  const begin = Date.now();
  const result = await server.exec('sleep 30 & echo started');
  assert.equal(result.stdout, 'started\n');
  assert.equal(result.status, 'exited');
  assert.ok(Date.now() - begin < 5000, 'answered while the grandchild lives');
});

test('what a grandchild writes later is still read', async () => {
  const result = await server.exec('(while [ ! -e go ]; do sleep 0.02; done; echo later) & echo now');
  assert.equal(result.stdout, 'now\n');
  await server.exec('touch go');
  await eventually('it is read', async () => {
    const more = await server.call('process_read', { process: result.process, cursor: result.cursor });
    return more.structuredContent.stdout === 'later\n';
  });
});

test('10 MB of standard input arrive', async () => {
  const input = Buffer.alloc(10_000_000, 'rexec stdin 0123456789\n').toString();
  const result = await server.call('exec', { command: 'sha256sum', stdin: input });
  assert.equal(result.structuredContent.stdout.slice(0, 64), createHash('sha256').update(input).digest('hex'));
});

test('a call without stdin reads end of file at once', async () => {
  const result = await server.exec('cat; echo eof');
  assert.equal(result.stdout, 'eof\n');
});

test('files of every byte go in and out unchanged', async () => {
  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7919) & 0xff));
  const written = await server.call('write_file', { path: 'every.bin', content: bytes.toString('base64'), encoding: 'base64' });
  assert.equal(written.structuredContent.sha256, createHash('sha256').update(bytes).digest('hex'));
  const sum = await server.exec('sha256sum < every.bin');
  assert.equal(sum.stdout.slice(0, 64), written.structuredContent.sha256);
});
