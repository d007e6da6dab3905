// What runs on this machine, as /proc tells it. A process is known by pid and start time together, so that a pid
// that was used again is nobody we know, and only processes that the harness caused are ever signalled.
import { readFileSync, readdirSync } from 'node:fs';

const pageBytes = 4096;  // of RSS in /proc/PID/stat, on the machines that this project supports
const [ppidField, startField, rssField] = [1, 19, 21];  // proc(5), counted from the state, which follows the name

function read(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return '';  // it has ended, or is not ours to read
  }
}

/** The process with this pid, or undefined when there is none or only its exit status is left. */
export function processOf(pid) {
  const stat = read(pid, 'stat');
  if (!stat) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { pid, parent: Number(fields[ppidField]), start: fields[startField], rss: Number(fields[rssField]) * pageBytes };
}

export function allProcesses() {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => processOf(Number(name))).filter(Boolean);
}

/** The process with this pid and all that descend from it. */
export function treeOf(root) {
  const all = allProcesses();
  const members = new Set([root]);
  for (let before = 0; before !== members.size;) {
    before = members.size;
    for (const each of all) if (members.has(each.parent)) members.add(each.pid);
  }
  return all.filter((each) => members.has(each.pid));
}

/**
 * Those whose command line or environment holds the marker, among those that are not older than a process: to read
 * either waits for the memory of the process that is read, which can take long on a busy machine.
 */
export function marked(marker, eldest, parts = ['cmdline', 'environ']) {
  return allProcesses()
    .filter(({ start }) => Number(start) >= Number(eldest?.start ?? 0))
    .filter(({ pid }) => parts.some((part) => read(pid, part).includes(marker)));
}

export function isAlive({ pid, start }) {
  return processOf(pid)?.start === start;
}

/** Each process once. */
export function union(...lists) {
  return [...new Map(lists.flat().map((each) => [`${each.pid} ${each.start}`, each])).values()];
}

export function residentBytes(processes) {
  return processes.reduce((sum, { pid }) => sum + (processOf(pid)?.rss ?? 0), 0);
}

export function kill(processes) {
  for (const each of processes.filter(isAlive)) {
    try {
      process.kill(each.pid, 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What the condition gives as soon as that is true; undefined after the limit. */
export async function eventually(condition, limitMs, intervalMs = 1) {
  for (const end = performance.now() + limitMs; performance.now() < end; await pause(intervalMs)) {
    const value = condition();
    if (value) return value;
  }
  return undefined;
}

export function argumentsOf({ pid }) {
  return read(pid, 'cmdline').split('\0');
}
