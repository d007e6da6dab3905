// What the parts of the schema validator share: the compiled form of a schema, JSON values compared as JSON
// Schema compares them, and the words for both.
//
// A schema is a graph of Nodes, one for each subschema; `$ref` is an edge. Compilation proves that edges that
// stay at the same value ($ref, allOf, anyOf, oneOf, not) form no cycle and no path longer than
// kMaxInPlaceDepth, so that recursion over a value is bounded by that and the depth of the value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "mcp/tool.h"

namespace re2 {
class RE2;
}

namespace rexec::mcp::schema {

inline constexpr std::size_t kMaxNodes = 10'000;       // subschemas of one schema
inline constexpr std::size_t kMaxInPlaceDepth = 32;    // subschemas in a row that apply to one value
inline constexpr std::size_t kMaxPatternBytes = 1000;  // of the text of one `pattern`
inline constexpr std::size_t kMaxSteps = 1'000'000;    // subschemas applied to values in one validation
inline constexpr std::size_t kMaxShownChars = 80;      // of a value in a message

/// A set of JSON types, as bits. kNumber has kInteger in it, as every integer is a number.
using TypeSet = std::uint8_t;
inline constexpr TypeSet kNull = 1;
inline constexpr TypeSet kBoolean = 2;
inline constexpr TypeSet kObject = 4;
inline constexpr TypeSet kArray = 8;
inline constexpr TypeSet kString = 16;
inline constexpr TypeSet kInteger = 32;
inline constexpr TypeSet kFraction = 64;
inline constexpr TypeSet kNumber = kInteger | kFraction;
inline constexpr TypeSet kAnyType = 127;

/// The one type of `value`: kInteger for every number without a fraction, also 1.0 and 1e300 (JSON Schema
/// Core 2020-12, section 4.2.1).
TypeSet type_of(const Json& value);

struct Bounds {
  std::optional<std::size_t> least;
  std::optional<std::size_t> most;
};

/// One subschema. An absent keyword is an empty member. Pointers are into the same Tree.
struct Node {
  std::string pointer;          // where it is in the schema document
  std::optional<bool> boolean;  // of a boolean schema; nothing else is set then
  TypeSet types = kAnyType;

  std::optional<std::vector<Json>> choices;  // enum
  std::optional<Json> constant;              // const

  std::map<std::string, const Node*, std::less<>> properties;
  std::vector<std::string> required;
  const Node* additional = nullptr;
  Bounds property_count;

  std::vector<const Node*> prefix_items;
  const Node* items = nullptr;
  Bounds item_count;
  bool unique_items = false;

  Bounds length;  // in characters
  std::string pattern_text;
  std::shared_ptr<const re2::RE2> pattern;

  std::optional<Json> minimum;
  std::optional<Json> maximum;
  std::optional<Json> exclusive_minimum;
  std::optional<Json> exclusive_maximum;
  std::optional<Json> multiple_of;

  const Node* reference = nullptr;
  std::vector<const Node*> all_of;
  std::vector<const Node*> any_of;
  std::vector<const Node*> one_of;
  const Node* negated = nullptr;
};

struct Tree {
  std::vector<std::unique_ptr<Node>> nodes;
  const Node* root = nullptr;
};

/// Errors are those of compile_schema().
Result<Tree> compile_tree(const Json& schema);

// ---- values

/// Total order of JSON values; 0 exactly when JSON Schema calls them equal: 1 and 1.0 are, numbers are
/// compared by their mathematical value, not by rounding one to the type of the other.
int compare(const Json& left, const Json& right);

/// Whether `value` is a multiple of `divisor` (> 0). Decimal fractions are taken as meant: 0.3 is a multiple
/// of 0.1, although neither is a double.
bool is_multiple(const Json& value, const Json& divisor);

/// For each item that is equal to an earlier one: its index and that of the first such. In order.
std::vector<std::pair<std::size_t, std::size_t>> repeated_items(const Json::array_t& items);

// ---- validation

/// How much one call may still do; shared by all its parts. When it is spent, verdicts are "invalid" and
/// mean nothing.
class Budget {
 public:
  bool spend(std::size_t steps = 1) {
    if (left_ < steps) spent_ = true;
    if (spent_) return false;
    left_ -= steps;
    return true;
  }
  void exhaust() { spent_ = true; }
  bool spent() const { return spent_; }

 private:
  std::size_t left_ = kMaxSteps;
  bool spent_ = false;
};

/// The verdict alone. `depth` is that of `value` in its document.
bool matches(const Node& node, const Json& value, Budget& budget, std::size_t depth = 0);

/// Every violation in document order, at most Schema::kMaxFound.
std::vector<Violation> explain(const Node& node, const Json& value);

/// See Schema::normalise().
Json normalise(const Node& node, Json value);

// ---- words

/// `value` as JSON on one line, cut at kMaxShownChars characters; whole UTF-8 characters, no control
/// characters.
std::string shown(const Json& value);

/// `text` cut at `max_chars` characters with "..." at its end.
std::string cut(std::string_view text, std::size_t max_chars);

/// What `node` asks for, in a few words: "number >= 0", "string of 1 to 40 characters". Bounded.
std::string expectation(const Node& node);

/// "a number", "an integer or null": for "... is not".
std::string names_of(TypeSet types);

/// " (expected: number >= 0)".
std::string expected(const Node& node);

/// The candidate that `name` most likely was meant to be, or nullptr: by Damerau-Levenshtein distance, case
/// and punctuation aside, or as an abbreviation.
const std::string* closest(std::string_view name, const std::vector<const std::string*>& candidates);

/// "unknown property; did you mean ...", with the known ones when nothing is near.
std::string unknown_property(const Node& object, std::string_view name);

/// "... is not allowed (expected: one of ...)", with a suggestion for a misspelt string.
std::string not_a_choice(const Node& node, const Json& value);

}  // namespace rexec::mcp::schema
