#pragma once

#include "optimizer.h"

namespace attune::optim {

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
  bool amsgrad = false;
};

// Kingma and Ba 2014; weight decay is added to the gradient. amsgrad: Reddi et al. 2018. As
// torch.optim.Adam.
class Adam : public Optimizer {
 public:
  explicit Adam(std::vector<Tensor> parameters, AdamOptions options = {});
  // Adds parameters with options of their own.
  void add_group(std::vector<Tensor> parameters, AdamOptions options);
  double lr(size_t group = 0) const override { return options_.at(group).lr; }
  void set_lr(double lr, size_t group = 0) override { options_.at(group).lr = lr; }

 protected:
  Adam(const char* name, bool decoupled) : name_(name), decoupled_(decoupled) {}
  void update(size_t group, const Tensor& parameter, const Array& grad, ParamState& state) override;

 private:
  const char* name_ = "Adam";
  bool decoupled_ = false;
  std::vector<AdamOptions> options_;
};

struct AdamWOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 1e-2;
  bool amsgrad = false;
};

// Adam whose weight decay shrinks the weights themselves: Loshchilov and Hutter 2019. As
// torch.optim.AdamW.
class AdamW : public Adam {
 public:
  explicit AdamW(std::vector<Tensor> parameters, AdamWOptions options = {});
  void add_group(std::vector<Tensor> parameters, AdamWOptions options);
};

}  // namespace attune::optim
