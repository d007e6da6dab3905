// Shells on terminals, many of them at once, and what cannot be done.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { clients, connect, eventually, processesWith } from './support.mjs';
import { end, lines, numbers, patience, plainShell, prompt, Sandbox, session, state, Terminal, transport } from './terminal_sessions.mjs';

describe('shells', () => {
  session('a shell keeps its directory and its variables from call to call', async (sandbox) => {
    const shell = await sandbox.shell();
    await shell.run('mkdir -p some/where && cd some/where');
    await shell.run('export COLOUR=green; count=41');
    assert.match((await shell.run('echo ${PWD##*/} $COLOUR $((count + 1))')).screen, /^where green 42\n\$$/m);
    assert.match((await shell.run('bash -c "echo child $COLOUR"')).screen, /^child green\n\$$/m);
  });

  session('two shells of one sandbox share files, and nothing else', async (sandbox) => {
    const [one, other] = await Promise.all([sandbox.shell(), sandbox.shell()]);
    assert.notEqual(one.opened.terminal, other.opened.terminal);
    await one.run('mine=1; cd /tmp; echo shared > ~/file');
    assert.match((await other.run('echo "[$mine] $(cat file)"')).screen, /^\[\] shared\n\$$/m);
  });

  session('ctrl-c interrupts what runs in the foreground', async (sandbox) => {
    const shell = await sandbox.shell();
    // The program says itself that it is there: a shell that is just starting one may swallow the signal.
    const began = await shell.see({ text: "sh -c 'echo now-$((1+1)); exec sleep 1000'", enter: true, wait_for: 'now-2' });
    assert.equal(began.status, 'running');
    await shell.see({ keys: ['ctrl-c'], ...prompt });
    assert.match((await shell.run('echo code $?')).screen, /^code 130\n\$$/m);
  });

  session('the end of the shell ends the wait, with its exit code', async (sandbox) => {
    const shell = await sandbox.shell();
    const left = await shell.send({ text: 'exit 7', enter: true, wait_for: 'this is never written' });
    assert.deepEqual([left.wait, left.status, left.exit_code], ['exited', 'exited', 7]);
    const killed = await sandbox.open({ command: 'kill -KILL $$', ...end });
    assert.deepEqual([killed.opened.wait, killed.opened.status, killed.opened.signal], ['exited', 'signaled', 'SIGKILL']);
  });

  session('closing a terminal hangs up on its program', async (sandbox) => {
    const shell = await sandbox.shell();
    const shown = await shell.run('echo last words');
    assert.match(shown.screen, /^last words$/m);
    const closed = await shell.close();
    assert.notEqual(closed.status, 'running');
    assert.match(closed.screen, /^last words$/m);
    const stubborn = await sandbox.open({ command: "trap '' HUP TERM INT; echo ready; while :; do sleep 1000; done", wait_for: 'ready' });
    assert.equal((await stubborn.close()).status, 'signaled');
  });

  session('the echo of the input is not taken for the answer', async (sandbox) => {
    const shell = await sandbox.shell();
    const { matched, screen } = await shell.see({ text: 'sleep 0.2; echo the answer', enter: true, wait_for: 'the answer' });
    assert.equal(matched, 'the answer');
    assert.match(screen, /^the answer$/m);
  });

  session('terminal_read waits for what is written between the calls', async (sandbox) => {
    const shell = await sandbox.shell();
    await shell.send({ text: 'sleep 0.3; echo done-$((40+2))', enter: true, wait_s: 0 });
    const seen = await shell.read({ wait_for: 'done-\\d+', ...patience });
    assert.deepEqual([seen.wait, seen.matched], ['matched', 'done-42']);
    assert.match(seen.screen, /^done-42$/m);
  });

  session('the raw view pages on exactly from its cursor', async (sandbox) => {
    const shell = await sandbox.shell();
    const { cursor: from } = await shell.run('true');
    await shell.run("seq 1 300; printf 'a\\tb \\033[31mred\\033[m \\303\\244\\344\\270\\255\\n'");
    const whole = await shell.read({ view: 'raw', cursor: from });
    assert.ok(whole.text.includes(`${numbers(1, 300).join('\r\n')}\r\na\tb \x1b[31mred\x1b[m \u{e4}\u{4e2d}\r\n`));

    let text = '';
    for (let cursor = from; cursor !== whole.cursor;) {
      const page = await shell.read({ view: 'raw', cursor, max_chars: 67 });
      assert.ok(page.text.length > 0 && page.text.length <= 67);
      assert.ok(Number(page.cursor) > Number(cursor) && Number(page.cursor) <= Number(whole.cursor));
      text += page.text;
      ({ cursor } = page);
    }
    assert.equal(text, whole.text);
    assert.equal((await shell.read({ view: 'raw', cursor: whole.cursor })).text, '');
  });

  session('the scrollback holds what the screen no longer shows', async (sandbox) => {
    const shell = await sandbox.shell();
    const { screen } = await shell.run('seq 1 500');
    const { text } = await shell.read({ view: 'scrollback', lines: 1000 });
    assert.deepEqual(lines(text + screen), ['$ seq 1 500', ...numbers(1, 500).map(String), '$']);
    assert.deepEqual(lines((await shell.read({ view: 'scrollback', lines: 3 })).text), ['469', '470', '471']);
  });

  session('a resize reaches the programs', async (sandbox) => {
    const shell = await sandbox.shell({ cols: 90, rows: 20 });
    assert.match((await shell.run('stty size')).screen, /^20 90$/m);
    await shell.send({ resize: { cols: 70, rows: 12 }, wait_s: 0 });
    const told = await shell.run('stty size');
    assert.deepEqual([told.cols, told.rows], [70, 12]);
    assert.match(told.screen, /^12 70$/m);
  });
});

