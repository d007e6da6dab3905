#include "app/secret_settings.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "app/secret_command.h"
#include "base/fd.h"
#include "base/log.h"

namespace rexec::app {
namespace {

constexpr std::string_view kOwnVariables = "REXEC_";
constexpr std::size_t kMaxCommandWords = 64;
constexpr std::size_t kLineEnd = 2;  // bytes, at most

bool is_identifier(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name[0]) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

std::string without_line_end(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

std::string at_home(const std::string& path) {
  const char* home = path.starts_with("~/") ? std::getenv("HOME") : nullptr;
  return home == nullptr ? path : home + path.substr(1);
}

Result<std::string> read_file(const std::string& name, const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & (S_IRGRP | S_IROTH)) != 0) {
    log(LogLevel::warning, "secrets",
        "the file of the secret " + name + " may be read by other users: chmod 600 " + path);
  }
  ASSIGN_OR_RETURN(std::string text, rexec::read_whole_file(path, tools::kMaxSecretBytes + kLineEnd));
  return without_line_end(std::move(text));
}

Result<std::string> read_variable(const std::string& variable) {
  const char* value = std::getenv(variable.c_str());
  if (value == nullptr) {
    return Error{ErrorCode::not_found, "the server was started without the environment variable " + variable};
  }
  return std::string(value);
}

Result<std::string> read_command(const std::vector<std::string>& words, const Op& op) {
  ASSIGN_OR_RETURN(std::string text,
                   output_of_command(words, tools::kMaxSecretBytes + kLineEnd,
                                     {op.stop, op.deadline.sooner(Deadline::after(kSecretCommandTime))}));
  return without_line_end(std::move(text));
}

std::vector<std::string> words_of(const Json& command) {
  // The shell looks up a program that has no path.
  if (command.is_string()) return {"/bin/sh", "-c", command.get<std::string>()};
  std::vector<std::string> words = {"/bin/sh", "-c", "exec \"$@\"", "sh"};
  for (const Json& word : command) words.push_back(word.get<std::string>());
  return words;
}

std::string check_source(const Json& source) {
  if (const auto file = find_string(source, "file");
      file && !file->starts_with('/') && !file->starts_with("~/")) {
    return "its file must be an absolute path, or start with ~/";
  }
  if (const auto variable = find_string(source, "env"); variable && variable->starts_with(kOwnVariables)) {
    return "the variable " + *variable + " is this server's own and never enters a sandbox";
  }
  return {};
}

}  // namespace

Json secrets_schema() {
  const Json text = {{"type", "string"}, {"minLength", 1}, {"maxLength", 4096}};
  const Json command = {{"type", {"string", "array"}},   {"minLength", 1}, {"maxLength", 65536},
                        {"items", {{"type", "string"}}}, {"minItems", 1},  {"maxItems", kMaxCommandWords}};
  return {{"type", "object"},
          {"maxProperties", kMaxSecrets},
          {"default", Json::object()},
          {"additionalProperties",
           {{"type", "object"},
            {"properties", {{"file", text}, {"env", text}, {"command", command}}},
            {"additionalProperties", false},
            {"minProperties", 1},
            {"maxProperties", 1}}}};
}

std::string check_secrets(const Json& setting) {
  for (const auto& [name, source] : setting.items()) {
    if (!is_identifier(name) || name.size() > kMaxSecretName) {
      return "a secret's name becomes a variable: expected at most " + std::to_string(kMaxSecretName) +
             " letters, digits and _, not " + dump_json(name.substr(0, kMaxSecretName));
    }
    if (std::string wrong = check_source(source); !wrong.empty()) return name + ": " + wrong;
  }
  return {};
}

Json without_commands(const Json& setting) {
  Json shown = setting;
  for (auto& [name, source] : shown.items()) {
    if (source.contains("command")) source["command"] = "********";
  }
  return shown;
}

std::vector<tools::SecretSource> secret_sources(const Json& setting) {
  std::vector<tools::SecretSource> sources;
  for (const auto& [key, source] : setting.items()) {
    const std::string name = key;
    if (const auto file = find_string(source, "file")) {
      sources.push_back({name, [name, path = at_home(*file)](const Op&) { return read_file(name, path); }});
    } else if (const auto variable = find_string(source, "env")) {
      sources.push_back({name, [variable = *variable](const Op&) { return read_variable(variable); }});
    } else {
      sources.push_back(
          {name, [words = words_of(source.at("command"))](const Op& op) { return read_command(words, op); }});
    }
  }
  return sources;
}

}  // namespace rexec::app
