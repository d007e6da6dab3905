// Samples become medians, medians become verdicts.

/** A process that outlived its limit: larger than every time that was measured. */
export const never = Infinity;

export function median(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median, smallest and largest of the samples; undefined when there are none. */
export function summarise(samples) {
  if (samples.length === 0) return undefined;
  return { median: median(samples), min: Math.min(...samples), max: Math.max(...samples), count: samples.length };
}

/** Differences below this part of our own value are noise. */
export const tolerance = 0.05;

/** Whether theirs is better than ours, by more than noise. */
export function isBetter(theirs, ours, direction) {
  if (theirs === undefined || ours === undefined) return false;
  return direction === 'more' ? theirs > ours * (1 + tolerance) : theirs < ours * (1 - tolerance);
}
