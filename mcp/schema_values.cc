// JSON values compared as JSON Schema compares them.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "mcp/schema_nodes.h"

namespace rexec::mcp::schema {
namespace {

// Holds every value of the three number types of Json exactly: x86-64 has 64 bits of mantissa, arm64 113.
using Exact = long double;
static_assert(std::numeric_limits<Exact>::digits >= 64);

Exact exact(const Json& number) {
  if (number.is_number_unsigned())
    return static_cast<Exact>(number.get_ref<const Json::number_unsigned_t&>());
  if (number.is_number_integer()) return static_cast<Exact>(number.get_ref<const Json::number_integer_t&>());
  return static_cast<Exact>(number.get_ref<const Json::number_float_t&>());
}

// Everything that is no JSON (binary, NaN) has a rank of its own, so that the order stays total.
int rank(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return 0;
    case Json::value_t::boolean:
      return 1;
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return 2;
    case Json::value_t::number_float:
      return std::isnan(value.get<double>()) ? 6 : 2;
    case Json::value_t::string:
      return 3;
    case Json::value_t::array:
      return 4;
    case Json::value_t::object:
      return 5;
    default:
      return 7;
  }
}

template <class T>
int order(const T& left, const T& right) {
  return left < right ? -1 : (right < left ? 1 : 0);
}

int compare_arrays(const Json::array_t& left, const Json::array_t& right) {
  if (left.size() != right.size()) return order(left.size(), right.size());
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (const int result = compare(left[i], right[i]); result != 0) return result;
  }
  return 0;
}

int compare_objects(const Json::object_t& left, const Json::object_t& right) {
  if (left.size() != right.size()) return order(left.size(), right.size());
  for (auto l = left.begin(), r = right.begin(); l != left.end(); ++l, ++r) {
    if (const int result = l->first.compare(r->first); result != 0) return result;
    if (const int result = compare(l->second, r->second); result != 0) return result;
  }
  return 0;
}

}  // namespace

TypeSet type_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return kNull;
    case Json::value_t::boolean:
      return kBoolean;
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return kInteger;
    case Json::value_t::number_float: {
      const double number = value.get<double>();
      return std::isfinite(number) && std::trunc(number) == number ? kInteger : kFraction;
    }
    case Json::value_t::string:
      return kString;
    case Json::value_t::array:
      return kArray;
    case Json::value_t::object:
      return kObject;
    default:
      return 0;
  }
}

int compare(const Json& left, const Json& right) {
  const int kind = rank(left);
  if (const int result = order(kind, rank(right)); result != 0) return result;
  switch (kind) {
    case 1:
      return order(left.get<bool>(), right.get<bool>());
    case 2:
      return order(exact(left), exact(right));
    case 3:
      return left.get_ref<const std::string&>().compare(right.get_ref<const std::string&>());
    case 4:
      return compare_arrays(left.get_ref<const Json::array_t&>(), right.get_ref<const Json::array_t&>());
    case 5:
      return compare_objects(left.get_ref<const Json::object_t&>(), right.get_ref<const Json::object_t&>());
    default:
      return 0;
  }
}

bool is_multiple(const Json& value, const Json& divisor) {
  // Exact for integers, and for whatever has a finite binary fraction.
  if (std::fmod(exact(value), exact(divisor)) == 0) return true;
  if (value.is_number_integer() && divisor.is_number_integer()) return false;
  const double quotient = value.get<double>() / divisor.get<double>();
  if (!std::isfinite(quotient)) return false;
  // A quotient of two rounded numbers is off by at most 1.5 units in its last place.
  return std::abs(quotient - std::nearbyint(quotient)) <=
         std::abs(quotient) * 2 * std::numeric_limits<double>::epsilon();
}

std::vector<std::pair<std::size_t, std::size_t>> repeated_items(const Json::array_t& items) {
  std::vector<std::size_t> sorted(items.size());
  std::iota(sorted.begin(), sorted.end(), std::size_t{0});
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](std::size_t a, std::size_t b) { return compare(items[a], items[b]) < 0; });
  std::vector<std::pair<std::size_t, std::size_t>> repeated;
  std::size_t first = 0;
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (compare(items[sorted[first]], items[sorted[i]]) == 0) {
      repeated.emplace_back(sorted[i], sorted[first]);
    } else {
      first = i;
    }
  }
  std::sort(repeated.begin(), repeated.end());
  return repeated;
}

}  // namespace rexec::mcp::schema