describe('persistent sandboxes', () => {
  test('a terminal goes on in another server, with its screen and its shell', async () => {
    const { client: first } = await connect(clients[0], state.path);
    const sandbox = await Sandbox.make(first, { persistent: true });
    const shell = await sandbox.shell();
    await shell.run('count=41; cd /tmp');
    await first.close();

    const { client: second } = await connect(clients[0], state.path);
    const same = new Sandbox(second, sandbox.name);
    try {
      const again = new Terminal(same, shell.opened);
      assert.equal((await again.read()).screen, '$ count=41; cd /tmp\n$\n');
      assert.match((await again.run('echo $((count + 1)) $PWD')).screen, /^42 \/tmp\n\$$/m);
    } finally {
      await same.delete();
      await second.close();
    }
  });
});

describe('64 terminals at once', () => {
  const count = 64;
  let unique = 0;
  /** A word that no command line on this machine begins with. */
  const marker = () => `e2e-${process.pid}-${Date.now()}-${unique++}-`;

  const alive = (mark) => processesWith((argument) => argument.startsWith(mark)).length;

  /** Opens them, each a shell with a process that has left its terminal. */
  async function openAll(sandbox, mark) {
    const shells = await Promise.all(numbers(1, count).map((n) => sandbox.shell({ command: plainShell(mark + n) })));
    await Promise.all(shells.map((shell, n) => shell.run(`read < <(setsid sh -c 'echo up; sleep 1000; :' ${mark}${n + 1}-stray)`)));
    assert.ok(alive(mark) >= 2 * count, 'all of them live');
    return shells;
  }

  /** How many files the server has open. */
  const openFiles = () => readdirSync(`/proc/${transport.pid}/fd`).length;

  session('each answers for itself, there is no 65th, and nothing outlives their sandbox', async (bystander) => {
    const quiet = await bystander.shell();
    const filesBefore = openFiles();
    const sandbox = await Sandbox.make();
    try {
      const mark = marker();
      const shells = await openAll(sandbox, mark);
      assert.equal(new Set(shells.map((shell) => shell.opened.terminal)).size, count);
      for (const round of [1, 2, 3]) {
        const answers = await Promise.all(shells.map((shell, n) => shell.run(`echo round ${round} $1 $((${n} * 7))`)));
        answers.forEach((answer, n) => assert.deepEqual(lines(answer.screen).slice(-2), [`round ${round} ${mark}${n + 1} ${n * 7}`, '$']));
      }

      const refused = await sandbox.failure('terminal_open', { command: plainShell(`${mark}65`) });
      assert.match(refused, /64 terminals are open in this sandbox; terminal_close/);
      await shells[0].close();
      const another = await sandbox.shell({ command: plainShell(`${mark}66`) });
      assert.match((await another.run('echo $1')).screen, /66\n\$$/m);

      await sandbox.delete();
      assert.equal(alive(mark), 0, 'processes are left');
      assert.equal(openFiles(), filesBefore, 'files are left open');
      assert.match((await quiet.run('echo still here')).screen, /^still here\n\$$/m);
    } finally {
      await sandbox.delete();
    }
  });

  test('none outlives its server', async () => {
    const { client: own } = await connect(clients[0], state.path);
    const mark = marker();
    try {
      await openAll(await Sandbox.make(own), mark);
    } finally {
      await own.close();
    }
    await eventually('all are gone', () => alive(mark) === 0);
  });
});

