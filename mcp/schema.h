// JSON Schema (draft 2020-12) for our own schemas: compiled once, checked fast, explained well.
//
// Only the keywords that our schemas use are known, and an unknown one is an error of compile(), so a schema
// can never mean less than it says. Annotations (title, description, default, examples, $schema, $comment,
// deprecated, readOnly, writeOnly) are accepted and mean nothing for validity; `format` is an annotation too
// (JSON Schema Validation, section 7.2.1). Patterns are RE2 syntax.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "mcp/tool.h"

namespace rexec::mcp {

class Schema {
 public:
  static constexpr std::size_t kMaxViolations = 20;  // told at once; the count of the rest is stated
  static constexpr std::size_t kMaxFound = 1'000;    // where validate() stops looking

  virtual ~Schema() = default;
  /// Every violation, in document order, with messages for a model: the value given (cut at 80 characters),
  /// what is expected, and "did you mean" for a misspelt property. Of alternatives (anyOf, oneOf) of which
  /// none fits, the closest one is told. Stops at kMaxFound. Thread-safe.
  virtual std::vector<Violation> validate(const Json& instance) const = 0;
  /// `arguments` in strict form: numbers, integers and booleans given as strings become what the schema asks
  /// for, null for an optional property is dropped, a single value for an array of scalars becomes an array,
  /// "K=V" strings for an object of strings become an object. What cannot be converted stays as it is, and so
  /// does every value that is valid already. Thread-safe.
  virtual Json normalise(Json arguments) const = 0;
};

/// Keywords: type (also a list), enum, const, properties, required, additionalProperties, items, prefixItems,
/// minItems, maxItems, uniqueItems, minProperties, maxProperties, minLength, maxLength (in characters),
/// pattern, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, allOf, anyOf, oneOf, not, $ref
/// to a subschema of this document ("#", "#/$defs/…"), $defs, boolean schemas. Errors (invalid_argument) name
/// the JSON pointer of the offending keyword; among them is a $ref that comes back to itself without going
/// into the value.
Result<std::shared_ptr<const Schema>> compile_schema(const Json& schema);

/// One text for all violations of a call of `tool`, a line for each, under 2 000 characters.
std::string describe_violations(std::string_view tool, const std::vector<Violation>& violations);

}  // namespace rexec::mcp
