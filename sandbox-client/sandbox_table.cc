#include "sandbox-client/sandbox_table.h"

#include <algorithm>

#include "base/random.h"

namespace rexec::sandbox {
namespace {

constexpr std::size_t kMaxNamesInMessage = 20;

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

}  // namespace

Status check_sandbox_name(std::string_view name) {
  const bool ok =
      !name.empty() && name.size() <= kMaxNameLength && is_lower_or_digit(name.front()) &&
      std::all_of(name.begin(), name.end(), [](char c) { return is_lower_or_digit(c) || c == '-'; });
  if (ok) return {};
  return Error{ErrorCode::invalid_argument,
               "a sandbox name has 1 to " + std::to_string(kMaxNameLength) +
                   " lower-case letters, digits and hyphens, and does not begin with a hyphen"};
}

SandboxTable::Entry SandboxTable::find(const std::string& principal, const std::string& name) const {
  const auto found = entries_.find({principal, name});
  return found == entries_.end() ? nullptr : found->second;
}

Result<SandboxTable::Entry> SandboxTable::add(const std::string& principal, std::string name) {
  const std::size_t own = of(principal).size();
  if (own >= limits_.sandboxes_per_principal)
    return Error{ErrorCode::resource_exhausted, "there are " + std::to_string(own) +
                                                    " sandboxes already, which is the limit; delete one with "
                                                    "sandbox_control first"};
  if (entries_.size() >= limits_.sandboxes)
    return Error{ErrorCode::resource_exhausted,
                 "this server has as many sandboxes as it may (" + std::to_string(limits_.sandboxes) + ")"};
  if (!name.empty() && find(principal, name))
    return Error{ErrorCode::already_exists, "there is a sandbox \"" + name + "\" already"};
  while (name.empty() || find(principal, name)) name = "sandbox-" + random_hex(2);
  auto entry = std::make_shared<SandboxEntry>();
  entry->principal = principal;
  entry->record.name = name;
  entries_[{principal, std::move(name)}] = entry;
  return entry;
}

SandboxTable::Entry SandboxTable::adopt(const std::string& principal, const SandboxRecord& record) {
  auto entry = std::make_shared<SandboxEntry>();
  entry->principal = principal;
  entry->record = record;
  entries_[{principal, record.name}] = entry;
  lost_.erase({principal, record.name});
  return entry;
}

bool SandboxTable::remove(const Entry& entry) {
  const auto found = entries_.find({entry->principal, entry->record.name});
  if (found == entries_.end() || found->second != entry) return false;
  entries_.erase(found);
  return true;
}

bool SandboxTable::lose(const Entry& entry, std::string why) {
  if (!remove(entry)) return false;
  const auto own = std::count_if(lost_.begin(), lost_.end(),
                                 [&](const auto& lost) { return lost.first.first == entry->principal; });
  if (static_cast<std::size_t>(own) >= kMaxLostNames) lost_.erase(lost_.lower_bound({entry->principal, ""}));
  lost_[{entry->principal, entry->record.name}] = std::move(why);
  return true;
}

std::optional<std::string> SandboxTable::take_lost(const std::string& principal, const std::string& name) {
  const auto found = lost_.find({principal, name});
  if (found == lost_.end()) return std::nullopt;
  std::string why = std::move(found->second);
  lost_.erase(found);
  return why;
}

Error SandboxTable::missing(const std::string& principal, const std::string& name,
                            const std::vector<std::string>& others) const {
  std::string message = "there is no sandbox \"" + name.substr(0, kMaxNameLength) + "\"";
  if (const auto lost = lost_.find({principal, name}); lost != lost_.end()) {
    message += " any more: " + lost->second + ". Make it anew with sandbox_create";
    return Error{ErrorCode::not_found, std::move(message)};
  }
  std::vector<std::string> own = others;
  for (const Entry& entry : of(principal)) own.push_back(entry->record.name);
  std::sort(own.begin(), own.end());
  own.erase(std::unique(own.begin(), own.end()), own.end());
  if (own.empty()) {
    message +=
        "; there is none yet. Leave the name out to use the default one, or make it with sandbox_create";
    return Error{ErrorCode::not_found, std::move(message)};
  }
  message += "; there are: ";
  for (std::size_t i = 0; i < std::min(own.size(), kMaxNamesInMessage); ++i)
    message += (i == 0 ? "" : ", ") + own[i];
  if (own.size() > kMaxNamesInMessage) message += ", …";
  return Error{ErrorCode::not_found, std::move(message)};
}

std::vector<SandboxTable::Entry> SandboxTable::of(const std::string& principal) const {
  std::vector<Entry> own;
  for (auto it = entries_.lower_bound({principal, ""}); it != entries_.end() && it->first.first == principal;
       ++it)
    own.push_back(it->second);
  return own;
}

std::vector<SandboxTable::Entry> SandboxTable::all() const {
  std::vector<Entry> all;
  for (const auto& [key, entry] : entries_) all.push_back(entry);
  return all;
}

std::vector<SandboxTable::Entry> SandboxTable::take_all() {
  std::vector<Entry> taken = all();
  entries_.clear();
  return taken;
}

}  // namespace rexec::sandbox
