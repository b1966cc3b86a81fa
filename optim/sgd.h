#pragma once

#include "optimizer.h"

namespace attune::optim {

struct SgdOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
};

// Stochastic gradient descent with momentum, as torch.optim.SGD. Nesterov: Sutskever et al. 2013.
class SGD : public Optimizer {
 public:
  explicit SGD(std::vector<Tensor> parameters, SgdOptions options = {});
  // Adds parameters with options of their own.
  void add_group(std::vector<Tensor> parameters, SgdOptions options);
  double lr(size_t group = 0) const override { return options_.at(group).lr; }
  void set_lr(double lr, size_t group = 0) override { options_.at(group).lr = lr; }

 protected:
  void update(size_t group, const Tensor& parameter, const Array& grad, ParamState& state) override;

 private:
  std::vector<SgdOptions> options_;
};

}  // namespace attune::optim
