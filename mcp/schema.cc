#include "mcp/schema.h"

#include <algorithm>

#include "base/utf8.h"
#include "mcp/schema_nodes.h"

namespace rexec::mcp {
namespace {

constexpr std::size_t kMaxDescriptionChars = 1'900;  // a failure's text is under 2 000
constexpr std::size_t kMaxPointerChars = 120;
constexpr std::size_t kMaxLineChars = 400;

class CompiledSchema : public Schema {
 public:
  explicit CompiledSchema(schema::Tree tree) : tree_(std::move(tree)) {}

  std::vector<Violation> validate(const Json& instance) const override {
    return schema::explain(*tree_.root, instance);
  }

  Json normalise(Json arguments) const override {
    return schema::normalise(*tree_.root, std::move(arguments));
  }

 private:
  const schema::Tree tree_;
};

// A pointer has the caller's property names in it: without control characters, so that it stays on its line.
std::string shown_pointer(const std::string& pointer) {
  if (pointer.empty()) return "arguments";
  std::string text = to_valid_utf8(schema::cut(pointer, kMaxPointerChars));
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
  if (std::none_of(text.begin(), text.end(), is_control)) return text;
  const std::string escaped = dump_json(Json(text));
  return escaped.substr(1, escaped.size() - 2);
}

}  // namespace

Result<std::shared_ptr<const Schema>> compile_schema(const Json& document) {
  ASSIGN_OR_RETURN(schema::Tree tree, schema::compile_tree(document));
  return std::shared_ptr<const Schema>(std::make_shared<const CompiledSchema>(std::move(tree)));
}

std::string describe_violations(std::string_view tool, const std::vector<Violation>& violations) {
  const std::size_t count = violations.size();
  std::string text(tool);
  text += ": " + std::to_string(count) + (count >= Schema::kMaxFound ? " or more" : "");
  text += count == 1 ? " problem with the arguments:" : " problems with the arguments:";
  std::size_t chars = utf8_length(text);
  std::size_t told = 0;
  for (; told < std::min(count, Schema::kMaxViolations); ++told) {
    const Violation& one = violations[told];
    const std::string line =
        schema::cut("\n- " + shown_pointer(one.pointer) + ": " + one.message, kMaxLineChars);
    chars += utf8_length(line);
    if (chars > kMaxDescriptionChars) break;
    text += line;
  }
  if (told < count) text += "\n- and " + std::to_string(count - told) + " more";
  return text;
}

}  // namespace rexec::mcp
