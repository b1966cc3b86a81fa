#include "json.h"

#include <algorithm>

#include "../array/fail.h"
#include "../array/strict_json-inl.h"

namespace attune::io {

using Value = nlohmann::json;

// Saving keeps the order of names, for which each is searched from the first.
constexpr size_t most_names = size_t{1} << 14;

struct Json::Document {
  const char* operation;
  std::string path;
  Value root;
};

namespace {

const Value& value(const void* node) { return *static_cast<const Value*>(node); }

}  // namespace

Json Json::parse(const char* operation, std::string path, std::string_view text, int deepest) {
  Json root;
  try {
    root.document_ = std::make_shared<const Document>(
        Document{operation, path, parse_strict_json(text, deepest, most_names)});
  } catch (const FormatError& error) {
    fail<FormatError>(operation, "{}: {}", path, one_line(error.what()));
  }
  root.node_ = &root.document_->root;
  root.place_ = std::make_shared<const std::string>();
  return root;
}

Json Json::at(const void* node, std::shared_ptr<const std::string> place, int64_t index) const {
  Json other = *this;
  other.node_ = node;
  other.place_ = std::move(place);
  other.index_ = index;
  return other;
}

bool Json::is_object() const { return value(node_).is_object(); }
bool Json::is_array() const { return value(node_).is_array(); }
bool Json::is_string() const { return value(node_).is_string(); }

bool Json::has(const std::string& name) const {
  if (!is_object()) refuse("should be an object");
  const auto found = value(node_).find(name);
  return found != value(node_).end() && !found->is_null();
}

Json Json::operator[](const std::string& name) const {
  if (!is_object()) refuse("should be an object");
  const auto found = value(node_).find(name);
  if (found == value(node_).end()) refuse(fmt::format("lacks \"{}\"", name));
  std::string place = *place_;
  if (index_ >= 0) place += fmt::format("[{}]", index_);
  if (!place.empty()) place += '.';
  return at(&*found, std::make_shared<const std::string>(place + name), -1);
}

std::vector<std::string> Json::names() const {
  if (!is_object()) refuse("should be an object");
  std::vector<std::string> all;
  for (auto it = value(node_).begin(); it != value(node_).end(); ++it) all.push_back(it.key());
  return all;
}

size_t Json::size() const { return value(node_).size(); }

Json::Elements Json::elements() const {
  if (!is_array()) refuse("should be an array");
  return Elements(*this);
}

Json Json::element(size_t i) const { return at(&value(node_)[i], place_, static_cast<int64_t>(i)); }

std::string Json::string() const {
  if (!is_string()) refuse("should be a string");
  return value(node_).get<std::string>();
}

bool Json::boolean() const {
  if (!value(node_).is_boolean()) refuse("should be true or false");
  return value(node_).get<bool>();
}

int64_t Json::natural(int64_t largest) const {
  if (!value(node_).is_number_unsigned() ||
      value(node_).get<uint64_t>() > static_cast<uint64_t>(largest))
    refuse(fmt::format("should be an integer of 0 to {}", largest));
  return value(node_).get<int64_t>();
}

double Json::number() const {
  if (!value(node_).is_number()) refuse("should be a number");
  return value(node_).get<double>();
}

std::string Json::string_or(const std::string& name, std::string otherwise) const {
  return has(name) ? (*this)[name].string() : otherwise;
}

bool Json::boolean_or(const std::string& name, bool otherwise) const {
  return has(name) ? (*this)[name].boolean() : otherwise;
}

void Json::refuse(std::string_view reason) const {
  std::string place = *place_;
  if (index_ >= 0) place += fmt::format("[{}]", index_);
  fail<FormatError>(document_->operation, "{}: {}{}{}", document_->path, place,
                    place.empty() ? "" : ": ", one_line(reason));
}

std::string Json::text_without(const std::vector<std::string>& names) const {
  if (!is_object()) refuse("should be an object");
  // Member by member, since a copy of the rest would take many times its text.
  std::string text = "{";
  for (auto it = value(node_).begin(); it != value(node_).end(); ++it) {
    if (std::find(names.begin(), names.end(), it.key()) != names.end()) continue;
    if (text.size() > 1) text += ',';
    text.append(json_text(Value(it.key()))).append(":").append(json_text(it.value()));
  }
  return text + "}";
}

}  // namespace attune::io
