// Runs the samples of scripts/trust_lib/pytorch/sample.py, and says which answers are not
// PyTorch's.
//
//   pytorch_compare FILE...
//
// Every sample runs in float64 and float32, in every layout and on every instruction set. Each
// answer that differs, or agrees only with what PyTorch says when asked in another way, is a line
// of JSON; so are, last, the numbers of results by precision.

#include <attune/autograd.h>
#include <attune/io.h>
#include <attune/kernels.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <optional>

#include "../layouts.h"
#include "arguments.h"

namespace attune::test {
namespace {

// Where the strides leave out dimensions of several elements, x repeats itself along these.
Array with_strides(const Array& x, const Shape& strides) {
  if (x.numel() == 0 || strides == x.strides()) return kernels::clone(x);
  int64_t extent = 1;
  Array values = x;
  for (int64_t d = 0; d < x.dim(); ++d) {
    extent += (x.size(d) - 1) * strides[d];
    if (strides[d] == 0) values = values.narrow(d, 0, 1);
  }
  const Array memory({extent}, x.dtype());
  const auto view = [&](const Shape& shape) {
    return Array(Intrusive<Storage>(const_cast<Storage*>(&memory.storage())), shape, strides, 0,
                 x.dtype());
  };
  Array single = view(values.shape());
  kernels::copy_into(single, values);
  return view(x.shape());
}

struct Setting {
  std::string target;
  Layout layout;
  DType dtype;  // of all floating inputs
};

// One sample in one setting.
class Call {
 public:
  Call(const Json& sample, const StateDict& arrays, const Setting& setting)
      : arrays_(arrays), setting_(setting) {
    collect(sample["arguments"]);
  }

  bool has_floating_inputs() const { return has_floating_inputs_; }
  const Tensors& inputs() const { return inputs_; }

  // An array of the sample in the setting's layout, and in this dtype if it is floating.
  Array arranged(const std::string& name, DType dtype) const {
    const Array& x = arrays_.at(name);
    return lay(is_floating(x.dtype()) ? kernels::convert(x, dtype) : x, setting_.layout);
  }

 private:
  void collect(const Json& argument) {
    if (argument.is_array())
      for (const Json& each : argument) collect(each);
    if (is_tensor(argument)) add(argument);
  }

  void add(const Json& argument) {
    const std::string name = argument["tensor"];
    if (inputs_.count(name)) return;
    Array x = arranged(name, setting_.dtype);
    has_floating_inputs_ |= is_floating(x.dtype());
    if (setting_.layout == Layout::dense)
      x = with_strides(x, Reader<Shape>::get(argument["strides"], {}));
    Tensor leaf(std::move(x));
    if (argument["requires_grad"].get<bool>()) leaf.requires_grad_();
    inputs_.emplace(name, std::move(leaf));
  }

  const StateDict& arrays_;
  const Setting& setting_;
  Tensors inputs_;
  bool has_floating_inputs_ = false;
};

std::vector<double> values(const Array& x) {
  return Tensor(kernels::convert(x, float64)).to_vector<double>();
}

bool close(double found, double wanted, DType dtype) {
  const bool single = dtype == float32;
  const double rtol = single ? 1.3e-6 : 1e-7, atol = single ? 1e-5 : 1e-7;
  return found == wanted || (std::isnan(found) && std::isnan(wanted)) ||
         std::abs(found - wanted) <= atol + rtol * std::abs(wanted);
}

// How far apart two numbers are; infinities and NaN count as far as can be.
double distance(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  const double apart = std::abs(a - b);
  return std::isfinite(apart) ? apart : std::numeric_limits<double>::max();
}

// All samples of one operation.
class Comparison {
 public:
  explicit Comparison(const std::string& path)
      : file_(io::load_safetensors(path)), samples_(Json::parse(file_.metadata.at("samples"))) {}

  // Prints what differs, and adds to the numbers of results.
  void run(Json& counts) {
    for (const std::string& target : simd_targets()) {
      set_simd_target(target);
      for (const Layout layout : layouts)
        for (const Json& sample : samples_)
          if (layout == Layout::dense || sample["any_layout"].get<bool>())
            for (const DType dtype : {float64, float32})
              if (!run(sample, {target, layout, dtype}, counts)) break;
    }
  }

 private:
  // False if there is no more precision to try.
  bool run(const Json& sample, const Setting& setting, Json& counts) {
    const Call call(sample, file_.arrays, setting);
    const std::string precision =
        call.has_floating_inputs() ? std::string(name_of(setting.dtype)) : "integer";
    where_ = {{"operation", sample["operation"]},
              {"sample", sample["key"]},
              {"description", sample["description"]},
              {"precision", precision},
              {"layout", layout_names[static_cast<int>(setting.layout)]},
              {"target", setting.target}};
    single_ = call.has_floating_inputs() && setting.dtype == float32;
    count_ = &counts.emplace(precision, 0).first.value();
    try {
      compare(sample, call);
    } catch (const std::exception& e) {
      report({{"status", "refused"}, {"text", e.what()}});
    }
    return call.has_floating_inputs();
  }

