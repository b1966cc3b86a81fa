#include "gradcheck.h"

#include <cmath>
#include <optional>

#include "../array/fail.h"
#include "../kernels/copy.h"
#include "../kernels/random.h"
#include "engine.h"
#include "grad_mode.h"

namespace attune {
namespace {

using Values = std::vector<double>;

// What both public forms come down to: leaves that are perturbed in place, and a function of them.
struct Problem {
  const char* operation;
  std::function<std::vector<Tensor>()> run;
  std::vector<Tensor> leaves;
  std::vector<std::string> names;
};

Tensor random_like(const Tensor& x, uint64_t draw) {
  return Tensor(random_normal(x.shape(), x.dtype(), 0, 1, {0x6772616463, draw}));
}

// Where element i, in row-major order, of a strided array lies from the first one.
int64_t position(const Array& x, int64_t i) {
  int64_t at = 0;
  for (int64_t d = x.dim() - 1; d >= 0; --d) {
    at += i % x.shape()[d] * x.strides()[d];
    i /= x.shape()[d];
  }
  return at;
}

std::string index_text(const Shape& shape, int64_t i) {
  Shape index = shape;
  for (int64_t d = shape.size() - 1; d >= 0; --d) {
    index[d] = i % shape[d];
    i /= shape[d];
  }
  return to_string(index);
}

Values values_of(const Tensor& x) { return x.to_vector<double>(); }

// A run that gave other outputs than the one before: the report of the check.
struct Unlike {
  std::string report;
};

void check_alike(const std::vector<Tensor>& again, const std::vector<Tensor>& before) {
  if (again.size() != before.size())
    throw Unlike{fmt::format("two runs differ, in the number of floating outputs: {} and then {}",
                             before.size(), again.size())};
  for (size_t i = 0; i < again.size(); ++i)
    if (again[i].shape() != before[i].shape())
      throw Unlike{fmt::format("output {}: two runs differ, in shape {} and then {}", i,
                               to_string(before[i].shape()), to_string(again[i].shape()))};
}

std::vector<Tensor> floating(const char* operation, const std::vector<Tensor>& outputs) {
  std::vector<Tensor> kept;
  for (const Tensor& out : outputs) {
    if (!out.defined() || !is_floating(out.dtype())) continue;
    if (out.dtype() != float64)
      fail<DTypeError>(operation, "an output is {}; compute in float64", name_of(out.dtype()));
    kept.push_back(out);
  }
  if (kept.empty())
    fail<ValueError>(operation, "the function has no floating result; there is nothing to check");
  return kept;
}

// Gradients of the recorded ones of outputs, zeros where nothing was reached.
std::vector<Tensor> gradients(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                              const std::vector<Tensor>& cotangents, bool create_graph) {
  std::vector<Tensor> recorded, seeds, found(inputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].requires_grad()) continue;
    recorded.push_back(outputs[i]);
    seeds.push_back(cotangents[i]);
  }
  if (!recorded.empty())
    found = grad(recorded, inputs, seeds,
                 {.retain_graph = true, .create_graph = create_graph, .allow_unused = true});
  for (size_t i = 0; i < inputs.size(); ++i)
    if (!found[i].defined()) found[i] = Tensor(kernels::zeros(inputs[i].shape(), float64));
  return found;
}

class Checker {
 public:
  Checker(Problem problem, const GradcheckOptions& options)
      : problem_(std::move(problem)), options_(options) {}

  GradcheckResult check() {
    try {
      return compare();
    } catch (const Unlike& found) {
      return {false, found.report};
    }
  }

 private:
  GradcheckResult compare() {
    const auto outputs = floating(problem_.operation, problem_.run());
    for (size_t i = 0; i < outputs.size(); ++i) cotangents_.push_back(random_like(outputs[i], i));
    const auto analytic = gradients(outputs, problem_.leaves, cotangents_, false);
    if (auto report = repeats(outputs, analytic)) return {false, *report};
    for (size_t leaf = 0; leaf < problem_.leaves.size(); ++leaf) {
      if (options_.fast && directions_agree(leaf, values_of(analytic[leaf]))) continue;
      if (auto report = compare_elements(leaf, values_of(analytic[leaf]))) return {false, *report};
      if (options_.fast)
        return {false, fmt::format("{}: a random direction's derivative is wrong by more than its "
                                   "elements' tolerances",
                                   problem_.names[leaf])};
    }
    return {};
  }

  // The outputs once more: as many, and of the same shapes.
  std::vector<Tensor> run_again() const {
    auto outputs = floating(problem_.operation, problem_.run());
    check_alike(outputs, cotangents_);
    return outputs;
  }

  bool agree(double numeric, double analytic) const {
    return std::abs(numeric - analytic) <= options_.atol + options_.rtol * std::abs(numeric);
  }

