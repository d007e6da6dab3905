#include "base/json.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <iterator>
#include <utility>
#include <vector>

#include "base/utf8.h"

namespace rexec {
namespace {

constexpr std::size_t kMaxQuotedChars = 64;           // of a key, in an error message
constexpr std::size_t kMaxReasonBytes = 200;          // of the parser's own words
constexpr double kExactInteger = 9007199254740992.0;  // 2^53: every smaller integer is itself as a double

// Walks the text and tells the builder how far the parser has read, which SAX events do not.
class TrackingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  TrackingIterator(const char* at, const char** furthest) : at_(at), furthest_(furthest) {}

  reference operator*() const { return *at_; }
  TrackingIterator& operator++() {
    *furthest_ = ++at_;
    return *this;
  }
  bool operator==(const TrackingIterator& other) const { return at_ == other.at_; }

 private:
  const char* at_;
  const char** furthest_;
};

Error error_at(std::string_view text, std::size_t offset, std::string_view reason) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
  const std::size_t column = 1 + utf8_length(before.substr(start));
  std::string message = "invalid JSON at line " + std::to_string(line) + ", column " + std::to_string(column);
  return Error{ErrorCode::invalid_argument, message.append(": ").append(reason)};
}

// What the parser expected, without its preamble and without the text that it read: that may be megabytes, or
// a secret.
std::string reason_of(std::string_view what) {
  constexpr std::string_view kStart = "syntax error ";
  constexpr std::string_view kRead = "; last read: '";
  constexpr std::string_view kExpected = "; expected ";
  constexpr std::size_t kMaxTokenName = 40;
  if (const auto at = what.find(kStart); at != what.npos) what.remove_prefix(at + kStart.size());
  std::string_view expected;
  if (const auto at = what.find(kRead); at != what.npos) {
    if (const auto tail = what.rfind(kExpected); tail != what.npos && tail > at) expected = what.substr(tail);
    if (expected.size() > kExpected.size() + kMaxTokenName) expected = {};
    what = what.substr(0, at);
  }
  return to_valid_utf8(std::string(what.substr(0, kMaxReasonBytes)).append(expected));
}

// nlohmann's SAX consumer: builds the document, stops at the first thing that is not allowed.
class Builder {
 public:
  Builder(std::string_view text, std::size_t max_depth) : text_(text), max_depth_(max_depth) {}

  const char** furthest() { return &furthest_; }
  Json take() { return std::move(root_); }
  std::optional<Error> take_error() { return std::move(error_); }

  bool null() { return add(Json(nullptr)) != nullptr; }
  bool boolean(bool value) { return add(Json(value)) != nullptr; }
  bool number_integer(Json::number_integer_t value) { return add(Json(value)) != nullptr; }
  bool number_unsigned(Json::number_unsigned_t value) { return add(Json(value)) != nullptr; }
  bool number_float(Json::number_float_t value, const std::string&) { return add(Json(value)) != nullptr; }
  bool string(std::string& value) { return add(Json(std::move(value))) != nullptr; }
  bool binary(Json::binary_t& value) { return add(Json(std::move(value))) != nullptr; }

  bool start_object(std::size_t) { return open(Json::object()); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    auto& members = open_.back()->get_ref<Json::object_t&>();
    const auto [slot, is_new] = members.try_emplace(std::move(name));
    if (!is_new) return fail(key_offset(), "duplicate key " + quoted(slot->first));
    slot_ = &slot->second;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& e) {
    constexpr int kNumberOverflow = 406;
    const std::size_t offset = position > 0 ? position - 1 : 0;
    return fail(offset, e.id == kNumberOverflow ? "number out of range" : reason_of(e.what()));
  }

 private:
  Json* add(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (Json* parent = open_.back(); parent->is_array()) {
      auto& items = parent->get_ref<Json::array_t&>();
      items.push_back(std::move(value));
      return &items.back();
    }
    *slot_ = std::move(value);
    return slot_;
  }

  bool open(Json empty) {
    if (open_.size() >= max_depth_) {
      return fail(last_offset(), "nested deeper than " + std::to_string(max_depth_) + " levels");
    }
    open_.push_back(add(std::move(empty)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  bool fail(std::size_t offset, std::string_view reason) {
    if (!error_) error_ = error_at(text_, offset, reason);
    return false;
  }

  std::size_t last_offset() const {
    const auto read = static_cast<std::size_t>(furthest_ - text_.data());
    return read > 0 ? read - 1 : 0;
  }

  // Of the opening quote of the key that was just read: the one quote that no backslash precedes.
  std::size_t key_offset() const {
    std::size_t at = last_offset();
    while (at > 0 && (text_[--at] != '"' || (at > 0 && text_[at - 1] == '\\'))) {
    }
    return at;
  }

  // Without control characters, so that a message stays on its line.
  static std::string quoted(const std::string& name) {
    const std::string_view shown = utf8_prefix(name, kMaxQuotedChars);
    return dump_json(Json(std::string(shown))) + (shown.size() < name.size() ? "..." : "");
  }

  const std::string_view text_;
  const std::size_t max_depth_;
  const char* furthest_ = text_.data();
  Json root_;
  std::vector<Json*>
      open_;              // the containers around the next value; a parent grows only after its child closed
  Json* slot_ = nullptr;  // where the value of the last key goes
  std::optional<Error> error_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, std::size_t max_depth) {
  // nlohmann 3.11 takes a NUL for the end of the text and would ignore what follows it.
  if (const auto at = text.find('\0'); at != text.npos) return error_at(text, at, "NUL byte");
  Builder builder(text, max_depth);
  try {
    const bool complete =
        Json::sax_parse(TrackingIterator(text.data(), builder.furthest()),
                        TrackingIterator(text.data() + text.size(), builder.furthest()), &builder);
    if (complete) return builder.take();
  } catch (const std::exception& e) {
    return Error{ErrorCode::internal, std::string("cannot parse JSON: ") + e.what()};
  }
  if (auto error = builder.take_error()) return *std::move(error);
  return Error{ErrorCode::invalid_argument, "invalid JSON"};
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string dump_json_pretty(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace);
}

const Json* find(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto& members = object.get_ref<const Json::object_t&>();
  const auto found = members.find(key);
  return found == members.end() ? nullptr : &found->second;
}

std::optional<std::string> find_string(const Json& object, std::string_view key) {
  const Json* value = find(object, key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return value->get_ref<const std::string&>();
}

std::optional<std::int64_t> find_integer(const Json& object, std::string_view key) {
  const Json* value = find(object, key);
  if (value == nullptr) return std::nullopt;
  if (value->is_number_unsigned()) {
    const auto number = value->get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  if (value->is_number_integer()) return value->get<std::int64_t>();
  // 5.0 is an integer to JSON Schema.
  if (value->is_number_float()) {
    const auto number = value->get<double>();
    if (std::abs(number) < kExactInteger && std::trunc(number) == number) {
      return static_cast<std::int64_t>(number);
    }
  }
  return std::nullopt;
}

std::optional<bool> find_bool(const Json& object, std::string_view key) {
  const Json* value = find(object, key);
  if (value == nullptr || !value->is_boolean()) return std::nullopt;
  return value->get<bool>();
}

std::string pointer_step(std::string_view token) {
  std::string step = "/";
  for (const char c : token) {
    if (c == '~') {
      step.append("~0");
    } else if (c == '/') {
      step.append("~1");
    } else {
      step.push_back(c);
    }
  }
  return step;
}

}  // namespace rexec
