// Values against nodes: the verdict, and the violations with their places.
#include <re2/re2.h>

#include <algorithm>
#include <tuple>

#include "base/utf8.h"
#include "mcp/schema.h"
#include "mcp/schema_nodes.h"

namespace rexec::mcp::schema {
namespace {

// Where a value is: a list on the stack, from the value outwards.
struct Place {
  const Place* parent = nullptr;
  const std::string* key = nullptr;  // else `index`
  std::size_t index = 0;
  std::size_t depth = 0;

  Place member(const std::string& name) const { return Place{this, &name, 0, depth + 1}; }
  Place item(std::size_t at) const { return Place{this, nullptr, at, depth + 1}; }
};

using Step = std::pair<std::size_t, std::string>;  // index of an item (0 of a member), and JSON Pointer step

enum class Kind {
  form,    // the value as a whole is something else: type, enum, const, no alternative fits
  detail,  // it is of the right form, but breaks a rule
};

struct Found {
  std::vector<Step> path;
  Kind kind;
  std::string message;
};

std::vector<Step> path_of(const Place& place) {
  std::vector<Step> path;
  for (const Place* at = &place; at->parent != nullptr; at = at->parent) {
    path.emplace_back(at->index,
                      at->key != nullptr ? pointer_step(*at->key) : "/" + std::to_string(at->index));
  }
  std::reverse(path.begin(), path.end());
  return path;
}

std::string counted(std::size_t count, std::string_view singular, std::string_view plural) {
  return std::to_string(count) + " " + std::string(count == 1 ? singular : plural);
}

bool within(std::size_t count, const Bounds& bounds) {
  return (!bounds.least || count >= *bounds.least) && (!bounds.most || count <= *bounds.most);
}

// Without `found` it stops at the first violation, else it collects them.
class Evaluation {
 public:
  Evaluation(Budget& budget, std::vector<Found>* found) : budget_(budget), found_(found) {}

  bool check(const Node& node, const Json& value, const Place& place) {
    if (place.depth > kMaxJsonDepth) budget_.exhaust();
    if (!budget_.spend() || full()) return false;
    if (node.boolean) {
      return *node.boolean || report(place, Kind::form, [] { return std::string("not allowed here"); });
    }
    if ((node.types & type_of(value)) == 0) {
      return report(place, Kind::form,
                    [&] { return shown(value) + " is not " + names_of(node.types) + expected(node); });
    }
    bool ok = check_choice(node, value, place) && check_shape(node, value, place);
    if ((ok || !quick()) && !check_in_place(node, value, place)) ok = false;
    return ok;
  }

 private:
  bool full() const { return found_ != nullptr && found_->size() >= Schema::kMaxFound; }
  bool quick() const { return found_ == nullptr; }

  template <class Message>
  bool report(const Place& place, Kind kind, Message message) {
    if (found_ != nullptr && !full()) found_->push_back(Found{path_of(place), kind, message()});
    return false;
  }

  bool check_choice(const Node& node, const Json& value, const Place& place) {
    const auto is_value = [&](const Json& other) { return compare(other, value) == 0; };
    if (node.constant && !is_value(*node.constant)) {
      return report(place, Kind::form, [&] { return shown(value) + " is not allowed" + expected(node); });
    }
    if (node.choices && std::none_of(node.choices->begin(), node.choices->end(), is_value)) {
      return report(place, Kind::form, [&] { return not_a_choice(node, value); });
    }
    return true;
  }

  bool check_shape(const Node& node, const Json& value, const Place& place) {
    switch (value.type()) {
      case Json::value_t::object:
        return check_object(node, value, place);
      case Json::value_t::array:
        return check_array(node, value, place);
      case Json::value_t::string:
        return check_string(node, value, place);
      case Json::value_t::number_integer:
      case Json::value_t::number_unsigned:
      case Json::value_t::number_float:
        return check_number(node, value, place);
      default:
        return true;
    }
  }

