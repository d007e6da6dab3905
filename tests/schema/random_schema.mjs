// Schemas of our keywords at random. Patterns are ones that mean the same in RE2 and in ECMAScript, numbers ones
// that are exact in binary.
import { anyValue, names, objectOf } from "./support.mjs";

const types = ["null", "boolean", "object", "array", "number", "string", "integer"];
const patterns = ["^a", "b$", "^[a-z]*$", "\\d", "^.{2,3}$", "(ab|ba)", "^$", "a.b", "[^a]"];
const limits = [-2, -0.5, 0, 0.5, 1, 2, 3, 10, 2.0];
const counts = [0, 1, 2, 3, 4];

/** A schema, with `$defs` that refer to each other only in directions that end. */
export function randomSchema(random) {
  const definitions = random.chance(0.4) ? ["d0", "d1", "e/f~"].slice(0, 1 + random.below(3)) : [];
  const schema = subschema(random, { depth: 3, later: definitions, all: definitions });
  if (definitions.length === 0 || typeof schema === "boolean") return schema;
  schema.$defs = objectOf(definitions.map((name, i) =>
    [name, subschema(random, { depth: 2, later: definitions.slice(i + 1), all: definitions })]));
  return schema;
}

// `later`: definitions that an in-place reference may name; below a property or an item, `all` may be named.
function subschema(random, scope) {
  if (random.chance(0.06)) return random.chance(0.7);
  const schema = {};
  const inside = { ...scope, depth: scope.depth - 1, later: [...scope.all, "#"] };
  const inPlace = { ...scope, depth: scope.depth - 1 };
  if (random.chance(0.6)) {
    schema.type = random.chance(0.8) ? random.pick(types) : pickSome(random, types);
  }
  if (scope.later.length > 0 && random.chance(0.15)) schema.$ref = reference(random.pick(scope.later));
  if (random.chance(0.08)) schema.enum = unique(Array.from({ length: 1 + random.below(4) }, () => anyValue(random, 1)));
  if (random.chance(0.04)) schema.const = anyValue(random, 1);
  if (random.chance(0.3)) addNumeric(random, schema);
  if (random.chance(0.3)) addText(random, schema);
  if (random.chance(0.4)) addArray(random, schema, inside);
  if (random.chance(0.5)) addObject(random, schema, inside);
  if (scope.depth > 0 && random.chance(0.3)) {
    const keyword = random.pick(["allOf", "anyOf", "oneOf", "not"]);
    schema[keyword] = keyword === "not"
      ? subschema(random, inPlace)
      : Array.from({ length: 1 + random.below(3) }, () => subschema(random, inPlace));
  }
  if (random.chance(0.1)) schema.description = "an annotation";
  return schema;
}

function addNumeric(random, schema) {
  for (const keyword of ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]) {
    if (random.chance(0.3)) schema[keyword] = random.pick(limits);
  }
  if (random.chance(0.2)) schema.multipleOf = random.pick([1, 2, 0.5, 3, 0.25]);
}

function addText(random, schema) {
  if (random.chance(0.4)) schema.minLength = random.pick(counts);
  if (random.chance(0.4)) schema.maxLength = random.pick(counts);
  if (random.chance(0.3)) schema.pattern = random.pick(patterns);
}

function addArray(random, schema, scope) {
  if (scope.depth > 0 && random.chance(0.5)) schema.items = subschema(random, scope);
  if (scope.depth > 0 && random.chance(0.25)) {
    schema.prefixItems = Array.from({ length: 1 + random.below(2) }, () => subschema(random, scope));
  }
  if (random.chance(0.3)) schema.minItems = random.pick(counts);
  if (random.chance(0.3)) schema.maxItems = random.pick(counts);
  if (random.chance(0.3)) schema.uniqueItems = random.chance(0.8);
}

function addObject(random, schema, scope) {
  if (scope.depth > 0) {
    // ajv 8 ignores the schema of a property "__proto__".
    const known = random.some(names, 0.35).filter((name) => name !== "__proto__");
    schema.properties = objectOf(known.map((name) => [name, subschema(random, scope)]));
    if (random.chance(0.5)) schema.additionalProperties = random.chance(0.4) ? false : subschema(random, scope);
  }
  // ajv 8 takes a required "" for present whatever the object has.
  if (random.chance(0.5)) schema.required = random.some(names, 0.15).filter((name) => name !== "");
  if (random.chance(0.2)) schema.minProperties = random.pick(counts);
  if (random.chance(0.2)) schema.maxProperties = random.pick(counts);
}

function pickSome(random, list) {
  const some = random.some(list, 0.3);
  return some.length > 0 ? some : [random.pick(list)];
}

function unique(values) {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}

function reference(name) {
  if (name === "#") return "#";
  return `#/$defs/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
