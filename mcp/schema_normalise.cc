// Lenient forms into the strict ones that a schema asks for. A value whose type fits is never touched, so a
// valid document comes back unchanged.
#include <algorithm>
#include <cmath>

#include "mcp/schema_nodes.h"

namespace rexec::mcp::schema {
namespace {

constexpr std::size_t kMaxNumberBytes = 64;  // of a number given as a string
constexpr TypeSet kScalars = kNull | kBoolean | kString | kNumber;

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

// The JSON number that `text` is, as a whole and without spaces.
std::optional<Json> number_in(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || text.size() > kMaxNumberBytes) return std::nullopt;
  if (!is_digit(text.back()) || !(is_digit(text.front()) || text.front() == '-')) return std::nullopt;
  auto number = parse_json(text);
  if (!number || !number->is_number() || !std::isfinite(number->get<double>())) return std::nullopt;
  return std::move(*number);
}

// The types of a value that `node` by itself and what it refers to allow.
TypeSet types_of(const Node& node) {
  TypeSet types = node.types;
  if (node.choices) {
    TypeSet chosen = 0;
    for (const Json& choice : *node.choices) chosen |= type_of(choice);
    types &= chosen;
  }
  if (node.reference != nullptr) types &= types_of(*node.reference);
  return types;
}

// {"K":"V"} of "K=V" strings; nothing when one of them has another form.
std::optional<Json> object_of_pairs(const Json::array_t& pairs) {
  Json object = Json::object();
  for (const Json& pair : pairs) {
    if (!pair.is_string()) return std::nullopt;
    const auto& text = pair.get_ref<const std::string&>();
    const auto split = text.find('=');
    if (split == text.npos || split == 0) return std::nullopt;
    object[text.substr(0, split)] = text.substr(split + 1);
  }
  return object;
}

class Normaliser {
 public:
  void apply(const Node& node, Json& value, std::size_t depth) {
    if (depth > kMaxJsonDepth || !budget_.spend() || node.boolean) return;
    if ((node.types & type_of(value)) == 0) convert(node, value, depth);
    if (node.reference != nullptr) apply(*node.reference, value, depth);
    for (const Node* part : node.all_of) apply(*part, value, depth);
    apply_fitting(node.any_of, value, depth);
    apply_fitting(node.one_of, value, depth);
    if (value.is_object()) apply_members(node, value, depth);
    if (value.is_array()) apply_items(node, value, depth);
  }

 private:
  // Of the alternatives, the first that accepts the value in strict form, when none accepts it as it is.
  void apply_fitting(const std::vector<const Node*>& branches, Json& value, std::size_t depth) {
    for (const Node* branch : branches) {
      if (accepts(*branch, value, depth)) return;
    }
    for (const Node* branch : branches) {
      if (budget_.spent()) return;
      Json candidate = value;
      apply(*branch, candidate, depth);
      if (accepts(*branch, candidate, depth)) {
        value = std::move(candidate);
        return;
      }
    }
  }

  void apply_members(const Node& node, Json& object, std::size_t depth) {
    if (node.properties.empty() && node.additional == nullptr) return;
    auto& members = object.get_ref<Json::object_t&>();
    for (auto member = members.begin(); member != members.end();) {
      const auto known = node.properties.find(member->first);
      const Node* child = known != node.properties.end() ? known->second : node.additional;
      if (child == nullptr || child->boolean) {
        ++member;
      } else if (member->second.is_null() && !is_required(node, member->first) &&
                 !accepts(*child, member->second, depth + 1) && !budget_.spent()) {
        member = members.erase(member);
      } else {
        apply(*child, member->second, depth + 1);
        ++member;
      }
    }
  }

  void apply_items(const Node& node, Json& array, std::size_t depth) {
    if (node.prefix_items.empty() && node.items == nullptr) return;
    auto& items = array.get_ref<Json::array_t&>();
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Node* item = i < node.prefix_items.size() ? node.prefix_items[i] : node.items;
      if (item == nullptr) return;
      apply(*item, items[i], depth + 1);
    }
  }

  void convert(const Node& node, Json& value, std::size_t depth) {
    if (value.is_string() && convert_string(node, value)) return;
    if ((node.types & kObject) != 0 && convert_pairs(node, value)) return;
    if ((node.types & kArray) != 0) wrap(node, value, depth);
  }

  static bool convert_string(const Node& node, Json& value) {
    const auto& text = value.get_ref<const std::string&>();
    if ((node.types & kBoolean) != 0) {
      for (const bool meant : {false, true}) {
        if (!equals_ignoring_case(text, meant ? "true" : "false")) continue;
        value = meant;
        return true;
      }
    }
    if ((node.types & kNumber) == 0) return false;
    auto number = number_in(text);
    if (!number || (node.types & type_of(*number)) == 0) return false;
    value = *std::move(number);
    return true;
  }

  static bool convert_pairs(const Node& node, Json& value) {
    if (node.additional == nullptr || node.additional->boolean) return false;
    if (types_of(*node.additional) != kString) return false;
    std::optional<Json> object;
    if (value.is_array()) object = object_of_pairs(value.get_ref<const Json::array_t&>());
    if (value.is_string()) object = object_of_pairs({value});
    if (!object) return false;
    value = *std::move(object);
    return true;
  }

  void wrap(const Node& node, Json& value, std::size_t depth) {
    if ((type_of(value) & kScalars & ~kNull) == 0) return;
    if (node.items == nullptr || !node.prefix_items.empty()) return;
    if ((types_of(*node.items) & ~kScalars) != 0) return;
    Json item = value;
    apply(*node.items, item, depth + 1);
    if (accepts(*node.items, item, depth + 1)) value = Json::array({std::move(item)});
  }

  static bool is_required(const Node& node, const std::string& name) {
    return std::binary_search(node.required.begin(), node.required.end(), name);
  }

  bool accepts(const Node& node, const Json& value, std::size_t depth) {
    return matches(node, value, budget_, depth);
  }

  Budget budget_;
};

}  // namespace

Json normalise(const Node& node, Json value) {
  Normaliser().apply(node, value, 0);
  return value;
}

}  // namespace rexec::mcp::schema