describe('what cannot be done says what to do', () => {
  session('a terminal that is not there', async (sandbox) => {
    for (const tool of ['terminal_send', 'terminal_read', 'terminal_close']) {
      const args = tool === 'terminal_send' ? { text: 'x' } : {};
      assert.match(await sandbox.failure(tool, { terminal: 't1', ...args }), /There is no terminal t1 .*terminal_open opens one/);
      assert.match(await sandbox.failure(tool, { terminal: 'main', ...args }), /main.* is not a terminal handle; .*terminal_open.*t1/);
    }
    await sandbox.shell();
    assert.match(await sandbox.failure('terminal_read', { terminal: 't9' }), /There is no terminal t9 .*only: t1\. terminal_open opens one/);
  });

  session('a call that is wrong types nothing', async (sandbox) => {
    const shell = await sandbox.shell();
    const wrong = (args) => sandbox.failure('terminal_send', { ...shell.at, text: 'echo typed\n', ...args });
    assert.match(await wrong({ keys: ['enter', 'ctrl-upp'] }), /\/keys\/1.*there is no key "ctrl-upp".*did you mean "ctrl-up"/);
    assert.match(await wrong({ keys: ['hello'] }), /there is no key "hello".*text is typed as text/);
    assert.match(await wrong({ wait_for: 'a(' }), /\/wait_for.*is not an RE2 regular expression: missing \)/);
    assert.match(await wrong({ wait_for: '(?<!x)y' }), /is not an RE2 regular expression.*no look-around/);
    assert.match(await sandbox.failure('terminal_send', shell.at), /nothing to do; expected at least one of text, enter, keys, paste, resize/);
    assert.match(await sandbox.failure('terminal_read', { ...shell.at, cursor: 'x', view: 'raw' }), /\/cursor.*is not a cursor/);
    assert.match(await sandbox.failure('terminal_read', { ...shell.at, cursor: '0' }), /\/cursor.*raw/);
    assert.doesNotMatch((await shell.run('true')).screen, /typed/);
  });

  session('a program that has ended', async (sandbox) => {
    const ended = await sandbox.open({ command: 'echo the last screen; exit 3', ...end });
    assert.deepEqual([ended.opened.wait, ended.opened.exit_code], ['exited', 3]);
    const refused = await sandbox.failure('terminal_send', { ...ended.at, text: 'x' });
    assert.match(refused, /t1 has ended, so nothing can be typed\. terminal_read shows its last screen, terminal_open opens another/);
    const shown = await ended.read();
    assert.deepEqual([shown.status, shown.exit_code, shown.screen], ['exited', 3, 'the last screen\n']);
    assert.equal((await ended.close()).exit_code, 3);
  });
});
