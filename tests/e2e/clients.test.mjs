// Each official client lists the tools, calls every one, follows progress and cancels.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { binary, clients, connect, environment, eventually, stateDirectory } from './support.mjs';

const state = stateDirectory();
after(() => state.remove());

const textOf = (result) => result.content.filter((c) => c.type === 'text').map((c) => c.text).join('\n');

/** One call of each tool, in an order in which they make sense together. */
async function callEveryTool(call) {
  const used = new Set();
  const use = async (name, args) => {
    used.add(name);
    const result = await call(name, args);
    assert.ok(!result.isError, `${name}: ${textOf(result)}`);
    return result;
  };
  const echo = await use('exec', { command: 'echo out; echo err >&2; exit 3' });
  assert.equal(echo.structuredContent.stdout, 'out\n');
  assert.equal(echo.structuredContent.stderr, 'err\n');
  assert.equal(echo.structuredContent.exit_code, 3);
  assert.match(textOf(echo), /out\n\[stderr\]\nerr\n\[exit 3/);

  await use('write_file', { path: 'notes/a.txt', content: 'one\ntwo\nthree\n' });
  const read = await use('read_file', { path: '~/notes/a.txt', start_line: 2, max_lines: 1 });
  assert.match(textOf(read), /^two\n/);
  const edited = await use('edit_file', { path: 'notes/a.txt', edits: [{ old_text: 'two', new_text: 'TWO' }] });
  assert.match(edited.structuredContent.diff, /^\+TWO$/m);
  const found = await use('search_files', { pattern: '^T', path: 'notes' });
  assert.deepEqual(found.structuredContent.matches.map((m) => [m.line, m.text]), [[2, 'TWO']]);
  const listed = await use('list_files', { path: 'notes' });
  assert.deepEqual(listed.structuredContent.entries.map((e) => e.path), ['notes/a.txt']);
  await use('sandbox_create', { name: 'second', labels: { team: 'e2e' } });
  const other = await use('exec', { command: 'ls notes 2>&1 || echo separate', sandbox: 'second' });
  assert.match(textOf(other), /separate/);
  const list = await use('sandbox_list', {});
  assert.match(textOf(list), /second/);
  const sleeper = await use('exec', { command: 'sleep 1000', wait_s: 0, sandbox: 'second' });
  const process = sleeper.structuredContent.process;
  const running = await use('process_list', { sandbox: 'second' });
  assert.match(textOf(running), /sleep 1000/);
  await use('process_input', { process, sandbox: 'second', signal: 'TERM', wait_s: 5 });
  const ended = await use('process_read', { process, sandbox: 'second', until: 'exit', wait_s: 5 });
  assert.equal(ended.structuredContent.status, 'signaled');
  const opened = await use('terminal_open', { sandbox: 'second', command: 'cat', wait_s: 0 });
  const terminal = { sandbox: 'second', terminal: opened.structuredContent.terminal };
  const sent = await use('terminal_send', { ...terminal, text: 'twice\n', wait_for: 'twice', wait_s: 30 });
  assert.equal(sent.structuredContent.screen, 'twice\ntwice\n');
  assert.match(textOf(await use('terminal_read', { ...terminal, view: 'raw' })), /twice/);
  const closed = await use('terminal_close', terminal);
  assert.equal(closed.structuredContent.signal, 'SIGHUP');
  await use('sandbox_control', { sandbox: 'second', action: 'delete' });
  return used;
}

for (const kind of clients) {
  describe(kind.name, () => {
    test('lists the tools and calls every one', async () => {
      const { client } = await connect(kind, state.path);
      try {
        const { tools } = await client.listTools();
        const names = tools.map((tool) => tool.name);
        assert.deepEqual(names, [...names].sort());
        assert.ok(client.getInstructions().length < 2048);
        const used = await callEveryTool((name, args) => client.callTool({ name, arguments: args }));
        assert.deepEqual([...used].sort(), names);
      } finally {
        await client.close();
      }
    });

    test('follows progress of a long call', async () => {
      const { client } = await connect(kind, state.path, { REXEC_MCP_LIMITS_PROGRESS_S: '0.2' });
      try {
        const seen = [];
        const command = 'for i in 1 2 3 4 5 6 7 8; do echo step $i; sleep 0.2; done';
        const call = kind.name.includes('v1')
          ? client.callTool({ name: 'exec', arguments: { command } }, undefined, { onprogress: (p) => seen.push(p) })
          : client.callTool({ name: 'exec', arguments: { command } }, { onprogress: (p) => seen.push(p) });
        const result = await call;
        assert.equal(result.structuredContent.exit_code, 0);
        assert.ok(seen.length >= 2, `progress came ${seen.length} times`);
        assert.ok(seen.some((p) => /^step \d$/.test(p.message)), JSON.stringify(seen));
        for (let i = 1; i < seen.length; ++i) assert.ok(seen[i].progress > seen[i - 1].progress);
      } finally {
        await client.close();
      }
    });

    test('cancels a call and what it started', async () => {
      const { client } = await connect(kind, state.path);
      try {
        const abort = new AbortController();
        const args = { name: 'exec', arguments: { command: '(setsid env -i sleep 4321 &) ; trap "" TERM INT HUP; sleep 4321; true' } };
        const options = { signal: abort.signal };
        const call = kind.name.includes('v1') ? client.callTool(args, undefined, options) : client.callTool(args, options);
        const outcome = call.then(() => 'answered', () => 'rejected');
        const sleepers = async () => {
          const result = await client.callTool({ name: 'process_list', arguments: { all: true } });
          return result.structuredContent.processes.filter((p) => p.command === 'sleep 4321' && p.status === 'running').length;
        };
        await eventually('both sleepers run', async () => (await sleepers()) === 2);
        abort.abort('enough');
        assert.equal(await outcome, 'rejected');
        await eventually('no sleeper is left', async () => (await sleepers()) === 0);
      } finally {
        await client.close();
      }
    });
  });
}

test('inspector: tools/list --strict finds every schema portable', () => {
  for (const era of ['legacy', 'auto', 'modern']) {
    const inspector = spawnSync(process.execPath, [
      `node_modules/@modelcontextprotocol/inspector/${inspectorEntry()}`,
      '--cli', binary, 'stdio', '-e', `REXEC_STATE_DIR=${state.path}`, '--protocol-era', era, '--method', 'tools/list', '--strict',
    ], { cwd: new URL('.', import.meta.url), encoding: 'utf8', env: { ...environment(state.path), HOME: state.path }, timeout: 60_000 });
    assert.equal(inspector.status, 0, `${era}: ${inspector.stdout}\n${inspector.stderr}`);
    assert.match(inspector.stdout, /"sandbox_create"/);
  }
});

test('inspector: calls a tool and reports its failure', () => {
  const run = (...args) => spawnSync(process.execPath, [
    `node_modules/@modelcontextprotocol/inspector/${inspectorEntry()}`, '--cli', binary, 'stdio', '-e', `REXEC_STATE_DIR=${state.path}`,
    '--method', 'tools/call', ...args,
  ], { cwd: new URL('.', import.meta.url), encoding: 'utf8', env: { ...environment(state.path), HOME: state.path }, timeout: 60_000 });
  const good = run('--tool-name', 'exec', '--tool-arg', 'command=echo from inspector');
  assert.equal(good.status, 0, good.stderr);
  assert.match(good.stdout, /from inspector/);
  const bad = run('--tool-name', 'exec', '--tool-arg', 'comand=echo');
  assert.equal(bad.status, 5, bad.stdout + bad.stderr);
  assert.match(bad.stdout + bad.stderr, /did you mean/);
});

function inspectorEntry() {
  const manifest = JSON.parse(readFileSync(new URL('node_modules/@modelcontextprotocol/inspector/package.json', import.meta.url)));
  const bin = manifest.bin;
  return typeof bin === 'string' ? bin : bin['mcp-inspector'];
}
