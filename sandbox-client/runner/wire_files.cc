// The messages about files.
#include "sandbox-client/runner/wire.h"
#include "sandbox-client/runner/wire_fields.h"

namespace rexec::runner {

void StatFile::encode(Writer& writer) const {
  writer.string(path);
  writer.boolean(follow);
}

bool StatFile::decode(Reader& reader) {
  path = reader.string();
  follow = reader.boolean();
  return reader.ok();
}

void FileInfo::encode(Writer& writer) const {
  put(writer, type);
  writer.u64(size);
  writer.u32(mode);
  writer.i64(modified_unix_ms);
  writer.string(target);
}

bool FileInfo::decode(Reader& reader) {
  get(reader, type, FileType::other);
  size = reader.u64();
  mode = reader.u32();
  modified_unix_ms = reader.i64();
  get(reader, target, kMaxName);
  return reader.ok();
}

void ReadFile::encode(Writer& writer) const {
  writer.string(path);
  writer.u64(offset);
  writer.u32(max);
}

bool ReadFile::decode(Reader& reader) {
  path = reader.string();
  offset = reader.u64();
  max = reader.u32();
  if (max > kMaxData) reader.fail();
  return reader.ok();
}

void ReadLines::encode(Writer& writer) const {
  writer.string(path);
  writer.i64(start);
  writer.u32(max_lines);
  writer.u32(max_bytes);
}

bool ReadLines::decode(Reader& reader) {
  path = reader.string();
  start = reader.i64();
  max_lines = reader.u32();
  max_bytes = reader.u32();
  if (max_bytes > kMaxData) reader.fail();
  return reader.ok();
}

void FileData::encode(Writer& writer) const {
  info.encode(writer);
  writer.u64(offset);
  writer.string(data);
  writer.u64(first_line);
  writer.u64(lines);
  writer.u64(total_lines);
  writer.u64(cut_line_end);
  writer.string(probe);
}

bool FileData::decode(Reader& reader) {
  info.decode(reader);
  offset = reader.u64();
  get(reader, data, kMaxData);
  first_line = reader.u64();
  lines = reader.u64();
  total_lines = reader.u64();
  cut_line_end = reader.u64();
  get(reader, probe, kMaxName);
  return reader.ok();
}

void WriteFile::encode(Writer& writer) const {
  writer.string(path);
  writer.u64(size);
  writer.boolean(append);
  writer.boolean(create_parents);
  writer.u32(mode);
  writer.boolean(mode_given);
  writer.string(expect_sha256);
  writer.string(data);
}

bool WriteFile::decode(Reader& reader) {
  path = reader.string();
  size = reader.u64();
  append = reader.boolean();
  create_parents = reader.boolean();
  mode = reader.u32();
  mode_given = reader.boolean();
  get(reader, expect_sha256, 64);
  get(reader, data, kMaxData);
  if (data.size() > size) reader.fail();
  return reader.ok();
}

void WriteData::encode(Writer& writer) const {
  writer.string(data);
}

bool WriteData::decode(Reader& reader) {
  get(reader, data, kMaxData);
  return reader.ok();
}

void FileWritten::encode(Writer& writer) const {
  writer.string(path);
  writer.u64(bytes);
  writer.boolean(created);
  writer.string(sha256);
}

bool FileWritten::decode(Reader& reader) {
  get(reader, path, kMaxName);
  bytes = reader.u64();
  created = reader.boolean();
  get(reader, sha256, 64);
  return reader.ok();
}

}  // namespace rexec::runner
