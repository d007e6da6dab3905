#include "mcp/protocol_version.h"

#include "tests/support/catch.h"

namespace rexec::mcp {

TEST_CASE("Versions are known by their names", "[mcp]") {
  for (const char* name : {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"}) {
    const auto version = parse_version(name);
    REQUIRE(version);
    REQUIRE(to_string(*version) == name);
  }
  REQUIRE_FALSE(parse_version("2025-06-1"));
  REQUIRE_FALSE(parse_version(""));
}

TEST_CASE("The last version is modern and all before it are legacy", "[mcp]") {
  REQUIRE(era_of(ProtocolVersion::v2025_11_25) == Era::legacy);
  REQUIRE(era_of(ProtocolVersion::v2026_07_28) == Era::modern);
  REQUIRE(modern_versions().size() == 1);
  REQUIRE(modern_versions().front() == "2026-07-28");
}

TEST_CASE("Negotiation echoes a legacy version and falls back to the newest", "[mcp]") {
  REQUIRE(negotiate_legacy("2024-11-05") == ProtocolVersion::v2024_11_05);
  REQUIRE(negotiate_legacy("2026-07-28") == ProtocolVersion::v2025_11_25);
  REQUIRE(negotiate_legacy("1999-01-01") == newest_legacy());
}

TEST_CASE("Differences between versions begin where the specification says", "[mcp]") {
  REQUIRE(allows_batches(ProtocolVersion::v2025_03_26));
  REQUIRE_FALSE(allows_batches(ProtocolVersion::v2024_11_05));
  REQUIRE_FALSE(allows_batches(ProtocolVersion::v2025_06_18));
  REQUIRE(omits_null_error_id(ProtocolVersion::v2025_11_25));
  REQUIRE_FALSE(omits_null_error_id(ProtocolVersion::v2025_06_18));
  REQUIRE(has_titles(ProtocolVersion::v2025_06_18));
  REQUIRE_FALSE(has_titles(ProtocolVersion::v2025_03_26));
  REQUIRE(has_structured_content(ProtocolVersion::v2025_06_18));
  REQUIRE_FALSE(has_structured_content(ProtocolVersion::v2025_03_26));
  REQUIRE(has_annotations(ProtocolVersion::v2025_03_26));
  REQUIRE_FALSE(has_annotations(ProtocolVersion::v2024_11_05));
  REQUIRE(has_progress_message(ProtocolVersion::v2025_03_26));
  REQUIRE_FALSE(has_progress_message(ProtocolVersion::v2024_11_05));
  REQUIRE(has_elicitation(ProtocolVersion::v2025_06_18));
  REQUIRE_FALSE(has_elicitation(ProtocolVersion::v2025_03_26));
  REQUIRE(has_elicitation_modes(ProtocolVersion::v2025_11_25));
  REQUIRE_FALSE(has_elicitation_modes(ProtocolVersion::v2025_06_18));
  REQUIRE(has_resource_links(ProtocolVersion::v2025_06_18));
  REQUIRE_FALSE(has_resource_links(ProtocolVersion::v2025_03_26));
}

}  // namespace rexec::mcp
