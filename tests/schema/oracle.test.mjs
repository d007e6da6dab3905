// Our verdicts against those of ajv, on our schemas and on schemas that nobody would write.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import test from "node:test";

import Ajv from "ajv/dist/2020.js";

import { randomSchema } from "./random_schema.mjs";
import { anyValue, check, fitting, mutated, objectOf, Random, root } from "./support.mjs";

const seed = Number(process.env.REXEC_SEED ?? 20260728);
const instancesPerSchema = Number(process.env.REXEC_INSTANCES ?? 600);
const randomSchemas = Number(process.env.REXEC_SCHEMAS ?? 3000);
const instancesPerRandomSchema = 24;

const options = { strict: false, validateFormats: false, ownProperties: true, logger: false };

/** {name: schema} of every schema that we ship. */
function shippedSchemas() {
  const schemas = {};
  const folder = `${root}/schemas/tools`;
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")).sort() : [];
  for (const name of names) {
    const tool = JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));
    schemas[`${tool.name} input`] = tool.inputSchema;
    if (tool.outputSchema !== undefined) schemas[`${tool.name} output`] = tool.outputSchema;
  }
  const config = `${root}/schemas/config.json`;
  if (existsSync(config)) schemas.config = JSON.parse(readFileSync(config, "utf8"));
  return schemas;
}

function instancesFor(random, schema, count) {
  return Array.from({ length: count }, () => {
    const value = fitting(random, schema);
    const kind = random.next();
    if (kind < 0.35) return value;
    if (kind < 0.65) return mutated(random, value);
    if (kind < 0.9) return mutated(random, mutated(random, value));
    return anyValue(random);
  });
}

/** Compares every verdict, and what normalise() promises. Returns how many instances ajv calls valid. */
function compare(label, schema, validate, instances, answer) {
  assert.equal(answer.error, undefined, `${label}: ${answer.error}\n${JSON.stringify(schema)}`);
  let valid = 0;
  instances.forEach((instance, i) => {
    const ours = answer.results[i];
    const theirs = validate(instance);
    const about = () => `${label}: ${JSON.stringify({ instance, schema })}: ${JSON.stringify(ours.violations)}`;
    assert.equal(ours.valid, theirs, about());
    if (theirs) valid += 1;
  });
  return valid;
}

function compareNormalised(label, schema, validate, instances, answer) {
  instances.forEach((instance, i) => {
    const { valid, normalised } = answer.results[i];
    const about = () => `${label}: ${JSON.stringify({ instance, normalised, schema })}`;
    assert.equal(valid, validate(normalised), about());
    if (validate(instance)) assert.equal(canonical(normalised), canonical(instance), about());
  });
  // What is valid now is final.
  const settled = answer.results.filter((one) => one.valid).map((one) => one.normalised);
  const [again] = check([{ schema, instances: settled, normalise: true }]);
  settled.forEach((value, i) => assert.equal(canonical(again.results[i].normalised), canonical(value), label));
}

/** Text that is the same for equal JSON values. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
  return `{${members.join(",")}}`;
}

/** `value` with numbers, booleans and single items written in their lenient forms. */
function lenient(random, schema, value) {
  const type = schema.type;
  if (type === "number" || type === "integer") return random.chance(0.7) ? JSON.stringify(value) : value;
  if (type === "boolean") return random.chance(0.7) ? random.pick([`${value}`, `${value}`.toUpperCase()]) : value;
  if (type === "array" && value.length === 1 && ["string", "number", "integer"].includes(schema.items?.type) &&
      random.chance(0.5)) {
    return value[0];
  }
  if (type === "array") return value.map((item) => lenient(random, schema.items ?? {}, item));
  if (type !== "object") return value;
  const pairs = Object.entries(value);
  const known = Object.entries(schema.properties ?? {});
  if (known.length === 0 && schema.additionalProperties?.type === "string" && random.chance(0.5)) {
    return pairs.map(([name, text]) => `${name}=${text}`);
  }
  const entries = pairs.map(([name, member]) =>
    [name, lenient(random, schema.properties?.[name] ?? schema.additionalProperties ?? {}, member)]);
  for (const [name, child] of known) {
    const optional = !(name in value) && !(schema.required ?? []).includes(name);
    if (optional && typeof child.type === "string" && child.type !== "null" && random.chance(0.2)) {
      entries.push([name, null]);
    }
  }
  return objectOf(entries);
}

const shipped = Object.entries(shippedSchemas());

for (const [name, schema] of shipped) {
  test(`oracle: ${name}`, (t) => {
    const random = new Random(seed);
    const validate = new Ajv(options).compile(schema);
    const instances = instancesFor(random, schema, instancesPerSchema);
    const [strict, normalised] = check([{ schema, instances }, { schema, instances, normalise: true }]);
    const valid = compare(name, schema, validate, instances, strict);
    compareNormalised(name, schema, validate, instances, normalised);
    t.diagnostic(`${valid} of ${instances.length} valid`);
    assert.ok(valid >= instances.length / 20, "too few valid instances to mean anything");
    assert.ok(valid <= instances.length * 19 / 20, "too few invalid instances to mean anything");
  });

  test(`oracle: ${name} in lenient forms`, () => {
    const random = new Random(seed + 1);
    const validate = new Ajv(options).compile(schema);
    const made = Array.from({ length: 300 }, () => fitting(random, schema));
    const meant = made.filter((value) => validate(value) && !Object.hasOwn(value, "__proto__"));
    const given = meant.map((value) => lenient(random, schema, value));
    const [answer] = check([{ schema, instances: given, normalise: true }]);
    meant.forEach((value, i) => {
      assert.equal(canonical(answer.results[i].normalised), canonical(value), JSON.stringify(given[i]));
    });
    assert.ok(meant.length >= 30, "too few valid instances to mean anything");
  });
}

test("oracle: there are schemas of tools", () => assert.ok(shipped.length >= 9, `${shipped.length}`));

test("oracle: random schemas", (t) => {
  const random = new Random(seed + 2);
  const cases = Array.from({ length: randomSchemas }, () => {
    const schema = randomSchema(random);
    return { schema, instances: instancesFor(random, schema, instancesPerRandomSchema) };
  });
  const strict = check(cases);
  const normalised = check(cases.map((one) => ({ ...one, normalise: true })));
  let valid = 0;
  cases.forEach(({ schema, instances }, i) => {
    const validate = new Ajv(options).compile(schema);
    valid += compare(`schema ${i}`, schema, validate, instances, strict[i]);
    instances.forEach((instance, j) => {
      const ours = normalised[i].results[j];
      const about = () => JSON.stringify({ instance, normalised: ours.normalised, schema });
      assert.equal(ours.valid, validate(ours.normalised), about());
      if (validate(instance)) assert.equal(canonical(ours.normalised), canonical(instance), about());
    });
  });
  const total = randomSchemas * instancesPerRandomSchema;
  t.diagnostic(`${total} instances of ${randomSchemas} schemas, ${valid} valid`);
  assert.ok(valid > total / 5 && valid < total * 4 / 5, `${valid} of ${total} valid`);
});
