#include "sandbox-client/runner/wire.h"

#include "sandbox-client/runner/wire_fields.h"

namespace rexec::runner {

std::string encode_frame(MessageType type, std::uint32_t id, std::string_view payload) {
  Writer writer;
  writer.reserve(kHeaderSize + payload.size());
  writer.u32(static_cast<std::uint32_t>(payload.size()));
  put(writer, type);
  writer.u8(0);
  writer.u16(0);
  writer.u32(id);
  writer.raw(payload);
  return writer.take();
}

bool decode_header(std::string_view bytes, FrameHeader& header) {
  if (bytes.size() != kHeaderSize) return false;
  Reader reader(bytes);
  header.length = reader.u32();
  header.type = static_cast<MessageType>(reader.u8());
  const bool zero = reader.u8() == 0 && reader.u16() == 0;
  header.id = reader.u32();
  return zero && header.length <= kMaxPayload;
}

void Hello::encode(Writer& writer) const {
  writer.u32(magic);
  writer.u16(min_version);
  writer.u16(max_version);
  writer.string(client);
  writer.string(secret);
}

bool Hello::decode(Reader& reader) {
  magic = reader.u32();
  min_version = reader.u16();
  max_version = reader.u16();
  get(reader, client, kMaxName);
  get(reader, secret, kMaxName);
  return reader.ok();
}

void HelloReply::encode(Writer& writer) const {
  writer.u16(version);
  put(writer, boot_id);
  writer.i32(pid);
  writer.u32(uid);
  writer.u32(gid);
  writer.string(home);
  writer.string(cwd);
  writer.string(machine);
  writer.string(kernel);
  writer.string(shell);
  writer.strings(features);
}

bool HelloReply::decode(Reader& reader) {
  version = reader.u16();
  get(reader, boot_id);
  pid = reader.i32();
  uid = reader.u32();
  gid = reader.u32();
  get(reader, home, kMaxName);
  get(reader, cwd, kMaxName);
  get(reader, machine, kMaxName);
  get(reader, kernel, kMaxName);
  get(reader, shell, kMaxName);
  features = reader.strings(kMaxFeatures);
  return reader.ok();
}

void SetLease::encode(Writer& writer) const {
  writer.u64(idle_ms);
  writer.i64(expires_unix_ms);
}

bool SetLease::decode(Reader& reader) {
  idle_ms = reader.u64();
  expires_unix_ms = reader.i64();
  return reader.ok() && idle_ms <= kMaxLeaseMs && expires_unix_ms >= 0;
}

void Failure::encode(Writer& writer) const {
  writer.i32(number);
  writer.string(step);
  writer.string(text);
}

bool Failure::decode(Reader& reader) {
  number = reader.i32();
  get(reader, step, kMaxName);
  get(reader, text, kMaxPayload);
  return reader.ok();
}

void Cancel::encode(Writer& writer) const {
  writer.u32(target);
  writer.boolean(kill);
}

bool Cancel::decode(Reader& reader) {
  target = reader.u32();
  kill = reader.boolean();
  return reader.ok();
}

void WaitSpec::encode(Writer& writer) const {
  put(writer, until);
  writer.u64(wait_ms);
  for (const std::uint64_t offset : from) writer.u64(offset);
  for (const bool want : wanted) writer.boolean(want);
  writer.u32(head);
  writer.u32(tail);
}

bool WaitSpec::decode(Reader& reader) {
  get(reader, until, Until::exit);
  wait_ms = reader.u64();
  for (std::uint64_t& offset : from) offset = reader.u64();
  for (bool& want : wanted) want = reader.boolean();
  head = reader.u32();
  tail = reader.u32();
  if (std::uint64_t{head} + tail > kMaxData) reader.fail();
  return reader.ok();
}

void Start::encode(Writer& out) const {
  put(out, nonce);
  out.boolean(stdin_pipe);
  out.boolean(close_after_input);
  out.string(input);
  out.string(command);
  out.strings(argv);
  out.strings(env);
  out.string(cwd);
  out.u64(timeout_ms);
  out.u64(grace_ms);
  out.string(writer);
  wait.encode(out);
}

bool Start::decode(Reader& reader) {
  get(reader, nonce);
  stdin_pipe = reader.boolean();
  close_after_input = reader.boolean();
  get(reader, input, kMaxData);
  command = reader.string();
  argv = reader.strings(kMaxArguments);
  env = reader.strings(kMaxArguments);
  cwd = reader.string();
  timeout_ms = reader.u64();
  grace_ms = reader.u64();
  writer = reader.string();
  return wait.decode(reader);
}

void Wait::encode(Writer& writer) const {
  writer.u64(process);
  spec.encode(writer);
}

bool Wait::decode(Reader& reader) {
  process = reader.u64();
  return spec.decode(reader);
}

void StreamReport::encode(Writer& writer) const {
  writer.u64(from);
  writer.u64(produced);
  writer.u64(newlines);
  writer.u64(lost);
  writer.boolean(end);
  writer.u64(head_offset);
  writer.string(head);
  writer.u64(tail_offset);
  writer.string(tail);
}

bool StreamReport::decode(Reader& reader) {
  from = reader.u64();
  produced = reader.u64();
  newlines = reader.u64();
  lost = reader.u64();
  end = reader.boolean();
  head_offset = reader.u64();
  get(reader, head, kMaxData);
  tail_offset = reader.u64();
  get(reader, tail, kMaxData);
  return reader.ok();
}

void Report::encode(Writer& writer) const {
  writer.u64(process);
  writer.i32(pid);
  put(writer, status);
  writer.i32(exit_code);
  writer.i32(signal);
  writer.string(reason);
  writer.i64(started_unix_ms);
  writer.u64(duration_us);
  writer.u64(deadline_ms);
  writer.boolean(usage_known);
  writer.u64(cpu_us);
  writer.u64(max_rss);
  writer.boolean(pipes_held);
  for (const StreamReport& stream : streams) stream.encode(writer);
}

bool Report::decode(Reader& reader) {
  process = reader.u64();
  pid = reader.i32();
  get(reader, status, ProcessStatus::cancelled);
  exit_code = reader.i32();
  signal = reader.i32();
  get(reader, reason, kMaxName);
  started_unix_ms = reader.i64();
  duration_us = reader.u64();
  deadline_ms = reader.u64();
  usage_known = reader.boolean();
  cpu_us = reader.u64();
  max_rss = reader.u64();
  pipes_held = reader.boolean();
  for (StreamReport& stream : streams) stream.decode(reader);
  return reader.ok();
}

void ReadOutput::encode(Writer& writer) const {
  writer.u64(process);
  put(writer, stream);
  writer.u64(offset);
  writer.u32(max);
}

bool ReadOutput::decode(Reader& reader) {
  process = reader.u64();
  get(reader, stream, Stream::stderr_stream);
  offset = reader.u64();
  max = reader.u32();
  if (max > kMaxData) reader.fail();
  return reader.ok();
}

void Output::encode(Writer& writer) const {
  writer.u64(offset);
  writer.u64(produced);
  writer.u64(newlines_before);
  writer.boolean(end);
  writer.string(data);
}

bool Output::decode(Reader& reader) {
  offset = reader.u64();
  produced = reader.u64();
  newlines_before = reader.u64();
  end = reader.boolean();
  get(reader, data, kMaxData);
  return reader.ok();
}

void WriteInput::encode(Writer& out) const {
  out.u64(process);
  out.string(writer);
  out.u64(offset);
  out.string(data);
  out.boolean(close);
}

bool WriteInput::decode(Reader& reader) {
  process = reader.u64();
  writer = reader.string();
  offset = reader.u64();
  get(reader, data, kMaxData);
  close = reader.boolean();
  return reader.ok();
}

void InputReport::encode(Writer& writer) const {
  writer.u64(accepted);
  writer.boolean(closed);
}

bool InputReport::decode(Reader& reader) {
  accepted = reader.u64();
  closed = reader.boolean();
  return reader.ok();
}

void Signal::encode(Writer& writer) const {
  writer.u64(process);
  writer.i32(number);
  put(writer, scope);
  writer.u64(kill_after_ms);
  writer.string(reason);
}

bool Signal::decode(Reader& reader) {
  process = reader.u64();
  number = reader.i32();
  get(reader, scope, SignalScope::tree);
  kill_after_ms = reader.u64();
  get(reader, reason, kMaxName);
  return reader.ok();
}

void List::encode(Writer& writer) const {
  writer.boolean(all);
}

bool List::decode(Reader& reader) {
  all = reader.boolean();
  return reader.ok();
}

void ProcessEntry::encode(Writer& writer) const {
  writer.u64(process);
  writer.i32(pid);
  writer.i32(ppid);
  writer.string(command);
  put(writer, status);
  writer.i64(started_unix_ms);
  writer.u64(cpu_us);
  writer.u64(rss);
  writer.u64(age_us);
}

bool ProcessEntry::decode(Reader& reader) {
  process = reader.u64();
  pid = reader.i32();
  ppid = reader.i32();
  get(reader, command, kMaxName);
  get(reader, status, ProcessStatus::cancelled);
  started_unix_ms = reader.i64();
  cpu_us = reader.u64();
  rss = reader.u64();
  age_us = reader.u64();
  return reader.ok();
}

void ProcessList::encode(Writer& writer) const {
  writer.u32(static_cast<std::uint32_t>(entries.size()));
  for (const ProcessEntry& entry : entries) entry.encode(writer);
  writer.boolean(truncated);
}

bool ProcessList::decode(Reader& reader) {
  entries.clear();
  const std::uint32_t count = reader.u32();
  if (count > kMaxEntries) reader.fail();
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) entries.emplace_back().decode(reader);
  truncated = reader.boolean();
  return reader.ok();
}

}  // namespace rexec::runner
