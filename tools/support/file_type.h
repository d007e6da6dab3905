// What a file is, told by its first bytes and its name.
#pragma once

#include <string>
#include <string_view>

namespace rexec::tools {

/// MIME type of an image that models take (png, jpeg, gif, webp); empty for anything else.
std::string_view image_type(std::string_view first_bytes);

/// Whether bytes are to be shown as text: no NUL, and no more than a few bytes that are not UTF-8. `whole`:
/// they are all of the file, so a sequence that is cut at the end counts.
bool is_text(std::string_view first_bytes, bool whole);

/// MIME type for a description.
std::string_view mime_type(std::string_view first_bytes);

}  // namespace rexec::tools
