// Whatever bytes arrive, decoding a frame or any message ends, allocates no more than a multiple of what
// arrived, and what was accepted encodes to something that decodes to the same.
#include <cstdlib>

#include "sandbox-client/runner/wire.h"
#include "sandbox-client/runner/wire_edit.h"
#include "sandbox-client/runner/wire_terminal.h"
#include "sandbox-client/runner/wire_transfer.h"
#include "sandbox-client/runner/wire_tree.h"

namespace {

using namespace rexec::runner;

template <class Message>
void check(std::string_view payload) {
  Message message;
  if (!decode(payload, message)) return;
  const std::string once = encode(message);
  Message again;
  if (!decode(once, again) || encode(again) != once) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  FrameHeader header;
  if (size >= kHeaderSize && decode_header(bytes.substr(0, kHeaderSize), header) &&
      header.length > kMaxPayload)
    std::abort();
  check<Hello>(bytes);
  check<HelloReply>(bytes);
  check<Failure>(bytes);
  check<Cancel>(bytes);
  check<WaitSpec>(bytes);
  check<Start>(bytes);
  check<Wait>(bytes);
  check<StreamReport>(bytes);
  check<Report>(bytes);
  check<ReadOutput>(bytes);
  check<Output>(bytes);
  check<WriteInput>(bytes);
  check<InputReport>(bytes);
  check<Signal>(bytes);
  check<List>(bytes);
  check<ProcessEntry>(bytes);
  check<ProcessList>(bytes);
  check<StatFile>(bytes);
  check<FileInfo>(bytes);
  check<ReadFile>(bytes);
  check<ReadLines>(bytes);
  check<FileData>(bytes);
  check<WriteFile>(bytes);
  check<WriteData>(bytes);
  check<FileWritten>(bytes);
  check<EditFile>(bytes);
  check<FileEdited>(bytes);
  check<MakeEntry>(bytes);
  check<WriteRange>(bytes);
  check<ListFiles>(bytes);
  check<Listing>(bytes);
  check<SearchFiles>(bytes);
  check<SearchResult>(bytes);
  check<OpenTerminal>(bytes);
  check<WaitTerminal>(bytes);
  check<TerminalReport>(bytes);
  check<WriteTerminal>(bytes);
  check<AnswerTerminal>(bytes);
  check<ResizeTerminal>(bytes);
  check<CloseTerminal>(bytes);
  check<TerminalList>(bytes);
  check<PutCheckpoint>(bytes);
  check<GetCheckpoint>(bytes);
  check<Checkpoint>(bytes);
  return 0;
}
