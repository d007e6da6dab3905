#include "tools/support/output_hints.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/utf8.h"
#include "tools/support/output_filter.h"

namespace rexec::tools {
namespace {

constexpr std::size_t kLastLineBytes = 4096;
constexpr std::size_t kLastLineChars = 200;
constexpr std::size_t kHintBytes = 64 << 10;  // searched at the end of each stream

// Lower case. Resolvers and connect(2) as libc, curl, git, apt, pip, node, go, busybox and wget put it.
constexpr std::array<std::string_view, 18> kNetworkMessages = {
    "could not resolve host",
    "couldn't resolve host",
    "temporary failure in name resolution",
    "temporary failure resolving",
    "name or service not known",
    "network is unreachable",
    "unable to resolve host",
    "failed to resolve",
    "nameresolutionerror",
    "eai_again",
    "enetunreach",
    "getaddrinfo enotfound",
    "dial tcp: lookup",
    "server misbehaving",
    "bad address '",
    "resolving timed out",
    "no address associated with hostname",
    "could not resolve: ",
};

std::string_view newest(const sandbox::StreamReport& stream) {
  return stream.tail.empty() ? stream.head : stream.tail;
}

std::string_view last_bytes(std::string_view bytes, std::size_t count) {
  return bytes.size() > count ? bytes.substr(bytes.size() - count) : bytes;
}

std::string last_line(const sandbox::StreamReport& stream) {
  OutputText filtered(false);
  filtered.append(last_bytes(newest(stream), kLastLineBytes), OutputText::kUnlimited, true);
  std::string_view text = filtered.text();
  const std::size_t end = text.find_last_not_of(" \t\n");
  if (end == std::string_view::npos) return {};
  text = text.substr(0, end + 1);
  const std::size_t start = text.rfind('\n');
  if (start != std::string_view::npos) text.remove_prefix(start + 1);
  return std::string(utf8_prefix(text, kLastLineChars));
}

bool mentions_network(std::string_view bytes) {
  std::string text(last_bytes(bytes, kHintBytes));
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return std::any_of(kNetworkMessages.begin(), kNetworkMessages.end(),
                     [&](std::string_view message) { return text.find(message) != std::string::npos; });
}

}  // namespace

std::string last_output_line(const sandbox::ProcessReport& report) {
  std::string line = last_line(report.streams[0]);
  return line.empty() ? last_line(report.streams[1]) : line;
}

bool looks_like_missing_network(const sandbox::ProcessReport& report) {
  const bool running = report.status == sandbox::ProcessStatus::running;
  const bool succeeded = report.status == sandbox::ProcessStatus::exited && report.exit_code == 0;
  if (running || succeeded) return false;
  return std::any_of(report.streams.begin(), report.streams.end(),
                     [](const sandbox::StreamReport& stream) { return mentions_network(newest(stream)); });
}

}  // namespace rexec::tools
