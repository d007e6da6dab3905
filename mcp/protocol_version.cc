#include "mcp/protocol_version.h"

#include <algorithm>
#include <array>

namespace rexec::mcp {
namespace {

struct Named {
  ProtocolVersion version;
  std::string_view name;
};

constexpr std::array kVersions = {
    Named{ProtocolVersion::v2024_11_05, "2024-11-05"}, Named{ProtocolVersion::v2025_03_26, "2025-03-26"},
    Named{ProtocolVersion::v2025_06_18, "2025-06-18"}, Named{ProtocolVersion::v2025_11_25, "2025-11-25"},
    Named{ProtocolVersion::v2026_07_28, "2026-07-28"},
};

constexpr std::array<std::string_view, 1> kModernNames = {"2026-07-28"};

}  // namespace

std::string_view to_string(ProtocolVersion version) {
  return kVersions[static_cast<std::size_t>(version)].name;
}

std::optional<ProtocolVersion> parse_version(std::string_view text) {
  const auto found = std::ranges::find(kVersions, text, &Named::name);
  if (found == kVersions.end()) return std::nullopt;
  return found->version;
}

Era era_of(ProtocolVersion version) {
  return version >= ProtocolVersion::v2026_07_28 ? Era::modern : Era::legacy;
}

ProtocolVersion newest_legacy() {
  return ProtocolVersion::v2025_11_25;
}

ProtocolVersion negotiate_legacy(std::string_view requested) {
  const auto version = parse_version(requested);
  return version && era_of(*version) == Era::legacy ? *version : newest_legacy();
}

std::span<const std::string_view> modern_versions() {
  return kModernNames;
}

bool allows_batches(ProtocolVersion version) {
  return version == ProtocolVersion::v2025_03_26;
}
bool omits_null_error_id(ProtocolVersion version) {
  return version >= ProtocolVersion::v2025_11_25;
}
bool has_titles(ProtocolVersion version) {
  return version >= ProtocolVersion::v2025_06_18;
}
bool has_structured_content(ProtocolVersion version) {
  return version >= ProtocolVersion::v2025_06_18;
}
bool has_annotations(ProtocolVersion version) {
  return version >= ProtocolVersion::v2025_03_26;
}
bool has_progress_message(ProtocolVersion version) {
  return version >= ProtocolVersion::v2025_03_26;
}
bool has_elicitation(ProtocolVersion version) {
  return version >= ProtocolVersion::v2025_06_18;
}
bool has_elicitation_modes(ProtocolVersion version) {
  return version >= ProtocolVersion::v2025_11_25;
}
bool has_resource_links(ProtocolVersion version) {
  return version >= ProtocolVersion::v2025_06_18;
}
bool has_completion_context(ProtocolVersion version) {
  return version >= ProtocolVersion::v2025_06_18;
}

}  // namespace rexec::mcp