  bool check_number(const Node& node, const Json& value, const Place& place) {
    const auto fails = [&](const std::optional<Json>& bound, auto holds, std::string_view what) {
      if (!bound || holds(compare(value, *bound))) return false;
      report(place, Kind::detail, [&] {
        std::string message = shown(value);
        return message.append(what).append(shown(*bound)).append(expected(node));
      });
      return true;
    };
    bool ok = true;
    if (fails(
            node.minimum, [](int order) { return order >= 0; }, " is less than "))
      ok = false;
    if (fails(
            node.exclusive_minimum, [](int order) { return order > 0; }, " is not greater than "))
      ok = false;
    if (fails(
            node.maximum, [](int order) { return order <= 0; }, " is greater than "))
      ok = false;
    if (fails(
            node.exclusive_maximum, [](int order) { return order < 0; }, " is not less than "))
      ok = false;
    if (node.multiple_of && !is_multiple(value, *node.multiple_of)) {
      ok = report(place, Kind::detail, [&] {
        return shown(value) + " is not a multiple of " + shown(*node.multiple_of) + expected(node);
      });
    }
    return ok;
  }

  bool check_string(const Node& node, const Json& value, const Place& place) {
    const auto& text = value.get_ref<const std::string&>();
    if (node.length.least || node.length.most) {
      const std::size_t length = utf8_length(text);
      if (!within(length, node.length)) {
        return report(place, Kind::detail, [&] {
          return shown(value) + " has " + counted(length, "character", "characters") + expected(node);
        });
      }
    }
    if (node.pattern && !re2::RE2::PartialMatch(text, *node.pattern)) {
      return report(place, Kind::detail,
                    [&] { return shown(value) + " does not have the right form" + expected(node); });
    }
    return true;
  }

  bool check_array(const Node& node, const Json& value, const Place& place) {
    const auto& items = value.get_ref<const Json::array_t&>();
    bool ok = true;
    if (!within(items.size(), node.item_count)) {
      ok = report(place, Kind::detail, [&] {
        return shown(value) + " has " + counted(items.size(), "item", "items") + expected(node);
      });
    }
    for (std::size_t i = 0; i < items.size() && (ok || !quick()) && !full(); ++i) {
      const Node* item = i < node.prefix_items.size() ? node.prefix_items[i] : node.items;
      if (item != nullptr && !check(*item, items[i], place.item(i))) ok = false;
    }
    return (ok || !quick()) && node.unique_items ? check_unique(items, place) && ok : ok;
  }

  bool check_unique(const Json::array_t& items, const Place& place) {
    if (!budget_.spend(items.size())) return false;
    const auto repeated = repeated_items(items);
    for (const auto& [index, first] : repeated) {
      report(place.item(index), Kind::detail, [&, at = first, is = index] {
        return shown(items[is]) + " is the same as item " + std::to_string(at) + " (expected: no item twice)";
      });
      if (quick() || full()) break;
    }
    return repeated.empty();
  }

  bool check_object(const Node& node, const Json& value, const Place& place) {
    const auto& members = value.get_ref<const Json::object_t&>();
    bool ok = true;
    if (!within(members.size(), node.property_count)) {
      ok = report(place, Kind::detail, [&] {
        return shown(value) + " has " + counted(members.size(), "property", "properties") + expected(node);
      });
    }
    for (const std::string& name : node.required) {
      if (!ok && quick()) return false;
      if (members.find(name) != members.end()) continue;
      ok = report(place.member(name), Kind::detail, [&] {
        const auto known = node.properties.find(name);
        return "required, but missing" + (known != node.properties.end() ? expected(*known->second) : "");
      });
    }
    if (node.properties.empty() && node.additional == nullptr) return ok;
    for (const auto& [name, member] : members) {
      if ((!ok && quick()) || full()) return ok;
      if (!check_member(node, name, member, place.member(name))) ok = false;
    }
    return ok;
  }

  bool check_member(const Node& object, const std::string& name, const Json& value, const Place& place) {
    const auto known = object.properties.find(name);
    if (known != object.properties.end()) return check(*known->second, value, place);
    if (object.additional == nullptr) return true;
    if (object.additional->boolean == false) {
      return report(place, Kind::detail, [&] { return unknown_property(object, name); });
    }
    return check(*object.additional, value, place);
  }

