// The words of violations: values, expectations, suggestions.
#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "mcp/schema.h"
#include "mcp/schema_nodes.h"

namespace rexec::mcp::schema {
namespace {

constexpr std::size_t kMaxExpectationChars = 240;
constexpr std::size_t kMaxListedChars = 200;  // of a list of names or values
constexpr std::size_t kMaxDescribedDepth = 3;

std::string described(const Node& node, std::size_t depth);

// `items` as far as kMaxListedChars allows, then "...".
std::string list_of(const std::vector<std::string>& items) {
  std::string list;
  for (const std::string& item : items) {
    const std::string next = (list.empty() ? "" : ", ") + item;
    if (utf8_length(list) + utf8_length(next) > kMaxListedChars) return list + ", ...";
    list += next;
  }
  return list;
}

// Appends the text of `value`, and stops soon after `limit` bytes.
void append_shown(std::string& out, const Json& value, std::size_t limit) {
  if (out.size() > limit) return;
  const char* separator = "";
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    out += dump_json(Json(to_valid_utf8(text.substr(0, limit))));
  } else if (value.is_array()) {
    out += '[';
    for (const Json& item : value) {
      if (out.size() > limit) return;
      out += separator;
      append_shown(out, item, limit);
      separator = ",";
    }
    out += ']';
  } else if (value.is_object()) {
    out += '{';
    for (const auto& [name, member] : value.get_ref<const Json::object_t&>()) {
      if (out.size() > limit) return;
      out += separator;
      append_shown(out, Json(name.substr(0, limit)), limit);
      out += ':';
      append_shown(out, member, limit);
      separator = ",";
    }
    out += '}';
  } else {
    out += dump_json(value);
  }
}

std::string bounds_of(const Bounds& bounds, std::string_view singular, std::string_view plural) {
  const auto of = [&](std::size_t count) {
    return std::to_string(count) + " " + std::string(count == 1 ? singular : plural);
  };
  if (bounds.least && bounds.most) {
    if (*bounds.least == *bounds.most) return "exactly " + of(*bounds.most);
    return std::to_string(*bounds.least) + " to " + of(*bounds.most);
  }
  if (bounds.least) return "at least " + of(*bounds.least);
  if (bounds.most) return "at most " + of(*bounds.most);
  return {};
}

std::string range_of(const Node& node) {
  if (node.minimum && node.maximum) return " from " + shown(*node.minimum) + " to " + shown(*node.maximum);
  std::string range;
  const auto add = [&](const std::optional<Json>& bound, std::string_view sign) {
    if (bound) range.append(range.empty() ? " " : " and ").append(sign).append(shown(*bound));
  };
  add(node.minimum, ">= ");
  add(node.exclusive_minimum, "> ");
  add(node.maximum, "<= ");
  add(node.exclusive_maximum, "< ");
  return range;
}

std::string described_string(const Node& node) {
  std::string text = "string";
  if (const auto bounds = bounds_of(node.length, "character", "characters"); !bounds.empty()) {
    text += " of " + bounds;
  }
  if (node.pattern) text += " matching " + node.pattern_text;
  return text;
}

std::string described_array(const Node& node, std::size_t depth) {
  std::string text = "array";
  if (const auto bounds = bounds_of(node.item_count, "item", "items"); !bounds.empty()) {
    text += " of " + bounds;
  }
  if (node.items != nullptr && node.prefix_items.empty() && depth < kMaxDescribedDepth) {
    text += ", each: " + described(*node.items, depth + 1);
  }
  return text + (node.unique_items ? ", no item twice" : "");
}

std::string described_object(const Node& node, std::size_t depth) {
  std::string text = "object";
  if (const auto bounds = bounds_of(node.property_count, "property", "properties"); !bounds.empty()) {
    text += " of " + bounds;
  }
  std::vector<std::string> names;
  for (const std::string& name : node.required) names.push_back(shown(Json(name)));
  if (!names.empty()) text += " with " + list_of(names);
  if (node.properties.empty() && node.additional != nullptr && !node.additional->boolean &&
      depth < kMaxDescribedDepth) {
    text += ", each value: " + described(*node.additional, depth + 1);
  }
  return text;
}

std::string described_types(const Node& node, std::size_t depth) {
  std::string text;
  const auto add = [&](const std::string& one) { text.append(text.empty() ? "" : " or ").append(one); };
  if ((node.types & kString) != 0) add(described_string(node));
  if ((node.types & kNumber) == kNumber) add("number" + range_of(node));
  if ((node.types & kNumber) == kInteger) add("integer" + range_of(node));
  if ((node.types & kNumber) != 0 && node.multiple_of) text += ", a multiple of " + shown(*node.multiple_of);
  if ((node.types & kBoolean) != 0) add("true or false");
  if ((node.types & kArray) != 0) add(described_array(node, depth));
  if ((node.types & kObject) != 0) add(described_object(node, depth));
  if ((node.types & kNull) != 0) add("null");
  return text;
}

std::string described_alternatives(const std::vector<const Node*>& branches, std::size_t depth) {
  std::string text;
  for (const Node* branch : branches) {
    if (utf8_length(text) > kMaxExpectationChars) break;
    text.append(text.empty() ? "" : "; or ").append(described(*branch, depth + 1));
  }
  return text;
}

// What is said of a node without a type: the first keyword that says something.
std::string described_untyped(const Node& node, std::size_t depth) {
  if (depth < kMaxDescribedDepth) {
    if (node.reference != nullptr) return described(*node.reference, depth + 1);
    if (!node.any_of.empty()) return described_alternatives(node.any_of, depth);
    if (!node.one_of.empty()) return described_alternatives(node.one_of, depth);
    if (!node.all_of.empty()) return described(*node.all_of.front(), depth + 1);
    if (node.negated != nullptr) return "anything but " + described(*node.negated, depth + 1);
  }
  if (node.pattern || node.length.least || node.length.most) return described_string(node);
  if (const auto range = range_of(node); !range.empty()) return "number" + range;
  if (node.multiple_of) return "multiple of " + shown(*node.multiple_of);
  if (node.items != nullptr || node.unique_items || node.item_count.least || node.item_count.most) {
    return described_array(node, depth);
  }
  if (!node.required.empty() || !node.properties.empty() || node.additional != nullptr ||
      node.property_count.least || node.property_count.most) {
    return described_object(node, depth);
  }
  return "another value";
}

std::string described(const Node& node, std::size_t depth) {
  if (node.boolean) return *node.boolean ? "any value" : "nothing";
  if (node.constant) return shown(*node.constant);
  if (node.choices) {
    std::vector<std::string> values;
    for (const Json& choice : *node.choices) values.push_back(shown(choice));
    return (values.size() > 1 ? "one of " : "") + list_of(values);
  }
  return node.types == kAnyType ? described_untyped(node, depth) : described_types(node, depth);
}

}  // namespace

