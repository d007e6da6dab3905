#include "sandbox-client/runner/wire_terminal.h"

#include "sandbox-client/runner/wire_fields.h"

namespace rexec::runner {

void TerminalSize::encode(Writer& writer) const {
  writer.u32(cols);
  writer.u32(rows);
}

bool TerminalSize::decode(Reader& reader) {
  cols = reader.u32();
  rows = reader.u32();
  if (cols < 1 || cols > kMaxTerminalSide || rows < 1 || rows > kMaxTerminalSide) reader.fail();
  return reader.ok();
}

void TerminalWait::encode(Writer& writer) const {
  writer.u64(from);
  put(writer, until);
  writer.u64(wait_ms);
  writer.u32(max);
}

bool TerminalWait::decode(Reader& reader) {
  from = reader.u64();
  get(reader, until, TerminalUntil::end);
  wait_ms = reader.u64();
  max = reader.u32();
  if (max > kMaxData) reader.fail();
  return reader.ok();
}

void OpenTerminal::encode(Writer& writer) const {
  put(writer, nonce);
  writer.string(command);
  writer.strings(argv);
  writer.strings(env);
  writer.string(cwd);
  size.encode(writer);
  writer.u32(max);
}

bool OpenTerminal::decode(Reader& reader) {
  get(reader, nonce);
  command = reader.string();
  argv = reader.strings(kMaxArguments);
  env = reader.strings(kMaxArguments);
  cwd = reader.string();
  size.decode(reader);
  max = reader.u32();
  if (max > kMaxData) reader.fail();
  return reader.ok();
}

void WaitTerminal::encode(Writer& writer) const {
  writer.u64(terminal);
  wait.encode(writer);
}

bool WaitTerminal::decode(Reader& reader) {
  terminal = reader.u64();
  return wait.decode(reader);
}

void TerminalReport::encode(Writer& writer) const {
  writer.u64(terminal);
  writer.i32(pid);
  put(writer, status);
  writer.i32(exit_code);
  writer.i32(signal);
  writer.string(reason);
  writer.i64(started_unix_ms);
  writer.u64(duration_us);
  size.encode(writer);
  writer.boolean(echo_off);
  writer.u64(from);
  writer.u64(produced);
  writer.u64(lost);
  writer.boolean(end);
  writer.u64(offset);
  writer.string(data);
}

bool TerminalReport::decode(Reader& reader) {
  terminal = reader.u64();
  pid = reader.i32();
  get(reader, status, ProcessStatus::signaled);
  exit_code = reader.i32();
  signal = reader.i32();
  get(reader, reason, kMaxName);
  started_unix_ms = reader.i64();
  duration_us = reader.u64();
  size.decode(reader);
  echo_off = reader.boolean();
  from = reader.u64();
  produced = reader.u64();
  lost = reader.u64();
  end = reader.boolean();
  offset = reader.u64();
  get(reader, data, kMaxData);
  return reader.ok();
}

void WriteTerminal::encode(Writer& out) const {
  out.u64(terminal);
  out.string(writer);
  out.u64(offset);
  out.string(data);
}

bool WriteTerminal::decode(Reader& reader) {
  terminal = reader.u64();
  writer = reader.string();
  offset = reader.u64();
  get(reader, data, kMaxData);
  return reader.ok();
}

void AnswerTerminal::encode(Writer& writer) const {
  writer.u64(terminal);
  writer.u64(query_offset);
  writer.string(data);
}

bool AnswerTerminal::decode(Reader& reader) {
  terminal = reader.u64();
  query_offset = reader.u64();
  get(reader, data, kMaxTerminalAnswer);
  return reader.ok();
}

void ResizeTerminal::encode(Writer& writer) const {
  writer.u64(terminal);
  size.encode(writer);
}

bool ResizeTerminal::decode(Reader& reader) {
  terminal = reader.u64();
  return size.decode(reader);
}

void CloseTerminal::encode(Writer& writer) const {
  writer.u64(terminal);
  writer.u64(grace_ms);
}

bool CloseTerminal::decode(Reader& reader) {
  terminal = reader.u64();
  grace_ms = reader.u64();
  return reader.ok();
}

void TerminalEntry::encode(Writer& writer) const {
  writer.u64(terminal);
  writer.i32(pid);
  writer.string(command);
  put(writer, status);
  writer.i32(exit_code);
  writer.i32(signal);
  size.encode(writer);
  writer.u64(produced);
  writer.i64(started_unix_ms);
  writer.u64(duration_us);
}

bool TerminalEntry::decode(Reader& reader) {
  terminal = reader.u64();
  pid = reader.i32();
  get(reader, command, kMaxName);
  get(reader, status, ProcessStatus::signaled);
  exit_code = reader.i32();
  signal = reader.i32();
  size.decode(reader);
  produced = reader.u64();
  started_unix_ms = reader.i64();
  duration_us = reader.u64();
  return reader.ok();
}

void TerminalList::encode(Writer& writer) const {
  writer.u32(static_cast<std::uint32_t>(entries.size()));
  for (const TerminalEntry& entry : entries) entry.encode(writer);
}

bool TerminalList::decode(Reader& reader) {
  const std::uint32_t count = reader.u32();
  if (count > kMaxTerminals + kMaxEndedTerminals) reader.fail();
  entries.clear();
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) entries.emplace_back().decode(reader);
  return reader.ok();
}

void PutCheckpoint::encode(Writer& writer) const {
  writer.u64(terminal);
  writer.u64(offset);
  writer.string(bytes);
}

bool PutCheckpoint::decode(Reader& reader) {
  terminal = reader.u64();
  offset = reader.u64();
  get(reader, bytes, kMaxCheckpoint);
  if (bytes.empty()) reader.fail();
  return reader.ok();
}

void GetCheckpoint::encode(Writer& writer) const {
  writer.u64(terminal);
}

bool GetCheckpoint::decode(Reader& reader) {
  terminal = reader.u64();
  return reader.ok();
}

void Checkpoint::encode(Writer& writer) const {
  writer.u64(offset);
  writer.string(bytes);
}

bool Checkpoint::decode(Reader& reader) {
  offset = reader.u64();
  get(reader, bytes, kMaxCheckpoint);
  return reader.ok();
}

}  // namespace rexec::runner
