// Programs that want a terminal: editors, pagers, dialogs, REPLs, debuggers.
//
// Packages that the sessions need: bash, gcc, gdb, git, htop, less, python3, vim, whiptail.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { end, lines, numbers, prompt, session } from './terminal_sessions.mjs';

describe('full-screen programs', () => {
  session('vim writes a file, and gives the screen of the shell back', async (sandbox) => {
    const shell = await sandbox.shell();
    await shell.run('echo the screen of the shell');
    const opened = await shell.see({ text: 'vim poem.txt', enter: true, wait_for: '(?s)\\[New.*All' });
    assert.equal(opened.alternate_screen, true);
    assert.doesNotMatch(opened.screen, /the screen of the shell/);
    assert.deepEqual(lines(opened.screen).slice(1, 5), ['~', '~', '~', '~']);

    await shell.see({ keys: ['i'], wait_for: '-- INSERT --' });
    await shell.send({ text: 'The first line,\nthe second\n\nand a \u{e4}\u{4e2d}.', keys: ['esc'], wait_s: 0 });
    const written = await shell.see({ text: ':w', enter: true, wait_for: 'written' });
    assert.equal(written.alternate_screen, true);
    assert.deepEqual(lines(written.screen).slice(0, 5), ['The first line,', 'the second', '', 'and a \u{e4}\u{4e2d}.', '~']);
    assert.equal(await sandbox.file('poem.txt'), 'The first line,\nthe second\n\nand a \u{e4}\u{4e2d}.\n');

    // Over the first line, with a word less in it.
    await shell.send({ text: 'ggwdw', wait_s: 0 });
    const left = await shell.see({ text: ':wq', enter: true, ...prompt });
    assert.equal(left.alternate_screen, false);
    assert.match(left.screen, /^\$ echo the screen of the shell\nthe screen of the shell\n\$ vim poem\.txt\n/);
    assert.equal(await sandbox.file('poem.txt'), 'The line,\nthe second\n\nand a \u{e4}\u{4e2d}.\n');
  });

  session('less pages, goes to the end and searches', async (sandbox) => {
    await sandbox.exec("seq -f 'line %g' 1000 > thousand.txt");
    const shown = (first, last) => numbers(first, last).map((n) => `line ${n}`);
    const page = { wait_for: '^:$' };

    const less = await sandbox.open({ command: 'less thousand.txt', rows: 25, cols: 80, wait_for: '^thousand\\.txt' });
    assert.equal(less.opened.alternate_screen, true);
    assert.deepEqual(lines(less.opened.screen), [...shown(1, 24), 'thousand.txt']);
    assert.deepEqual(lines((await less.see({ keys: ['space'], ...page })).screen), [...shown(25, 48), ':']);
    assert.deepEqual(lines((await less.see({ keys: ['space'], ...page })).screen), [...shown(49, 72), ':']);
    assert.deepEqual(lines((await less.see({ keys: ['b'], ...page })).screen), [...shown(25, 48), ':']);
    assert.deepEqual(lines((await less.see({ keys: ['G'], wait_for: '\\(END\\)' })).screen), [...shown(977, 1000), '(END)']);
    assert.deepEqual(lines((await less.see({ keys: ['g'], ...page })).screen), [...shown(1, 24), ':']);
    const found = await less.see({ text: '/line 50[0-9]', enter: true, ...page });
    assert.deepEqual(lines(found.screen), [...shown(500, 523), ':']);
    const missed = await less.see({ text: '/nowhere', enter: true, wait_for: 'Pattern not found' });
    assert.deepEqual(lines(missed.screen).slice(0, 24), shown(500, 523));
    await less.see({ keys: ['enter'], ...page });
    const left = await less.leave(['q']);
    assert.equal(left.exit_code, 0);
    assert.equal(left.alternate_screen, false);
  });

  session('htop shows the machine, and draws itself again when it is resized', async (sandbox) => {
    const htop = await sandbox.open({ command: 'htop', wait_for: 'F10\\s*Quit' });
    assert.equal(htop.opened.alternate_screen, true);
    assert.equal(lines(htop.opened.screen).length, 30);
    for (const word of [/Mem\[/, /Tasks:/, /Load average:/, /PID\s+USER/]) assert.match(htop.opened.screen, word);

    const resized = await htop.see({ resize: { cols: 100, rows: 35 }, wait_for: 'F10\\s*Quit' });
    assert.deepEqual([resized.cols, resized.rows], [100, 35]);
    assert.equal(lines(resized.screen).length, 35);
    assert.match(lines(resized.screen)[34], /^F1Help .*F10Quit$/);
    assert.match(resized.screen, /Tasks:/);

    const help = await htop.see({ keys: ['f1'], wait_for: 'Press any key to return' });
    assert.match(help.screen, /Arrows:|F1 [h?]/);
    await htop.see({ keys: ['space'], wait_for: 'F10\\s*Quit' });
    const left = await htop.leave(['f10']);
    assert.equal(left.exit_code, 0);
    assert.equal(left.alternate_screen, false);
  });

  session('whiptail asks, and takes the answer from arrows, tab and enter', async (sandbox) => {
    const shell = await sandbox.shell();
    const ask = () => shell.see({ text: "whiptail --yesno 'Shall we go on?' 9 40; echo code $?", enter: true, wait_for: '<No>' });
    const answer = async (keys) => {
      const result = await shell.see({ keys, wait_for: 'code \\d+\\s+\\$ $' });
      return /code (\d+)\n\$$/m.exec(result.screen)?.[1];
    };
    const asked = await ask();
    assert.match(asked.screen, /Shall we go on\?/);
    assert.match(asked.screen, /<Yes>\s+<No>/);
    assert.match(asked.screen, /\u250c\u2500{38}\u2510/);
    assert.match(asked.screen, /\u2502 Shall we go on\? +\u2502/);
    assert.match(asked.screen, /\u2514\u2500{38}\u2518/);
    assert.equal(await answer(['enter']), '0');
    await ask();
    assert.equal(await answer(['tab', 'enter']), '1');
    await ask();
    assert.equal(await answer(['right', 'left', 'enter']), '0');
    await ask();
    assert.equal(await answer(['esc']), '255');

    await sandbox.write('menu', "choice=$(whiptail --menu 'Which fruit?' 14 40 4 a Apple b Banana c Cherry d Date 3>&1 1>&2 2>&3)\n");
    const menu = await shell.see({ text: '. ./menu; echo "chose $choice"', enter: true, wait_for: '<Cancel>' });
    for (const item of [/\u2502.* a +Apple .*\u2502/, /\u2502.* d +Date .*\u2502/]) assert.match(menu.screen, item);
    const chosen = await shell.see({ keys: ['down', 'down', 'down', 'up', 'enter'], wait_for: 'chose \\w*\\s+\\$ $' });
    assert.match(chosen.screen, /^chose c\n\$$/m);
  });
});

describe('programs that prompt', () => {
  session('python answers 200 turns, each correctly', async (sandbox) => {
    const prompted = { wait_for: '>>> $' };
    const python = await sandbox.open({ command: 'python3 -q', env: { PYTHON_BASIC_REPL: '1' }, ...prompted });
    const turn = async (text) => {
      const result = await python.see({ text, enter: true, ...prompted });
      const [answer, last] = lines(result.screen).slice(-2);
      assert.equal(last, '>>>');
      assert.deepEqual([result.cursor_row, result.cursor_col], [lines(result.screen).length, 5]);
      return answer;
    };
    for (const n of numbers(1, 200)) {
      const [question, answer] = [
        [`${n} * ${n + 1}`, `${n * (n + 1)}`],
        [`"answer %d" % ${n}`, `'answer ${n}'`],
        [`print(">>> ", ${n})`, `>>>  ${n}`],
        [`[${n}, None, {'a': ${n / 2}}]`, `[${n}, None, {'a': ${n / 2}}]`],
        [`import time; time.sleep(0.0${n % 10}); 'x' * ${n % 100}`, `'${'x'.repeat(n % 100)}'`],
      ][n % 5];
      assert.equal(await turn(question), answer, `turn ${n}: ${question}`);
    }

    const definition = 'def twice(what):\n    if what is None:\n        return "nothing"\n    return 2 * what\n\n';
    await python.see({ paste: definition, ...prompted });
    assert.equal(await turn('twice(21)'), '42');
    assert.equal(await turn('twice(None)'), "'nothing'");
    assert.equal(await turn('1 / 0'), 'ZeroDivisionError: division by zero');
    assert.equal((await python.leave(['ctrl-d'])).exit_code, 0);
  });

  session('gdb stops a program, and shows and changes what is in it', async (sandbox) => {
    await sandbox.write('fib.c', `#include <stdio.h>
int fib(int n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}
int main(void) {
  printf("fib is %d\\n", fib(10));
  return 3;
}
`);
    await sandbox.exec('gcc -g -O0 -o fib fib.c');
    const gdb = await sandbox.open({
      command: 'gdb -q -nx fib', env: { DEBUGINFOD_URLS: '' }, wait_for: '\\(gdb\\) $',
    });
    const ask = async (text) => {
      const { screen } = await gdb.see({ text, enter: true, wait_for: '\\(gdb\\) $' });
      return screen.slice(screen.lastIndexOf(`(gdb) ${text}`) + `(gdb) ${text}\n`.length);
    };
    assert.match(await ask('print 6*7'), /^\$1 = 42\n\(gdb\)$/m);
    assert.match(await ask('info line fib'), /Line 2 of "fib\.c" starts at address/);
    assert.match(await ask('break fib if n == 4'), /Breakpoint 1 at 0x[0-9a-f]+: file fib\.c, line 3\./);
    assert.match(await ask('info breakpoints'), /stop only if n == 4/);
    assert.match(await ask('run'), /Breakpoint 1, fib \(n=4\) at fib\.c:3/);
    assert.match(await ask('backtrace'), /#0 +fib \(n=4\)[^]*#6 +0x[0-9a-f]+ in fib \(n=10\)[^]*in main \(\) at fib\.c:6/);
    assert.match(await ask('print n * 100'), / = 400\n/);
    await ask('delete 1');
    assert.match(await ask('set var n = 1'), /^\(gdb\)\n$/);
    assert.match(await ask('continue'), /fib is 53\n[^]*exited with code 03\]/);
    const left = await gdb.send({ text: 'quit', enter: true, ...end });
    assert.deepEqual([left.wait, left.exit_code], ['exited', 0]);
  });

  session('git add -p stages one hunk and leaves the other', async (sandbox) => {
    await sandbox.exec(`git init -q work && cd work && seq 40 > numbers && git add numbers &&
      git -c user.name=e2e -c user.email=e2e@example.org commit -qm numbers &&
      sed -i -e 's/^3$/three/' -e 's/^38$/thirty-eight/' numbers`);
    const question = (n) => ({ wait_for: `\\(${n}/2\\) Stage this hunk \\[.*\\]\\? $` });
    const git = await sandbox.open({ command: 'git add -p', cwd: 'work', ...question(1) });
    assert.match(git.opened.screen, /^-3\n\+three$/m);
    assert.doesNotMatch(git.opened.screen, /thirty-eight/);
    const second = await git.see({ text: 'y', enter: true, ...question(2) });
    assert.match(second.screen, /^-38\n\+thirty-eight$/m);
    const done = await git.send({ text: 'n', enter: true, ...end });
    assert.deepEqual([done.wait, done.exit_code], ['exited', 0]);

    const changed = async (options) => (await sandbox.exec(`cd work && git diff -U0 ${options}`)).match(/^[-+]\w.*$/gm);
    assert.deepEqual(await changed('--cached'), ['-3', '+three']);
    assert.deepEqual(await changed(''), ['-38', '+thirty-eight']);
  });

  session('a password prompt says that it waits for a secret, and shows none', async (sandbox) => {
    const script = "import getpass; p = getpass.getpass('Password: '); print(len(p), 'characters'); input('More? ')";
    await sandbox.write('ask.py', script);
    const python = await sandbox.open({ command: 'python3 ask.py', wait_for: 'Password: $' });
    assert.equal(python.opened.waiting_for_secret, true);
    const told = await python.see({ text: 'correct horse', enter: true, wait_for: 'More\\? $' });
    assert.equal(told.waiting_for_secret, false);
    assert.match(told.screen, /^13 characters$/m);
    assert.equal((await python.send({ enter: true, ...end })).exit_code, 0);

    const shell = await sandbox.shell();
    assert.equal(shell.opened.waiting_for_secret, false, 'a line editor reads no secret');
    const ask = "stty -echo; printf 'Pass''phrase: '; read -r word; stty echo; echo; echo ${#word} characters";
    const asked = await shell.see({ text: ask, enter: true, wait_for: 'Passphrase: $' });
    assert.equal(asked.waiting_for_secret, true);
    assert.equal((await shell.read()).waiting_for_secret, true);
    const answered = await shell.see({ text: 'battery staple', enter: true, ...prompt });
    assert.equal(answered.waiting_for_secret, false);
    assert.match(answered.screen, /^14 characters$/m);

    for (const terminal of [python, shell]) {
      const { text } = await terminal.read({ view: 'raw', cursor: '0' });
      assert.match(text, /Pass(word|phrase): /);
      assert.doesNotMatch(text, /correct|horse|battery|staple/);
    }
  });
});
