// The same bytes give the same state, in whatever pieces and processes; other bytes than a checkpoint give
// none.
#include "tests/support/catch.h"
#include "tests/support/terminal_noise.h"
#include "tests/support/terminal_screen.h"

namespace rexec::terminal {
namespace {

Screen restored(std::string_view bytes) {
  auto screen = Screen::restore(bytes);
  REQUIRE(screen.ok());
  return *std::move(screen);
}

}  // namespace

TEST_CASE("Any split of the bytes gives the same state and the same replies", "[terminal]") {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    const std::string bytes = test::terminal_noise(random, 300);
    Screen whole({17, 6});
    whole.feed(bytes);
    Screen pieces({17, 6});
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t length = std::uniform_int_distribution<std::size_t>(1, 7)(random);
      pieces.feed(std::string_view(bytes).substr(at, length));
      at += length;
    }
    REQUIRE(pieces.save() == whole.save());
    REQUIRE(test::replies_of(pieces) == test::replies_of(whole));
  }
}

TEST_CASE("A restored screen is the same, and stays so", "[terminal]") {
  std::mt19937 random(2);
  for (int round = 0; round < 200; ++round) {
    Screen original({20, 5}, {.scrollback_lines = 50, .scrollback_bytes = kDefaultScrollbackBytes});
    original.feed(test::terminal_noise(random, 200));
    if (round % 3 == 0) original.resize({13, 7});
    Screen copy = restored(original.save());
    REQUIRE(copy.save() == original.save());
    CHECK(copy.offset() == original.offset());
    CHECK(copy.size() == original.size());
    CHECK(copy.cursor() == original.cursor());
    CHECK(copy.modes() == original.modes());
    CHECK(test::shown(copy, true) == test::shown(original, true));
    CHECK(test::scrolled(copy) == test::scrolled(original));
    original.take_replies();
    const std::string more = test::terminal_noise(random, 100);
    original.feed(more);
    copy.feed(more);
    REQUIRE(copy.save(false) == original.save(false));
    CHECK(test::replies_of(copy) == test::replies_of(original));
  }
}

TEST_CASE("Scrollback can be left out of a checkpoint", "[terminal]") {
  const Screen original = test::screen_of(10, 2, "1\r\n2\r\n3\r\n4");
  const Screen copy = restored(original.save(false));
  CHECK(test::shown(copy) == "3|4");
  CHECK(test::scrolled(copy).empty());
  CHECK(copy.scrollback_begin() == 2);
  CHECK(original.save(false).size() < original.save().size());
}

TEST_CASE("A restored scrollback obeys its bounds", "[terminal]") {
  const Screen original = test::screen_of(10, 2, "1\r\n2\r\n3\r\n4\r\n5");
  auto copy =
      Screen::restore(original.save(), {.scrollback_lines = 2, .scrollback_bytes = kDefaultScrollbackBytes});
  REQUIRE(copy.ok());
  CHECK(test::scrolled(*copy) == "2|3");
}

TEST_CASE("Checkpoints are small", "[terminal]") {
  CHECK(Screen({kMaxColumns, kMaxRows}).save().size() < 10'000);
  CHECK(test::screen_of(kMaxColumns, kMaxRows, "\x1B#8\x1B[44m\x1B[2J").save().size() < 20'000);
}

TEST_CASE("Bytes that are no checkpoint are refused", "[terminal]") {
  const Screen screen = test::screen_of(20, 4,
                                        "\x1B]2;title\a\x1B[22t\x1B[1;31mred\xE6\xBC\xA2\r\ne\xCC\x81\x1B["
                                        "44m\x1B[K\x1B[?1049h\x1B[m1\r\n2\r\n3\x1B[38:5");
  const std::string good = screen.save();
  REQUIRE(Screen::restore(good).ok());
  for (std::size_t length = 0; length < good.size(); ++length) {
    const auto cut = Screen::restore(std::string_view(good).substr(0, length));
    REQUIRE_FALSE(cut.ok());
    CHECK(cut.error().code == ErrorCode::invalid_argument);
  }
  CHECK_FALSE(Screen::restore(good + 'x').ok());
  CHECK_FALSE(Screen::restore(std::string(kMaxCheckpointBytes + 1, 'x')).ok());
}

TEST_CASE("A checkpoint with changed bytes is refused, or is one of another screen", "[terminal]") {
  std::mt19937 random(3);
  int accepted = 0;
  for (int round = 0; round < 40; ++round) {
    Screen screen({12, 4});
    screen.feed(test::terminal_noise(random, 80));
    const std::string good = screen.save();
    for (std::size_t at = 0; at < good.size(); ++at) {
      std::string changed = good;
      changed[at] = static_cast<char>(random());
      auto copy = Screen::restore(changed);
      if (!copy.ok()) continue;
      ++accepted;
      // It must be valid through and through: saved and restored once more it is itself, and it goes on.
      const std::string again = copy->save();
      REQUIRE(restored(again).save() == again);
      copy->feed(test::terminal_noise(random, 5));
      copy->resize({7, 3});
      static_cast<void>(copy->text({.colors = true, .join_wrapped = true}));
    }
  }
  CHECK(accepted > 0);
}

}  // namespace rexec::terminal
