#include "sandbox-client/local/sealed_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "tests/support/catch.h"

namespace rexec::sandbox {

TEST_CASE("a sealed file is read by each from its start and changed by nobody", "[local]") {
  const auto file = SealedFile::make("contents");
  REQUIRE(file);
  for (int i = 0; i < 2; ++i) {
    const auto fd = file->open();
    REQUIRE(fd);
    char bytes[16];
    CHECK(read(fd->get(), bytes, sizeof bytes) == 8);
    CHECK(write(fd->get(), "x", 1) == -1);
    CHECK(mmap(nullptr, 8, PROT_WRITE, MAP_SHARED, fd->get(), 0) == MAP_FAILED);
  }
}

TEST_CASE("a message file takes what fits and no more", "[local]") {
  constexpr std::size_t kSize = 32;
  const auto fd = make_message_file(kSize);
  REQUIRE(fd);
  CHECK(read_messages(fd->get(), kSize).empty());
  CHECK(write(fd->get(), "bwrap: no\n", 10) == 10);
  CHECK(read_messages(fd->get(), kSize) == "bwrap: no");
  const std::string much(100, 'y');
  while (write(fd->get(), much.data(), much.size()) > 0) {
  }
  CHECK(errno == EPERM);
  CHECK(read_messages(fd->get(), kSize).size() <= kSize);
}

}  // namespace rexec::sandbox
