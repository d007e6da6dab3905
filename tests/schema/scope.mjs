// Which groups of the JSON-Schema-Test-Suite we do not support, and why. Each of them must be refused when the
// schema is compiled, never judged; a line here that is not needed any more fails the test.

const keyword = (name) => `keyword ${name}`;

/** Whole files. */
export const filesOutOfScope = {
  "anchor.json": keyword("$anchor"),
  "contains.json": keyword("contains"),
  "content.json": keyword("contentMediaType"),
  "dependentRequired.json": keyword("dependentRequired"),
  "dependentSchemas.json": keyword("dependentSchemas"),
  "dynamicRef.json": keyword("$dynamicRef"),
  "if-then-else.json": keyword("if"),
  "maxContains.json": keyword("maxContains"),
  "minContains.json": keyword("minContains"),
  "patternProperties.json": keyword("patternProperties"),
  "propertyNames.json": keyword("propertyNames"),
  "refRemote.json": "references to other documents",
  "unevaluatedItems.json": keyword("unevaluatedItems"),
  "unevaluatedProperties.json": keyword("unevaluatedProperties"),
  "vocabulary.json": "dialects other than 2020-12",
};

/** Single groups of files that are in scope: {file: {group: reason}}. */
export const groupsOutOfScope = {
  "additionalProperties.json": {
    "additionalProperties being false does not allow other properties": keyword("patternProperties"),
    "non-ASCII pattern with additionalProperties": keyword("patternProperties"),
    "additionalProperties with propertyNames": keyword("propertyNames"),
    "dependentSchemas with additionalProperties": keyword("dependentSchemas"),
  },
  "defs.json": {
    "validate definition against metaschema": "a reference to another document",
  },
  "not.json": {
    "collect annotations inside a 'not', even if collection is disabled": keyword("unevaluatedProperties"),
  },
  "optional/non-bmp-regex.json": {
    "Proper UTF-16 surrogate pair handling: patternProperties": keyword("patternProperties"),
  },
  "properties.json": {
    "properties, patternProperties, additionalProperties interaction": keyword("patternProperties"),
  },
  "ref.json": {
    "remote ref, containing refs itself": "a reference to another document",
    "Recursive references between schemas": keyword("$id"),
    "ref creates new scope when adjacent to keywords": keyword("unevaluatedProperties"),
    "refs with relative uris and defs": keyword("$id"),
    "relative refs with absolute uris and defs": keyword("$id"),
    "$id must be resolved against nearest parent, not just immediate parent": keyword("$id"),
    "order of evaluation: $id and $ref": keyword("$id"),
    "order of evaluation: $id and $anchor and $ref": keyword("$anchor"),
    "simple URN base URI with $ref via the URN": keyword("$id"),
    "simple URN base URI with JSON pointer": keyword("$id"),
    "URN base URI with NSS": keyword("$id"),
    "URN base URI with r-component": keyword("$id"),
    "URN base URI with q-component": keyword("$id"),
    "URN base URI with URN and JSON pointer ref": keyword("$id"),
    "URN base URI with URN and anchor ref": keyword("$anchor"),
    "URN ref with nested pointer ref": keyword("$id"),
    "ref to if": "a reference to another document",
    "ref to then": "a reference to another document",
    "ref to else": "a reference to another document",
    "ref with absolute-path-reference": keyword("$id"),
    "$id with file URI still resolves pointers - *nix": keyword("$id"),
    "$id with file URI still resolves pointers - windows": keyword("$id"),
  },
};

/** Files of optional cases that are judged too. Of the others, ecmascript-regex.json is about another syntax of
 * patterns than ours (RE2), and the rest about keywords that are refused. */
export const optionalFiles = ["bignum.json", "float-overflow.json", "no-schema.json", "non-bmp-regex.json"];
