#include <attune/optim.h>

#include "arguments.h"

namespace attune::test {

// A schedule as the call that makes it, as schedulers.py writes it.
template <>
struct Reader<optim::Schedule> {
  static bool fits(const Json& j) { return j.is_array() && !j.empty() && j[0].is_string(); }
  static optim::Schedule get(const Json& j, const Tensors& tensors) {
    const auto inner = [&](size_t i) { return get(j.at(i), tensors); };
    const std::string name = j[0];
    if (name == "constant_lr") return optim::constant_lr(j.at(1));
    if (name == "step_lr") return optim::step_lr(j.at(1), j.at(2), j.at(3));
    if (name == "multi_step_lr") return optim::multi_step_lr(j.at(1), j.at(2), j.at(3));
    if (name == "exponential_lr") return optim::exponential_lr(j.at(1), j.at(2));
    if (name == "linear_lr") return optim::linear_lr(j.at(1), j.at(2), j.at(3));
    if (name == "cosine_lr") return optim::cosine_lr(j.at(1), j.at(2), j.at(3));
    if (name == "one_cycle_lr") return optim::one_cycle_lr(j.at(1), j.at(2), j.at(3));
    if (name == "warm_up") return optim::warm_up(j.at(1), inner(2));
    if (name == "sequential")
      return [steps = j.at(1).get<int64_t>(), one = inner(2), other = inner(3)](int64_t step) {
        return step < steps ? one(step) : other(step - steps);
      };
    if (name == "chained")
      return [lr = j.at(1).get<double>(), one = inner(2), other = inner(3)](int64_t step) {
        return one(step) * other(step) / lr;
      };
    throw std::invalid_argument("no schedule " + name);
  }
};

namespace {

using List = std::vector<Tensor>;
using Pair = std::vector<double>;

// The parameter after a step for each gradient.
template <class Optimizer, class Options>
Tensor stepped(const Tensor& parameter, const List& grads, const Options& options) {
  const Tensor trained = parameter.detach().clone().requires_grad_();
  Optimizer optimizer({trained}, options);
  for (const Tensor& grad : grads) {
    trained.set_grad(grad.clone());
    optimizer.step();
  }
  return trained.detach();
}

template <class Optimizer, class Options>
Overload adam() {
  return takes<Tensor, List, double, Pair, double, double, bool, bool>(
      [](const Tensor& parameter, const List& grads, double lr, const Pair& betas, double eps,
         double weight_decay, bool amsgrad, bool maximize) {
        const Options options{lr, {betas[0], betas[1]}, eps, weight_decay, amsgrad, maximize};
        return stepped<Optimizer>(parameter, grads, options);
      });
}

// The learning rate of each step, of training that stops before step `stop` and goes on from the
// scheduler's state.
Tensor learning_rates(const optim::Schedule& schedule, double lr, int64_t steps, int64_t stop) {
  const Tensor parameter = zeros({1}).requires_grad_();
  optim::SGD begun({parameter}, {.lr = lr}), resumed({parameter}, {.lr = lr});
  optim::LrScheduler before(begun, schedule), after(resumed, schedule);
  std::vector<double> rates;
  for (int64_t step = 0; step < steps; ++step) {
    if (step == stop) after.load_state_dict(before.state_dict());
    rates.push_back((step < stop ? begun : resumed).lr());
    (step < stop ? before : after).step();
  }
  return tensor(rates, {steps});
}

}  // namespace

const std::map<std::string, std::vector<Overload>>& optimizers() {
  static const std::map<std::string, std::vector<Overload>> all = {
      {"Adam", {adam<optim::Adam, optim::AdamOptions>()}},
      {"AdamW", {adam<optim::AdamW, optim::AdamWOptions>()}},
      {"SGD",
       {takes<Tensor, List, double, double, double, double, bool, bool>(
           [](const Tensor& parameter, const List& grads, double lr, double momentum,
              double dampening, double weight_decay, bool nesterov, bool maximize) {
             const optim::SgdOptions options{lr,           momentum, dampening,
                                             weight_decay, nesterov, maximize};
             return stepped<optim::SGD>(parameter, grads, options);
           })}},
      {"LrScheduler", {takes<optim::Schedule, double, int64_t, int64_t>(learning_rates)}},
  };
  return all;
}

}  // namespace attune::test
