#include "tests/bench/stdio_client.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

extern char** environ;

namespace rexec::bench {

void die(std::string_view what) {
  std::fprintf(stderr, "bench: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

StdioClient::StdioClient(const std::vector<std::string>& command) {
  auto to_server = make_pipe();
  auto from_server = make_pipe();
  if (!to_server || !from_server) die("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to_server->first.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, from_server->second.get(), STDOUT_FILENO);
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  if (posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ) != 0)
    die("cannot start the server");
  posix_spawn_file_actions_destroy(&actions);
  input_ = std::move(to_server->second);
  output_ = std::move(from_server->first);
}

StdioClient::~StdioClient() {
  input_.reset();
  output_.reset();
  waitpid(pid_, nullptr, 0);
}

void StdioClient::send(std::string_view line) {
  std::string bytes(line);
  bytes += '\n';
  if (!write_all(input_.get(), bytes)) die("the server does not read");
}

std::string_view StdioClient::receive() {
  std::size_t searched = begin_;
  for (;;) {
    if (const auto end = buffer_.find('\n', searched); end != std::string::npos) {
      const std::string_view line(buffer_.data() + begin_, end - begin_);
      begin_ = end + 1;
      return line;
    }
    if (begin_ > 0) {
      buffer_.erase(0, begin_);
      begin_ = 0;
    }
    searched = buffer_.size();
    buffer_.resize(searched + 65536);
    const ssize_t got = read(output_.get(), buffer_.data() + searched, 65536);
    if (got <= 0) die("the server is gone");
    buffer_.resize(searched + static_cast<std::size_t>(got));
  }
}

Json StdioClient::request(std::string_view method, Json params) {
  const int id = next_id_++;
  send(dump_json({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}}));
  for (;;) {
    auto answer = parse_json(receive());
    if (!answer) die(answer.error().message);
    if (find_integer(*answer, "id") != id) continue;
    const Json* result = find(*answer, "result");
    if (result == nullptr) die("error: " + dump_json(*answer));
    return *result;
  }
}

Json StdioClient::initialize() {
  Json result = request("initialize", {{"protocolVersion", "2025-11-25"},
                                       {"capabilities", Json::object()},
                                       {"clientInfo", {{"name", "bench"}, {"version", "1"}}}});
  send(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  return result;
}

Json StdioClient::call(std::string_view tool, Json arguments) {
  const Json result = request("tools/call", {{"name", tool}, {"arguments", std::move(arguments)}});
  if (find_bool(result, "isError").value_or(false)) die(dump_json(result));
  if (const Json* structured = find(result, "structuredContent")) return *structured;
  return result;
}

}  // namespace rexec::bench
