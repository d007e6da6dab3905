// Numbers and strings as bytes, for checkpoints and scrollback: little-endian, strings as u32 length + bytes.
//
// A ByteReader never reads past its end. After the first short read every later value is zero or empty, and
// ok() is false for good.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace rexec::terminal {

class ByteWriter {
 public:
  void u8(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void u16(std::uint16_t value) { integer(value, 2); }
  void u32(std::uint32_t value) { integer(value, 4); }
  void u64(std::uint64_t value) { integer(value, 8); }
  void boolean(bool value) { u8(value ? 1 : 0); }
  void string(std::string_view value) {
    u32(static_cast<std::uint32_t>(value.size()));
    bytes_.append(value);
  }
  std::string take() { return std::move(bytes_); }

 private:
  void integer(std::uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) bytes_.push_back(static_cast<char>((value >> (8 * i)) & 0xFFU));
  }
  std::string bytes_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(integer(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(integer(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(integer(4)); }
  std::uint64_t u64() { return integer(8); }
  bool boolean() {
    const std::uint8_t value = u8();
    if (value > 1) fail();
    return value == 1;
  }
  /// A number of at most `max`; a larger one is an error and reads as 0.
  std::uint32_t at_most(std::uint32_t max) { return checked(u32(), max); }
  std::uint8_t u8_at_most(std::uint8_t max) { return static_cast<std::uint8_t>(checked(u8(), max)); }
  /// A string of at most `max` bytes.
  std::string_view string(std::size_t max) {
    const std::size_t size = u32();
    if (size > max) fail();
    return take(size);
  }
  std::string_view raw(std::size_t size) { return take(size); }

  bool ok() const { return ok_; }
  bool at_end() const { return bytes_.empty(); }
  std::size_t left() const { return bytes_.size(); }
  void fail() {
    ok_ = false;
    bytes_ = {};
  }

 private:
  std::uint32_t checked(std::uint32_t value, std::uint32_t max) {
    if (value <= max) return value;
    fail();
    return 0;
  }
  std::uint64_t integer(std::size_t size) {
    const std::string_view bytes = take(size);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
      value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    return value;
  }
  std::string_view take(std::size_t size) {
    if (!ok_ || size > bytes_.size()) {
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

}  // namespace rexec::terminal
