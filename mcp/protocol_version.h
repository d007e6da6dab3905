// Protocol revisions, and every difference between them that the server acts on. No other file compares or
// spells a version.
//
// Source: modelcontextprotocol.io/specification, revisions 2024-11-05 … 2026-07-28.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace rexec::mcp {

enum class ProtocolVersion { v2024_11_05, v2025_03_26, v2025_06_18, v2025_11_25, v2026_07_28 };

/// legacy: `initialize` handshake and a stateful connection (up to 2025-11-25). modern: every request carries
/// its envelope in _meta and nothing is remembered (from 2026-07-28).
enum class Era { legacy, modern };

std::string_view to_string(ProtocolVersion version);
std::optional<ProtocolVersion> parse_version(std::string_view text);
Era era_of(ProtocolVersion version);

/// What `initialize` answers to a client that asks for `requested`: that version when it is a legacy one we
/// know, else the newest legacy one.
ProtocolVersion negotiate_legacy(std::string_view requested);
/// What a legacy request is served as before anything has been negotiated.
ProtocolVersion newest_legacy();
/// What `server/discover` and -32022 list.
std::span<const std::string_view> modern_versions();

bool allows_batches(ProtocolVersion version);       // 2025-03-26 only (and while nothing is negotiated: no)
bool omits_null_error_id(ProtocolVersion version);  // from 2025-11-25
bool has_titles(ProtocolVersion version);           // title on tools and serverInfo, from 2025-06-18
bool has_structured_content(ProtocolVersion version);  // structuredContent, outputSchema: from 2025-06-18
bool has_annotations(ProtocolVersion version);         // tool annotations: from 2025-03-26
bool has_progress_message(ProtocolVersion version);    // from 2025-03-26
bool has_elicitation(ProtocolVersion version);         // from 2025-06-18
bool has_elicitation_modes(ProtocolVersion version);   // mode "form" or "url": from 2025-11-25
bool has_resource_links(ProtocolVersion version);      // from 2025-06-18
bool has_completion_context(ProtocolVersion version);  // context.arguments: from 2025-06-18

}  // namespace rexec::mcp
