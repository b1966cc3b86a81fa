#include "config_fields.h"

#include <algorithm>
#include <cmath>

#include "../../array/fail.h"
#include "../../array/strict_json-inl.h"
#include "../activations.h"

namespace attune::nn::models {
namespace {

// Fields stay in the order of the file.
using Json = nlohmann::ordered_json;

constexpr int deepest = 32;
// An object that keeps its order is searched from its start for each name. The labels of
// ImageNet-21k fit.
constexpr size_t most_names = size_t{1} << 15;

Json parse_object(std::string_view text, const std::string& source) {
  Json json;
  try {
    json = parse_strict_json<Json>(text, deepest, most_names);
  } catch (const FormatError& error) {
    fail<FormatError>("config", "{}: {}", source, error.what());
  }
  if (!json.is_object()) fail<FormatError>("config", "{} is not a JSON object", source);
  return json;
}

std::string shown(const Json& value) {
  std::string text = json_text(value);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

}  // namespace

std::string problem_of_sizes(NamedSizes sizes, int64_t least, int64_t most) {
  for (const auto& [name, value] : sizes)
    if (value < least || value > most)
      return fmt::format("{} is {}; it takes {} to {}", name, value, least, most);
  return {};
}

std::string problem_of_numbers(NamedNumbers numbers, double most) {
  for (const auto& [name, value] : numbers)
    if (!(value >= 0 && value <= most))
      return fmt::format("{} is {}; it takes 0 to {}", name, value, most);
  return {};
}

std::string problem_of_padding(std::optional<int64_t> token, int64_t vocab_size) {
  if (!token || (*token >= -vocab_size && *token < vocab_size)) return {};
  return fmt::format("pad_token_id {} is none of vocab_size {}", *token, vocab_size);
}

std::string problem_of_activation(const char* field, const std::string& name) {
  try {
    nn::activation(name);
    return {};
  } catch (const ValueError& error) {
    return fmt::format("{}: {}", field, error.what());
  }
}

std::string model_type_of(std::string_view text, const std::string& source) {
  const Json json = parse_object(text, source);
  const auto type = json.find("model_type");
  if (type == json.end() || !type->is_string())
    fail<FormatError>("config", "{} has no model_type", source);
  return type->get<std::string>();
}

std::string with_architecture(const std::string& config, const std::string& architecture,
                              DType dtype) {
  Json json = parse_object(config, "the config");
  json["architectures"] = {architecture};
  json["dtype"] = name_of(dtype);
  return json_text(json, 2) + "\n";
}

struct ConfigReader::State {
  Json json;
  std::string source, problems;

