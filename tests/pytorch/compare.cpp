// Runs the samples of scripts/trust_lib/pytorch/sample.py, and says which answers are not
// PyTorch's.
//
//   pytorch_compare FILE...
//
// Every sample runs in float64 and float32, in every layout and on every instruction set. Each
// answer that differs, or agrees only with what PyTorch says when asked in another way, is a line
// of JSON; so are, last, the numbers of results by precision.

#include <array/random.h>
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
  DType dtype;         // of all floating inputs
  uint64_t nudge = 0;  // draws how these are moved, see nudged(); 0: not at all
};

// Every element a unit in the last place of float32 larger or smaller.
Array nudged(const Array& x, uint64_t draw) {
  Array y = kernels::clone(kernels::convert(x, float64));
  double* values = y.output<double>();
  for (int64_t i = 0; i < y.numel(); ++i) {
    const bool up = philox(draw, 0, static_cast<uint64_t>(i))[0] % 2 == 1;
    values[i] *= 1 + (up ? 0x1p-23 : -0x1p-23);
  }
  return kernels::convert(y, x.dtype());
}

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
    if (setting_.nudge && is_floating(x.dtype())) x = nudged(x, setting_.nudge + inputs_.size());
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

// What a function makes of the arguments of a call.
class Evaluation {
 public:
  Evaluation(const Json& sample, const StateDict& arrays, const Call& call,
             const Overload& overload)
      : key_(sample["key"]),
        arrays_(arrays),
        call_(call),
        inputs_(call.inputs()),
        outputs_(overload.call(sample["arguments"], inputs_)) {}

  const std::vector<Tensor>& outputs() const { return outputs_; }
  std::string name_of_output(size_t i) const { return key_ + "/out" + std::to_string(i); }

  // Of the inputs that need one, by name.
  std::map<std::string, Tensor> gradients() const {
    std::vector<Tensor> differentiable, cotangents, leaves;
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const std::string cotangent = key_ + "/cotangent" + std::to_string(i);
      if (!arrays_.count(cotangent)) continue;
      differentiable.push_back(outputs_[i]);
      cotangents.emplace_back(call_.arranged(cotangent, outputs_[i].dtype()));
    }
    std::map<std::string, Tensor> found;
    if (differentiable.empty()) return found;
    for (const auto& [name, leaf] : inputs_)
      if (leaf.requires_grad()) leaves.push_back(leaf);
    const auto gradients = grad(differentiable, leaves, cotangents, {.allow_unused = true});
    size_t i = 0;
    for (const auto& [name, leaf] : inputs_) {
      if (!leaf.requires_grad()) continue;
      found.emplace(name + "/gradient", gradients[i].defined() ? gradients[i] : zeros_like(leaf));
      ++i;
    }
    return found;
  }

 private:
  std::string key_;
  const StateDict& arrays_;
  const Call& call_;
  Tensors inputs_;
  std::vector<Tensor> outputs_;
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
    setting_ = setting;
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
    const Evaluation found(sample, file_.arrays, call, overload);
    sample_ = &sample;
    overload_ = &overload;
    if (found.outputs().size() != sample["outputs"].get<size_t>())
      return report({{"status", "differs"}, {"text", "another number of outputs"}});
    bool right = true;
    for (size_t i = 0; i < found.outputs().size(); ++i)
      right &= agree(found.name_of_output(i), found.outputs()[i]);
    if (!right) return;
    for (const auto& [name, gradient] : found.gradients()) agree(name, gradient);
  }

  // How far the exact answer moves at most where every input moves by a unit in the last place of
  // float32, which has it no more exactly.
  double sensitivity(const std::string& name) const {
    constexpr uint64_t draws = 8;
    double furthest = 0;
    const auto wanted = values(file_.arrays.at(name));
    for (uint64_t draw = 1; draw <= draws; ++draw) {
      const Setting moved{setting_.target, setting_.layout, float64, draw << 32};
      const Call call(*sample_, file_.arrays, moved);
      const Evaluation found(*sample_, file_.arrays, call, *overload_);
      std::map<std::string, Tensor> answers = found.gradients();
      for (size_t i = 0; i < found.outputs().size(); ++i)
        answers.emplace(found.name_of_output(i), found.outputs()[i]);
      const auto there = values(answers.at(name).array());
      for (size_t i = 0; i < there.size(); ++i) {
        const double apart = std::abs(there[i] - wanted[i]);
        if (std::isfinite(apart)) furthest = std::max(furthest, apart);
      }
    }
    return furthest;
  }

  bool agree(const std::string& name, const Tensor& found) {
    *count_ = count_->get<int64_t>() + 1;
    const Array& wanted = file_.arrays.at(name);
    const Array* single = single_ ? answer(name + "/float32") : nullptr;
    name_ = name;
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
            {"their_error", their_error},
            {"sensitivity", single_ ? sensitivity(name_) : 0}});
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
  Setting setting_;
  const Json* sample_ = nullptr;        // the one that is compared,
  const Overload* overload_ = nullptr;  // the function,
  std::string name_;                    // and the answer
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
