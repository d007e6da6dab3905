// From schema document to Tree: every keyword is known and well formed, every $ref leads to a subschema.
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

#include "mcp/schema_nodes.h"

namespace rexec::mcp::schema {
namespace {

constexpr std::string_view kDialect = "https://json-schema.org/draft/2020-12/schema";
constexpr std::int64_t kMaxPatternMemory = 1 << 20;  // of one compiled pattern with its caches

// Accepted, and mean nothing for validity.
constexpr std::array<std::string_view, 9> kAnnotations = {"$comment",    "default",  "deprecated",
                                                          "description", "examples", "format",
                                                          "readOnly",    "title",    "writeOnly"};

Error invalid(const std::string& pointer, std::string_view what) {
  std::string message = "schema at \"" + cut(pointer, 200) + "\": ";
  return Error{ErrorCode::invalid_argument, message.append(what)};
}

// A non-negative integer; 2.0 is one.
std::optional<std::size_t> count_of(const Json& value) {
  const Json& largest = std::numeric_limits<std::uint32_t>::max();
  if (type_of(value) != kInteger || compare(value, 0) < 0) return std::nullopt;
  if (compare(value, largest) > 0) return std::numeric_limits<std::size_t>::max();
  return value.get<std::size_t>();
}

std::optional<TypeSet> type_named(const Json& name) {
  static const std::map<std::string, TypeSet, std::less<>> types = {
      {"null", kNull},     {"boolean", kBoolean}, {"object", kObject},  {"array", kArray},
      {"string", kString}, {"number", kNumber},   {"integer", kInteger}};
  if (!name.is_string()) return std::nullopt;
  const auto found = types.find(name.get_ref<const std::string&>());
  if (found == types.end()) return std::nullopt;
  return found->second;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986, section 2.1.
std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      decoded.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
      i += 2;
    } else {
      decoded.push_back(text[i]);
    }
  }
  return decoded;
}

class Compiler {
 public:
  Result<Tree> run(const Json& schema) {
    ASSIGN_OR_RETURN(tree_.root, subschema(schema, "", 0));
    RETURN_IF_ERROR(resolve_references());
    for (const auto& node : tree_.nodes) {
      ASSIGN_OR_RETURN(const std::size_t height, in_place_height(*node, 0));
      static_cast<void>(height);
    }
    return std::move(tree_);
  }

 private:
  struct Keyword {
    Node& node;
    const Json& value;
    std::string pointer;
    std::size_t depth;
  };
  using Handler = Status (Compiler::*)(const Keyword&);
  using Handlers = std::map<std::string, Handler, std::less<>>;

  Result<const Node*> subschema(const Json& schema, const std::string& pointer, std::size_t depth) {
    if (depth > kMaxJsonDepth) return invalid(pointer, "nested too deeply");
    if (tree_.nodes.size() >= kMaxNodes) return invalid(pointer, "too many subschemas");
    Node& node = *tree_.nodes.emplace_back(std::make_unique<Node>());
    node.pointer = pointer;
    by_pointer_.emplace(pointer, &node);
    if (schema.is_boolean()) {
      node.boolean = schema.get<bool>();
      return &node;
    }
    if (!schema.is_object()) return invalid(pointer, "a schema is an object or a boolean");
    for (const auto& [name, value] : schema.get_ref<const Json::object_t&>()) {
      if (std::find(kAnnotations.begin(), kAnnotations.end(), name) != kAnnotations.end()) continue;
      const std::string at = pointer + pointer_step(name);
      const auto handler = handlers().find(name);
      if (handler == handlers().end()) return invalid(at, "unknown keyword");
      RETURN_IF_ERROR((this->*handler->second)(Keyword{node, value, at, depth}));
    }
    return &node;
  }

