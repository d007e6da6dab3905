#include "tools/support/file_type.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "tools/support/output_filter.h"

namespace rexec::tools {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  std::string_view type;
};

constexpr std::array kMagic = {
    Magic{0,
          "\x7f"
          "ELF"sv,
          "application/x-executable"},
    Magic{0, "%PDF-"sv, "application/pdf"},
    Magic{0, "PK\x03\x04"sv, "application/zip"},
    Magic{0, "\x1f\x8b"sv, "application/gzip"},
    Magic{0, "BZh"sv, "application/x-bzip2"},
    Magic{0,
          "\xfd"
          "7zXZ\0"sv,
          "application/x-xz"},
    Magic{0, "\x28\xb5\x2f\xfd"sv, "application/zstd"},
    Magic{0, "7z\xbc\xaf\x27\x1c"sv, "application/x-7z-compressed"},
    Magic{257, "ustar"sv, "application/x-tar"},
    Magic{0, "SQLite format 3\0"sv, "application/vnd.sqlite3"},
    Magic{0, "\0asm"sv, "application/wasm"},
    Magic{0, "II*\0"sv, "image/tiff"},
    Magic{0, "MM\0*"sv, "image/tiff"},
    Magic{0, "BM"sv, "image/bmp"},
    Magic{0, "OggS"sv, "audio/ogg"},
    Magic{0, "fLaC"sv, "audio/flac"},
    Magic{0, "ID3"sv, "audio/mpeg"},
    Magic{4, "ftyp"sv, "video/mp4"},
    Magic{0, "\xff\xfe"sv, "text/plain; charset=utf-16le"},
    Magic{0, "\xfe\xff"sv, "text/plain; charset=utf-16be"},
};

bool has(std::string_view bytes, std::size_t offset, std::string_view magic) {
  return bytes.size() >= offset + magic.size() && bytes.substr(offset, magic.size()) == magic;
}

}  // namespace

std::string_view image_type(std::string_view first_bytes) {
  if (has(first_bytes, 0, "\x89PNG\r\n\x1a\n"sv)) return "image/png";
  if (has(first_bytes, 0, "\xff\xd8\xff"sv)) return "image/jpeg";
  if (has(first_bytes, 0, "GIF87a"sv) || has(first_bytes, 0, "GIF89a"sv)) return "image/gif";
  if (has(first_bytes, 0, "RIFF"sv) && has(first_bytes, 8, "WEBP"sv)) return "image/webp";
  return {};
}

bool is_text(std::string_view first_bytes, bool whole) {
  if (first_bytes.find('\0') != std::string_view::npos) return false;
  if (!whole) first_bytes.remove_suffix(utf8_incomplete_tail(first_bytes));
  if (is_valid_utf8(first_bytes)) return true;
  // A text in an older encoding has some foreign bytes; a binary file mostly has them.
  std::size_t foreign = 0;
  for (std::string_view rest = first_bytes; !rest.empty();) {
    const OutputUnit unit = next_unit(rest, true, true);
    if (unit.text == "\xEF\xBF\xBD") ++foreign;
    rest.remove_prefix(unit.size);
  }
  constexpr std::size_t kMaxForeignShare = 10;  // one in …
  return foreign * kMaxForeignShare <= first_bytes.size() &&
         !std::any_of(kMagic.begin(), kMagic.end(),
                      [&](const Magic& magic) { return has(first_bytes, magic.offset, magic.bytes); });
}

std::string_view mime_type(std::string_view first_bytes) {
  if (const std::string_view image = image_type(first_bytes); !image.empty()) return image;
  for (const Magic& magic : kMagic) {
    if (has(first_bytes, magic.offset, magic.bytes)) return magic.type;
  }
  return "application/octet-stream";
}

}  // namespace rexec::tools
