#include "tools/support/file_text.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/json.h"
#include "base/utf8.h"
#include "tools/support/arguments.h"
#include "tools/support/file_type.h"
#include "tools/support/output_filter.h"

namespace rexec::tools {
namespace {

constexpr std::size_t kClosingLine = 320;  // characters, without the paths in it
constexpr std::size_t kMinText = 64;       // what is shown in any case

std::string proposed_read(const std::string& path, const std::string& more) {
  return "read_file {\"path\":" + dump_json(Json(path)) + "," + more + "}";
}

std::size_t room_for_text(const std::string& path, std::size_t max_chars) {
  const std::size_t closing = kClosingLine + 2 * path.size();
  return std::max(max_chars - std::min(max_chars, closing), std::min(max_chars, kMinText));
}

std::size_t count_lines(std::string_view bytes) {
  return static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
}

std::string with_closing_line(std::string text, const std::string& line) {
  if (line.empty()) return text;
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text + "[" + line + "]";
}

std::string replaced_note(std::string_view bytes) {
  return is_valid_utf8(bytes) ? ""
                              : "bytes that are not UTF-8 are shown as U+FFFD; encoding \"base64\" is exact";
}

std::string joined(std::string first, const std::string& second) {
  if (first.empty()) return second;
  return second.empty() ? first : first + " · " + second;
}

/// The start of `bytes` that is shown.
struct Shown {
  std::string text;
  std::size_t bytes = 0;
};

Shown fit(std::string_view bytes, std::size_t max_chars, bool whole_lines) {
  OutputText text(true);
  Shown shown;
  shown.bytes = text.append(bytes, max_chars, true);
  if (shown.bytes < bytes.size() && whole_lines && text.line_end().taken > 0) {
    shown.bytes = text.line_end().taken;
    text.cut_to_line_end();
  }
  shown.text = text.take();
  return shown;
}

std::string byte_range(std::uint64_t begin, std::uint64_t end) {
  return "\"offset_bytes\":" + std::to_string(begin) + ",\"max_bytes\":" + std::to_string(end - begin);
}

}  // namespace

std::string present_lines(const std::string& path, const sandbox::FileData& data, std::size_t max_chars) {
  if (data.info.size == 0 && data.data.empty()) return "[the file is empty]";
  const std::string total = std::to_string(data.total_lines);
  if (data.data.empty()) {
    return "[there is no such line: the file has " + total + (data.total_lines == 1 ? " line]" : " lines]");
  }
  const std::string_view bytes = data.data;
  const bool whole = data.offset == 0 && data.cut_line_end == 0 && data.lines >= data.total_lines;
  Shown shown = fit(bytes, max_chars, true);
  if (whole && shown.bytes == bytes.size()) {
    return with_closing_line(std::move(shown.text), replaced_note(bytes));
  }
  shown = fit(bytes, room_for_text(path, max_chars), true);

  // Where the line ends that is shown only in part, if there is one.
  const std::uint64_t cut_at = data.offset + shown.bytes;
  std::uint64_t cut_line_end = 0;
  if (shown.bytes == bytes.size()) {
    cut_line_end = data.cut_line_end;
  } else if (bytes[shown.bytes - 1] != '\n') {
    const std::size_t end = bytes.find('\n', shown.bytes);
    cut_line_end = end != std::string_view::npos ? data.offset + end
                   : data.cut_line_end != 0      ? data.cut_line_end
                                                 : data.offset + bytes.size();
  }
  const std::string_view part = bytes.substr(0, shown.bytes);
  const std::size_t lines = count_lines(part) + (part.back() == '\n' ? 0 : 1);
  const std::uint64_t first = std::max<std::uint64_t>(data.first_line, 1);
  const std::uint64_t last = first + lines - 1;
  std::string line = (lines == 1 ? "line " + std::to_string(first)
                                 : "lines " + std::to_string(first) + "-" + std::to_string(last)) +
                     " of " + total;
  if (cut_line_end > cut_at) {
    line += " · line " + std::to_string(last) +
            " is cut; its rest: " + proposed_read(path, byte_range(cut_at, cut_line_end));
  }
  if (last < data.total_lines) {
    line += " · next: " + proposed_read(path, "\"start_line\":" + std::to_string(last + 1));
  }
  return with_closing_line(std::move(shown.text), joined(std::move(line), replaced_note(part)));
}

std::string present_bytes(const std::string& path, const sandbox::FileData& data, std::size_t max_chars) {
  if (data.data.empty()) {
    return "[nothing at offset " + std::to_string(data.offset) + ": the file has " +
           std::to_string(data.info.size) + " bytes]";
  }
  std::string_view bytes = data.data;
  // A range that ends inside a character leaves it to the next one.
  const bool to_end = data.offset + bytes.size() >= data.info.size;
  if (const std::size_t tail = utf8_incomplete_tail(bytes); !to_end && tail < bytes.size())
    bytes.remove_suffix(tail);
  Shown shown = fit(bytes, max_chars, false);
  if (data.offset == 0 && to_end && shown.bytes == bytes.size()) {
    return with_closing_line(std::move(shown.text), replaced_note(bytes));
  }
  shown = fit(bytes, room_for_text(path, max_chars), false);
  const std::uint64_t end = data.offset + shown.bytes;
  std::string line = "bytes " + std::to_string(data.offset) + "-" + std::to_string(end - 1) + " of " +
                     std::to_string(data.info.size);
  if (end < data.info.size)
    line += " · next: " + proposed_read(path, "\"offset_bytes\":" + std::to_string(end));
  return with_closing_line(std::move(shown.text),
                           joined(std::move(line), replaced_note(bytes.substr(0, shown.bytes))));
}

std::string present_base64(const std::string& path, const sandbox::FileData& data, std::size_t max_chars) {
  const bool whole = data.offset == 0 && data.data.size() == data.info.size;
  if (whole && !data.data.empty()) return base64_encode(data.data);
  if (data.data.empty()) return present_bytes(path, data, max_chars);
  const std::size_t fits = std::max<std::size_t>(room_for_text(path, max_chars) / 4 * 3, 3);
  const std::string_view shown = std::string_view(data.data).substr(0, fits);
  const std::uint64_t end = data.offset + shown.size();
  std::string line = "bytes " + std::to_string(data.offset) + "-" + std::to_string(end - 1) + " of " +
                     std::to_string(data.info.size);
  if (end < data.info.size) {
    line +=
        " · next: " + proposed_read(path, "\"encoding\":\"base64\",\"offset_bytes\":" + std::to_string(end));
  }
  return with_closing_line(base64_encode(shown), line);
}

std::string describe_binary(const std::string& path, const sandbox::FileData& data) {
  return "[" + path + " is not text: " + std::string(mime_type(data.probe)) + ", " +
         std::to_string(data.info.size) +
         " bytes. Use exec to look into it (file, strings, xxd), or encoding \"base64\" for its bytes]";
}

}  // namespace rexec::tools
