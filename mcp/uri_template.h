// URI templates, as far as resources use them: {var} and {+var} of RFC 6570 (level 1, and reserved expansion
// of level 2), in both directions.
//
// Matching is not part of the RFC. Here {var} takes at least one character up to the next "/", "?" or "#";
// {+var} takes anything, also nothing. A variable ends at the first place where the literal text behind it
// occurs. Expanding encodes "%" always, also where {+var} of the RFC would leave "%41" alone, so that
// matching what was expanded gives the value back.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rexec::mcp {

inline constexpr std::size_t kMaxUriBytes = 16 << 10;

/// Whether `text` is a URI with a scheme (RFC 3986), of at most kMaxUriBytes. Characters beyond ASCII are let
/// through, since clients do not agree on who encodes them.
bool is_uri(std::string_view text);

class UriTemplate {
 public:
  using Values = std::map<std::string, std::string>;  // decoded bytes

  /// invalid_argument: an expression that is not supported, a name used twice, two variables side by side.
  static Result<UriTemplate> parse(std::string_view text);

  /// The variables of a URI that has this form; nullopt for others, and for a "%" that starts no octet.
  std::optional<Values> match(std::string_view uri) const;
  /// Absent variables are empty.
  std::string expand(const Values& values) const;

  const std::string& text() const { return text_; }
  /// In the order in which they occur.
  std::vector<std::string> variables() const;

 private:
  struct Part {
    std::string literal;   // before the variable
    std::string variable;  // empty: the end
    bool reserved = false;
  };

  std::string text_;
  std::vector<Part> parts_;
};

}  // namespace rexec::mcp
