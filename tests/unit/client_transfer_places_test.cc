#include "sandbox-client/transfer/places.h"

#include "tests/support/catch.h"

using namespace rexec;
using namespace rexec::sandbox;

TEST_CASE("a path has the name of its last part, unless that is none", "[transfer]") {
  CHECK(base_name("/a/b") == "b");
  CHECK(base_name("b//") == "b");
  CHECK(base_name("b") == "b");
  for (const char* path : {"/", "//", ".", "a/.", "a/./", "..", "a/.."}) CHECK(base_name(path).empty());
  CHECK(directory_name("/a/b") == "/a");
  CHECK(directory_name("a/b/") == "a");
  CHECK(directory_name("/a") == "/");
  CHECK(directory_name("a") == ".");
  CHECK(path_in("/", "a") == "/a");
  CHECK(without_dots("/a/././/") == "/a");
  CHECK(without_dots("a//") == "a");
  CHECK(without_dots("/.") == "/");
  CHECK(without_dots(".") == ".");
  CHECK(without_dots("/") == "/");
  CHECK(without_dots("a..") == "a..");
  CHECK(path_in("b", "a") == "b/a");
}

TEST_CASE("a copy goes into a directory, and otherwise gets the destination's name", "[transfer]") {
  CHECK(choose_target(true, "src", Present::directory, "/d")->inside);
  CHECK(choose_target(false, "file", Present::directory, "/d")->inside);
  CHECK(choose_target(true, "", Present::directory, "/d")->merged);
  CHECK_FALSE(choose_target(true, "", Present::nothing, "/d")->merged);
  CHECK_FALSE(choose_target(true, "src", Present::nothing, "/d/")->inside);
  CHECK(choose_target(false, "file", Present::file, "/d")->follow);
  CHECK_FALSE(choose_target(false, "file", Present::nothing, "/d")->follow);
}

TEST_CASE("what cannot take the copy is an error", "[transfer]") {
  CHECK_FALSE(choose_target(true, "src", Present::file, "/d").ok());
  CHECK_FALSE(choose_target(true, "src", Present::other, "/d").ok());
  CHECK_FALSE(choose_target(false, "file", Present::other, "/d").ok());
  CHECK_FALSE(choose_target(false, "", Present::directory, "/d").ok());
  CHECK(choose_target(false, "file", Present::nothing, "/d/").error().code == ErrorCode::not_found);
}

TEST_CASE("a path of a listing consists of names", "[transfer]") {
  CHECK(is_inside("a", 1));
  CHECK(is_inside("a/..b/ c\n", 3));
  CHECK(is_inside(std::string(255, 'x'), 1));
  const std::string_view nul("a\0b", 3);
  for (const std::string_view path :
       {std::string_view(""), std::string_view("/"), std::string_view("/a"), std::string_view("a/"),
        std::string_view("a//b"), std::string_view("."), std::string_view(".."), std::string_view("a/.."),
        std::string_view("a/../b"), std::string_view("./a"), nul}) {
    INFO(path);
    CHECK_FALSE(is_inside(path, 64));
  }
  CHECK_FALSE(is_inside("a/b/c", 2));
  CHECK_FALSE(is_inside(std::string(256, 'x'), 64));
  std::string deep = "a";
  while (deep.size() < 4096) deep += "/a";
  CHECK_FALSE(is_inside(deep, 10000));
}
