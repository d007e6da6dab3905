// A server for the harness's own test. Its arguments say how it misbehaves:
//   deaf    ignores cancellation       orphan  leaves its commands behind when it ends       stay  outlives its input
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const faults = new Set(process.argv.slice(2));
const running = new Map();

const answer = (id, result) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
const killGroup = (child) => process.kill(-child.pid, 'SIGKILL');
const end = () => {
  if (!faults.has('orphan')) for (const child of running.values()) killGroup(child);
  process.exit(0);
};

function exec(id, { command }) {
  const child = spawn('/bin/sh', ['-c', command], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  running.set(id, child);
  const output = [];
  child.stdout.on('data', (data) => output.push(data));
  child.on('close', () => {
    running.delete(id);
    answer(id, { content: [{ type: 'text', text: Buffer.concat(output).toString() }] });
  });
}

const methods = {
  initialize: (id) => answer(id, { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'fake', version: '1' } }),
  ping: (id) => answer(id, {}),
  'tools/list': (id) => answer(id, { tools: [{ name: 'run' }] }),
  'tools/call': (id, params) => exec(id, params.arguments),
  'notifications/cancelled': (_id, { requestId }) => {
    if (!faults.has('deaf') && running.has(requestId)) killGroup(running.get(requestId));
  },
};

process.stdout.write('a line that is not JSON, as some servers print\n');
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  methods[method]?.(id, params);
});
lines.on('close', () => { if (!faults.has('stay')) end(); });
process.on('SIGTERM', end);
setInterval(() => {}, 1 << 30);
