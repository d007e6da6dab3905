#include "sandbox-client/transfer/places.h"

namespace rexec::sandbox {
namespace {

std::string_view without_trailing_slashes(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

}  // namespace

std::string base_name(std::string_view path) {
  path = without_trailing_slashes(path);
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name == "." || name == ".." ? std::string() : std::string(name);
}

std::string directory_name(std::string_view path) {
  path = without_trailing_slashes(path);
  const std::size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

std::string without_dots(std::string_view path) {
  path = without_trailing_slashes(path);
  while (path.ends_with("/.")) path = without_trailing_slashes(path.substr(0, path.size() - 1));
  return std::string(path);
}

std::string path_in(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.ends_with('/')) path += '/';
  return path.append(name);
}

std::string in_quotes(std::string_view path) {
  return "\"" + std::string(path) + "\"";
}

Result<Target> choose_target(bool source_is_directory, std::string_view source_name, Present present,
                             std::string_view destination) {
  const auto impossible = [&](ErrorCode code, const char* why) {
    return Error{code, in_quotes(destination) + why};
  };
  switch (present) {
    case Present::directory:
      if (!source_name.empty()) return Target{.inside = true};
      if (source_is_directory) return Target{.merged = true};
      return impossible(ErrorCode::failed_precondition, " is a directory; give the copy a name in it");
    case Present::file:
      if (source_is_directory)
        return impossible(ErrorCode::failed_precondition, " is a file, which a directory does not replace");
      return Target{.follow = true};
    case Present::other:
      return impossible(ErrorCode::failed_precondition, " is neither a file nor a directory");
    case Present::nothing:
      if (!source_is_directory && destination.ends_with('/'))
        return impossible(ErrorCode::not_found, " does not exist; make that directory first");
      return Target{};
  }
  return Target{};
}

bool is_inside(std::string_view path, std::size_t depth) {
  if (path.size() > kMaxPathBytes || path.find('\0') != path.npos) return false;
  for (std::size_t parts = 1; parts <= depth; ++parts) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.size() > kMaxNameBytes) return false;
    if (slash == path.npos) return true;
    path.remove_prefix(slash + 1);
  }
  return false;
}

bool ends_copy(ErrorCode code) {
  return code == ErrorCode::cancelled || code == ErrorCode::deadline_exceeded ||
         code == ErrorCode::data_loss || code == ErrorCode::unsupported;
}

Error too_deep(std::string_view path, std::size_t depth) {
  return Error{ErrorCode::resource_exhausted,
               in_quotes(path) + " is not copied: it lies below " + std::to_string(depth) + " directories"};
}

Error changed_meanwhile(std::string_view path) {
  return Error{ErrorCode::failed_precondition, in_quotes(path) + " changed while it was copied"};
}

}  // namespace rexec::sandbox
