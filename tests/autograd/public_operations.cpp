#include "public_operations.h"

#include <filesystem>
#include <fstream>
#include <regex>

#include "../catch.h"

namespace attune::test {
namespace {

// Headers in autograd/ops whose functions users do not call.
const std::set<std::string> not_public = {"composite.h", "reduction_shape.h"};

const std::filesystem::path headers = ATTUNE_TEST_DATA "/../../autograd";

// The names with this ending that the header declares with this result, at the start of a line.
std::set<std::string> declared(const std::filesystem::path& header, const std::string& result,
                               const std::string& ending = "") {
  std::ifstream file(header);
  REQUIRE(file);
  const std::regex declaration("^(?:" + result + ") ?(\\w+" + ending + ")\\(.*");
  std::set<std::string> names;
  std::smatch match;
  for (std::string line; std::getline(file, line);)
    if (std::regex_match(line, match, declaration)) names.insert(match[1]);
  return names;
}

}  // namespace

std::set<std::string> public_operations() {
  std::set<std::string> names = declared(headers / "tensor.h", "  const Tensor&", "_");
  for (const auto& entry : std::filesystem::directory_iterator(headers / "ops")) {
    const std::string file = entry.path().filename();
    if (entry.path().extension() == ".h" && !not_public.count(file))
      names.merge(declared(entry.path(), "Tensor|ValuesAndIndices|std::vector<Tensor>"));
  }
  return names;
}

}  // namespace attune::test
