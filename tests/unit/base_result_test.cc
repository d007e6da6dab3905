#include "base/result.h"

#include <cerrno>
#include <memory>

#include "tests/support/catch.h"

namespace rexec {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return Error{ErrorCode::invalid_argument, "odd"};
  return number / 2;
}

Result<int> quarter(int number) {
  ASSIGN_OR_RETURN(const int once, half(number));
  ASSIGN_OR_RETURN(const int twice, half(once));
  return twice;
}

Status check_quarter(int number) {
  RETURN_IF_ERROR(quarter(number));
  return {};
}

TEST_CASE("a Result holds a value or an error", "[base][result]") {
  REQUIRE(half(4).ok());
  CHECK(*half(4) == 2);
  REQUIRE_FALSE(half(3).ok());
  CHECK(half(3).error().code == ErrorCode::invalid_argument);
  CHECK(half(3).error().message == "odd");
}

TEST_CASE("the macros pass the first error on and leave values alone", "[base][result]") {
  CHECK(*quarter(12) == 3);
  CHECK_FALSE(quarter(6).ok());
  CHECK(check_quarter(12).ok());
  CHECK(check_quarter(6).error().message == "odd");
}

TEST_CASE("a Result moves what cannot be copied", "[base][result]") {
  Result<std::unique_ptr<int>> made(std::make_unique<int>(7));
  const std::unique_ptr<int> owned = std::move(made).value();
  CHECK(*owned == 7);
}

TEST_CASE("errno becomes a code and a sentence", "[base][result]") {
  const Error error = errno_error("cannot open /x", ENOENT);
  CHECK(error.code == ErrorCode::not_found);
  CHECK(error.message == "cannot open /x: No such file or directory");
  CHECK(errno_error("x", EACCES).code == ErrorCode::permission_denied);
  CHECK(errno_error("x", EMFILE).code == ErrorCode::resource_exhausted);
  CHECK(errno_error("x", EPIPE).code == ErrorCode::unavailable);
  CHECK(errno_error("x", EIO).code == ErrorCode::internal);
}

TEST_CASE("context goes in front and keeps the code", "[base][result]") {
  const Error error = with_context("reading the config", Error{ErrorCode::not_found, "no file"});
  CHECK(error.code == ErrorCode::not_found);
  CHECK(error.message == "reading the config: no file");
}

TEST_CASE("every code has a name of its own", "[base][result]") {
  CHECK(to_string(ErrorCode::invalid_argument) == "invalid_argument");
  CHECK(to_string(ErrorCode::data_loss) == "data_loss");
  CHECK(to_string(ErrorCode::internal) == "internal");
}

}  // namespace
}  // namespace rexec
