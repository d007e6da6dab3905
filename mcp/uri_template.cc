#include "mcp/uri_template.h"

#include <algorithm>
#include <utility>

namespace rexec::mcp {
namespace {

bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// RFC 3986 section 2.3.
bool is_unreserved(char c) {
  return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

// What stands for itself in a path: RFC 3986 section 3.3, pchar and "/".
bool is_path_character(char c) {
  return is_unreserved(c) || std::string_view("/:@!$&'()*+,;=").find(c) != std::string_view::npos;
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decode(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      bytes += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return bytes;
}

void append_encoded(std::string& uri, std::string_view value, bool reserved) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : value) {
    if (reserved ? is_path_character(c) : is_unreserved(c)) {
      uri += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      uri += '%';
      uri += kHex[byte >> 4];
      uri += kHex[byte & 15];
    }
  }
}

Error bad_template(std::string_view text, const std::string& why) {
  return Error{ErrorCode::invalid_argument, "the URI template \"" + std::string(text) + "\": " + why};
}

}  // namespace

bool is_uri(std::string_view text) {
  if (text.empty() || text.size() > kMaxUriBytes || !is_alpha(text.front())) return false;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return false;
  const std::string_view scheme = text.substr(0, colon);
  if (!std::all_of(scheme.begin(), scheme.end(),
                   [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; }))
    return false;
  for (std::size_t i = colon + 1; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= '\0' && c <= ' ') || c == '\x7f' || c == '"' || c == '<' || c == '>') return false;
    if (c == '%' && !decode(text.substr(i, 3))) return false;
  }
  return true;
}

Result<UriTemplate> UriTemplate::parse(std::string_view text) {
  UriTemplate result;
  result.text_ = text;
  std::string_view rest = text;
  for (;;) {
    Part part;
    const std::size_t open = rest.find('{');
    part.literal = rest.substr(0, open);
    if (part.literal.find('}') != std::string::npos) return bad_template(text, "\"}\" without \"{\"");
    if (open == std::string_view::npos) {
      result.parts_.push_back(std::move(part));
      return result;
    }
    if (part.literal.empty() && !result.parts_.empty())
      return bad_template(text, "nothing separates two variables");
    const std::size_t close = rest.find('}', open);
    if (close == std::string_view::npos) return bad_template(text, "\"{\" without \"}\"");
    std::string_view name = rest.substr(open + 1, close - open - 1);
    if (name.starts_with('+')) {
      part.reserved = true;
      name.remove_prefix(1);
    }
    if (name.empty() ||
        !std::all_of(name.begin(), name.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '_'; }))
      return bad_template(text, "only {name} and {+name} are supported");
    part.variable = name;
    const auto names = result.variables();
    if (std::find(names.begin(), names.end(), part.variable) != names.end())
      return bad_template(text, "a name is used twice");
    result.parts_.push_back(std::move(part));
    rest.remove_prefix(close + 1);
  }
}

std::optional<UriTemplate::Values> UriTemplate::match(std::string_view uri) const {
  Values values;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    if (!uri.starts_with(part.literal)) return std::nullopt;
    uri.remove_prefix(part.literal.size());
    if (part.variable.empty()) break;
    std::size_t size = uri.size();
    if (!part.reserved) size = std::min(size, uri.find_first_of("/?#"));
    if (const std::string& next = parts_[i + 1].literal; !next.empty()) {
      const std::size_t found = uri.find(next);
      if (found == std::string_view::npos || found > size) return std::nullopt;
      size = found;
    }
    if (size == 0 && !part.reserved) return std::nullopt;
    auto value = decode(uri.substr(0, size));
    if (!value) return std::nullopt;
    values.emplace(part.variable, *std::move(value));
    uri.remove_prefix(size);
  }
  if (!uri.empty()) return std::nullopt;
  return values;
}

std::string UriTemplate::expand(const Values& values) const {
  std::string uri;
  for (const Part& part : parts_) {
    uri += part.literal;
    if (const auto value = values.find(part.variable); value != values.end())
      append_encoded(uri, value->second, part.reserved);
  }
  return uri;
}

std::vector<std::string> UriTemplate::variables() const {
  std::vector<std::string> names;
  for (const Part& part : parts_) {
    if (!part.variable.empty()) names.push_back(part.variable);
  }
  return names;
}

}  // namespace rexec::mcp
