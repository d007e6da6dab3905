#include "sandbox-client/runner/wire_transfer.h"

#include "tests/support/catch.h"
#include "tests/support/round_trip.h"

namespace rexec::runner {
namespace {

template <class Message>
bool accepted(const Message& message) {
  Message decoded;
  return decode(encode(message), decoded);
}

WriteRange range() {
  WriteRange range;
  range.path = "/a";
  range.data = "data";
  return range;
}

}  // namespace

TEST_CASE("The messages that make trees survive encoding and refuse to be cut", "[runner]") {
  const MakeEntry link = round_trip(MakeEntry{"/a", FileType::symlink, "target", true, 0755, -5});
  CHECK((link.type == FileType::symlink && link.target == "target" && link.attributes && link.mode == 0755));
  CHECK(link.modified_unix_ns == -5);
  const WriteRange part = round_trip(
      WriteRange{"/a", true, 7, "data", true, true, 11, true, 0644, true, 1'234'567'890'123'456'789});
  CHECK((part.follow && part.offset == 7 && part.data == "data" && part.begin && part.finish));
  CHECK((part.size == 11 && part.mode_given && part.mode == 0644 && part.modified_given));
  CHECK(part.modified_unix_ns == 1'234'567'890'123'456'789);
}

TEST_CASE("Messages that make trees are refused beyond their limits", "[runner]") {
  CHECK(accepted(MakeEntry{"/a", FileType::dir, "", false, 0, 0}));
  CHECK_FALSE(accepted(MakeEntry{"/a", FileType::dir, "target", false, 0, 0}));
  CHECK_FALSE(accepted(MakeEntry{"/a", FileType::symlink, "", false, 0, 0}));
  CHECK_FALSE(accepted(MakeEntry{"/a", FileType::file, "", false, 0, 0}));
  CHECK_FALSE(accepted(MakeEntry{std::string(kMaxPath + 1, '/'), FileType::dir, "", false, 0, 0}));
  CHECK_FALSE(accepted(MakeEntry{"/a", FileType::symlink, std::string(kMaxPath + 1, 'x'), false, 0, 0}));
  WriteRange large = range();
  large.data.resize(kMaxData);
  CHECK(accepted(large));
  large.data.resize(kMaxData + 1);
  CHECK_FALSE(accepted(large));
  WriteRange far = range();
  far.offset = static_cast<std::uint64_t>(INT64_MAX) - kMaxData;
  CHECK(accepted(far));
  ++far.offset;
  CHECK_FALSE(accepted(far));
  WriteRange huge = range();
  huge.size = std::uint64_t{1} << 63;
  CHECK_FALSE(accepted(huge));
}

}  // namespace rexec::runner
