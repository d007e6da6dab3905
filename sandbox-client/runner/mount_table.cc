#include "sandbox-client/runner/mount_table.h"

#include <algorithm>
#include <charconv>

namespace rexec::runner {
namespace {

constexpr std::size_t kMaxShown = 200;
constexpr const char* kEnded = "; the sandbox was ended so that it cannot be written";

std::string_view next(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

bool parse_id(std::string_view text, std::uint64_t& id) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  return error == std::errc() && end == text.data() + text.size();
}

void add_octal(std::string& text, char c) {
  const auto byte = static_cast<unsigned char>(c);
  for (const int shift : {6, 3, 0}) {
    if (shift == 6) text += '\\';
    text += static_cast<char>('0' + ((byte >> shift) & 7));
  }
}

/// As the kernel writes paths in mountinfo.
std::string point_of(std::string_view path) {
  std::string point;
  for (const char c : path) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\\') {
      add_octal(point, c);
    } else {
      point += c;
    }
  }
  return point;
}

/// Names are anybody's: the sandbox may have made some of the directories.
std::string quoted(std::string_view point) {
  std::string text;
  for (const char c : point) {
    if (c < ' ' || c > '~' || c == '"') {
      add_octal(text, c);
    } else {
      text += c;
    }
  }
  if (text.size() > kMaxShown) text = "..." + text.substr(text.size() - kMaxShown);
  return "\"" + text + "\"";
}

bool is_or_is_below(std::string_view point, std::string_view directory) {
  return point.starts_with(directory) && (point.size() == directory.size() || point[directory.size()] == '/');
}

bool same(const MountLine& a, const MountLine& b) {
  return a.id == b.id && a.point == b.point && a.device == b.device;
}

using ById = std::map<std::uint64_t, MountLine>;

/// Whether the way to `mount` leads through `other`.
bool is_above(const ById& mounts, std::uint64_t other, const MountLine& mount) {
  std::uint64_t at = mount.parent;
  for (std::size_t step = 0; step <= mounts.size(); ++step) {
    if (at == other) return true;
    const auto found = mounts.find(at);
    if (found == mounts.end() || found->second.parent == at) return false;
    at = found->second.parent;
  }
  return false;
}

std::string gone(const MountLine& mount) {
  if (mount.read_only)
    return "a file that is read-only in the sandbox was replaced, moved or removed on the host: " +
           quoted(mount.point) + kEnded;
  return "a directory that holds read-only files of the sandbox was replaced, moved or removed on the "
         "host: " +
         quoted(mount.point) + "; the sandbox was ended so that they cannot be written";
}

}  // namespace

std::vector<MountLine> parse_mounts(std::string_view mountinfo) {
  std::vector<MountLine> mounts;
  while (!mountinfo.empty()) {
    std::string_view line = next(mountinfo, '\n');
    MountLine mount;
    if (!parse_id(next(line, ' '), mount.id) || !parse_id(next(line, ' '), mount.parent)) continue;
    mount.device = next(line, ' ');
    next(line, ' ');  // the root of the mount, which changes when somebody renames it
    mount.point = next(line, ' ');
    const std::string_view options = next(line, ' ');
    mount.read_only = options == "ro" || options.starts_with("ro,");
    if (!mount.point.empty()) mounts.push_back(std::move(mount));
  }
  return mounts;
}

std::string plain_path(std::string_view point) {
  const auto digit = [point](std::size_t i) { return static_cast<unsigned>(point[i] - '0'); };
  std::string path;
  for (std::size_t i = 0; i < point.size(); ++i) {
    if (point[i] == '\\' && i + 3 < point.size() && digit(i + 1) < 4 && digit(i + 2) < 8 &&
        digit(i + 3) < 8) {
      path += static_cast<char>(digit(i + 1) * 64 + digit(i + 2) * 8 + digit(i + 3));
      i += 3;
    } else {
      path += point[i];
    }
  }
  return path;
}

std::string MountTable::begin(std::string_view wanted, std::string_view mountinfo) {
  const std::vector<MountLine> mounts = parse_mounts(mountinfo);
  std::vector<std::string> points;
  while (!wanted.empty()) {
    const std::string_view entry = next(wanted, '\0');
    const bool read_only = entry.starts_with('r');
    const std::string point = point_of(entry.substr(std::min<std::size_t>(1, entry.size())));
    // The last one of a point is on top.
    const auto found = std::find_if(mounts.rbegin(), mounts.rend(),
                                    [&point](const MountLine& mount) { return mount.point == point; });
    if (found == mounts.rend() || (read_only && !found->read_only)) {
      MountLine missing;
      missing.point = point;
      missing.read_only = read_only;
      return gone(missing);
    }
    points.push_back(point);
  }
  for (const MountLine& mount : mounts) {
    first_.emplace(mount.id, mount);
    if (std::any_of(points.begin(), points.end(),
                    [&mount](const std::string& point) { return is_or_is_below(mount.point, point); }))
      guarded_.push_back(mount);
  }
  return {};
}

std::string MountTable::change(std::string_view mountinfo) const {
  ById now;
  for (MountLine& mount : parse_mounts(mountinfo)) now.emplace(mount.id, std::move(mount));
  for (const MountLine& mount : guarded_) {
    const auto found = now.find(mount.id);
    if (found == now.end() || !same(found->second, mount)) return gone(mount);
    if (mount.read_only && !found->second.read_only)
      return "a mount that was read-only became writable: " + quoted(mount.point) + kEnded;
  }
  // What is mounted on the host arrives here too. It comes to lie below a mount that is there already, but
  // over one further down.
  for (const auto& [id, mount] : now) {
    const auto before = first_.find(id);
    if (before != first_.end() && same(before->second, mount)) continue;
    for (const MountLine& covered : guarded_)
      if (is_or_is_below(covered.point, mount.point) && !is_above(now, id, now.at(covered.id)))
        return "something was mounted over a file that is read-only in the sandbox: " +
               quoted(covered.point) + kEnded;
  }
  return {};
}

}  // namespace rexec::runner
