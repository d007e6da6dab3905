// Terminals as an assistant drives them, with the tools of the official client: what the tests of them share.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { clients, connect, stateDirectory } from './support.mjs';

export const state = stateDirectory();
export let client;
export let transport;
before(async () => ({ client, transport } = await connect(clients[0], state.path)));
after(async () => {
  await client.close();
  state.remove();
});

async function call(on, name, args) {
  const result = await on.callTool({ name, arguments: args });
  assert.ok(!result.isError, `${name}: ${result.content[0].text}`);
  return result;
}

/** How long a program may take; all waits end by what the program does. */
export const patience = { wait_s: 30 };
/** Waits for the end of the program, however long it is quiet before. */
export const end = { idle_s: 60, wait_s: 30 };
export const prompt = { wait_for: '^\\$ $' };
/** The command of a shell with that prompt, and with a word as $1 if there is any. */
export const plainShell = (word = '') => `exec env PS1='$ ' bash --norc --noprofile -s ${word}`;

export class Terminal {
  constructor(sandbox, opened) {
    this.sandbox = sandbox;
    this.opened = opened;
    this.at = { terminal: opened.terminal };
  }
  async send(args) { return this.sandbox.call('terminal_send', { ...this.at, ...patience, ...args }); }
  async read(args = {}) { return this.sandbox.call('terminal_read', { ...this.at, ...args }); }
  async close() { return this.sandbox.call('terminal_close', this.at); }

  /** Sends, and insists on seeing what `wait_for` says. */
  async see(args) {
    const result = await this.send(args);
    assert.equal(result.wait, 'matched', `${JSON.stringify(args)} on:\n${result.screen}`);
    return result;
  }
  /** A line for the shell, until it prompts again. */
  async run(line) { return this.see({ text: line, enter: true, ...prompt }); }
  /** Presses keys until the program ends. */
  async leave(keys) {
    const result = await this.send({ keys, ...end });
    assert.equal(result.wait, 'exited', result.screen);
    return result;
  }
}

export class Sandbox {
  static async make(on = client, args = {}) {
    const record = (await call(on, 'sandbox_create', args)).structuredContent;
    return new Sandbox(on, record.name);
  }
  constructor(on, name) {
    this.client = on;
    this.name = name;
  }
  async call(tool, args) { return (await call(this.client, tool, { sandbox: this.name, ...args })).structuredContent; }
  async failure(tool, args) {
    const result = await this.client.callTool({ name: tool, arguments: { sandbox: this.name, ...args } });
    assert.equal(result.isError, true, `${tool} succeeded: ${result.content[0].text}`);
    return result.content[0].text;
  }
  async file(path) { return (await call(this.client, 'read_file', { sandbox: this.name, path })).content[0].text; }
  async write(path, content) { return this.call('write_file', { path, content }); }
  async exec(command) {
    const result = await this.call('exec', { command });
    assert.equal(result.exit_code, 0, `${command}: ${result.stderr}`);
    return result.stdout ?? '';
  }
  async open(args) {
    const terminal = new Terminal(this, await this.call('terminal_open', { ...patience, ...args }));
    if (args.wait_for) assert.equal(terminal.opened.wait, 'matched', terminal.opened.screen);
    return terminal;
  }
  async shell(args = {}) {
    return this.open({ command: plainShell(), ...prompt, ...args });
  }
  async delete() {
    this.deleted ??= this.call('sandbox_control', { action: 'delete' });
    return this.deleted;
  }
}

/** A test in a sandbox of its own. */
export function session(name, body) {
  test(name, async () => {
    const sandbox = await Sandbox.make();
    try {
      await body(sandbox);
    } finally {
      await sandbox.delete();
    }
  });
}

export const lines = (screen) => screen.replace(/\n$/, '').split('\n');
export const numbers = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
