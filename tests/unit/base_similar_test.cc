#include "base/similar.h"

#include "tests/support/catch.h"

using rexec::edit_distance;
using rexec::quoted_alternatives;
using rexec::similar_names;
using Names = std::vector<std::string>;

TEST_CASE("edit_distance counts single-character edits", "[base]") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("exec", "exce") == 2);
}

TEST_CASE("similar_names puts the nearest name first and leaves strangers out", "[base]") {
  const Names names = {"exec", "read_file", "write_file", "sandbox_list"};
  CHECK(similar_names("exce", names) == Names{"exec"});
  CHECK(similar_names("raed_file", names).front() == "read_file");
  CHECK(similar_names("file", names) == Names{"read_file", "write_file"});
  CHECK(similar_names("zzzzzzzz", names).empty());
}

TEST_CASE("similar_names bounds what it looks at and what it returns", "[base]") {
  CHECK(similar_names(std::string(129, 'a'), {std::string(129, 'a')}).empty());
  CHECK(similar_names("", {"a"}).empty());
  CHECK(similar_names("same1", {"same2", "same3", "same4", "same5"}).size() == 3);
}

TEST_CASE("quoted_alternatives joins names as a sentence does", "[base]") {
  CHECK(quoted_alternatives({}).empty());
  CHECK(quoted_alternatives({"a"}) == "\"a\"");
  CHECK(quoted_alternatives({"a", "b"}) == "\"a\" or \"b\"");
  CHECK(quoted_alternatives({"a", "b", "c"}) == "\"a\", \"b\" or \"c\"");
}
