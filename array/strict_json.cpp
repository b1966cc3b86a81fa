#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

#include "error.h"
#include "strict_json-inl.h"

namespace attune {
namespace {

using Json = nlohmann::json;

// What the library says of an error, without its name for it in brackets: "parse error at line 1,
// column 12: …".
std::string problem(const Json::exception& error) {
  const std::string_view text = error.what();
  const size_t name_end = text.starts_with("[json.exception.") ? text.find("] ") : text.npos;
  return one_line(name_end == text.npos ? text : text.substr(name_end + 2));
}

// Is told of each value as the library parses.
class Checker final : public nlohmann::json_sax<Json> {
 public:
  Checker(int deepest, size_t most_names)
      : deepest_(static_cast<size_t>(deepest)), most_names_(most_names) {}

  bool null() override { return count(); }
  bool boolean(bool) override { return count(); }
  bool number_integer(number_integer_t) override { return count(); }
  bool number_unsigned(number_unsigned_t) override { return count(); }
  bool number_float(number_float_t, const string_t&) override { return count(); }
  bool string(string_t&) override { return count(); }
  bool binary(binary_t&) override { return count(); }

  bool start_object(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    if (!names_.back().insert(name).second)
      throw FormatError(fmt::format("the name \"{}\" occurs twice", one_line(name)));
    if (names_.back().size() > most_names_)
      throw FormatError(fmt::format("an object has more than {} names", most_names_));
    if (++all_names_ / 2 > most_names_)
      throw FormatError(fmt::format("the objects have more than {} names", 2 * most_names_));
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const Json::exception& error) override {
    throw FormatError("not valid JSON: " + problem(error));
  }

 private:
  bool count() {
    if (++values_ > most_json_values)
      throw FormatError(fmt::format("the JSON has more than {} values", most_json_values));
    return true;
  }
  bool open() {
    names_.emplace_back();
    if (names_.size() > deepest_) throw FormatError("the JSON is nested too deeply");
    return count();
  }
  bool close() {
    names_.pop_back();
    return true;
  }

  size_t deepest_, most_names_, values_ = 0, all_names_ = 0;
  std::vector<std::set<std::string>> names_;  // of each object or array that is open
};

}  // namespace

void check_strict_json(std::string_view text, int deepest, size_t most_names) {
  if (text.size() > most_json_bytes)
    throw FormatError(fmt::format("the JSON has more than {} bytes", most_json_bytes));
  // The library takes a zero byte for the end of the text.
  if (text.find('\0') != text.npos) throw FormatError("not valid JSON: it holds a zero byte");
  if (text.starts_with("\xEF\xBB\xBF"))
    throw FormatError("not valid JSON: it begins with a byte order mark");
  Checker checker(deepest, most_names);
  Json::sax_parse(text, &checker);
}

template <class Tree>
Tree parse_strict_json(std::string_view text, int deepest, size_t most_names) {
  check_strict_json(text, deepest, most_names);
  return Tree::parse(text);
}

template <class Tree>
Tree parse_json(std::string_view text) {
  return Tree::parse(text, nullptr, false);
}

template <class Tree>
std::string json_text(const Tree& tree, int indent) {
  try {
    return tree.dump(indent);
  } catch (const Json::exception&) {
    throw ValueError("a text is not UTF-8, as JSON must be");
  }
}

template <class Tree>
std::string repaired_json_text(const Tree& tree) {
  return tree.dump(-1, ' ', false, Tree::error_handler_t::replace);
}

#define ATTUNE_INSTANTIATE(Tree)                                        \
  template Tree parse_strict_json<Tree>(std::string_view, int, size_t); \
  template Tree parse_json<Tree>(std::string_view);                     \
  template std::string json_text(const Tree&, int);                     \
  template std::string repaired_json_text(const Tree&);
ATTUNE_INSTANTIATE(nlohmann::json)
ATTUNE_INSTANTIATE(nlohmann::ordered_json)
#undef ATTUNE_INSTANTIATE

}  // namespace attune
