// Dead means dead: cancelled commands, and everything of a server that ends, in whatever way it ends.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { after, test } from 'node:test';
import { binary, environment, eventually, processesWith, RawServer, stateDirectory } from './support.mjs';

const state = stateDirectory();
after(() => state.remove());

let unique = 0;
/** A duration for sleep(1) that no other process of this machine has. */
const marker = () => `${100_000 + (process.pid % 10_000)}.${Date.now() % 100_000}${unique++}`;

/** Processes of the whole machine that have `text` as an argument. */
const alive = (text) => processesWith((argument) => argument === text);

const stubborn = (mark) => `
  trap "" TERM INT HUP QUIT
  (trap "" TERM INT HUP; sleep ${mark}) &
  setsid sleep ${mark} &
  (setsid sh -c "setsid sleep ${mark} & exit" &)
  env -i /usr/bin/env -i setsid sleep ${mark} </dev/null >/dev/null 2>&1 &
  nohup sleep ${mark} >/dev/null 2>&1 &
  sleep ${mark}`;
const stubbornCount = 6;

async function started(state_) {
  const server = new RawServer(state_);
  await server.initialize();
  return server;
}

test('cancelling kills everything the command started, within 100 ms, and nothing else', async () => {
  const server = await started(state.path);
  try {
    const bystander = marker();
    await server.exec(`(setsid sleep ${bystander} &); sleep ${bystander}`, { wait_s: 0 });
    await eventually('bystanders run', () => alive(bystander).length === 2);
    const times = [];
    for (let round = 0; round < 20; ++round) {
      const mark = marker();
      const call = server.request('tools/call', { name: 'exec', arguments: { command: stubborn(mark) } });
      await eventually('all run', () => alive(mark).length === stubbornCount);
      const begin = performance.now();
      server.send({ method: 'notifications/cancelled', params: { requestId: call.id } });
      while (alive(mark).length > 0) assert.ok(performance.now() - begin < 5000, 'still alive after 5 s');
      times.push(performance.now() - begin);
    }
    times.sort((a, b) => a - b);
    console.log(`cancel to last process gone: median ${times[10].toFixed(1)} ms, worst ${times.at(-1).toFixed(1)} ms`);
    assert.ok(times[10] <= 100, `median ${times[10]} ms`);
    assert.equal(alive(bystander).length, 2, 'the bystanders live on');
    assert.equal((await server.exec('echo fine')).stdout, 'fine\n');
  } finally {
    await server.close();
  }
});

test('a call that is cancelled as it is answered leaves nothing behind', async () => {
  const server = await started(state.path);
  try {
    // The cancellation is swept across the moment at which the call answers that its command is still running.
    const input = 'x'.repeat(3_000_000);
    for (let round = 0; round < 150; ++round) {
      const mark = marker();
      const withInput = round % 5 === 0;
      const call = server.request('tools/call', {
        name: 'exec', arguments: { command: `sleep ${mark}; true`, wait_s: 0.05, ...(withInput ? { stdin: input } : {}) },
      });
      let answered = false;
      call.then(() => { answered = true; });
      await new Promise((resolve) => setTimeout(resolve, withInput ? 20 + round % 70 : 49 + (round % 10) / 5));
      server.send({ method: 'notifications/cancelled', params: { requestId: call.id } });
      await server.request('ping');  // what was on its way has arrived
      if (answered) {
        await server.call('process_input', { process: (await call).result.structuredContent.process, signal: 'KILL' });
      }
      await eventually(`round ${round}: nothing is left`, () => alive(mark).length === 0, 3000);
    }
  } finally {
    await server.close();
  }
});

test('a timeout kills the whole tree', async () => {
  const server = await started(state.path);
  try {
    const mark = marker();
    const result = await server.exec(stubborn(mark), { timeout_s: 0.2 });
    assert.equal(result.status, 'timed_out');
    assert.match(result.reason, /timeout/);
    await eventually('none is left', () => alive(mark).length === 0);
  } finally {
    await server.close();
  }
});

for (const [name, end] of [
  ['end of input', (child) => child.stdin.end()],
  ['SIGTERM', (child) => child.kill('SIGTERM')],
  ['SIGINT', (child) => child.kill('SIGINT')],
  ['SIGHUP', (child) => child.kill('SIGHUP')],
  ['SIGKILL', (child) => child.kill('SIGKILL')],
  ['a closed stdout', (child) => { child.stdout.destroy(); child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n'); }],
]) {
  test(`nothing survives ${name}`, async () => {
    const server = await started(state.path);
    const mark = marker();
    server.request('tools/call', { name: 'exec', arguments: { command: stubborn(mark) } });
    await server.exec(`(setsid sleep ${mark} &)`, { wait_s: 0 });
    await eventually('all run', () => alive(mark).length === stubbornCount + 1);
    const begin = performance.now();
    end(server.child);
    await server.exited;
    while (alive(mark).length > 0) assert.ok(performance.now() - begin < 10_000, 'still alive after 10 s');
    const took = performance.now() - begin;
    console.log(`${name}: all gone after ${took.toFixed(0)} ms`);
    assert.ok(took <= 2100, `${took} ms`);
  });
}

test('nothing survives the death of the parent', async () => {
  const mark = marker();
  // A shell in between is killed; the server's input stays open, held by this process.
  const keeper = spawn('sh', ['-c', `"$0" stdio <&3 & echo $! >&4; wait`, binary], {
    env: environment(state.path), stdio: ['ignore', 'pipe', 'ignore', 'pipe', 'pipe'],
  });
  keeper.stdio[3].on('error', () => {});
  const pid = Number(await new Promise((resolve) => keeper.stdio[4].once('data', (data) => resolve(String(data).trim()))));
  keeper.stdio[3].write(`${JSON.stringify({
    jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'exec', arguments: { command: `sleep ${mark}` } },
  })}\n`);
  await eventually('it runs', () => alive(mark).length === 1);
  keeper.kill('SIGKILL');
  await eventually('the server ends', () => { try { process.kill(pid, 0); return false; } catch { return true; } });
  await eventually('its command ends', () => alive(mark).length === 0, 2100);
});

test('answers calls in flight after the end of input', async () => {
  const child = spawn(binary, ['stdio'], { env: environment(state.path), stdio: ['pipe', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.on('data', (data) => { output += data; });
  child.stdin.end([
    { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'printf', version: '1' } } },
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'exec', arguments: { command: 'sleep 0.5; echo late' } } },
  ].map((message) => JSON.stringify(message)).join('\n'));
  const code = await new Promise((resolve) => child.on('exit', resolve));
  assert.equal(code, 0);
  const answers = output.trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(answers.find((a) => a.id === 2).result.structuredContent.stdout, 'late\n');
});

test('a server that is only probed creates nothing', async () => {
  const empty = stateDirectory();
  try {
    const server = await started(empty.path);
    await server.request('tools/list');
    await server.close();
    assert.deepEqual(readdirSync(empty.path), []);
  } finally {
    empty.remove();
  }
});
