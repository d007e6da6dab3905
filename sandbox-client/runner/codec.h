// Bytes of the runner protocol: fixed-width little-endian integers, strings as u32 length + bytes.
//
// Shared by the runner (static, no exceptions, no locale) and by the server. Both sides read what the other
// wrote without trusting it: a Reader never reads past its end, and after the first short read every later
// value is zero or empty and ok() is false.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rexec::runner {

class Writer {
 public:
  void u8(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void u16(std::uint16_t value) { integer(value); }
  void u32(std::uint32_t value) { integer(value); }
  void u64(std::uint64_t value) { integer(value); }
  void i32(std::int32_t value) { integer(static_cast<std::uint32_t>(value)); }
  void i64(std::int64_t value) { integer(static_cast<std::uint64_t>(value)); }
  void boolean(bool value) { u8(value ? 1 : 0); }
  void string(std::string_view value) {
    u32(static_cast<std::uint32_t>(value.size()));
    bytes_.append(value);
  }
  void strings(const std::vector<std::string>& values) {
    u32(static_cast<std::uint32_t>(values.size()));
    for (const std::string& value : values) string(value);
  }
  void raw(std::string_view value) { bytes_.append(value); }
  void reserve(std::size_t size) { bytes_.reserve(size); }

  std::size_t size() const { return bytes_.size(); }
  std::string take() { return std::move(bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  template <class T>
  void integer(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bytes_.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
  }
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(integer(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(integer(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(integer(4)); }
  std::uint64_t u64() { return integer(8); }
  std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
  bool boolean() { return u8() != 0; }
  std::string_view view() { return take(u32()); }
  std::string string() { return std::string(view()); }
  /// At most `max` strings; more is an error, checked before anything is allocated.
  std::vector<std::string> strings(std::uint32_t max);
  std::string_view raw(std::size_t size) { return take(size); }

  bool ok() const { return ok_; }
  bool at_end() const { return bytes_.empty(); }
  void fail() {
    ok_ = false;
    bytes_ = {};
  }

 private:
  std::uint64_t integer(std::size_t size) {
    const std::string_view bytes = take(size);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
      value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    return value;
  }
  std::string_view take(std::size_t size) {
    if (size > bytes_.size()) {
      fail();
      return {};
    }
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  std::string_view bytes_;
  bool ok_ = true;
};

inline std::vector<std::string> Reader::strings(std::uint32_t max) {
  const std::uint32_t count = u32();
  std::vector<std::string> values;
  if (count > max || std::size_t{count} * 4 > bytes_.size()) {
    if (count != 0) fail();
    return values;
  }
  values.reserve(count);
  for (std::uint32_t i = 0; i < count && ok_; ++i) values.push_back(string());
  return values;
}

}  // namespace rexec::runner
