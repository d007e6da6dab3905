#include "sandbox-client/runner/wire_edit.h"

#include "sandbox-client/runner/wire_fields.h"

namespace rexec::runner {

void EditFile::encode(Writer& writer) const {
  put(writer, nonce);
  writer.string(path);
  writer.u32(static_cast<std::uint32_t>(edits.size()));
  for (const TextEdit& edit : edits) {
    writer.string(edit.old_text);
    writer.string(edit.new_text);
    writer.boolean(edit.replace_all);
  }
  writer.string(patch);
  writer.boolean(dry_run);
}

bool EditFile::decode(Reader& reader) {
  get(reader, nonce);
  get(reader, path, kMaxPath);
  const std::uint32_t count = reader.u32();
  if (count > kMaxEdits) reader.fail();
  std::size_t left = kMaxEditBytes;
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    TextEdit& edit = edits.emplace_back();
    get(reader, edit.old_text, left);
    left -= edit.old_text.size();
    get(reader, edit.new_text, left);
    left -= edit.new_text.size();
    edit.replace_all = reader.boolean();
  }
  get(reader, patch, kMaxEditBytes);
  dry_run = reader.boolean();
  if (edits.empty() == patch.empty()) reader.fail();
  return reader.ok();
}

void FileEdited::encode(Writer& writer) const {
  writer.string(path);
  writer.u64(bytes);
  writer.u64(replacements);
  writer.string(sha256);
  writer.string(diff);
  writer.boolean(diff_cut);
}

bool FileEdited::decode(Reader& reader) {
  get(reader, path, kMaxName);
  bytes = reader.u64();
  replacements = reader.u64();
  get(reader, sha256, 64);
  get(reader, diff, kMaxDiffBytes);
  diff_cut = reader.boolean();
  return reader.ok();
}

}  // namespace rexec::runner
