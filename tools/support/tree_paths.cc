#include "tools/support/tree_paths.h"

#include <utility>

#include "base/encoding.h"
#include "base/utf8.h"

namespace rexec::tools {
namespace {

constexpr std::string_view kBase64 = "base64:";
constexpr std::string_view kPosition = "position:";
constexpr std::string_view kReplacement = "\xef\xbf\xbd";

std::string prefix_of(std::string path) {
  while (path.ends_with('/')) path.pop_back();
  return path + "/";
}

}  // namespace

TreePaths::TreePaths(std::string given, std::string resolved)
    : given_(std::move(given)),
      prefix_(given_ == "." ? "" : prefix_of(given_)),
      absolute_prefix_(prefix_of(std::move(resolved))) {}

std::string TreePaths::shown(std::string_view relative) const {
  return relative.empty() ? given_ : prefix_ + std::string(relative);
}

std::optional<std::string> TreePaths::relative(std::string_view after) const {
  if (after.starts_with(kPosition)) return "/" + std::string(after.substr(kPosition.size()));
  std::string decoded(after);
  if (after.starts_with(kBase64)) {
    auto bytes = base64_decode(after.substr(kBase64.size()));
    if (!bytes) return std::nullopt;
    decoded = *std::move(bytes);
  }
  for (const std::string& prefix : {absolute_prefix_, prefix_}) {
    if (!decoded.starts_with(prefix)) continue;
    const std::size_t begin = decoded.find_first_not_of('/', prefix.size());
    return begin == decoded.npos ? std::string() : decoded.substr(begin);
  }
  return std::nullopt;
}

std::string TreePaths::after(std::string_view relative) const {
  if (relative.starts_with('/')) return std::string(kPosition) + std::string(relative.substr(1));
  std::string path = shown(relative);
  const bool plain =
      to_valid_utf8(path) == path && !path.starts_with(kBase64) && !path.starts_with(kPosition);
  return plain ? path : std::string(kBase64) + base64_encode(path);
}

void TreePaths::put(Json& json, std::string_view relative) const {
  const std::string path = shown(relative);
  std::string text = to_valid_utf8(path);
  if (text != path) json["path_base64"] = base64_encode(path);
  json["path"] = std::move(text);
}

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : to_valid_utf8(text)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      line += kReplacement;
    } else {
      line += c;
    }
  }
  return line;
}

}  // namespace rexec::tools
