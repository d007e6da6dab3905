// Our checker as a function, a seeded random generator, and instances made for a schema.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

const binary = [
  process.env.REXEC_SCHEMA_CHECK,
  `${root}/build/release/tests/rexec-schema-check`,
  `${root}/build/dev/tests/rexec-schema-check`,
].find((path) => path && existsSync(path));

/** Answers of rexec-schema-check to requests {schema, instances, normalise?}, in order. */
export function check(requests) {
  if (!binary) throw new Error("rexec-schema-check is not built; REXEC_SCHEMA_CHECK names it");
  const input = requests.map((request) => JSON.stringify(request) + "\n").join("");
  const run = spawnSync(binary, { input, maxBuffer: 1 << 30, encoding: "utf8" });
  if (run.status !== 0) throw new Error(`rexec-schema-check: status ${run.status} ${run.signal}\n${run.stderr}`);
  const lines = run.stdout.split("\n").slice(0, -1);
  if (lines.length !== requests.length) throw new Error(`${lines.length} answers to ${requests.length} requests`);
  return lines.map((line) => JSON.parse(line));
}

/** Numbers that are the same in every run with the same seed (mulberry32). */
export class Random {
  #state;
  constructor(seed) { this.#state = seed >>> 0; }
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  below(n) { return Math.floor(this.next() * n); }
  chance(p) { return this.next() < p; }
  pick(list) { return list[this.below(list.length)]; }
  some(list, p) { return list.filter(() => this.chance(p)); }
}

const smile = String.fromCodePoint(0x1f600);
const accent = String.fromCodePoint(0xe9);

const strings = [
  "", "a", "ab", "abc", "b", "B", "aa", "0", "12", "-3", "1.5", "true", "FALSE", "null", "K=V", accent, smile,
  `a${smile}b`, `e${String.fromCodePoint(0x301)}`, "x y", "line\nline", String.fromCodePoint(0), "/", "~", "%25",
  "constructor",
];
// None so large that ajv 8 misjudges multipleOf (it reads quotients from their text: 1e+21 as 1).
const numbers = [0, 1, -1, 2, 3, 4, 5, 7, 10, 100, -100, 0.5, 1.5, -0.25, 2.75, 1e9, 1e20, -1e20, 2 ** 53 - 1];
export const names = ["a", "b", "c", "ab", "", "a/b", "~", "__proto__", "constructor", "length"];

/** Any JSON value, small. */
export function anyValue(random, depth = 2) {
  switch (random.below(depth > 0 ? 9 : 6)) {
    case 0: return null;
    case 1: return random.chance(0.5);
    case 2: case 3: return random.pick(numbers);
    case 4: case 5: return random.pick(strings);
    case 6: case 7: return Array.from({ length: random.below(4) }, () => anyValue(random, depth - 1));
    default: return objectOf(random.some(names, 0.25).map((name) => [name, anyValue(random, depth - 1)]));
  }
}

/** An object with own members of any name, also "__proto__". */
export function objectOf(entries) {
  const object = {};
  for (const [key, value] of entries) {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return object;
}

const own = (object, name) => (object !== undefined && Object.hasOwn(object, name) ? object[name] : undefined);

const samples = ["abc", "a1", "sandbox-1", "0644", "x", "K=V", "a", "1", "aB", "ab-c", ""];

/** A value that fits `schema` as far as a simple reading of it goes: mostly valid, not always. */
export function fitting(random, schema, document = schema, depth = 5) {
  if (schema === true) return anyValue(random, 1);
  if (schema === false || depth < 0) return null;
  if ("const" in schema) return schema.const;
  if ("enum" in schema) return random.pick(schema.enum);
  if ("$ref" in schema) return fitting(random, resolve(document, schema.$ref), document, depth - 1);
  for (const keyword of ["anyOf", "oneOf", "allOf"]) {
    if (keyword in schema && (!("type" in schema) || random.chance(0.3))) {
      return fitting(random, random.pick(schema[keyword]), document, depth - 1);
    }
  }
  const type = Array.isArray(schema.type) ? random.pick(schema.type) : schema.type ?? guess(schema);
  switch (type) {
    case "object": return fittingObject(random, schema, document, depth);
    case "array": return fittingArray(random, schema, document, depth);
    case "string": return fittingString(random, schema);
    case "integer": case "number": return fittingNumber(random, schema, type);
    case "boolean": return random.chance(0.5);
    case "null": return null;
    default: return anyValue(random, 1);
  }
}

function guess(schema) {
  if ("properties" in schema || "required" in schema || "additionalProperties" in schema) return "object";
  if ("items" in schema || "prefixItems" in schema || "minItems" in schema) return "array";
  if ("pattern" in schema || "minLength" in schema || "maxLength" in schema) return "string";
  if ("minimum" in schema || "maximum" in schema || "multipleOf" in schema) return "number";
  return undefined;
}

function fittingObject(random, schema, document, depth) {
  const entries = [];
  const required = schema.required ?? [];
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    if (required.includes(name) || random.chance(0.4)) {
      entries.push([name, fitting(random, child, document, depth - 1)]);
    }
  }
  for (const name of required) {
    if (own(schema.properties, name) === undefined) entries.push([name, anyValue(random, 1)]);
  }
  if (schema.additionalProperties !== false) {
    for (const name of random.some(["x", "y", "LANG", "a"], 0.2)) {
      if (own(schema.properties, name) === undefined) {
        entries.push([name, fitting(random, schema.additionalProperties ?? true, document, depth - 1)]);
      }
    }
  }
  return objectOf(entries);
}

function fittingArray(random, schema, document, depth) {
  const least = schema.minItems ?? 0;
  const length = Math.min(least + random.below(4), schema.maxItems ?? Infinity);
  return Array.from({ length }, (_, i) =>
    fitting(random, schema.prefixItems?.[i] ?? schema.items ?? true, document, depth - 1));
}

function fittingString(random, schema) {
  if (schema.pattern !== undefined) {
    const expression = new RegExp(schema.pattern, "u");
    const matching = samples.filter((sample) => expression.test(sample));
    if (matching.length > 0) return random.pick(matching);
  }
  const least = schema.minLength ?? 0;
  const length = Math.min(least + random.below(6), schema.maxLength ?? Infinity);
  return Array.from({ length }, () => random.pick(["a", "b", "1", accent, smile, " "])).join("");
}

function fittingNumber(random, schema, type) {
  const least = schema.minimum ?? (schema.exclusiveMinimum !== undefined ? schema.exclusiveMinimum + 1 : -10);
  const most = schema.maximum ?? (schema.exclusiveMaximum !== undefined ? schema.exclusiveMaximum - 1 : least + 200);
  const step = schema.multipleOf ?? (type === "integer" ? 1 : 0.25);
  const first = Math.ceil(least / step) * step;
  return Math.min(first + step * random.below(8), Math.max(most, first));
}

export function resolve(document, uri) {
  let at = document;
  for (const step of decodeURIComponent(uri.slice(1)).split("/").slice(1)) {
    at = at[step.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return at;
}

/** `value` with something changed somewhere. */
export function mutated(random, value, depth = 0) {
  const container = value !== null && typeof value === "object" && Object.keys(value).length > 0;
  if (container && random.chance(depth === 0 ? 0.85 : 0.5)) {
    if (Array.isArray(value)) {
      const copy = [...value];
      const at = random.below(copy.length);
      if (random.chance(0.2)) copy.splice(at, 1);
      else if (random.chance(0.25)) copy.push(random.chance(0.5) ? copy[at] : anyValue(random, 1));
      else copy[at] = mutated(random, copy[at], depth + 1);
      return copy;
    }
    const entries = Object.entries(value);
    const at = random.below(entries.length);
    const [name, member] = entries[at];
    switch (random.below(5)) {
      case 0: entries.splice(at, 1); break;
      case 1: entries.push([random.pick(names), anyValue(random, 1)]); break;
      case 2: entries[at] = [[...name].reverse().join(""), member]; break;
      default: entries[at] = [name, mutated(random, member, depth + 1)];
    }
    return objectOf(entries);
  }
  if (typeof value === "number" && random.chance(0.7)) return value + random.pick([-1, 1, 0.5, -0.5, 1000, -1000]);
  if (typeof value === "string" && random.chance(0.6)) {
    return random.pick([value + "a", [...value].slice(1).join(""), "", value + smile, value.toUpperCase(), value.repeat(50)]);
  }
  return anyValue(random, 1);
}
