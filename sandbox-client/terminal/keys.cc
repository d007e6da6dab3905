#include "sandbox-client/terminal/keys.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/similar.h"
#include "base/utf8.h"

namespace rexec::terminal {
namespace {

constexpr std::size_t kMaxName = 64;

// How a key is encoded without modifiers and with them.
enum class Form : std::uint8_t {
  cursor,    // CSI X, in application mode SS3 X; CSI 1 ; m X
  function,  // SS3 X; CSI 1 ; m X
  tilde,     // CSI n ~; CSI n ; m ~
  character  // one byte
};

struct Key {
  std::string_view name;
  Form form;
  int code;
};

constexpr Key kKeys[] = {
    {"up", Form::cursor, 'A'},      {"down", Form::cursor, 'B'},      {"right", Form::cursor, 'C'},
    {"left", Form::cursor, 'D'},    {"home", Form::cursor, 'H'},      {"end", Form::cursor, 'F'},
    {"insert", Form::tilde, 2},     {"delete", Form::tilde, 3},       {"pageup", Form::tilde, 5},
    {"pagedown", Form::tilde, 6},   {"f1", Form::function, 'P'},      {"f2", Form::function, 'Q'},
    {"f3", Form::function, 'R'},    {"f4", Form::function, 'S'},      {"f5", Form::tilde, 15},
    {"f6", Form::tilde, 17},        {"f7", Form::tilde, 18},          {"f8", Form::tilde, 19},
    {"f9", Form::tilde, 20},        {"f10", Form::tilde, 21},         {"f11", Form::tilde, 23},
    {"f12", Form::tilde, 24},       {"enter", Form::character, '\r'}, {"tab", Form::character, '\t'},
    {"esc", Form::character, 0x1B}, {"space", Form::character, ' '},  {"backspace", Form::character, 0x7F},
};

struct Alias {
  std::string_view name;
  std::string_view meaning;
};

constexpr Alias kAliases[] = {{"return", "enter"},    {"escape", "esc"},         {"del", "delete"},
                              {"ins", "insert"},      {"pgup", "pageup"},        {"page-up", "pageup"},
                              {"bs", "backspace"},    {"spc", "space"},          {"pgdn", "pagedown"},
                              {"pgdown", "pagedown"}, {"page-down", "pagedown"}, {"arrowup", "up"},
                              {"arrowdown", "down"},  {"arrowleft", "left"},     {"arrowright", "right"}};

// As xterm adds them up for its parameter, which is one more.
constexpr int kShift = 1;
constexpr int kAlt = 2;
constexpr int kCtrl = 4;

constexpr Alias kModifiers[] = {{"shift", "shift"}, {"s", "shift"},      {"alt", "alt"},
                                {"meta", "alt"},    {"m", "alt"},        {"option", "alt"},
                                {"ctrl", "ctrl"},   {"control", "ctrl"}, {"c", "ctrl"}};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) { return lower(c); });
  return result;
}

int modifier_named(std::string_view name) {
  for (const Alias& alias : kModifiers) {
    if (alias.name != name) continue;
    if (alias.meaning == "shift") return kShift;
    return alias.meaning == "alt" ? kAlt : kCtrl;
  }
  return 0;
}

const Key* key_named(std::string_view name) {
  for (const Alias& alias : kAliases)
    if (alias.name == name) name = alias.meaning;
  const auto* found = std::ranges::find(kKeys, name, &Key::name);
  return found == std::end(kKeys) ? nullptr : found;
}

// The control character of a key, as xterm on a US keyboard has them.
std::optional<char> control_of(char c) {
  c = lower(c);
  if (c >= 'a' && c <= 'z') return static_cast<char>(c - 'a' + 1);
  switch (c) {
    case ' ':
    case '@':
    case '2':
      return '\0';
    case '[':
    case '3':
      return '\x1B';
    case '\\':
    case '4':
      return '\x1C';
    case ']':
    case '5':
      return '\x1D';
    case '^':
    case '6':
      return '\x1E';
    case '_':
    case '/':
    case '-':
    case '7':
      return '\x1F';
    case '?':
    case '8':
      return '\x7F';
    default:
      return std::nullopt;
  }
}

std::string with_alt(const std::string& bytes, int modifiers) {
  return (modifiers & kAlt) != 0 ? '\x1B' + bytes : bytes;
}

