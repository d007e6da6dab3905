#include <optional>
#include <utility>

#include "base/encoding.h"
#include "base/utf8.h"
#include "mcp/methods.h"
#include "mcp/page.h"
#include "mcp/pending_answer.h"
#include "mcp/session_watches.h"
#include "mcp/uri_template.h"

namespace rexec::mcp {
namespace {

Json to_json(const ResourceInfo& info, std::string_view uri_member, ProtocolVersion version) {
  Json json{{uri_member, info.uri}, {"name", info.name}};
  if (has_titles(version) && !info.title.empty()) json["title"] = info.title;
  if (!info.description.empty()) json["description"] = info.description;
  if (!info.mime_type.empty()) json["mimeType"] = info.mime_type;
  return json;
}

Json to_json(const std::vector<ResourceInfo>& infos, std::string_view uri_member, ProtocolVersion version) {
  Json list = Json::array();
  for (const ResourceInfo& info : infos) list.push_back(to_json(info, uri_member, version));
  return list;
}

Json to_json(ResourceContents contents, const std::string& uri) {
  Json json{{"uri", uri}};
  if (!contents.mime_type.empty()) json["mimeType"] = std::move(contents.mime_type);
  if (contents.binary) {
    json["blob"] = base64_encode(contents.data);
  } else {
    json["text"] = to_valid_utf8(contents.data);
  }
  return Json{{"contents", Json::array({std::move(json)})}};
}

RpcResult<std::string> read_uri(const Request& request) {
  auto uri = find_string(request.params, "uri");
  if (!uri) return RpcError{kInvalidParams, "params.uri must be a string", nullptr};
  if (!is_uri(*uri)) {
    return RpcError{kInvalidParams,
                    "params.uri is not a URI: expected a scheme, no spaces, and at most " +
                        std::to_string(kMaxUriBytes) + " bytes",
                    nullptr};
  }
  return *std::move(uri);
}

void list_resources(const std::shared_ptr<ServerCore>& core, Request request) {
  const auto page = read_page(request, "resources", core->options.list_page);
  if (const auto* error = std::get_if<RpcError>(&page)) return answer(*core, request, *error);
  PendingAnswer::start(
      core, std::move(request), [page = std::get<Page>(page)](const std::shared_ptr<PendingAnswer>& pending) {
        pending->core().features.resources->list(
            pending->inquiry(), [pending, page](Result<std::vector<ResourceInfo>> listed) {
              if (!listed) return pending->fail(listed.error());
              const RequestContext& context = pending->context();
              pending->finish(with_cache_hint(pending->core().options, context,
                                              make_page(page, to_json(*listed, "uri", context.version)),
                                              Caching::live));
            });
      });
}

RpcResult<Json> list_templates(const ServerCore& core, const Request& request) {
  const auto& templates = core.features.resources->templates();
  const auto page = read_page(request, "resourceTemplates", core.options.list_page, templates.size());
  if (const auto* error = std::get_if<RpcError>(&page)) return *error;
  return with_cache_hint(
      core.options, request.context,
      make_page(std::get<Page>(page), to_json(templates, "uriTemplate", request.context.version)));
}

void read_resource(const std::shared_ptr<ServerCore>& core, Request request) {
  auto uri = read_uri(request);
  if (const auto* error = std::get_if<RpcError>(&uri)) return answer(*core, request, *error);
  PendingAnswer::start(
      core, std::move(request),
      [uri = std::get<std::string>(std::move(uri))](const std::shared_ptr<PendingAnswer>& pending) {
        pending->core().features.resources->read(
            pending->inquiry(), uri, [pending, uri](Result<ResourceContents> contents) {
              if (!contents) return pending->fail(contents.error(), uri);
              pending->finish(with_cache_hint(pending->core().options, pending->context(),
                                              to_json(*std::move(contents), uri), Caching::live));
            });
      });
}

void subscribe(const std::shared_ptr<ServerCore>& core, Request request) {
  auto uri = read_uri(request);
  if (const auto* error = std::get_if<RpcError>(&uri)) return answer(*core, request, *error);
  subscribe_session(core, std::get<std::string>(std::move(uri)), std::move(request));
}

RpcResult<Json> unsubscribe(const Request& request) {
  const auto uri = read_uri(request);
  if (const auto* error = std::get_if<RpcError>(&uri)) return *error;
  unsubscribe_session(std::get<std::string>(uri), *request.session);
  return Json::object();
}

}  // namespace

void add_resource_methods(MethodTable& table, const std::shared_ptr<ServerCore>& core) {
  using Eras = MethodTable::Eras;
  table.add("resources/list", Eras::both,
            [core](Request request) { list_resources(core, std::move(request)); });
  table.add(core, "resources/templates/list", Eras::both,
            [core](const Request& request) { return list_templates(*core, request); });
  table.add("resources/read", Eras::both,
            [core](Request request) { read_resource(core, std::move(request)); });
  table.add("resources/subscribe", Eras::legacy,
            [core](Request request) { subscribe(core, std::move(request)); });
  table.add(core, "resources/unsubscribe", Eras::legacy, unsubscribe);
  table.declare("resources", Json{{"subscribe", true}});
}

}  // namespace rexec::mcp