  bool check_in_place(const Node& node, const Json& value, const Place& place) {
    bool ok = node.reference == nullptr || check(*node.reference, value, place);
    for (const Node* part : node.all_of) {
      if (!ok && quick()) return false;
      if (!check(*part, value, place)) ok = false;
    }
    if ((ok || !quick()) && !node.any_of.empty() && !check_any(node.any_of, value, place)) ok = false;
    if ((ok || !quick()) && !node.one_of.empty() && !check_one(node.one_of, value, place)) ok = false;
    if ((ok || !quick()) && node.negated != nullptr && fits(*node.negated, value, place)) {
      ok = report(place, Kind::form, [&] {
        return shown(value) + " is not allowed (expected: anything but " + expectation(*node.negated) + ")";
      });
    }
    return ok;
  }

  bool fits(const Node& node, const Json& value, const Place& place) {
    return Evaluation(budget_, nullptr).check(node, value, place);
  }

  bool check_any(const std::vector<const Node*>& branches, const Json& value, const Place& place) {
    for (const Node* branch : branches) {
      if (fits(*branch, value, place)) return true;
    }
    return none_fits(branches, value, place);
  }

  bool check_one(const std::vector<const Node*>& branches, const Json& value, const Place& place) {
    const Node* first = nullptr;
    for (const Node* branch : branches) {
      if (!fits(*branch, value, place)) continue;
      if (first != nullptr) {
        return report(place, Kind::form, [&] {
          return shown(value) + " fits two alternatives, of which only one may (" + expectation(*first) +
                 "; " + expectation(*branch) + ")";
        });
      }
      first = branch;
    }
    return first != nullptr || none_fits(branches, value, place);
  }

  // Reports what the closest alternative asks for; when the value has the form of none, all of them.
  bool none_fits(const std::vector<const Node*>& branches, const Json& value, const Place& place) {
    if (quick()) return false;
    const std::size_t depth = place.depth;
    std::optional<std::tuple<std::size_t, std::size_t>> best_score;
    std::vector<Found> best;
    for (const Node* branch : branches) {
      std::vector<Found> found;
      Evaluation(budget_, &found).check(*branch, value, place);
      const auto of_form = [](std::size_t at) {
        return [at](const Found& one) { return one.kind == Kind::form && one.path.size() == at; };
      };
      if (std::any_of(found.begin(), found.end(), of_form(depth))) continue;
      // A member of another form, such as the constant that tells alternatives apart, says most.
      const auto members = std::count_if(found.begin(), found.end(), of_form(depth + 1));
      const std::tuple score{static_cast<std::size_t>(members), found.size()};
      if (best_score && *best_score <= score) continue;
      best_score = score;
      best = std::move(found);
    }
    if (best_score) {
      for (Found& one : best) {
        if (!full()) found_->push_back(std::move(one));
      }
      return false;
    }
    return report(place, Kind::form, [&] {
      std::string message = shown(value) + " is of no allowed form (expected: ";
      for (std::size_t i = 0; i < branches.size() && message.size() < kMaxAlternativesBytes; ++i) {
        message.append(i > 0 ? "; or " : "").append(expectation(*branches[i]));
      }
      return message + ")";
    });
  }

  static constexpr std::size_t kMaxAlternativesBytes = 400;  // where a list of alternatives ends

  Budget& budget_;
  std::vector<Found>* found_;
};

std::string pointer_of(const std::vector<Step>& path) {
  std::string pointer;
  for (const auto& [index, step] : path) pointer += step;
  return pointer;
}

}  // namespace

bool matches(const Node& node, const Json& value, Budget& budget, std::size_t depth) {
  Place place;
  place.depth = depth;
  return Evaluation(budget, nullptr).check(node, value, place);
}

std::vector<Violation> explain(const Node& node, const Json& value) {
  Budget budget;
  std::vector<Found> found;
  Evaluation(budget, &found).check(node, value, Place{});
  if (budget.spent()) return {Violation{"", "nested too deeply or too large to be checked"}};
  const auto before = [](const Found& a, const Found& b) { return a.path < b.path; };
  std::stable_sort(found.begin(), found.end(), before);
  std::vector<Violation> violations;
  for (const Found& one : found) {
    Violation violation{pointer_of(one.path), one.message};
    const bool repeated = !violations.empty() && violations.back().pointer == violation.pointer &&
                          violations.back().message == violation.message;
    if (!repeated) violations.push_back(std::move(violation));
  }
  return violations;
}

}  // namespace rexec::mcp::schema
