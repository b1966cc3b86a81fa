#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../array/dtype.h"

namespace attune::nn::models {

// What sizes and numbers of layers a config may have: each layer costs memory of its own.
inline constexpr int64_t largest_size = (int64_t{1} << 31) - 1, most_layers = 4096;

// Names the first value outside of [least, most]; empty if there is none.
using NamedSizes = std::initializer_list<std::pair<const char*, int64_t>>;
std::string problem_of_sizes(NamedSizes sizes, int64_t least = 1, int64_t most = largest_size);
// The same of [0, most], in which NaN does not lie.
using NamedNumbers = std::initializer_list<std::pair<const char*, double>>;
std::string problem_of_numbers(NamedNumbers numbers, double most = 1);
// What is wrong with a row of an embedding that takes no gradient; empty if nothing is.
std::string problem_of_padding(std::optional<int64_t> token, int64_t vocab_size);
// What is wrong with the name of an activation; empty if nothing is.
std::string problem_of_activation(const char* field, const std::string& name);

// Reads the fields of a config.json one after another. A call leaves its value alone where the
// field is missing; problems are collected and thrown together by finish(). ConfigWriter has the
// same calls, so that a model lists its fields once.
class ConfigReader {
 public:
  // source: how errors name the text. FormatError unless it is a JSON object of this model_type.
  ConfigReader(std::string_view json, std::string source, std::string_view model_type);
  ~ConfigReader();

  void size(const char* name, int64_t& value);           // 1 … 2³¹ - 1
  void optional_size(const char* name, int64_t& value);  // null: 0
  void layers(const char* name, int64_t& value);         // 1 … 4096: each costs memory of its own
  void real(const char* name, double& value, double low, double high);
  void probability(const char* name, double& value) { real(name, value, 0, 1); }
  void optional_probability(const char* name, std::optional<double>& value);
  void flag(const char* name, bool& value);
  void word(const char* name, std::string& value);        // null: empty
  void activation(const char* name, std::string& value);  // one that nn::activation knows
  void token(const char* name, std::optional<int64_t>& value);
  // The row of an embedding that takes no gradient: below 0, it counts from the last.
  void padding(const char* name, std::optional<int64_t>& value);
  void tokens(const char* name, std::vector<int64_t>& value);  // null, one or a list
  // num_labels or id2label, the names of labels 0, 1, …; label2id says the same and is left out.
  void labels(int64_t& count, std::vector<std::string>& names);
  // Fields of an object; null, empty or missing: none.
  void object(const char* name, const std::function<void(ConfigReader&)>& read);
  // A name that may stand for `name`, asked for later, or beside it if they agree.
  void alias(const char* other, const char* name);
  // A field that must have this value where it is present.
  void must_be(const char* name, std::string_view value);
  void must_be_flag(const char* name, bool value);
  void must_be_number(const char* name, double value);

  void add_problem(std::string problem);
  // The object of all fields that no call named. FormatError lists every problem.
  std::string finish();

 private:
  struct State;
  explicit ConfigReader(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// Writes the fields that ConfigReader reads.
class ConfigWriter {
 public:
  // others: a JSON object whose fields are kept unless a call names them (FormatError).
  ConfigWriter(std::string_view others, std::string_view model_type);
  ~ConfigWriter();

  void size(const char* name, int64_t value);
  void optional_size(const char* name, int64_t value);
  void layers(const char* name, int64_t value) { size(name, value); }
  void real(const char* name, double value, double low, double high);
  void probability(const char* name, double value) { real(name, value, 0, 1); }
  void optional_probability(const char* name, const std::optional<double>& value);
  void flag(const char* name, bool value);
  void word(const char* name, const std::string& value);
  void activation(const char* name, const std::string& value) { word(name, value); }
  void token(const char* name, const std::optional<int64_t>& value);
  void padding(const char* name, const std::optional<int64_t>& value) { token(name, value); }
  void tokens(const char* name, const std::vector<int64_t>& value);
  void labels(int64_t count, const std::vector<std::string>& names);
  void object(const char* name, const std::function<void(ConfigWriter&)>& write);
  void alias(const char*, const char*) {}
  // Left out: what must be so is what transformers takes a missing field for.
  void must_be(const char*, std::string_view) {}
  void must_be_flag(const char*, bool) {}
  void must_be_number(const char*, double) {}

  // The text of the file.
  std::string finish();

 private:
  struct State;
  explicit ConfigWriter(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// The field of a config.json that says what it describes: "gpt2", "bert", "llama". FormatError, in
// the name of the source, if there is none.
std::string model_type_of(std::string_view json, const std::string& source);

// A config.json with the two fields that depend on what is saved with it: the class of transformers
// that reads it, and the dtype of the weights.
std::string with_architecture(const std::string& config, const std::string& architecture,
                              DType dtype);

}  // namespace attune::nn::models