std::string cut(std::string_view text, std::size_t max_chars) {
  const std::string_view prefix = utf8_prefix(text, max_chars);
  return std::string(prefix) + (prefix.size() < text.size() ? "..." : "");
}

std::string shown(const Json& value) {
  constexpr std::size_t kLimitBytes = 4 * kMaxShownChars + 4;  // more than kMaxShownChars characters need
  std::string text;
  append_shown(text, value, kLimitBytes);
  return cut(text, kMaxShownChars);
}

std::string expectation(const Node& node) {
  return cut(described(node, 0), kMaxExpectationChars);
}

std::string expected(const Node& node) {
  return " (expected: " + expectation(node) + ")";
}

std::string names_of(TypeSet types) {
  std::vector<std::string_view> names;
  if ((types & kString) != 0) names.push_back("a string");
  if ((types & kNumber) == kNumber) names.push_back("a number");
  if ((types & kNumber) == kInteger) names.push_back("an integer");
  if ((types & kBoolean) != 0) names.push_back("a boolean");
  if ((types & kArray) != 0) names.push_back("an array");
  if ((types & kObject) != 0) names.push_back("an object");
  if ((types & kNull) != 0) names.push_back("null");
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text.append(i == 0 ? "" : (i + 1 == names.size() ? " or " : ", ")).append(names[i]);
  }
  return text;
}

std::string unknown_property(const Node& object, std::string_view name) {
  std::vector<const std::string*> names;
  std::vector<std::string> quoted;
  for (const auto& [known, child] : object.properties) {
    names.push_back(&known);
    quoted.push_back(shown(Json(known)));
  }
  if (names.empty()) return "unknown property (none is allowed here)";
  if (const std::string* meant = closest(name, names); meant != nullptr) {
    return "unknown property; did you mean " + shown(Json(*meant)) + "?";
  }
  return "unknown property (known: " + list_of(quoted) + ")";
}

std::string not_a_choice(const Node& node, const Json& value) {
  std::string message = shown(value) + " is not allowed (expected: " + expectation(node);
  if (value.is_string()) {
    std::vector<const std::string*> texts;
    for (const Json& choice : *node.choices) {
      if (choice.is_string()) texts.push_back(&choice.get_ref<const std::string&>());
    }
    if (const std::string* meant = closest(value.get_ref<const std::string&>(), texts); meant != nullptr) {
      message += "; did you mean " + shown(Json(*meant)) + "?";
    }
  }
  return message + ")";
}

}  // namespace rexec::mcp::schema