  static const Handlers& handlers() {
    static const Handlers all = {
        {"$defs", &Compiler::definitions},
        {"$ref", &Compiler::reference},
        {"$schema", &Compiler::dialect},
        {"additionalProperties", &Compiler::one<&Node::additional>},
        {"allOf", &Compiler::several<&Node::all_of>},
        {"anyOf", &Compiler::several<&Node::any_of>},
        {"const", &Compiler::constant},
        {"enum", &Compiler::choices},
        {"exclusiveMaximum", &Compiler::number<&Node::exclusive_maximum>},
        {"exclusiveMinimum", &Compiler::number<&Node::exclusive_minimum>},
        {"items", &Compiler::one<&Node::items>},
        {"maxItems", &Compiler::count<&Node::item_count, &Bounds::most>},
        {"maxLength", &Compiler::count<&Node::length, &Bounds::most>},
        {"maxProperties", &Compiler::count<&Node::property_count, &Bounds::most>},
        {"maximum", &Compiler::number<&Node::maximum>},
        {"minItems", &Compiler::count<&Node::item_count, &Bounds::least>},
        {"minLength", &Compiler::count<&Node::length, &Bounds::least>},
        {"minProperties", &Compiler::count<&Node::property_count, &Bounds::least>},
        {"minimum", &Compiler::number<&Node::minimum>},
        {"multipleOf", &Compiler::multiple_of},
        {"not", &Compiler::one<&Node::negated>},
        {"oneOf", &Compiler::several<&Node::one_of>},
        {"pattern", &Compiler::pattern},
        {"prefixItems", &Compiler::several<&Node::prefix_items>},
        {"properties", &Compiler::properties},
        {"required", &Compiler::required},
        {"type", &Compiler::type},
        {"uniqueItems", &Compiler::unique_items},
    };
    return all;
  }

  template <const Node* Node::*member>
  Status one(const Keyword& keyword) {
    ASSIGN_OR_RETURN(keyword.node.*member, subschema(keyword.value, keyword.pointer, keyword.depth + 1));
    return {};
  }

  template <std::vector<const Node*> Node::*member>
  Status several(const Keyword& keyword) {
    if (!keyword.value.is_array() || keyword.value.empty()) {
      return invalid(keyword.pointer, "must be a non-empty array of schemas");
    }
    std::size_t index = 0;
    for (const Json& item : keyword.value) {
      const std::string at = keyword.pointer + "/" + std::to_string(index++);
      ASSIGN_OR_RETURN(const Node* child, subschema(item, at, keyword.depth + 1));
      (keyword.node.*member).push_back(child);
    }
    return {};
  }

  template <std::optional<Json> Node::*member>
  Status number(const Keyword& keyword) {
    if (!keyword.value.is_number()) return invalid(keyword.pointer, "must be a number");
    keyword.node.*member = keyword.value;
    return {};
  }

  template <Bounds Node::*member, std::optional<std::size_t> Bounds::*side>
  Status count(const Keyword& keyword) {
    const auto counted = count_of(keyword.value);
    if (!counted) return invalid(keyword.pointer, "must be an integer >= 0");
    keyword.node.*member.*side = counted;
    return {};
  }

  Status multiple_of(const Keyword& keyword) {
    if (!keyword.value.is_number() || compare(keyword.value, 0) <= 0) {
      return invalid(keyword.pointer, "must be a number > 0");
    }
    keyword.node.multiple_of = keyword.value;
    return {};
  }

  Status dialect(const Keyword& keyword) {
    if (keyword.value == kDialect) return {};
    return invalid(keyword.pointer, "must be " + std::string(kDialect));
  }

  Status constant(const Keyword& keyword) {
    keyword.node.constant = keyword.value;
    return {};
  }

  Status choices(const Keyword& keyword) {
    if (!keyword.value.is_array() || keyword.value.empty()) {
      return invalid(keyword.pointer, "must be a non-empty array");
    }
    keyword.node.choices = keyword.value.get_ref<const Json::array_t&>();
    return {};
  }

  Status type(const Keyword& keyword) {
    const Json names = keyword.value.is_array() ? keyword.value : Json::array({keyword.value});
    if (names.empty()) return invalid(keyword.pointer, "must name a type");
    keyword.node.types = 0;
    for (const Json& name : names) {
      const auto named = type_named(name);
      if (!named) return invalid(keyword.pointer, shown(name) + " is not a type");
      keyword.node.types |= *named;
    }
    return {};
  }

  Status pattern(const Keyword& keyword) {
    if (!keyword.value.is_string()) return invalid(keyword.pointer, "must be a string");
    const std::string& text = keyword.value.get_ref<const std::string&>();
    if (text.size() > kMaxPatternBytes) {
      return invalid(keyword.pointer, "longer than " + std::to_string(kMaxPatternBytes) + " bytes");
    }
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_never_capture(true);
    options.set_max_mem(kMaxPatternMemory);
    auto compiled = std::make_shared<const re2::RE2>(text, options);
    if (!compiled->ok()) return invalid(keyword.pointer, "not RE2 syntax: " + compiled->error());
    keyword.node.pattern_text = text;
    keyword.node.pattern = std::move(compiled);
    return {};
  }

