// The error channel of everything below the tools: values, never exceptions.
//
// A function that can fail returns Result<T> (or Status when there is nothing to return). An Error has a
// code that callers may branch on and a message written for a person: what happened, then what to do.
// Messages never contain secrets. Context is added going up, once per layer at most (with_context).
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace rexec {

enum class ErrorCode {
  invalid_argument,  // the caller's input is wrong; retrying unchanged cannot help
  not_found,         // the named thing does not exist (or is not the caller's)
  already_exists,
  permission_denied,
  failed_precondition,  // the machine or the object is not in a state in which this can work
  resource_exhausted,   // a limit was hit; the message names it
  unavailable,          // may work later
  deadline_exceeded,
  cancelled,
  data_loss,  // something that was kept is gone, e.g. a sandbox that died
  unsupported,
  internal,  // a bug of ours
};

std::string_view to_string(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
};

/// Error from errno: "<what>: <strerror>", with the code that fits the number.
Error errno_error(std::string_view what, int number);

/// The same error with "<context>: " in front of its message.
Error with_context(std::string_view context, Error error);

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    assert(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    assert(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& {
    assert(!ok());
    return *error_;
  }
  Error&& error() && {
    assert(!ok());
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace rexec

#define REXEC_CONCAT_INNER(a, b) a##b
#define REXEC_CONCAT(a, b) REXEC_CONCAT_INNER(a, b)

/// ASSIGN_OR_RETURN(auto x, f()): x = value of f(), or return its error from this function.
#define ASSIGN_OR_RETURN(target, expression)                                                       \
  auto REXEC_CONCAT(result_, __LINE__) = (expression);                                             \
  if (!REXEC_CONCAT(result_, __LINE__)) return std::move(REXEC_CONCAT(result_, __LINE__)).error(); \
  target = std::move(REXEC_CONCAT(result_, __LINE__)).value()

#define RETURN_IF_ERROR(expression) \
  if (auto status_ = (expression); !status_) return std::move(status_).error()
