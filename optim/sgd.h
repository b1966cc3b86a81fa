#pragma once

#include "optimizer.h"

namespace attune::optim {

struct SgdOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
  bool maximize = false;  // climb the gradient
};

// Stochastic gradient descent with momentum, as torch.optim.SGD. Nesterov: Sutskever et al. 2013.
class SGD : public Optimizer {
 public:
  explicit SGD(std::vector<Tensor> parameters, SgdOptions options = {});
  // Adds parameters with options of their own.
  void add_param_group(std::vector<Tensor> parameters, SgdOptions options);
  const SgdOptions& options(size_t group = 0) const { return options_[checked(group)]; }
  double lr(size_t group = 0) const override { return options(group).lr; }
  void set_lr(double lr, size_t group = 0) override;

 protected:
  Options options_of(size_t group) const override;
  void set_options(const std::vector<Options>& groups) override;
  std::vector<const char*> moment_names(size_t group) const override;
  void update(size_t group, Array& parameter, const Array& grad, ParamState& state) override;

 private:
  void check(const SgdOptions& options) const;

  std::vector<SgdOptions> options_;
};

}  // namespace attune::optim
