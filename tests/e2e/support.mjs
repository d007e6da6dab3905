// What all end-to-end tests share: where the server is, a state directory of its own, the clients.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { Client as ClientV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';

export const binary = process.env.REXEC_MCP_BINARY;
if (!binary) throw new Error('REXEC_MCP_BINARY must name the rexec-mcp binary');

export function stateDirectory() {
  const path = mkdtempSync(join(tmpdir(), 'rexec-e2e-'));
  chmodSync(path, 0o755);  // a server run as root starts its sandboxes as another uid, which has to get there
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function environment(state, extra = {}) {
  return { PATH: process.env.PATH, HOME: process.env.HOME, REXEC_STATE_DIR: state, ...extra };
}

const info = { name: 'rexec-e2e', version: '1.0.0' };

/**
 * Every official client, in every way it can speak to a stdio server. `notFound` is how it reports an unknown resource: the
 * v2 client makes the code of the newer revision out of -32002.
 */
export const clients = [
  { name: 'TypeScript SDK v1', era: 'legacy', notFound: -32002, make: () => new ClientV1(info), transport: (o) => new StdioV1(o) },
  { name: 'TypeScript v2 client, legacy', era: 'legacy', notFound: -32602, make: () => new ClientV2(info), transport: (o) => new StdioV2(o) },
  {
    name: 'TypeScript v2 client, auto', era: 'modern', notFound: -32602,
    make: () => new ClientV2(info, { versionNegotiation: { mode: 'auto' } }), transport: (o) => new StdioV2(o),
  },
  {
    name: 'TypeScript v2 client, pinned 2026-07-28', era: 'modern', notFound: -32602,
    make: () => new ClientV2(info, { versionNegotiation: { mode: { pin: '2026-07-28' } } }), transport: (o) => new StdioV2(o),
  },
];

export async function connect(kind, state, extra) {
  const client = kind.make();
  const transport = kind.transport({
    command: binary, args: ['stdio'], env: environment(state, extra), stderr: process.env.REXEC_E2E_VERBOSE ? 'inherit' : 'ignore',
  });
  await client.connect(transport);
  return { client, transport };
}

/** A server driven by hand, for what an SDK hides. */
export class RawServer {
  constructor(state, extra = {}, args = ['stdio']) {
    this.child = spawn(binary, args, { env: environment(state, extra), stdio: ['pipe', 'pipe', 'ignore'] });
    this.pending = new Map();
    this.notifications = [];
    this.next = 1;
    this.exited = new Promise((resolve) => this.child.on('exit', (code, signal) => resolve({ code, signal })));
    this.child.stdin.on('error', () => {});
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      const message = JSON.parse(line);
      if (message.id !== undefined && this.pending.has(message.id)) {
        this.pending.get(message.id)(message);
        this.pending.delete(message.id);
      } else {
        this.notifications.push(message);
      }
    });
  }
  send(message) { this.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`); }
  request(method, params = {}) {
    const id = this.next++;
    const answer = new Promise((resolve) => this.pending.set(id, resolve));
    this.send({ id, method, params });
    answer.id = id;
    return answer;
  }
  async initialize(version = '2025-11-25') {
    const answer = await this.request('initialize', { protocolVersion: version, capabilities: {}, clientInfo: info });
    this.send({ method: 'notifications/initialized' });
    return answer.result;
  }
  async call(name, args = {}, meta) {
    const answer = await this.request('tools/call', { name, arguments: args, ...(meta ? { _meta: meta } : {}) });
    if (answer.error) throw new Error(`${name}: ${JSON.stringify(answer.error)}`);
    return answer.result;
  }
  async exec(command, args = {}) {
    const result = await this.call('exec', { command, ...args });
    if (result.isError) throw new Error(result.content[0].text);
    return result.structuredContent;
  }
  async close() {
    this.child.stdin.end();
    return this.exited;
  }
}

/** Polls a condition; for what has no event to wait for. */
export async function eventually(what, condition, limitMs = 10_000) {
  const end = Date.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Processes of the whole machine with an argument that `fits`, sandboxed ones included, zombies not. */
export function processesWith(fits) {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
    try {
      if (/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) return false;
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').some(fits);
    } catch {
      return false;
    }
  }).map(Number);
}
