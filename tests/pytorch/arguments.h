#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <attune/autograd.h>
#include <attune/nn.h>
#include <nlohmann/json.hpp>

// How the arguments that PyTorch was called with become those of a function of ours.
namespace attune::test {

using Json = nlohmann::json;
using Tensors = std::map<std::string, Tensor>;

// Reads an argument as a T: fits tells whether it can be, get does it. Absent arguments are null.
template <class T>
struct Reader;

inline bool is_tensor(const Json& j) { return j.is_object() && j.contains("tensor"); }

template <>
struct Reader<Tensor> {
  static bool fits(const Json& j) { return j.is_null() || is_tensor(j); }
  static Tensor get(const Json& j, const Tensors& tensors) {
    return j.is_null() ? Tensor() : tensors.at(j["tensor"]);
  }
};

template <>
struct Reader<double> {
  static bool fits(const Json& j) {
    return j.is_number() || j.is_boolean() || (j.is_object() && j.contains("number"));
  }
  static double get(const Json& j, const Tensors&) {
    if (j.is_object()) return std::stod(j["number"].get<std::string>());
    return j.is_boolean() ? j.get<bool>() : j.get<double>();
  }
};

// What JSON holds as it is.
template <class T, bool (Json::*is)() const noexcept>
struct PlainReader {
  static bool fits(const Json& j) { return (j.*is)(); }
  static T get(const Json& j, const Tensors&) { return j.get<T>(); }
};
template <>
struct Reader<int64_t> : PlainReader<int64_t, &Json::is_number_integer> {};
template <>
struct Reader<bool> : PlainReader<bool, &Json::is_boolean> {};
template <>
struct Reader<std::string> : PlainReader<std::string, &Json::is_string> {};

template <class T>
struct Reader<std::optional<T>> {
  static bool fits(const Json& j) { return j.is_null() || Reader<T>::fits(j); }
  static std::optional<T> get(const Json& j, const Tensors& tensors) {
    if (j.is_null()) return {};
    return Reader<T>::get(j, tensors);
  }
};

template <class T>
struct Reader<std::vector<T>> {
  static bool fits(const Json& j) {
    return j.is_array() && std::all_of(j.begin(), j.end(), Reader<T>::fits);
  }
  static std::vector<T> get(const Json& j, const Tensors& tensors) {
    std::vector<T> all;
    for (const Json& each : j) all.push_back(Reader<T>::get(each, tensors));
    return all;
  }
};

// Dimensions or sizes: a list of them, one alone, or none.
template <>
struct Reader<Shape> {
  using List = Reader<std::vector<int64_t>>;
  static bool fits(const Json& j) {
    return j.is_null() || Reader<int64_t>::fits(j) || List::fits(j);
  }
  static Shape get(const Json& j, const Tensors& tensors) {
    Shape shape;
    if (j.is_null()) return shape;
    if (!j.is_array()) return {j.get<int64_t>()};
    for (const int64_t each : List::get(j, tensors)) shape.push_back(each);
    return shape;
  }
};

// What is written by a name.
template <class T>
struct NameReader {
  static bool fits(const Json& j) { return j.is_string() && find(j); }
  static T get(const Json& j, const Tensors&) { return *find(j); }
  static std::optional<T> find(const Json& j) {
    for (const auto& [name, value] : Reader<T>::names)
      if (name == j.get<std::string>()) return value;
    return {};
  }
};
template <>
struct Reader<Reduction> : NameReader<Reduction> {
  static constexpr std::array<std::pair<const char*, Reduction>, 4> names = {
      {{"none", Reduction::none},
       {"mean", Reduction::mean},
       {"sum", Reduction::sum},
       {"batchmean", Reduction::batchmean}}};
};
template <>
struct Reader<DType> : NameReader<DType> {
  static constexpr std::array<std::pair<const char*, DType>, 5> names = {{{"float32", float32},
                                                                          {"float64", float64},
                                                                          {"bfloat16", bfloat16},
                                                                          {"int64", int64},
                                                                          {"bool", boolean}}};
};

// The parameters of a module: [[PyTorch's name, the tensor], …].
class State {
 public:
  State(const Json& named, Tensors& tensors) : named_(named), tensors_(tensors) {}

  // Makes it an evaluated module of these parameters, which take the tensors' places.
  void load_into(const nn::Module& module) const {
    StateDict values;
    for (const Json& each : named_) values.emplace(each[0], tensors_.at(key(each)).array());
    if (!values.empty()) module.to(values.begin()->second.dtype());
    module.load_state_dict(values);
    module.eval();
    const auto parameters = module.named_parameters();
    for (const Json& each : named_)
      for (const auto& [name, parameter] : parameters)
        if (name == each[0]) tensors_.at(key(each)) = parameter;
  }

 private:
  static std::string key(const Json& named) { return named[1]["tensor"]; }

  const Json& named_;
  Tensors& tensors_;
};

template <>
struct Reader<State> {
  static bool fits(const Json& j) { return j.is_array(); }
  static State get(const Json& j, Tensors& tensors) { return {j, tensors}; }
};

// A function with the types of its arguments. Modules put their parameters in place of tensors.
struct Overload {
  std::function<bool(const Json& arguments)> fits;
  std::function<std::vector<Tensor>(const Json& arguments, Tensors& tensors)> call;
};

inline std::vector<Tensor> results(Tensor x) { return {std::move(x)}; }
inline std::vector<Tensor> results(std::vector<Tensor> all) { return all; }
inline std::vector<Tensor> results(ValuesAndIndices both) { return {both.values, both.indices}; }

template <class... Parameters, class F>
Overload takes(F f) {
  const auto with_positions = [f]<size_t... at>(std::index_sequence<at...>) {
    return Overload{[](const Json& given) {
                      return given.size() == sizeof...(at) &&
                             (... && Reader<Parameters>::fits(given[at]));
                    },
                    [f](const Json& given, Tensors& tensors) {
                      return results(f(Reader<Parameters>::get(given[at], tensors)...));
                    }};
  };
  return with_positions(std::index_sequence_for<Parameters...>());
}

// Operations, modules and optimizers by name, each with its overloads, in the files of these names.
const std::map<std::string, std::vector<Overload>>& operations();
const std::map<std::string, std::vector<Overload>>& modules();
const std::map<std::string, std::vector<Overload>>& optimizers();

}  // namespace attune::test
