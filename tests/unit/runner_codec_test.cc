#include <functional>

#include "sandbox-client/runner/wire.h"
#include "tests/support/catch.h"
#include "tests/support/round_trip.h"

namespace rexec::runner {
namespace {

WaitSpec sample_wait() {
  return {Until::output, 1234, {5, 1ULL << 40}, {true, false}, 100, 200};
}

}  // namespace

TEST_CASE("Every message survives encoding and refuses to be cut", "[runner]") {
  CHECK(round_trip(Hello{kMagic, 1, 2, "client", "secret"}).secret == "secret");
  HelloReply hello;
  hello.boot_id.fill(0xab);
  hello.pid = -7;
  hello.features = {"a", "", "b"};
  CHECK(round_trip(hello).features == hello.features);
  CHECK(round_trip(Failure{-2, "open", "text"}).number == -2);
  CHECK(round_trip(Cancel{77, true}).kill);

  Start start;
  start.nonce = {1, 2, 3};
  start.stdin_pipe = true;
  start.input = std::string("\0\xff", 2);
  start.argv = {"a", "", std::string("x\0y", 3)};
  start.env = {"A=1"};
  start.cwd = "/tmp";
  start.timeout_ms = 600000;
  start.writer = "w";
  start.wait = sample_wait();
  const Start started = round_trip(start);
  CHECK(started.input == start.input);
  CHECK(started.argv == start.argv);
  CHECK(started.wait.from[1] == 1ULL << 40);
  CHECK(started.grace_ms == 2000);
  CHECK(round_trip(Wait{9, sample_wait()}).spec.tail == 200);

  Report report;
  report.process = 3;
  report.status = ProcessStatus::timed_out;
  report.reason = "timeout 600 s";
  report.started_unix_ms = -1;
  report.streams[1].head = "head";
  report.streams[1].tail_offset = 99;
  report.streams[0].end = true;
  const Report reported = round_trip(report);
  CHECK(reported.streams[1].tail_offset == 99);
  CHECK(reported.streams[0].end);
  CHECK(reported.status == ProcessStatus::timed_out);

  CHECK(round_trip(ReadOutput{1, Stream::stderr_stream, 2, 3}).stream == Stream::stderr_stream);
  CHECK(round_trip(Output{1, 2, 3, true, "data"}).data == "data");
  CHECK(round_trip(WriteInput{1, "w", 2, "data", true}).close);
  CHECK(round_trip(InputReport{1, true}).closed);
  CHECK(round_trip(Signal{1, 15, SignalScope::tree, 5000, "why"}).scope == SignalScope::tree);
  CHECK(round_trip(List{true}).all);
  ProcessList list;
  list.entries.push_back({1, 2, 3, "command", ProcessStatus::exited, 4, 5, 6, 7});
  list.truncated = true;
  CHECK(round_trip(list).entries[0].age_us == 7);

  CHECK_FALSE(round_trip(StatFile{"/x", false}).follow);
  CHECK(round_trip(FileInfo{FileType::symlink, 1, 0644, 2, "target"}).target == "target");
  CHECK(round_trip(ReadFile{"/x", 1, 2}).max == 2);
  CHECK(round_trip(ReadLines{"/x", -5, 2, 3}).start == -5);
  FileData data;
  data.cut_line_end = 5;
  data.probe = "probe";
  CHECK(round_trip(data).probe == "probe");
  WriteFile write;
  write.path = "/x";
  write.size = 10;
  write.mode_given = true;
  write.expect_sha256 = "absent";
  write.data = "0123456789";
  CHECK(round_trip(write).data == write.data);
  CHECK(round_trip(WriteData{"more"}).data == "more");
  CHECK(round_trip(FileWritten{"/x", 1, true, "abc"}).created);
}

TEST_CASE("A frame header is checked before anything is believed", "[runner]") {
  const std::string frame = encode_frame(MessageType::start, 0x01020304, "payload");
  CHECK(frame == std::string("\x07\0\0\0\x0a\0\0\0\x04\x03\x02\x01payload", 19));
  FrameHeader header;
  REQUIRE(decode_header(std::string_view(frame).substr(0, kHeaderSize), header));
  CHECK(header.length == 7);
  CHECK(header.type == MessageType::start);
  CHECK(header.id == 0x01020304);
  CHECK_FALSE(decode_header(std::string_view(frame).substr(0, kHeaderSize - 1), header));
  CHECK_FALSE(decode_header(frame, header));

  const auto with_length = [](std::uint32_t length) {
    Writer writer;
    writer.u32(length);
    writer.raw(std::string("\x02\0\0\0\x01\0\0\0", 8));
    return writer.take();
  };
  CHECK(decode_header(with_length(kMaxPayload), header));
  CHECK_FALSE(decode_header(with_length(kMaxPayload + 1), header));
  CHECK_FALSE(decode_header(with_length(0xffffffff), header));
  std::string reserved = with_length(0);
  reserved[5] = 1;
  CHECK_FALSE(decode_header(reserved, header));
}

TEST_CASE("Values outside of their limits are refused", "[runner]") {
  const auto refused = [](auto message) {
    decltype(message) decoded;
    return !decode(encode(message), decoded);
  };
  WaitSpec wait;
  wait.head = kMaxData;
  CHECK_FALSE(refused(wait));
  wait.tail = 1;
  CHECK(refused(wait));
  wait.head = wait.tail = 0xffffffff;
  CHECK(refused(wait));
  Wait unknown{1, {}};
  unknown.spec.until = static_cast<Until>(3);
  CHECK(refused(unknown));
  CHECK(refused(ReadOutput{1, static_cast<Stream>(2), 0, 0}));
  CHECK(refused(ReadOutput{1, Stream::stdout_stream, 0, kMaxData + 1}));
  CHECK(refused(Output{0, 0, 0, false, std::string(kMaxData + 1, 'x')}));
  Start start;
  start.argv.resize(kMaxArguments);
  CHECK_FALSE(refused(start));
  start.argv.resize(kMaxArguments + 1);
  CHECK(refused(start));
  WriteFile write;
  write.size = 2;
  write.data = "abc";
  CHECK(refused(write));

  // A count without the elements, which must not be allocated first.
  Writer writer;
  writer.u32(4096);
  ProcessList list;
  CHECK_FALSE(decode(writer.bytes(), list));
  Writer huge;
  huge.u32(0xffffffff);
  CHECK_FALSE(decode(huge.bytes(), list));
}

TEST_CASE("After a short read everything is empty", "[runner]") {
  Reader reader(std::string_view("\x05\0\0\0ab", 6));
  CHECK(reader.string().empty());
  CHECK_FALSE(reader.ok());
  CHECK(reader.u64() == 0);
  CHECK(reader.strings(10).empty());
  CHECK(reader.at_end());
}

}  // namespace rexec::runner
