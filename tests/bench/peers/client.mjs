// A client of MCP over pipes that does as little as possible, so that its own cost is small and equal for all.
import { spawn } from 'node:child_process';
import { eventually, isAlive, kill, marked, processOf, treeOf, union } from './processes.mjs';

const protocolVersion = '2025-11-25';  // the newest that has a handshake
const answerLimitMs = 60_000;
const endLimitMs = 2_000;

export class Client {
  #pending = new Map();
  #next = 1;
  #parts = [];
  #burst;

  /** Starts the server `{command, args, env, cwd}`; every process that it starts carries the marker, if it can. */
  constructor({ command, args, env, cwd }, marker) {
    this.marker = marker;
    this.begin = performance.now();
    this.child = spawn(command, args, {
      cwd, env: { ...env, REXEC_BENCH_MARKER: marker },
      stdio: ['pipe', 'pipe', process.env.REXEC_BENCH_VERBOSE ? 'inherit' : 'ignore'],
    });
    this.self = processOf(this.child.pid);
    this.child.on('error', (error) => this.#fail(error));
    this.child.on('exit', (code, signal) => this.#fail(new Error(`the server ended with ${signal ?? code}`)));
    this.child.stdin.on('error', () => {});
    this.child.stdout.on('data', (chunk) => this.#receive(chunk));
  }

  send(message) { this.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`); }

  /** The answer as `{result, bytes}`; `id` of the promise is what cancels it. An error of the protocol is thrown. */
  exchange(method, params = {}) {
    const id = this.#next++;
    const answer = new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new Error(`no answer to ${method} ${JSON.stringify(params).slice(0, 200)} in ${answerLimitMs} ms`));
      }, answerLimitMs);
      this.#pending.set(id, (error, value) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve(value);
      });
    });
    this.send({ id, method, params });
    answer.id = id;
    return answer;
  }

  async request(method, params) { return (await this.exchange(method, params)).result; }

  /** Shakes hands; gives the result, and the milliseconds since the process was started. */
  async initialize() {
    const result = await this.request('initialize', {
      protocolVersion, capabilities: {}, clientInfo: { name: 'rexec-bench', version: '1.0.0' },
    });
    const startMs = performance.now() - this.begin;
    this.send({ method: 'notifications/initialized' });
    return { ...result, startMs };
  }

  /** Milliseconds until this many requests, all sent at once, are answered. Messages are counted, not parsed. */
  async burst(method, count) {
    const request = (_, i) => `{"jsonrpc":"2.0","id":"burst-${i}","method":"${method}"}\n`;
    const text = Array.from({ length: count }, request).join('');
    const begin = performance.now();
    let timer;
    try {
      await new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`${this.#burst.left} of ${count} requests were not answered`)), answerLimitMs);
        this.#pending.set('burst', reject);
        this.#burst = { left: count, resolve };
        this.child.stdin.write(text);
      });
    } finally {
      clearTimeout(timer);
      this.#pending.delete('burst');
      this.#burst = undefined;
    }
    return performance.now() - begin;
  }

  /** The result of a tool, whose failure is an error here: what fails fast would otherwise look fast. */
  async call(name, args) {
    const { result, bytes } = await this.exchange('tools/call', { name, arguments: args });
    if (result.isError) throw new Error(`${name}: ${JSON.stringify(result.content).slice(0, 400)}`);
    return { ...result, bytes };
  }

  /** The server, while it runs, and all that descends from it; and what carries its marker, however it was started. */
  processes() {
    const tree = this.self && isAlive(this.self) ? treeOf(this.self.pid) : [];
    return union(tree, marked(this.marker, this.self));
  }

  /** Ends the server, and by pid whatever of it remains. */
  async close() {
    const known = this.processes();
    this.child.stdin.end();
    await eventually(() => !known.some(isAlive), endLimitMs);
    this.destroy(known);
  }

  destroy(known = []) {
    kill(union(known, this.processes()));
    this.child.stdout.destroy();
  }

  #receive(chunk) {
    for (let begin = 0; begin < chunk.length;) {
      const end = chunk.indexOf(10, begin);
      this.#parts.push(chunk.subarray(begin, end < 0 ? chunk.length : end));
      if (end < 0) return;
      const line = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
      this.#parts = [];
      begin = end + 1;
      if (line.length > 0) this.#handle(line);
    }
  }

  #handle(line) {
    if (this.#burst && line.includes('"burst-')) {
      this.#burst.left -= 1;
      if (this.#burst.left === 0) this.#burst.resolve();
      return;
    }
    let message;
    try {
      message = JSON.parse(line.toString());
    } catch {
      return;  // a server that logs on its standard output
    }
    if (message.method !== undefined) {
      if (message.id !== undefined) this.send({ id: message.id, error: { code: -32601, message: 'not supported' } });
      return;
    }
    const settle = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    settle?.(message.error && new Error(message.error.message), { result: message.result, bytes: line.length + 1 });
  }

  #fail(error) {
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const settle of waiting) settle(error);
  }
}