  std::optional<std::string> repeats(const std::vector<Tensor>& outputs,
                                     const std::vector<Tensor>& analytic) const {
    const auto again = run_again();
    const auto analytic_again = gradients(again, problem_.leaves, cotangents_, false);
    for (size_t i = 0; i < outputs.size(); ++i)
      if (!same(outputs[i], again[i]))
        return fmt::format("output {}: two runs on the same inputs differ", i);
    for (size_t i = 0; i < analytic.size(); ++i)
      if (!same(analytic[i], analytic_again[i]))
        return fmt::format("{}: two runs of backward give different gradients", problem_.names[i]);
    return {};
  }

  bool same(const Tensor& a, const Tensor& b) const {
    const Values x = values_of(a), y = values_of(b);
    for (size_t i = 0; i < x.size(); ++i)
      if (std::abs(x[i] - y[i]) > options_.nondet_atol) return false;
    return true;
  }

  // The outputs, one after the other, with step · direction added to a leaf.
  Values outputs_at(size_t leaf, const Values& direction, double step) const {
    Array array = problem_.leaves[leaf].array();
    const Array before = kernels::clone(array);
    const auto shift = [&](double scale) {
      array.write<double>([&](double* to) {
        const double* from = before.data<double>();
        for (int64_t i = 0; i < array.numel(); ++i)
          to[position(array, i)] =
              scale == 0 ? from[i] : from[i] + scale * direction[static_cast<size_t>(i)];
      });
    };
    Values all;
    try {
      shift(step);
      for (const Tensor& out : run_again()) {
        const Values values = values_of(out);
        all.insert(all.end(), values.begin(), values.end());
      }
    } catch (...) {
      shift(0);
      throw;
    }
    shift(0);
    return all;
  }

  Values derivative(size_t leaf, const Values& direction) const {
    Values high = outputs_at(leaf, direction, options_.eps);
    const Values low = outputs_at(leaf, direction, -options_.eps);
    for (size_t i = 0; i < high.size(); ++i) high[i] = (high[i] - low[i]) / (2 * options_.eps);
    return high;
  }

  Values flat_cotangent() const {
    Values all;
    for (const Tensor& c : cotangents_) {
      const Values values = values_of(c);
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  }

  static double dot(const Values& a, const Values& b) {
    double total = 0;
    for (size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
    return total;
  }

  bool directions_agree(size_t leaf, const Values& analytic) const {
    const Values cotangent = flat_cotangent();
    for (int k = 0; k < options_.directions; ++k) {
      Values u = values_of(random_like(problem_.leaves[leaf], 1000 + static_cast<uint64_t>(k)));
      const double length = std::sqrt(dot(u, u));
      for (double& value : u) value /= length;
      if (!agree(dot(derivative(leaf, u), cotangent), dot(analytic, u))) return false;
    }
    return true;
  }

  // One backward for each element of the outputs: rows of the Jacobian with respect to a leaf.
  std::vector<Values> jacobian(size_t leaf, const std::vector<Tensor>& outputs) const {
    std::vector<Values> rows;
    for (size_t k = 0; k < outputs.size(); ++k)
      for (int64_t i = 0; i < outputs[k].numel(); ++i) {
        Array one = kernels::zeros(outputs[k].shape(), float64);
        one.output<double>()[i] = 1;
        rows.push_back(
            values_of(gradients({outputs[k]}, {problem_.leaves[leaf]}, {Tensor(one)}, false)[0]));
      }
    return rows;
  }

  // Every element of the Jacobian, and of its product with the random cotangent.
  std::optional<std::string> compare_elements(size_t leaf, const Values& analytic) const {
    const std::vector<Values> rows = jacobian(leaf, run_again());
    const Values cotangent = flat_cotangent();
    double worst = 0;
    std::optional<std::string> report;
    Values direction(analytic.size());
    for (size_t i = 0; i < analytic.size(); ++i) {
      direction[i] = 1;
      const Values column = derivative(leaf, direction);
      direction[i] = 0;
      const auto judge = [&](double numeric, double found, const std::string& of) {
        const double error = std::abs(numeric - found);
        if (agree(numeric, found) || (report && error <= worst)) return;
        worst = error;
        report = fmt::format(
            "{}, element {}: {} is {:.9g} numerically, {:.9g} analytically", problem_.names[leaf],
            index_text(problem_.leaves[leaf].shape(), static_cast<int64_t>(i)), of, numeric, found);
      };
      for (size_t j = 0; j < rows.size(); ++j)
        judge(column[j], rows[j][i], fmt::format("the derivative of output element {}", j));
      judge(dot(column, cotangent), analytic[i], "the gradient under a random cotangent");
    }
    return report;
  }

  Problem problem_;
  GradcheckOptions options_;
  std::vector<Tensor> cotangents_;
};

Array column_major(const Array& x) {
  Shape reversed;
  for (int64_t d = x.dim() - 1; d >= 0; --d) reversed.push_back(d);
  return kernels::clone(x.permute(reversed)).permute(reversed);
}

void require_checkable(const char* operation, const Tensor& x, const std::string& name) {
  if (x.dtype() != float64)
    fail<DTypeError>(operation, "{} is {}; finite differences need float64", name,
                     name_of(x.dtype()));
}

GradcheckResult finish(const char* operation, GradcheckResult result,
                       const GradcheckOptions& options) {
  if (!result.ok && options.raise_exception) fail<GradError>(operation, "{}", result.report);
  return result;
}

Problem problem_of(const char* operation, const TensorFunction& fn,
                   const std::vector<Tensor>& inputs, bool strided) {
  Problem problem{operation, {}, {}, {}};
  std::vector<Tensor> arguments;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& x = inputs[i];
    arguments.push_back(x);
    if (!x.defined() || !x.requires_grad()) continue;
    const std::string name = fmt::format("input {}", i);
    require_checkable(operation, x, name);
    arguments.back() = Tensor(strided ? column_major(x.array()) : kernels::clone(x.array()));
    arguments.back().requires_grad_();
    problem.leaves.push_back(arguments.back());
    problem.names.push_back(strided ? name + " (column-major)" : name);
  }
  if (problem.leaves.empty())
    fail<ValueError>(operation, "no input requires a gradient; call requires_grad_() on one");
  problem.run = [fn, arguments] { return fn(arguments); };
  return problem;
}

template <class F>
void check_call(const char* operation, const F& function, const GradcheckOptions& options) {
  if (!function) fail<ValueError>(operation, "the function is empty");
  if (!(options.eps > 0)) fail<ValueError>(operation, "eps is {}; use a number > 0", options.eps);
  for (const double tolerance : {options.atol, options.rtol, options.nondet_atol})
    if (!(tolerance >= 0))
      fail<ValueError>(operation, "a tolerance is {}; use a number >= 0", tolerance);
  if (options.directions < 1)
    fail<ValueError>(operation, "{} directions; use at least 1", options.directions);
}

GradcheckResult check(const char* operation, const TensorFunction& fn,
                      const std::vector<Tensor>& inputs, const GradcheckOptions& options) {
  check_call(operation, fn, options);
  const GradMode recording(true);
  auto result = Checker(problem_of(operation, fn, inputs, false), options).check();
  if (result.ok && options.strided)
    result = Checker(problem_of(operation, fn, inputs, true), options).check();
  return finish(operation, result, options);
}

TensorFunction as_list(const std::function<Tensor(const std::vector<Tensor>&)>& fn) {
  if (!fn) return {};
  return [fn](const std::vector<Tensor>& inputs) { return std::vector<Tensor>{fn(inputs)}; };
}

}  // namespace

