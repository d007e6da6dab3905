// Descriptions of resources and prompts: schemas/resources.json and schemas/prompts.json, compiled in.
#pragma once

namespace rexec::tools {

extern const char* const kResourcesText;
extern const char* const kPromptsText;

}  // namespace rexec::tools
