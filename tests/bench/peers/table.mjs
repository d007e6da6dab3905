// From samples to the Markdown that docs/BENCHMARKS.md holds.
import { isBetter, never, summarise } from './statistics.mjs';

/** What is measured. `direction` says what is better; rows without it are for information. */
export const rows = [
  { id: 'start', label: 'start: process to the answer of `initialize`', unit: 'ms', direction: 'less' },
  { id: 'tools', label: 'tools', unit: 'count' },
  { id: 'tools_bytes', label: '`tools/list`', unit: 'bytes', direction: 'less' },
  { id: 'ping', label: 'no-op (`ping`)', unit: 'ms', direction: 'less' },
  { id: 'pipelined', label: 'pipelined no-ops per second', unit: 'count', direction: 'more' },
  { id: 'rss_idle', label: 'resident memory after the no-ops', unit: 'bytes', direction: 'less' },
  { id: 'exec_first', label: 'first command after the start', unit: 'ms', direction: 'less' },
  { id: 'exec', label: '`echo hi`', unit: 'ms', direction: 'less' },
  { id: 'big', label: '1.3 MB of output: the answer', unit: 'ms', direction: 'less' },
  { id: 'big_bytes', label: '1.3 MB of output: size of that answer', unit: 'bytes' },
  { id: 'big_all', label: '1.3 MB of output: until the client has all of it', unit: 'ms', direction: 'less' },
  { id: 'write', label: 'write 4 KB', unit: 'ms', direction: 'less' },
  { id: 'read', label: 'read 4 KB', unit: 'ms', direction: 'less' },
  { id: 'edit', label: 'edit a line of 4 KB', unit: 'ms', direction: 'less' },
  { id: 'list', label: 'list 100 files', unit: 'ms', direction: 'less' },
  { id: 'turn', label: 'a turn of python3: type, wait for the prompt, read', unit: 'ms', direction: 'less' },
  { id: 'rss_used', label: 'resident memory after the work', unit: 'bytes', direction: 'less' },
  { id: 'lost', label: 'fast commands with output missing', unit: 'count', direction: 'less', combine: 'sum' },
  { id: 'cancel', label: 'cancelled: until its last process is gone', unit: 'ms', direction: 'less' },
  { id: 'left_eof', label: 'processes left 3 s after the end of input', unit: 'count', direction: 'less', combine: 'max' },
  { id: 'left_sigterm', label: 'processes left 3 s after SIGTERM', unit: 'count', direction: 'less', combine: 'max' },
];

/** Samples by server and row; what failed, with its reason. */
export class Record {
  samples = new Map();
  failures = new Map();
  protocols = new Map();

  add(server, row, ...values) {
    const key = `${server} ${row}`;
    this.samples.set(key, [...(this.samples.get(key) ?? []), ...values]);
  }

  fail(server, row, reason) {
    const key = `${server} ${row}`;
    if (!this.failures.has(key)) this.failures.set(key, { server, row, reason });
  }

  /** The number that stands for a server in a row; undefined where it has none, or where it failed. */
  value(server, row) {
    const samples = this.samples.get(`${server} ${row.id}`) ?? [];
    if (samples.length === 0 || this.failures.has(`${server} ${row.id}`)) return undefined;
    if (row.combine === 'sum') return samples.reduce((sum, each) => sum + each, 0);
    if (row.combine === 'max') return Math.max(...samples);
    return summarise(samples).median;
  }

  cell(server, row) {
    if (this.failures.has(`${server} ${row.id}`)) return 'failed';
    const value = this.value(server, row);
    if (value === undefined) return '–';
    const shown = format(value, row.unit);
    const { min, max } = summarise(this.samples.get(`${server} ${row.id}`));
    const [low, high] = [min, max].map((each) => format(each, row.unit));
    return row.combine || low === high ? shown : `${shown} (${low} – ${high})`;
  }
}

export function format(value, unit) {
  if (value === never) return 'never';
  if (unit === 'bytes') return value < 1e6 ? `${(value / 1e3).toFixed(1)} KB` : `${(value / 1e6).toFixed(1)} MB`;
  if (unit === 'ms') return `${value >= 99.95 ? value.toFixed(0) : value.toFixed(value >= 9.995 ? 1 : 2)} ms`;
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** `{row, servers}` for each row in which somebody is better than we are. */
export function betterPeers(record, servers) {
  const ours = servers.find((server) => server.ours);
  return rows.filter((row) => row.direction).map((row) => ({
    row,
    servers: servers.filter((server) => !server.ours &&
      isBetter(record.value(server.name, row), record.value(ours?.name, row), row.direction)),
  })).filter((each) => each.servers.length > 0);
}

export function table(record, servers) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [
    line(['', ...servers.map((server) => server.name)]),
    line(['---', ...servers.map(() => '---:')]),
    ...rows.map((row) => line([row.label, ...servers.map((server) => record.cell(server.name, row))])),
  ].join('\n');
}

const begin = '<!-- peers:begin -->\n';
const end = '<!-- peers:end -->\n';

/** The document with its generated part replaced. */
export function replaceSection(document, section) {
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the document needs the lines ${begin.trim()} and ${end.trim()}`);
  return `${document.slice(0, from + begin.length)}${section.trim()}\n${document.slice(to)}`;
}

/** The line of the generated part that says so. */
export const betterLine = ({ row, servers }) => `* ${row.label}: ${servers.map((server) => server.name).join(', ')}`;

/** Labels of rows in which, by the generated part, a peer is better, and of which the text below it says nothing. */
export function unexplained(document) {
  const [generated, below] = document.split(end);
  return rows.map((row) => row.label).filter((label) => generated.includes(`\n* ${label}: `) && !below.includes(label));
}