GradcheckResult gradcheck(const TensorFunction& fn, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options) {
  return check("gradcheck", fn, inputs, options);
}

GradcheckResult gradcheck(const std::function<Tensor(const std::vector<Tensor>&)>& fn,
                          const std::vector<Tensor>& inputs, const GradcheckOptions& options) {
  return gradcheck(as_list(fn), inputs, options);
}

GradcheckResult gradgradcheck(const TensorFunction& fn, const std::vector<Tensor>& inputs,
                              const GradcheckOptions& options) {
  check_call("gradgradcheck", fn, options);
  const GradMode recording(true);
  const auto outputs = floating("gradgradcheck", fn(inputs));
  std::vector<Tensor> all = inputs;
  for (size_t i = 0; i < outputs.size(); ++i)
    all.push_back(random_like(outputs[i], 2000 + i).requires_grad_());
  const size_t count = inputs.size();
  const auto first = [fn, count](const std::vector<Tensor>& values) {
    const std::vector<Tensor> arguments(values.begin(),
                                        values.begin() + static_cast<std::ptrdiff_t>(count));
    const std::vector<Tensor> seeds(values.begin() + static_cast<std::ptrdiff_t>(count),
                                    values.end());
    std::vector<Tensor> wanted;
    for (const Tensor& x : arguments)
      if (x.defined() && x.requires_grad()) wanted.push_back(x);
    const auto again = floating("gradgradcheck", fn(arguments));
    check_alike(again, seeds);
    return gradients(again, wanted, seeds, true);
  };
  return check("gradgradcheck", TensorFunction(first), all, options);
}

GradcheckResult gradgradcheck(const std::function<Tensor(const std::vector<Tensor>&)>& fn,
                              const std::vector<Tensor>& inputs, const GradcheckOptions& options) {
  return gradgradcheck(as_list(fn), inputs, options);
}

GradcheckResult gradcheck_parameters(
    const std::function<Tensor()>& loss,
    const std::vector<std::pair<std::string, Tensor>>& named_parameters,
    const GradcheckOptions& options) {
  check_call("gradcheck_parameters", loss, options);
  const GradMode recording(true);
  Problem problem{"gradcheck_parameters", {}, {}, {}};
  for (const auto& [name, parameter] : named_parameters) {
    if (!parameter.requires_grad()) continue;
    require_checkable("gradcheck_parameters", parameter, name);
    problem.leaves.push_back(parameter);
    problem.names.push_back(name);
  }
  if (problem.leaves.empty())
    fail<ValueError>("gradcheck_parameters", "no parameter requires a gradient");
  problem.run = [&loss] { return std::vector<Tensor>{loss()}; };
  return finish("gradcheck_parameters", Checker(problem, options).check(), options);
}

}  // namespace attune
