// rexec-schema-check: our verdicts, for tests that compare them with another validator's.
//
// Reads lines {"schema":…,"instance":…} or {"schema":…,"instances":[…]} on stdin and answers each with one
// line:
// {"valid":…,"violations":[{"pointer":…,"message":…}]} ("results":[…] of these for instances), or
// {"error":…} when the schema does not compile or the line is no such thing. With "normalise":true each
// result also has "normalised", and valid and violations are those of the normalised instance. Usage:
// rexec-schema-check [--time FILE]: with --time, what one validation of the line in FILE takes.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>

#include "base/json.h"
#include "mcp/schema.h"

namespace rexec {
namespace {

constexpr std::size_t kMaxDepth = 128;  // of a line: schema and instance are one level down

Json checked(const mcp::Schema& schema, const Json& instance, bool normalise) {
  Json result = Json::object();
  Json subject = instance;
  if (normalise) {
    subject = schema.normalise(std::move(subject));
    result["normalised"] = subject;
  }
  Json violations = Json::array();
  for (const mcp::Violation& one : schema.validate(subject)) {
    violations.push_back(Json{{"pointer", one.pointer}, {"message", one.message}});
  }
  result["valid"] = violations.empty();
  result["violations"] = std::move(violations);
  return result;
}

Result<Json> answer(const std::string& line) {
  ASSIGN_OR_RETURN(const Json request, parse_json(line, kMaxDepth));
  const Json* document = find(request, "schema");
  if (document == nullptr) return Error{ErrorCode::invalid_argument, "no schema"};
  ASSIGN_OR_RETURN(const auto schema, mcp::compile_schema(*document));
  const bool normalise = find_bool(request, "normalise").value_or(false);
  if (const Json* instances = find(request, "instances"); instances != nullptr && instances->is_array()) {
    Json results = Json::array();
    for (const Json& instance : *instances) results.push_back(checked(*schema, instance, normalise));
    return Json{{"results", std::move(results)}};
  }
  const Json* instance = find(request, "instance");
  if (instance == nullptr) return Error{ErrorCode::invalid_argument, "no instance"};
  return checked(*schema, *instance, normalise);
}

int time_one(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  const auto request = parse_json(line, kMaxDepth);
  if (!request || !request->contains("schema") || !request->contains("instance")) return 2;
  const auto schema = mcp::compile_schema(request->at("schema"));
  if (!schema) return 2;
  const Json& instance = request->at("instance");
  constexpr int kRounds = 200'000;
  std::size_t violations = 0;
  const auto measure = [&](const char* what, auto once) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kRounds; ++i) once();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    std::printf("%-24s %8.0f ns\n", what, took.count() / kRounds);
  };
  measure("copy", [&] { violations += Json(instance).size(); });
  violations = 0;
  measure("validate", [&] { violations += schema.value()->validate(instance).size(); });
  measure("copy, normalise", [&] { violations += schema.value()->normalise(instance).empty() ? 1 : 0; });
  return violations == 0 ? 0 : 1;
}

int serve() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    auto result = answer(line);
    std::cout << dump_json(result ? *result : Json{{"error", result.error().message}}) << '\n';
  }
  std::cout.flush();
  return 0;
}

}  // namespace
}  // namespace rexec

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--time") return rexec::time_one(argv[2]);
  return rexec::serve();
}
