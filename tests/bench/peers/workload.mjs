// What each server is made to do, and what is noted of it.
import { argumentsOf, eventually, isAlive, kill, marked, residentBytes, union } from './processes.mjs';
import { never } from './statistics.mjs';

const cancelLimitMs = 3_000;
const settleMs = 3_000;
const startLimitMs = 20_000;

export const plenty = { rounds: 5, starts: 3, pings: 300, burst: 3000, execs: 40, bigs: 3, files: 40, turns: 20, fast: 200 };
export const few = { rounds: 2, starts: 1, pings: 50, burst: 500, execs: 10, bigs: 1, files: 10, turns: 5, fast: 50 };

const bigCommand = 'seq 1 200000';
const bigOutput = `${Array.from({ length: 200_000 }, (_, i) => i + 1).join('\n')}\n`;

const content = `${Array.from({ length: 99 }, (_, i) => `line ${i} of a file that is about 4 KB long`).join('\n')}\nmode = red\n`;

/** Commands that end at once, with what they print; that is never part of the command itself. */
export function fastCommand(n) {
  const day = new Date(n * 86_400_000).toISOString().slice(0, 10);
  return [
    { command: `echo $(((${n} + 1000) * 1003))`, expected: String((n + 1000) * 1003) },
    { command: `seq ${n} ${n + 30}`, expected: Array.from({ length: 31 }, (_, i) => n + i).join('\n') },
    { command: `expr ${n} + 1000000`, expected: String(n + 1_000_000) },
    { command: `date -u -d @${n * 86_400} +%F`, expected: day },
    { command: 'uname -s', expected: 'Linux' },
  ][n % 5];
}