std::string encode_named(const Key& key, int modifiers, const Modes& modes) {
  const std::string parameter = std::to_string(modifiers + 1);
  const auto code = static_cast<char>(key.code);
  switch (key.form) {
    case Form::cursor:
      if (modifiers != 0) return "\x1B[1;" + parameter + code;
      return std::string(modes.application_cursor_keys ? "\x1BO" : "\x1B[") + code;
    case Form::function:
      if (modifiers != 0) return "\x1B[1;" + parameter + code;
      return std::string("\x1BO") + code;
    case Form::tilde:
      return "\x1B[" + std::to_string(key.code) + (modifiers != 0 ? ";" + parameter : "") + '~';
    case Form::character:
      break;
  }
  if (key.name == "tab" && (modifiers & kShift) != 0) return with_alt("\x1B[Z", modifiers);
  if (key.name == "space" && (modifiers & kCtrl) != 0) return with_alt(std::string(1, '\0'), modifiers);
  if (key.name == "backspace" && (modifiers & kCtrl) != 0) return with_alt("\b", modifiers);
  return with_alt(std::string(1, code), modifiers);
}

std::optional<std::string> encode_character(std::string_view character, int modifiers) {
  std::string bytes(character);
  if (bytes.size() == 1) {
    const bool letter = lower(bytes[0]) >= 'a' && lower(bytes[0]) <= 'z';
    if ((modifiers & kCtrl) != 0) {
      const auto control = control_of(bytes[0]);
      if (!control) return std::nullopt;
      bytes[0] = *control;
    } else if ((modifiers & kShift) != 0) {
      if (!letter) return std::nullopt;  // which character that is depends on the keyboard
      if (bytes[0] >= 'a') bytes[0] = static_cast<char>(bytes[0] - 'a' + 'A');
    }
  } else if ((modifiers & (kCtrl | kShift)) != 0) {
    return std::nullopt;
  }
  return with_alt(bytes, modifiers);
}

// Takes modifiers off the front. What remains of "ctrl--" is "-".
int take_modifiers(std::string_view& name) {
  int modifiers = 0;
  for (;;) {
    const std::size_t end = name.find_first_of("-+", 1);
    if (end == std::string_view::npos || end + 1 == name.size()) return modifiers;
    const int modifier = modifier_named(lower(name.substr(0, end)));
    if (modifier == 0) return modifiers;
    modifiers |= modifier;
    name.remove_prefix(end + 1);
  }
}

bool is_one_character(std::string_view text) {
  if (text.empty() || !is_valid_utf8(text) || utf8_length(text) != 1) return false;
  const auto first = static_cast<unsigned char>(text[0]);
  return first >= 0x20 && first != 0x7F;
}

Error unknown_key(std::string_view name, std::string_view rest, int modifiers) {
  std::string message = "there is no key \"" + to_valid_utf8(utf8_prefix(name, kMaxName)) + '"';
  std::vector<std::string> near = similar_names(lower(rest), key_names());
  if (modifiers != 0) {
    const std::string prefix(name.substr(0, name.size() - rest.size()));
    for (std::string& candidate : near) candidate.insert(0, prefix);
  }
  if (near.empty()) {
    message += "; keys are named like enter, up, f5, ctrl-c, alt-x or shift-tab, and text is typed as text";
  } else {
    message += "; did you mean " + quoted_alternatives(near) + "?";
  }
  return {ErrorCode::invalid_argument, std::move(message)};
}

}  // namespace

std::vector<std::string> key_names() {
  std::vector<std::string> names;
  for (const Key& key : kKeys) names.emplace_back(key.name);
  return names;
}

Result<std::string> encode_key(std::string_view name, const Modes& modes) {
  std::string_view rest = name;
  const int modifiers = name.size() <= kMaxName ? take_modifiers(rest) : 0;
  if (const Key* key = key_named(lower(rest.substr(0, kMaxName))))
    return encode_named(*key, modifiers, modes);
  if (is_one_character(rest))
    if (auto bytes = encode_character(rest, modifiers)) return *std::move(bytes);
  return unknown_key(name, rest, modifiers);
}

std::string encode_paste(std::string_view text, const Modes& modes) {
  constexpr std::string_view kBegin = "\x1B[200~";
  constexpr std::string_view kEnd = "\x1B[201~";
  std::string bytes;
  if (modes.bracketed_paste) {
    bytes.reserve(text.size() + kBegin.size() + kEnd.size());
    bytes += kBegin;
    for (const char c : text) {
      bytes += c;
      // Taking one out may make another out of what was around it, so each byte is looked at as it comes.
      if (bytes.size() >= kBegin.size() + kEnd.size() && bytes.ends_with(kEnd))
        bytes.resize(bytes.size() - kEnd.size());
    }
    bytes += kEnd;
    return bytes;
  }
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') {
      if (i == 0 || text[i - 1] != '\r') bytes += '\r';
    } else {
      bytes += text[i];
    }
  }
  return bytes;
}

}  // namespace rexec::terminal