  void compare(const Json& sample, const Call& call) {
    const auto& known = operations();
    const auto found = known.find(sample["function"]);
    if (found == known.end()) return report({{"status", "unknown"}});
    for (const Overload& overload : found->second)
      if (overload.fits(sample["arguments"])) return compare(sample, call, overload);
    report({{"status", "not offered"}});
  }

  void compare(const Json& sample, const Call& call, const Overload& overload) {
    Tensors inputs = call.inputs();
    const std::vector<Tensor> outputs = overload.call(sample["arguments"], inputs);
    const std::string key = sample["key"];
    if (outputs.size() != sample["outputs"].get<size_t>())
      return report({{"status", "differs"}, {"text", "another number of outputs"}});
    bool right = true;
    std::vector<Tensor> differentiable, cotangents, leaves;
    for (size_t i = 0; i < outputs.size(); ++i) {
      const std::string number = std::to_string(i), cotangent = key + "/cotangent" + number;
      right &= agree(key + "/out" + number, outputs[i]);
      if (!file_.arrays.count(cotangent)) continue;
      differentiable.push_back(outputs[i]);
      cotangents.emplace_back(call.arranged(cotangent, outputs[i].dtype()));
    }
    if (!right || differentiable.empty()) return;
    std::vector<std::string> names;
    for (const auto& [name, leaf] : inputs) {
      if (!leaf.requires_grad()) continue;
      leaves.push_back(leaf);
      names.push_back(name);
    }
    const auto gradients = grad(differentiable, leaves, cotangents, {.allow_unused = true});
    for (size_t i = 0; i < names.size(); ++i)
      agree(names[i] + "/gradient", gradients[i].defined() ? gradients[i] : zeros_like(leaves[i]));
  }

  bool agree(const std::string& name, const Tensor& found) {
    *count_ = count_->get<int64_t>() + 1;
    const Array& wanted = file_.arrays.at(name);
    const Array* single = single_ ? answer(name + "/float32") : nullptr;
    where_["part"] = name.substr(name.find('/') + 1);
    if (found.shape() != wanted.shape())
      return differ("shape " + to_string(found.shape()) + ", not " + to_string(wanted.shape()));
    const DType in_this = single_ && wanted.dtype() == float64 ? float32 : wanted.dtype();
    const DType dtype = single ? single->dtype() : in_this;
    if (found.dtype() != dtype)
      return differ(fmt::format("{}, not {}", name_of(found.dtype()), name_of(dtype)));
    return agree(found.array(), wanted, single,
                 {answer(name + "/strided"), answer(name + "/otherwise")});
  }

  // single, others: PyTorch's answers in float32, and to the same asked in another way, if any.
  bool agree(const Array& found, const Array& wanted, const Array* single,
             const std::vector<const Array*>& others) {
    const auto ours = values(found), theirs = values(wanted);
    const auto singles = single ? values(*single) : theirs;
    std::vector<std::vector<double>> again;
    for (const Array* other : others)
      if (other) again.push_back(values(*other));
    const DType dtype = found.dtype();
    double error = 0, their_error = 0;
    std::optional<size_t> wrong, only_again;
    for (size_t i = 0; i < ours.size(); ++i) {
      error = std::max(error, distance(ours[i], theirs[i]));
      their_error = std::max(their_error, distance(singles[i], theirs[i]));
      if (close(ours[i], theirs[i], dtype) || close(ours[i], singles[i], dtype)) continue;
      const bool other = std::any_of(again.begin(), again.end(), [&](const auto& answers) {
        return close(ours[i], answers[i], dtype);
      });
      std::optional<size_t>& first = other ? only_again : wrong;
      if (!first) first = i;
    }
    if (!wrong && !only_again) return true;
    const size_t i = wrong ? *wrong : *only_again;
    report({{"status", wrong ? "differs" : "agrees with another answer"},
            {"text", fmt::format("[{}] is {:.9g}, not {:.9g}", i, ours[i], theirs[i])},
            {"error", error},
            {"their_error", their_error}});
    return !wrong;
  }

  const Array* answer(const std::string& name) const {
    const auto found = file_.arrays.find(name);
    return found == file_.arrays.end() ? nullptr : &found->second;
  }

  bool differ(const std::string& text) {
    report({{"status", "differs"}, {"text", text}});
    return false;
  }

  void report(Json what) const {
    what.update(where_);
    fmt::print("{}\n", what.dump());
  }

  io::Safetensors file_;
  Json samples_;
  Json where_;  // what every line says of the call
  bool single_ = false;
  Json* count_ = nullptr;  // of results in the precision of the call
};

}  // namespace
}  // namespace attune::test

int main(int argc, char** argv) {
  try {
    attune::test::Json counts = attune::test::Json::object();
    for (int i = 1; i < argc; ++i) attune::test::Comparison(argv[i]).run(counts);
    fmt::print("{}\n", attune::test::Json{{"results", counts}}.dump());
  } catch (const std::exception& e) {
    fmt::print(stderr, "pytorch_compare: {}\n", e.what());
    return 1;
  }
}
