// The servers that are compared, and how each is asked for the same thing. An operation names the tool and its
// arguments; where a server does not list that tool it does not have the operation.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';

const here = import.meta.dirname;
const longMs = 60_000;

const textOf = (result) => (result.content ?? []).map((block) => block.text ?? '').join('\n');

const packageOf = (name) => {
  const path = join(here, 'node_modules', name);
  const { version, bin } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  return { version, program: (command) => join(path, typeof bin === 'string' ? bin : bin[command]) };
};

const base = (place) => ({ PATH: process.env.PATH, HOME: place.home, LANG: 'C.UTF-8' });

/** A peer that is a program of an npm package. */
function npmServer(name, packageName, command, { args = () => [], env = () => ({}), prepare = () => {}, ...rest }) {
  return {
    name, packageName, prepare,
    version: () => packageOf(packageName).version,
    launch: (place) => ({
      command: process.execPath, args: [packageOf(packageName).program(command), ...args(place)], cwd: place.work,
      env: { ...base(place), ...env(place) },
    }),
    path: (place, file) => join(place.work, file),
    text: textOf,
    ...rest,
  };
}

/** A REPL as one has it where commands are all that there is: in tmux, asked again and again what it shows. */
const tmuxRepl = {
  open: async (client, place) => {
    const tmux = `tmux -S ${join(place.work, 'tmux')}`;
    const shows = (what) => `until ${tmux} capture-pane -p | grep -q '${what}'; do sleep 0.01; done`;
    await client.call('run_command', { command: `${tmux} new-session -d -x 120 -y 30 'exec python3 -q'; ${shows('^>>>')}` });
    return tmux;
  },
  turn: async (client, tmux, expression) => {
    const command = `${tmux} send-keys -l '${expression}'; ${tmux} send-keys Enter; while sleep 0.01; do ` +
      `screen=$(${tmux} capture-pane -p); case "$screen" in *"${expression}"*'>>>'*) break; esac; done; echo "$screen"`;
    return textOf(await client.call('run_command', { command }));
  },
  close: (client, tmux) => client.call('run_command', { command: `${tmux} kill-server` }),
};

const commandsOperations = {
  exec: (command) => ['run_command', { command }],
};

/** Everything that a command printed, page by page, as a client would fetch what was cut. */
async function allOutput(client, command) {
  let { structuredContent: part } = await client.call('exec', { command, wait_s: 0 });
  const pages = [part.stdout ?? ''];
  while (part.status === 'running' || part.more) {
    const page = { process: part.process, cursor: part.cursor, max_chars: 400_000, wait_s: 30 };
    ({ structuredContent: part } = await client.call('process_read', page));
    pages.push(part.stdout ?? '');
  }
  return pages.join('');
}

export function servers(binary) {
  const ours = {
    name: 'rexec-mcp',
    packageName: 'rexec-mcp',
    ours: true,
    version: () => execFileSync(binary, ['version'], { encoding: 'utf8' }).match(/\d+\.\d+\.\d+\S*/)[0],
    prepare: () => {},
    launch: (place) => ({
      command: binary, args: ['stdio'], cwd: place.work,
      env: { ...base(place), REXEC_STATE_DIR: place.state, XDG_CONFIG_HOME: place.home },
    }),
    // Relative to the home of its sandbox: it has no other files.
    path: (_place, file) => file,
    filesAreInside: true,
    text: (result) => (result.structuredContent?.stdout ?? textOf(result)),
    allOutput,
    operations: {
      exec: (command) => ['exec', { command }],
      read: (path) => ['read_file', { path }],
      write: (path, content) => ['write_file', { path, content }],
      edit: (path, before, after) => ['edit_file', { path, edits: [{ old_text: before, new_text: after }] }],
      list: (path) => ['list_files', { path }],
    },
    repl: {
      open: async (client) => {
        const opened = await client.call('terminal_open', { command: 'exec python3 -q', wait_for: '>>> $' });
        return opened.structuredContent.terminal;
      },
      turn: async (client, terminal, expression) => textOf(
        await client.call('terminal_send', { terminal, text: expression, enter: true, wait_for: '>>> $' })),
      close: (client, terminal) => client.call('terminal_close', { terminal }),
    },
  };

  const commander = npmServer('Desktop Commander', '@wonderwhy-er/desktop-commander', 'desktop-commander', {
    // As on a machine where it has been used: configured, and with the browser that it fetches at its first start.
    prepare: ({ home }) => {
      const settings = join(home, '.claude-server-commander');
      const browser = join(home, '.cache/puppeteer/chrome/linux-1.0.0/chrome-linux64');
      mkdirSync(settings, { recursive: true });
      mkdirSync(browser, { recursive: true });
      writeFileSync(join(browser, 'chrome'), '');
      writeFileSync(join(settings, 'config.json'), JSON.stringify({
        telemetryEnabled: false, pendingWelcomeOnboarding: false, welcomeOnboardingEligible: false,
        blockedCommands: [], allowedDirectories: [], defaultShell: '/bin/sh', fileReadLineLimit: 1000, fileWriteLineLimit: 50,
      }));
    },
    args: () => ['--no-onboarding'],
    env: () => ({ DC_FLAG_URL: 'http://127.0.0.1:9/' }),
    text: (result) => textOf(result).replace(/^Process started with PID .*\nInitial output:\n/, ''),
    operations: {
      exec: (command) => ['start_process', { command, timeout_ms: longMs }],
      read: (path) => ['read_file', { path }],
      write: (path, content) => ['write_file', { path, content, mode: 'rewrite' }],
      edit: (path, before, after) => ['edit_block', { file_path: path, old_string: before, new_string: after }],
      list: (path) => ['list_directory', { path, depth: 1 }],
    },
    repl: {
      open: async (client) => {
        const started = textOf(await client.call('start_process', { command: 'python3 -i -q', timeout_ms: 5000 }));
        return Number(started.match(/PID (\d+)/)[1]);
      },
      turn: async (client, pid, expression) => textOf(
        await client.call('interact_with_process', { pid, input: expression, timeout_ms: 8000 })),
      close: (client, pid) => client.call('force_terminate', { pid }),
    },
  });

  const commands = npmServer('mcp-server-commands', 'mcp-server-commands', 'mcp-server-commands', {
    operations: commandsOperations,
    repl: tmuxRepl,
  });

  const wrapped = npmServer('sandbox-runtime', '@anthropic-ai/sandbox-runtime', 'srt', {
    prepare: ({ home, work }) => writeFileSync(join(home, 'srt.json'), JSON.stringify({
      network: { allowedDomains: [], deniedDomains: [] },
      filesystem: { denyRead: [], allowWrite: [work], denyWrite: [] },
    })),
    args: ({ home }) => ['--settings', join(home, 'srt.json'), process.execPath,
      packageOf('mcp-server-commands').program('mcp-server-commands')],
    operations: commandsOperations,
  });

  const filesystem = npmServer('server-filesystem', '@modelcontextprotocol/server-filesystem', 'mcp-server-filesystem', {
    args: ({ work }) => [work],
    operations: {
      read: (path) => ['read_text_file', { path }],
      write: (path, content) => ['write_file', { path, content }],
      edit: (path, before, after) => ['edit_file', { path, edits: [{ oldText: before, newText: after }] }],
      list: (path) => ['list_directory', { path }],
    },
  });

  const everything = npmServer('server-everything', '@modelcontextprotocol/server-everything', 'mcp-server-everything', {
    args: () => ['stdio'],
    operations: {},
  });

  return [ours, commander, commands, wrapped, filesystem, everything];
}
