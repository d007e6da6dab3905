#include "sandbox-client/runner/wire_transfer.h"

#include "sandbox-client/runner/wire_fields.h"

namespace rexec::runner {

void MakeEntry::encode(Writer& writer) const {
  writer.string(path);
  put(writer, type);
  writer.string(target);
  writer.boolean(attributes);
  writer.u32(mode);
  writer.i64(modified_unix_ns);
}

bool MakeEntry::decode(Reader& reader) {
  get(reader, path, kMaxPath);
  get(reader, type, FileType::symlink);
  get(reader, target, kMaxPath);
  attributes = reader.boolean();
  mode = reader.u32();
  modified_unix_ns = reader.i64();
  if (type == FileType::file || (type == FileType::symlink) == target.empty()) reader.fail();
  return reader.ok();
}

void WriteRange::encode(Writer& writer) const {
  writer.reserve(path.size() + data.size() + 64);
  writer.string(path);
  writer.boolean(follow);
  writer.u64(offset);
  writer.string(data);
  writer.boolean(begin);
  writer.boolean(finish);
  writer.u64(size);
  writer.boolean(mode_given);
  writer.u32(mode);
  writer.boolean(modified_given);
  writer.i64(modified_unix_ns);
}

bool WriteRange::decode(Reader& reader) {
  get(reader, path, kMaxPath);
  follow = reader.boolean();
  offset = reader.u64();
  get(reader, data, kMaxData);
  begin = reader.boolean();
  finish = reader.boolean();
  size = reader.u64();
  mode_given = reader.boolean();
  mode = reader.u32();
  modified_given = reader.boolean();
  modified_unix_ns = reader.i64();
  constexpr std::uint64_t kLargest = INT64_MAX;
  if (offset > kLargest - kMaxData || size > kLargest) reader.fail();
  return reader.ok();
}

}  // namespace rexec::runner
