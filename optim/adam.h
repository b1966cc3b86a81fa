#pragma once

#include <utility>

#include "optimizer.h"

namespace attune::optim {

struct AdamOptions {
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  bool amsgrad = false;
  bool maximize = false;  // climb the gradient
};

// Kingma and Ba 2014; weight decay is added to the gradient. amsgrad: Reddi et al. 2018. As
// torch.optim.Adam.
class Adam : public Optimizer {
 public:
  explicit Adam(std::vector<Tensor> parameters, AdamOptions options = {});
  // Adds parameters with options of their own.
  void add_param_group(std::vector<Tensor> parameters, AdamOptions options);
  const AdamOptions& options(size_t group = 0) const { return options_[checked(group)]; }
  double lr(size_t group = 0) const override { return options(group).lr; }
  void set_lr(double lr, size_t group = 0) override;

 protected:
  Adam(const char* name, bool decoupled) : Optimizer(name), decoupled_(decoupled) {}
  Options options_of(size_t group) const override;
  void set_options(const std::vector<Options>& groups) override;
  std::vector<const char*> moment_names(size_t group) const override;
  void update(size_t group, Array& parameter, const Array& grad, ParamState& state) override;

 private:
  void check(const AdamOptions& options) const;

  bool decoupled_ = false;
  std::vector<AdamOptions> options_;
};

struct AdamWOptions {
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 1e-2;
  bool amsgrad = false;
  bool maximize = false;  // climb the gradient
};

// Adam whose weight decay shrinks the weights themselves: Loshchilov and Hutter 2019. As
// torch.optim.AdamW.
class AdamW : public Adam {
 public:
  explicit AdamW(std::vector<Tensor> parameters, AdamWOptions options = {});
  void add_param_group(std::vector<Tensor> parameters, AdamWOptions options);
};

}  // namespace attune::optim
