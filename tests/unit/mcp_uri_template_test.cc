#include "mcp/uri_template.h"

#include "tests/support/catch.h"

namespace rexec::mcp {
namespace {

using Values = UriTemplate::Values;

UriTemplate parse(std::string_view text) {
  auto parsed = UriTemplate::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

}  // namespace

TEST_CASE("A template takes the variables of a URI apart", "[mcp]") {
  const UriTemplate file = parse("rexec://{sandbox}/files/{+path}");
  REQUIRE(file.variables() == std::vector<std::string>{"sandbox", "path"});
  REQUIRE(file.match("rexec://default/files/notes/a.txt") ==
          Values{{"sandbox", "default"}, {"path", "notes/a.txt"}});
  REQUIRE(file.match("rexec://default/files//etc/hosts") ==
          Values{{"sandbox", "default"}, {"path", "/etc/hosts"}});
  REQUIRE(file.match("rexec://agent%3Abox/files/a%20b%2fc%25") ==
          Values{{"sandbox", "agent:box"}, {"path", "a b/c%"}});
  REQUIRE(file.match("rexec://default/files/") == Values{{"sandbox", "default"}, {"path", ""}});
  REQUIRE(file.match("rexec://default/files/a?b#c") == Values{{"sandbox", "default"}, {"path", "a?b#c"}});

  const UriTemplate output = parse("rexec://{sandbox}/processes/{process}/output");
  REQUIRE(output.match("rexec://x/processes/p7/output") == Values{{"sandbox", "x"}, {"process", "p7"}});
}

TEST_CASE("A template does not match other URIs", "[mcp]") {
  const UriTemplate output = parse("rexec://{sandbox}/processes/{process}/output");
  for (const char* uri :
       {"", "rexec://", "rexec://x", "rexec:///processes/p7/output", "rexec://x/processes//output",
        "rexec://x/processes/p7/output/", "rexec://x/processes/p/7/output", "rexec://x/y/processes/p7/output",
        "rexec://x/processes/p7", "REXEC://x/processes/p7/output", "rexec://x/processes/p%7/output",
        "rexec://x/processes/p%zz/output", "rexec://x?y/processes/p7/output"}) {
    INFO(uri);
    REQUIRE_FALSE(output.match(uri));
  }
}

TEST_CASE("What a template has expanded matches and gives the values back", "[mcp]") {
  const UriTemplate file = parse("rexec://{sandbox}/files/{+path}");
  REQUIRE(file.expand({{"sandbox", "agent:box"}, {"path", "~/a b"}}) == "rexec://agent%3Abox/files/~/a%20b");
  std::string every;
  for (int byte = 1; byte < 256; ++byte) every += static_cast<char>(byte);
  const Values values{{"sandbox", every}, {"path", "%41/../" + every}};
  const std::string uri = file.expand(values);
  REQUIRE(is_uri(uri));
  REQUIRE(file.match(uri) == values);
}

TEST_CASE("Templates beyond what is supported are refused", "[mcp]") {
  for (const char* text : {"x:{", "x:}", "x:{}", "x:{+}", "x:{#a}", "x:{a,b}", "x:{a*}", "x:{a:3}",
                           "x:{a}{b}", "x:{a}/{a}", "x:{?a}"}) {
    INFO(text);
    REQUIRE_FALSE(UriTemplate::parse(text));
  }
}

TEST_CASE("A URI has a scheme, no spaces and a bounded length", "[mcp]") {
  for (const char* good : {"a:b", "rexec://about", "x-y+z.1:~", "a:%41", "a:\xc3\xa4"}) {
    INFO(good);
    REQUIRE(is_uri(good));
  }
  for (const char* bad :
       {"", "about", "/etc", "1a:b", "a:", ":b", "a b:c", "a:b c", "a:\n", "a:%", "a:%4", "a:%g1", "a:<"}) {
    INFO(bad);
    REQUIRE_FALSE(is_uri(bad));
  }
  REQUIRE(is_uri("a:" + std::string(kMaxUriBytes - 2, 'b')));
  REQUIRE_FALSE(is_uri("a:" + std::string(kMaxUriBytes - 1, 'b')));
}

}  // namespace rexec::mcp