  Status unique_items(const Keyword& keyword) {
    if (!keyword.value.is_boolean()) return invalid(keyword.pointer, "must be a boolean");
    keyword.node.unique_items = keyword.value.get<bool>();
    return {};
  }

  Status required(const Keyword& keyword) {
    if (!keyword.value.is_array()) return invalid(keyword.pointer, "must be an array of strings");
    for (const Json& name : keyword.value) {
      if (!name.is_string()) return invalid(keyword.pointer, "must be an array of strings");
      keyword.node.required.push_back(name.get<std::string>());
    }
    auto& names = keyword.node.required;
    std::sort(names.begin(), names.end());
    if (std::adjacent_find(names.begin(), names.end()) != names.end()) {
      return invalid(keyword.pointer, "names a property twice");
    }
    return {};
  }

  Status properties(const Keyword& keyword) {
    return members(keyword, [&](const std::string& name, const Node* child) {
      keyword.node.properties.emplace(name, child);
    });
  }

  Status definitions(const Keyword& keyword) {
    return members(keyword, [](const std::string&, const Node*) {});
  }

  template <class Take>
  Status members(const Keyword& keyword, Take take) {
    if (!keyword.value.is_object()) return invalid(keyword.pointer, "must be an object of schemas");
    for (const auto& [name, value] : keyword.value.get_ref<const Json::object_t&>()) {
      const std::string at = keyword.pointer + pointer_step(name);
      ASSIGN_OR_RETURN(const Node* child, subschema(value, at, keyword.depth + 1));
      take(name, child);
    }
    return {};
  }

  Status reference(const Keyword& keyword) {
    if (!keyword.value.is_string()) return invalid(keyword.pointer, "must be a string");
    const std::string& uri = keyword.value.get_ref<const std::string&>();
    if (uri.empty() || uri.front() != '#') {
      return invalid(keyword.pointer,
                     "only references within the schema are known: \"#\" or \"#/$defs/...\"");
    }
    references_.emplace_back(&keyword.node, percent_decoded(std::string_view(uri).substr(1)));
    return {};
  }

  Status resolve_references() {
    for (const auto& [node, target] : references_) {
      const auto found = by_pointer_.find(target);
      if (found == by_pointer_.end()) {
        return invalid(node->pointer + "/$ref", "there is no subschema at \"" + cut(target, 200) + "\"");
      }
      node->reference = found->second;
    }
    return {};
  }

  // Number of subschemas that apply to the same value below `node`, on the longest path.
  Result<std::size_t> in_place_height(const Node& node, std::size_t above) {
    constexpr std::size_t kOpen = static_cast<std::size_t>(-1);
    if (above > kMaxInPlaceDepth) return invalid(node.pointer, "too many subschemas in a row for one value");
    const auto [slot, is_new] = heights_.emplace(&node, kOpen);
    if (!is_new && slot->second == kOpen) {
      return invalid(node.pointer, "refers to itself without going into the value");
    }
    if (is_new) {
      std::vector<const Node*> below;
      if (node.reference != nullptr) below.push_back(node.reference);
      if (node.negated != nullptr) below.push_back(node.negated);
      for (const auto* list : {&node.all_of, &node.any_of, &node.one_of}) {
        below.insert(below.end(), list->begin(), list->end());
      }
      std::size_t height = 0;
      for (const Node* child : below) {
        ASSIGN_OR_RETURN(const std::size_t child_height, in_place_height(*child, above + 1));
        height = std::max(height, child_height + 1);
      }
      heights_[&node] = height;
    }
    const std::size_t height = heights_[&node];
    if (above + height > kMaxInPlaceDepth) {
      return invalid(node.pointer, "too many subschemas in a row for one value");
    }
    return height;
  }

  Tree tree_;
  std::unordered_map<std::string, const Node*> by_pointer_;
  std::vector<std::pair<Node*, std::string>> references_;
  std::unordered_map<const Node*, std::size_t> heights_;
};

}  // namespace

Result<Tree> compile_tree(const Json& schema) {
  return Compiler().run(schema);
}

}  // namespace rexec::mcp::schema
