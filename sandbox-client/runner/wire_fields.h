// Fields that several messages have, and the limits of those that have none of their own. For wire*.cc only.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox-client/runner/wire.h"

namespace rexec::runner {

template <class Enum>
inline void put(Writer& writer, Enum value) {
  writer.u8(static_cast<std::uint8_t>(value));
}

template <class Enum>
inline void get(Reader& reader, Enum& value, Enum last) {
  const std::uint8_t byte = reader.u8();
  if (byte > static_cast<std::uint8_t>(last)) return reader.fail();
  value = static_cast<Enum>(byte);
}

inline void get(Reader& reader, std::string& value, std::size_t max) {
  const std::string_view bytes = reader.view();
  if (bytes.size() > max) return reader.fail();
  value = bytes;
}

inline void put(Writer& writer, const std::array<std::uint8_t, 16>& bytes) {
  for (const std::uint8_t byte : bytes) writer.u8(byte);
}

inline void get(Reader& reader, std::array<std::uint8_t, 16>& bytes) {
  for (std::uint8_t& byte : bytes) byte = reader.u8();
}

inline constexpr std::size_t kMaxName = 4096;     // names, paths and texts that have no limit of their own
inline constexpr std::size_t kMaxEntries = 4096;  // of a process list
inline constexpr std::size_t kMaxFeatures = 256;

}  // namespace rexec::runner
