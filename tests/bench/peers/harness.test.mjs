// The comparison's own logic, with a server whose faults are known.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from './client.mjs';
import { isAlive, kill, processOf } from './processes.mjs';
import { isBetter, median, never, summarise } from './statistics.mjs';
import { Record, betterLine, betterPeers, format, replaceSection, rows, table, unexplained } from './table.mjs';
import { Subject, fastCommand, measureCancel, measureLeft, measureRound } from './workload.mjs';

const row = (id) => rows.find((each) => each.id === id);
const ours = { name: 'ours', ours: true };
const peer = { name: 'peer' };

function fakeSubject(record, ...faults) {
  const server = {
    name: 'fake', operations: { exec: (command) => ['run', { command }], read: (path) => ['absent', { path }] },
    path: (_place, file) => file, text: (result) => result.content[0].text,
  };
  const launch = {
    command: process.execPath, args: [fileURLToPath(new URL('fake_server.mjs', import.meta.url)), ...faults],
    cwd: '/', env: { PATH: process.env.PATH },
  };
  return new Subject(server, {}, new Client(launch, `rexec-bench-test-${randomBytes(8).toString('hex')}`), record);
}

test('the median is the middle, or between the two in the middle', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(median([never, 1, never]), never);
  assert.deepEqual(summarise([5, 1, 3]), { median: 3, min: 1, max: 5, count: 3 });
  assert.equal(summarise([]), undefined);
});

test('a difference within the tolerance is not better', () => {
  assert.equal(isBetter(97, 100, 'less'), false);
  assert.equal(isBetter(90, 100, 'less'), true);
  assert.equal(isBetter(110, 100, 'more'), true);
  assert.equal(isBetter(1, never, 'less'), true);
  assert.equal(isBetter(undefined, 100, 'less'), false);
});

test('values are shown with their unit, and what never happened as never', () => {
  assert.deepEqual([format(0.1234, 'ms'), format(12.345, 'ms'), format(1234.5, 'ms'), format(never, 'ms')],
    ['0.12 ms', '12.3 ms', '1235 ms', 'never']);
  assert.deepEqual([format(1500, 'bytes'), format(2.5e6, 'bytes'), format(1234567, 'count')], ['1.5 KB', '2.5 MB', '1 234 567']);
});

test('a cell shows the median with its range, a sum, nothing, or a failure', () => {
  const record = new Record();
  record.add('ours', 'ping', 1, 2, 3);
  record.add('ours', 'lost', 2, 3);
  record.add('ours', 'tools', 9, 9);
  record.add('peer', 'ping', 1);
  record.fail('peer', 'ping', 'broke');
  assert.equal(record.cell('ours', row('ping')), '2.00 ms (1.00 ms – 3.00 ms)');
  assert.equal(record.cell('ours', row('lost')), '5');
  assert.equal(record.cell('ours', row('tools')), '9');
  assert.equal(record.cell('ours', row('edit')), '–');
  assert.equal(record.cell('peer', row('ping')), 'failed');
  const lines = table(record, [ours, peer]).split('\n');
  assert.equal(lines.length, rows.length + 2);
  assert.ok(lines.every((line) => line.split('|').length === 5), 'each line has as many cells');
});

test('peers are named where they are better, and the document must explain it', () => {
  const record = new Record();
  for (const id of ['ping', 'pipelined', 'tools']) record.add('ours', id, 10);
  record.add('peer', 'ping', 5);
  record.add('peer', 'pipelined', 5);
  record.add('peer', 'tools', 5);
  const better = betterPeers(record, [ours, peer]);
  assert.deepEqual(better.map((each) => each.row.id), ['ping']);
  const document = 'above\n<!-- peers:begin -->\nold\n<!-- peers:end -->\nbelow\n';
  const replaced = replaceSection(document, betterLine(better[0]));
  assert.equal(replaced, `above\n<!-- peers:begin -->\n* ${row('ping').label}: peer\n<!-- peers:end -->\nbelow\n`);
  assert.deepEqual(unexplained(replaced), [row('ping').label]);
  assert.deepEqual(unexplained(`${replaced}${row('ping').label}`), []);
  assert.throws(() => replaceSection('no markers', 'new'), /peers:begin/);
});

test('the published document explains each row in which a peer is better', () => {
  const path = fileURLToPath(new URL('../../../docs/BENCHMARKS.md', import.meta.url));
  assert.deepEqual(unexplained(readFileSync(path, 'utf8')), []);
});

test('what a fast command prints is never part of the command', () => {
  for (let n = 0; n < 1000; ++n) {
    const { command, expected } = fastCommand(n);
    assert.ok(!command.includes(expected), command);
  }
});

test('a whole round is measured, without the operations that the server lacks', async () => {
  const record = new Record();
  const subject = fakeSubject(record);
  const counts = { pings: 3, burst: 500, execs: 2, bigs: 1, files: 1, fast: 10 };
  await measureRound(subject, counts, 0);
  await subject.client.close();
  assert.deepEqual([...record.failures.values()], []);
  const value = (id) => record.value('fake', row(id));
  for (const id of ['start', 'ping', 'pipelined', 'rss_idle', 'exec_first', 'exec', 'big', 'rss_used', 'cancel']) {
    assert.ok(value(id) > 0 && value(id) < never, `${id}: ${value(id)}`);
  }
  assert.ok(value('big_all') < never, '1.3 MB arrive whole');
  assert.equal(value('lost'), 0);
  assert.equal(value('read'), undefined);
  assert.equal(processOf(subject.client.child.pid), undefined);
});

test('a command that goes on after its cancellation is never gone', async () => {
  const record = new Record();
  const subject = fakeSubject(record, 'deaf');
  await subject.open();
  const started = subject.startSleep.bind(subject);
  let processes;
  subject.startSleep = async () => {
    const running = await started();
    ({ processes } = running);
    return running;
  };
  await measureCancel(subject, 300);
  assert.equal(record.value('fake', row('cancel')), never);
  await subject.client.close();
  assert.ok(processes.length >= 2 && !processes.some(isAlive), 'the harness kills what is left');
});

const endOfInput = (child) => child.stdin.end();
const terminate = (child) => child.kill('SIGTERM');
describe('what is left is counted, and then killed, of a server that', { concurrency: true }, () => {
  for (const { name, faults, end, limitMs, left } of [
    { name: 'ends with its commands', faults: [], end: endOfInput, limitMs: 60_000, left: 0 },
    { name: 'outlives its input', faults: ['stay'], end: endOfInput, limitMs: 300, left: 3 },
    { name: 'leaves its commands behind', faults: ['orphan'], end: terminate, limitMs: 5_000, left: 2 },
  ]) {
    test(name, async () => {
      const record = new Record();
      const subject = fakeSubject(record, ...faults);
      await measureLeft(subject, 'left_eof', end, limitMs);
      assert.deepEqual([...record.failures.values()], []);
      assert.equal(record.value('fake', row('left_eof')), left);
      await subject.client.close();
    });
  }
});

test('a process whose pid is used again is nobody we know', () => {
  const self = processOf(process.pid);
  assert.ok(isAlive(self));
  const other = { ...self, start: '1' };
  assert.ok(!isAlive(other));
  kill([other]);
});
