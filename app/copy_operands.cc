#include "app/copy_operands.h"

#include <optional>
#include <string_view>
#include <utility>

#include "sandbox-client/sandbox_table.h"

namespace rexec::app {
namespace {

struct Operand {
  std::optional<std::string> sandbox;  // absent: a path of this machine
  std::string path;
};

Error wrong_operand(std::string message) {
  return Error{ErrorCode::invalid_argument, std::move(message)};
}

Result<Operand> parse(const std::string& word) {
  if (word.empty()) return wrong_operand("SRC and DST are not empty");
  const std::size_t colon = word.find(':');
  if (colon == word.npos || word.find('/') < colon) return Operand{std::nullopt, word == "-" ? "" : word};
  std::string name = word.substr(0, colon);
  if (const Status valid = sandbox::check_sandbox_name(name); !valid)
    return wrong_operand("\"" + name + "\" cannot be a sandbox: " + valid.error().message +
                         "; a file of this machine with a colon in its name is written ./" + word);
  const std::string path = word.substr(colon + 1);
  return Operand{std::move(name), path.empty() ? "." : path};
}

}  // namespace

Result<CopyPlan> plan_copy(const std::string& source, const std::string& destination) {
  ASSIGN_OR_RETURN(Operand from, parse(source));
  ASSIGN_OR_RETURN(Operand to, parse(destination));
  if (from.sandbox && to.sandbox)
    return wrong_operand(
        "one of SRC and DST is on this machine; copy from one sandbox to another in two steps");
  if (!from.sandbox && !to.sandbox)
    return wrong_operand(
        "one of SRC and DST is in a sandbox, written NAME:PATH; for two files of this machine, use cp");
  const bool into_sandbox = to.sandbox.has_value();
  Operand& inside = into_sandbox ? to : from;
  Operand& outside = into_sandbox ? from : to;
  return CopyPlan{into_sandbox, *std::move(inside.sandbox), std::move(inside.path), std::move(outside.path)};
}

}  // namespace rexec::app
