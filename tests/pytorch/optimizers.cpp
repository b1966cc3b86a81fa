#include <attune/optim.h>

#include "arguments.h"

namespace attune::test {
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
  };
  return all;
}

}  // namespace attune::test
