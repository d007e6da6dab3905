#include "sandbox-client/runner/wire_tree.h"

#include "sandbox-client/runner/wire_fields.h"

namespace rexec::runner {
namespace {

template <class Message>
void put_all(Writer& writer, const std::vector<Message>& messages) {
  writer.u32(static_cast<std::uint32_t>(messages.size()));
  for (const Message& message : messages) message.encode(writer);
}

template <class Message>
void get_all(Reader& reader, std::vector<Message>& messages, std::size_t max) {
  messages.clear();
  const std::uint32_t count = reader.u32();
  if (count > max) return reader.fail();
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) messages.emplace_back().decode(reader);
}

void get_lines(Reader& reader, std::vector<std::string>& lines) {
  lines = reader.strings(kMaxContextLines);
  for (const std::string& line : lines)
    if (line.size() > kMaxHitBytes) return reader.fail();
}

}  // namespace

void ListFiles::encode(Writer& writer) const {
  writer.string(path);
  writer.string(glob);
  writer.u32(depth);
  writer.boolean(hidden);
  writer.u32(limit);
  writer.string(after);
  writer.u64(max_ms);
}

bool ListFiles::decode(Reader& reader) {
  path = reader.string();
  get(reader, glob, kMaxGlob);
  depth = reader.u32();
  hidden = reader.boolean();
  limit = reader.u32();
  get(reader, after, kMaxName);
  max_ms = reader.u64();
  if (depth > kMaxTreeDepth || limit > kMaxListed || max_ms > kMaxTreeMs) reader.fail();
  return reader.ok();
}

void TreeGaps::encode(Writer& writer) const {
  writer.u64(unreadable);
  writer.u64(too_deep);
}

bool TreeGaps::decode(Reader& reader) {
  unreadable = reader.u64();
  too_deep = reader.u64();
  return reader.ok();
}

void ListedFile::encode(Writer& writer) const {
  writer.string(path);
  info.encode(writer);
}

bool ListedFile::decode(Reader& reader) {
  get(reader, path, kMaxName);
  return info.decode(reader);
}

void Listing::encode(Writer& writer) const {
  put_all(writer, entries);
  put(writer, stopped);
  writer.string(next);
  gaps.encode(writer);
}

bool Listing::decode(Reader& reader) {
  get_all(reader, entries, kMaxListed);
  get(reader, stopped, Stopped::time);
  get(reader, next, kMaxName);
  return gaps.decode(reader);
}

void SearchFiles::encode(Writer& writer) const {
  writer.string(path);
  writer.string(pattern);
  writer.string(glob);
  writer.boolean(ignore_case);
  writer.u32(context_lines);
  writer.u32(limit);
  writer.u64(max_ms);
}

bool SearchFiles::decode(Reader& reader) {
  path = reader.string();
  get(reader, pattern, kMaxPattern);
  get(reader, glob, kMaxGlob);
  ignore_case = reader.boolean();
  context_lines = reader.u32();
  limit = reader.u32();
  max_ms = reader.u64();
  if (context_lines > kMaxContextLines || limit > kMaxMatches || max_ms > kMaxTreeMs) reader.fail();
  return reader.ok();
}

void SearchMatch::encode(Writer& writer) const {
  writer.string(path);
  writer.u64(line);
  writer.string(text);
  writer.boolean(cut_before);
  writer.boolean(cut_after);
  writer.strings(before);
  writer.strings(after);
}

bool SearchMatch::decode(Reader& reader) {
  get(reader, path, kMaxName);
  line = reader.u64();
  get(reader, text, kMaxHitBytes);
  cut_before = reader.boolean();
  cut_after = reader.boolean();
  get_lines(reader, before);
  get_lines(reader, after);
  return reader.ok();
}

void SearchResult::encode(Writer& writer) const {
  put_all(writer, matches);
  put(writer, stopped);
  writer.u64(files);
  writer.u64(binary);
  writer.u64(long_lines);
  gaps.encode(writer);
}

bool SearchResult::decode(Reader& reader) {
  get_all(reader, matches, kMaxMatches);
  get(reader, stopped, Stopped::time);
  files = reader.u64();
  binary = reader.u64();
  long_lines = reader.u64();
  return gaps.decode(reader);
}

}  // namespace rexec::runner