  // The field, taken out of the object, if fits says that it is what was expected.
  template <class Fits>
  std::optional<Json> take(const char* name, const std::string& expected, const Fits& fits) {
    const auto field = json.find(name);
    if (field == json.end()) return {};
    const Json value = *field;
    json.erase(name);
    if (fits(value)) return value;
    add(fmt::format("{} is {}, {} fits", name, shown(value), expected));
    return {};
  }
  std::optional<int64_t> whole(const char* name, int64_t low, int64_t high) {
    const auto value =
        take(name, fmt::format("a whole number from {} to {}", low, high),
             [&](const Json& v) { return v.is_number_integer() && v >= low && v <= high; });
    return value ? std::optional(value->get<int64_t>()) : std::nullopt;
  }
  // Takes the field if it is null.
  bool take_null(const char* name) {
    const auto field = json.find(name);
    if (field == json.end() || !field->is_null()) return false;
    json.erase(name);
    return true;
  }
  void add(const std::string& problem) { problems += (problems.empty() ? "" : "; ") + problem; }
};

ConfigReader::ConfigReader(std::string_view json, std::string source, std::string_view model_type)
    : state_(std::make_unique<State>()) {
  state_->json = parse_object(json, source);
  state_->source = std::move(source);
  if (!state_->json.contains("model_type"))
    add_problem(fmt::format("model_type is missing, \"{}\" fits", model_type));
  must_be("model_type", model_type);
  // They belong to the files, not to the model: with_architecture writes them.
  for (const char* of_files : {"architectures", "dtype", "torch_dtype"})
    state_->json.erase(of_files);
}

ConfigReader::ConfigReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
ConfigReader::~ConfigReader() = default;

void ConfigReader::size(const char* name, int64_t& value) {
  value = state_->whole(name, 1, largest_size).value_or(value);
}

void ConfigReader::optional_size(const char* name, int64_t& value) {
  if (state_->take_null(name)) {
    value = 0;
  } else {
    size(name, value);
  }
}

void ConfigReader::layers(const char* name, int64_t& value) {
  value = state_->whole(name, 1, most_layers).value_or(value);
}

void ConfigReader::real(const char* name, double& value, double low, double high) {
  const auto fits = [&](const Json& v) { return v.is_number() && v >= low && v <= high; };
  if (const auto found = state_->take(name, fmt::format("a number from {} to {}", low, high), fits))
    value = found->get<double>();
}

void ConfigReader::optional_probability(const char* name, std::optional<double>& value) {
  double found = value.value_or(0);
  if (state_->take_null(name)) {
    value.reset();
  } else if (state_->json.contains(name)) {
    probability(name, found);
    value = found;
  }
}

void ConfigReader::flag(const char* name, bool& value) {
  if (const auto found =
          state_->take(name, "true or false", [](const Json& v) { return v.is_boolean(); }))
    value = found->get<bool>();
}

void ConfigReader::word(const char* name, std::string& value) {
  if (state_->take_null(name)) {
    value.clear();
  } else if (const auto found =
                 state_->take(name, "a text", [](const Json& v) { return v.is_string(); })) {
    value = found->get<std::string>();
  }
}

void ConfigReader::activation(const char* name, std::string& value) {
  const std::string before = value;
  word(name, value);
  const std::string problem = problem_of_activation(name, value);
  if (problem.empty()) return;
  add_problem(problem);
  value = before;
}

void ConfigReader::token(const char* name, std::optional<int64_t>& value) {
  if (state_->take_null(name)) {
    value.reset();
  } else if (const auto found = state_->whole(name, -largest_size, largest_size)) {
    // Some configs write -1 for none.
    value = *found < 0 ? std::nullopt : found;
  }
}

void ConfigReader::padding(const char* name, std::optional<int64_t>& value) {
  if (state_->take_null(name))
    value.reset();
  else if (const auto found = state_->whole(name, -largest_size, largest_size))
    value = found;
}

void ConfigReader::tokens(const char* name, std::vector<int64_t>& value) {
  const auto field = state_->json.find(name);
  if (field == state_->json.end()) return;
  if (field->is_array()) {
    const auto fits = [](const Json& list) {
      return std::all_of(list.begin(), list.end(), [](const Json& v) {
        return v.is_number_integer() && v >= 0 && v <= largest_size;
      });
    };
    if (const auto list = state_->take(name, "a list of tokens", fits))
      value = list->get<std::vector<int64_t>>();
    return;
  }
  std::optional<int64_t> one;
  token(name, one);
  value.clear();
  if (one) value.push_back(*one);
}

void ConfigReader::labels(int64_t& count, std::vector<std::string>& names) {
  size("num_labels", count);
  state_->json.erase("label2id");
  const auto fits = [](const Json& labels) {
    if (!labels.is_object() || labels.empty()) return false;
    for (size_t i = 0; i < labels.size(); ++i) {
      const auto label = labels.find(std::to_string(i));
      if (label == labels.end() || !label->is_string()) return false;
    }
    return true;
  };
  if (state_->take_null("id2label")) return;
  if (const auto labels = state_->take("id2label", "an object of texts by 0, 1, …", fits)) {
    names.clear();
    for (size_t i = 0; i < labels->size(); ++i)
      names.push_back((*labels)[std::to_string(i)].get<std::string>());
    count = static_cast<int64_t>(names.size());
  }
}

void ConfigReader::object(const char* name, const std::function<void(ConfigReader&)>& read) {
  if (state_->take_null(name)) return;
  const auto found = state_->take(name, "an object", [](const Json& v) { return v.is_object(); });
  if (!found || found->empty()) return;
  ConfigReader inner(std::make_unique<State>(State{*found, {}, {}}));
  read(inner);
  if (!inner.state_->problems.empty()) add_problem(name + (": " + inner.state_->problems));
}

void ConfigReader::alias(const char* other, const char* name) {
  if (!state_->json.contains(other)) return;
  const Json value = state_->json[other];
  state_->json.erase(other);
  if (!state_->json.contains(name)) {
    state_->json[name] = value;
  } else if (const Json& known = state_->json[name]; known != value) {
    add_problem(fmt::format("{} is {}, but {}, which is the same, is {}", other, shown(value), name,
                            shown(known)));
  }
}

void ConfigReader::must_be_flag(const char* name, bool wanted) {
  state_->take(name, wanted ? "true" : "false", [&](const Json& v) { return v == wanted; });
}

void ConfigReader::must_be_number(const char* name, double wanted) {
  state_->take(name, fmt::format("{}", wanted),
               [&](const Json& v) { return v == wanted || v.is_null(); });
}

void ConfigReader::must_be(const char* name, std::string_view wanted) {
  state_->take(name, fmt::format("\"{}\"", wanted), [&](const Json& v) { return v == wanted; });
}

void ConfigReader::add_problem(std::string problem) {
  if (!problem.empty()) state_->add(problem);
}

std::string ConfigReader::finish() {
  if (!state_->problems.empty())
    fail<FormatError>("config", "{}: {}", state_->source, state_->problems);
  return json_text(state_->json);
}

struct ConfigWriter::State {
  Json json;
};

ConfigWriter::ConfigWriter(std::string_view others, std::string_view model_type)
    : state_(std::make_unique<State>(State{parse_object(others, "others")})) {
  state_->json["model_type"] = model_type;
}

ConfigWriter::ConfigWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
ConfigWriter::~ConfigWriter() = default;

void ConfigWriter::size(const char* name, int64_t value) { state_->json[name] = value; }

void ConfigWriter::optional_size(const char* name, int64_t value) {
  state_->json[name] = value ? Json(value) : Json();
}

void ConfigWriter::real(const char* name, double value, double, double) {
  state_->json[name] = value;
}

void ConfigWriter::optional_probability(const char* name, const std::optional<double>& value) {
  state_->json[name] = value ? Json(*value) : Json();
}

void ConfigWriter::flag(const char* name, bool value) { state_->json[name] = value; }

void ConfigWriter::word(const char* name, const std::string& value) {
  state_->json[name] = value.empty() ? Json() : Json(value);
}

void ConfigWriter::token(const char* name, const std::optional<int64_t>& value) {
  state_->json[name] = value ? Json(*value) : Json();
}

void ConfigWriter::tokens(const char* name, const std::vector<int64_t>& value) {
  state_->json[name] = value.size() == 1 ? Json(value[0]) : value.empty() ? Json() : Json(value);
}

void ConfigWriter::labels(int64_t count, const std::vector<std::string>& names) {
  if (names.empty()) {
    size("num_labels", count);
    return;
  }
  Json by_index = Json::object(), by_name = Json::object();
  for (size_t i = 0; i < names.size(); ++i) {
    by_index[std::to_string(i)] = names[i];
    by_name[names[i]] = i;
  }
  state_->json["id2label"] = by_index;
  state_->json["label2id"] = by_name;
}

void ConfigWriter::object(const char* name, const std::function<void(ConfigWriter&)>& write) {
  ConfigWriter inner(std::make_unique<State>(State{Json::object()}));
  write(inner);
  state_->json[name] = inner.state_->json;
}

std::string ConfigWriter::finish() {
  try {
    return json_text(state_->json, 2) + "\n";
  } catch (const ValueError&) {
    fail<ValueError>("config", "a label or another text in it is not UTF-8, as JSON must be");
  }
}

}  // namespace attune::nn::models
