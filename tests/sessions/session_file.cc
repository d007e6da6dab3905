#include "tests/sessions/session_file.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace rexec::test {
namespace {

using Kind = SessionLine::Kind;

struct Mark {
  std::string_view text;
  Kind kind;
};

// In the order in which they are tried.
constexpr std::array kMarks = {
    Mark{"> (end of input)", Kind::end_of_input},
    Mark{"< (end of output)", Kind::end_of_output},
    Mark{"< (nothing)", Kind::nothing},
    Mark{"! release", Kind::release},
    Mark{"! change ", Kind::change},
    Mark{"> ", Kind::send},
    Mark{"<~ ", Kind::expect_unordered},
    Mark{"< ", Kind::expect},
    Mark{"! ", Kind::event},
    Mark{"% ", Kind::option},
};

std::string_view mark_of(Kind kind) {
  return std::ranges::find(kMarks, kind, &Mark::kind)->text;
}

bool is_capture(const Json& value) {
  return value.is_string() && value.get_ref<const std::string&>().starts_with('$');
}

bool matches_string(const std::string& expected, const Json& actual) {
  if (expected == "*") return true;
  if (!actual.is_string()) return false;
  const auto& text = actual.get_ref<const std::string&>();
  if (!expected.ends_with('*')) return text == expected;
  return text.starts_with(std::string_view(expected).substr(0, expected.size() - 1));
}

bool matches_into(const Json& expected, const Json& actual, Captures& captures) {
  if (is_capture(expected)) {
    const auto [found, added] = captures.emplace(expected.get<std::string>(), actual);
    return added || found->second == actual;
  }
  if (expected.is_string()) return matches_string(expected.get_ref<const std::string&>(), actual);
  if (expected.type() != actual.type() && !(expected.is_number_integer() && actual.is_number_integer()))
    return false;
  if (expected.size() != actual.size()) return false;
  if (expected.is_object()) {
    return std::ranges::all_of(expected.items(), [&](const auto& item) {
      const Json* value = find(actual, item.key());
      return value && matches_into(item.value(), *value, captures);
    });
  }
  if (expected.is_array()) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (!matches_into(expected[i], actual[i], captures)) return false;
    }
    return true;
  }
  return expected == actual;
}

}  // namespace

SessionFile read_session(const std::string& path) {
  std::ifstream input(path, std::ios::binary);
  if (!input) throw std::runtime_error("cannot read " + path);
  SessionFile file{path, {}};
  std::string text;
  for (std::size_t number = 1; std::getline(input, text); ++number) {
    SessionLine line{Kind::text, number, text};
    if (!text.empty() && !text.starts_with('#')) {
      const auto mark = std::ranges::find_if(kMarks, [&](const Mark& m) { return text.starts_with(m.text); });
      if (mark == kMarks.end())
        throw std::runtime_error(path + ":" + std::to_string(number) + ": unknown mark");
      line.kind = mark->kind;
      line.text = text.substr(mark->text.size());
    }
    file.lines.push_back(std::move(line));
  }
  return file;
}

void write_session(const SessionFile& file) {
  std::ofstream output(file.path, std::ios::binary | std::ios::trunc);
  for (const SessionLine& line : file.lines) {
    if (line.kind != Kind::text) output << mark_of(line.kind);
    output << line.text << '\n';
  }
}

bool matches(const Json& expected, const Json& actual, Captures& captures) {
  Captures tried = captures;
  if (!matches_into(expected, actual, tried)) return false;
  captures = std::move(tried);
  return true;
}

Json updated_expectation(const Json& expected, const Json& actual, Captures& captures) {
  if (matches(expected, actual, captures)) return expected;
  if (!expected.is_structured() || expected.type() != actual.type()) return actual;
  Json updated = actual;
  if (expected.is_object()) {
    for (auto& [key, value] : updated.items()) {
      if (const Json* old = find(expected, key)) value = updated_expectation(*old, value, captures);
    }
  } else {
    for (std::size_t i = 0; i < std::min(expected.size(), updated.size()); ++i) {
      updated[i] = updated_expectation(expected[i], actual[i], captures);
    }
  }
  return updated;
}

std::string substitute(std::string text, const Captures& captures) {
  for (const auto& [name, value] : captures) {
    const std::string quoted = '"' + name + '"';
    const std::string replacement = dump_json(value);
    for (auto at = text.find(quoted); at != std::string::npos;
         at = text.find(quoted, at + replacement.size())) {
      text.replace(at, quoted.size(), replacement);
    }
  }
  return text;
}

}  // namespace rexec::test