async function timed(work) {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

let nextToken = 0;
/** Seconds that no other command of this machine sleeps; how a process is found however it was started. */
function uniqueSleep() {
  nextToken += 1;
  return `300.${process.pid}${String(nextToken).padStart(4, '0')}`;
}

/** A server under measurement: its client, which of the operations it has, and where its files are. */
export class Subject {
  constructor(server, place, client, record) {
    Object.assign(this, { server, place, client, record });
  }

  has(operation) {
    const known = this.server.operations[operation];
    return known !== undefined && this.tools.has(known('', '', '')[0]);
  }

  call(operation, ...values) { return this.client.call(...this.server.operations[operation](...values)); }

  async text(operation, ...values) { return this.server.text(await this.call(operation, ...values)); }

  path(file) { return this.server.path(this.place, file); }

  /** Notes the samples that the work returns, or why there are none. */
  async note(row, work) {
    try {
      const samples = await work();
      this.record.add(this.server.name, row, ...[samples].flat());
    } catch (error) {
      this.record.fail(this.server.name, row, error.message);
    }
  }

  async repeat(row, count, work) {
    await this.note(row, async () => {
      const samples = [];
      for (let i = 0; i < count; ++i) samples.push(await timed(() => work(i)));
      return samples;
    });
  }

  async open() {
    const { startMs, protocolVersion } = await this.client.initialize();
    const { result, bytes } = await this.client.exchange('tools/list');
    this.tools = new Set(result.tools.map((tool) => tool.name));
    this.record.protocols.set(this.server.name, protocolVersion);
    return { startMs, bytes };
  }

  /** Starts a command that lasts; `{id, processes}` of the call and of what runs for it. */
  async startSleep() {
    const seconds = uniqueSleep();
    const [name, args] = this.server.operations.exec(`sleep ${seconds}; true`);
    const answer = this.client.exchange('tools/call', { name, arguments: args });
    answer.catch(() => {});
    const processes = await eventually(() => {
      const found = marked(seconds, this.client.self, ['cmdline']);
      return found.some((each) => argumentsOf(each)[0].endsWith('sleep')) && found;
    }, startLimitMs, 10);
    if (!processes) throw new Error('the command did not start');
    return { id: answer.id, processes };
  }
}

async function measureNoops(subject, counts) {
  const { client } = subject;
  await client.request('ping');
  await subject.repeat('ping', counts.pings, () => client.request('ping'));
  await subject.note('pipelined', async () => counts.burst / (await client.burst('ping', counts.burst)) * 1000);
  await subject.note('rss_idle', () => residentBytes(client.processes()));
}

async function measureCommands(subject, counts, firstNumber) {
  const { client, record, server } = subject;
  await subject.repeat('exec_first', 1, () => subject.call('exec', 'echo hi'));
  await subject.repeat('exec', counts.execs, () => subject.call('exec', 'echo hi'));
  const [name, args] = server.operations.exec(bigCommand);
  for (let i = 0; i < counts.bigs; ++i) {
    let answer;
    await subject.repeat('big', 1, async () => {
      answer = await client.exchange('tools/call', { name, arguments: args });
    });
    if (!answer) break;
    record.add(server.name, 'big_bytes', answer.bytes);
    await subject.note('big_all', async () => {
      let whole = false;
      const took = await timed(async () => {
        // What is in one answer stands among words of the server's own.
        whole = server.allOutput ? await server.allOutput(client, bigCommand) === bigOutput :
          server.text((await client.exchange('tools/call', { name, arguments: args })).result).includes(bigOutput.trimEnd());
      });
      return whole ? took : never;
    });
  }
  await subject.note('lost', async () => {
    let lost = 0;
    for (let n = firstNumber; n < firstNumber + counts.fast; ++n) {
      const { command, expected } = fastCommand(n);
      if (!(await subject.text('exec', command)).includes(expected)) ++lost;
    }
    return lost;
  });
}

async function measureFiles(subject, counts) {
  const file = subject.path('bench.txt');
  if (subject.has('write')) await subject.repeat('write', counts.files, () => subject.call('write', file, content));
  if (subject.has('read')) {
    await subject.repeat('read', counts.files, async () => {
      if (!(await subject.text('read', file)).includes(content.trim())) throw new Error('the file reads as something else');
    });
  }
  if (subject.has('edit')) {
    await subject.repeat('edit', counts.files, (i) => {
      const [before, after] = i % 2 === 0 ? ['mode = red', 'mode = blue'] : ['mode = blue', 'mode = red'];
      return subject.call('edit', file, before, after);
    });
  }
  if (subject.has('list')) {
    const folder = subject.path('list');
    await subject.repeat('list', counts.files, async () => {
      if (!JSON.stringify(await subject.call('list', folder)).includes('file-099')) throw new Error('the list is not complete');
    });
  }
}

/** Turns with a program that prompts: what is typed is different each time, and so is the answer. */
async function measureTurns(subject, count) {
  const { server, client, place } = subject;
  if (!server.repl) return;
  await subject.note('turn', async () => {
    const id = await server.repl.open(client, place);
    const samples = [];
    for (let i = 0; i < count; ++i) {
      let answer;
      samples.push(await timed(async () => { answer = await server.repl.turn(client, id, `${i + 1000} * 1003`); }));
      if (!answer.includes(String((i + 1000) * 1003))) throw new Error(`turn ${i + 1} was answered: ${answer}`);
    }
    await server.repl.close(client, id);
    return samples;
  });
}

export async function measureCancel(subject, limitMs = cancelLimitMs) {
  await subject.note('cancel', async () => {
    const { id, processes } = await subject.startSleep();
    const begin = performance.now();
    subject.client.send({ method: 'notifications/cancelled', params: { requestId: id, reason: 'measured' } });
    const gone = await eventually(() => !processes.some(isAlive), limitMs);
    const took = performance.now() - begin;
    kill(processes);
    return gone ? took : never;
  });
}

/** One server's part of one round. */
export async function measureRound(subject, counts, round) {
  const { server, client, record } = subject;
  const { startMs, bytes } = await subject.open();
  record.add(server.name, 'start', startMs);
  record.add(server.name, 'tools', subject.tools.size);
  record.add(server.name, 'tools_bytes', bytes);
  await measureNoops(subject, counts);
  if (subject.has('exec')) await measureCommands(subject, counts, round * counts.fast);
  if (server.filesAreInside) {
    await subject.call('exec', 'mkdir -p list; for i in $(seq -w 0 99); do : > list/file-0$i; done');
  }
  await measureFiles(subject, counts);
  await measureTurns(subject, counts.turns);
  await subject.note('rss_used', () => residentBytes(client.processes()));
  if (subject.has('exec')) await measureCancel(subject);
}

/** Further samples of the start alone. */
export async function measureStart(subject) {
  await subject.note('start', async () => (await subject.client.initialize()).startMs);
}

/** How many processes are there 3 s after the server, in the middle of a command, was told to end. */
export async function measureLeft(subject, row, end, limitMs = settleMs) {
  await subject.note(row, async () => {
    await subject.open();
    const running = subject.has('exec') ? (await subject.startSleep()).processes : [];
    const known = union(subject.client.processes(), running);
    end(subject.client.child);
    await eventually(() => !known.some(isAlive), limitMs);
    const left = union(known, subject.client.processes()).filter(isAlive);
    kill(left);
    return left.length;
  });
}
