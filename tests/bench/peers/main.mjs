// Compares rexec-mcp with other MCP servers in one interleaved run and prints a Markdown table.
//
// Usage: main.mjs [--quick] [--only NAME,...] [--write DOCUMENT]     REXEC_MCP_BINARY names our server
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { Client } from './client.mjs';
import { servers as allServers } from './servers.mjs';
import { Record, betterLine, betterPeers, replaceSection, table, unexplained } from './table.mjs';
import { Subject, few, measureLeft, measureRound, measureStart, plenty } from './workload.mjs';

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean' }, only: { type: 'string' }, write: { type: 'string' } },
});
const binary = process.env.REXEC_MCP_BINARY;
if (!binary) throw new Error('REXEC_MCP_BINARY must name the rexec-mcp binary');

const counts = options.quick ? few : plenty;
const servers = allServers(binary).filter((server) => !options.only || options.only.split(',').includes(server.name));
if (servers.length === 0) throw new Error(`--only names none of: ${allServers(binary).map((each) => each.name).join(', ')}`);
const record = new Record();
const root = mkdtempSync(join(tmpdir(), 'rexec-bench-'));
const open = new Set();

/** Directories of a server's own, with the files that the workload expects. */
function makePlace(server, index) {
  const place = Object.fromEntries(['home', 'work', 'state'].map((part) => [part, join(root, String(index), part)]));
  for (const path of Object.values(place)) mkdirSync(path, { recursive: true });
  mkdirSync(join(place.work, 'list'));
  for (let i = 0; i < 100; ++i) writeFileSync(join(place.work, 'list', `file-${String(i).padStart(3, '0')}`), '');
  server.prepare(place);
  return place;
}

function subjectOf(server, place) {
  const client = new Client(server.launch(place), `rexec-bench-${randomBytes(8).toString('hex')}`);
  open.add(client);
  return new Subject(server, place, client, record);
}

async function finish(subject) {
  await subject.client.close();
  open.delete(subject.client);
}

async function measureServer(server, place, round) {
  for (let i = 0; i < counts.starts; ++i) {
    const subject = subjectOf(server, place);
    await measureStart(subject);
    await finish(subject);
  }
  const subject = subjectOf(server, place);
  try {
    await measureRound(subject, counts, round);
  } catch (error) {
    record.fail(server.name, 'start', error.message);
  }
  await finish(subject);
}

async function run() {
  chmodSync(root, 0o755);  // a server run as root starts its sandboxes as another uid, which has to get there
  const places = new Map(servers.map((server, index) => [server, makePlace(server, index)]));
  for (let round = 0; round < counts.rounds; ++round) {
    for (let i = 0; i < servers.length; ++i) {
      const server = servers[(i + round) % servers.length];
      process.stderr.write(`round ${round + 1} of ${counts.rounds}: ${server.name}\n`);
      await measureServer(server, places.get(server), round);
    }
  }
  const endings = [['left_eof', (child) => child.stdin.end()], ['left_sigterm', (child) => child.kill('SIGTERM')]];
  for (const [row, end] of endings) {
    process.stderr.write(`${row}\n`);
    // Counts, not times: they can be taken side by side.
    await Promise.all(servers.map((server) => measureLeft(subjectOf(server, places.get(server)), row, end)));
  }
}

function report() {
  const text = (path, pattern) => readFileSync(path, 'utf8').match(pattern)?.[1] ?? 'unknown';
  const bwrap = execFileSync('bwrap', ['--version'], { encoding: 'utf8' }).trim();
  const protocol = (server) => record.protocols.get(server.name) ?? 'unknown';
  const versions = servers.map((server) => `${server.packageName} ${server.version()} (MCP ${protocol(server)})`);
  const better = betterPeers(record, servers);
  const section = [
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${text('/proc/cpuinfo', /^model name\s*: (.*)$/m)}, ` +
    `${cpus().length} processors, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, ${text('/etc/os-release', /^PRETTY_NAME="(.*)"$/m)}, ` +
    `Node.js ${process.versions.node}, ${bwrap}${process.getuid() === 0 ? ', as root' : ''}.`,
    `${counts.rounds} rounds, ${(counts.starts + 1) * counts.rounds} starts, ${counts.execs * counts.rounds} times \`echo\`, ` +
    `${counts.fast * counts.rounds} fast commands.`,
    '', `Versions: ${versions.join(', ')}.`, '', table(record, servers), '',
    better.length === 0 ? 'No peer is better in any row.' : 'Rows in which a peer is better than rexec-mcp:', '',
    ...better.map(betterLine),
    ...[...record.failures.values()].map(({ server, row, reason }) =>
      `\nFailed: ${server}, ${row}: ${reason.replace(/\s+/g, ' ').slice(0, 300)}`),
  ].join('\n');
  process.stdout.write(`${section}\n`);
  if (!options.write) return;
  const document = replaceSection(readFileSync(options.write, 'utf8'), section);
  writeFileSync(options.write, document);
  for (const label of unexplained(document)) process.stderr.write(`${options.write} does not explain: ${label}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
process.on('exit', () => {
  for (const client of open) client.destroy();
  rmSync(root, { recursive: true, force: true });
});
const begin = performance.now();
await run();
report();
process.stderr.write(`${((performance.now() - begin) / 1000).toFixed(0)} s\n`);
process.exit(0);
