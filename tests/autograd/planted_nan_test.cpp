// A NaN planted in each operation's inputs or cotangent is found there, by the operation's name.
#include <attune/autograd.h>

#include <cmath>
#include <iostream>
#include <limits>
#include <set>

#include <io/safetensors.h>
#include <kernels/copy.h>

#include "../catch.h"
#include "op_rows.h"

using namespace attune;
using namespace attune::test;

namespace {

// They choose among values and make none.
const std::set<std::string> choosing = {"where", "masked_fill"};

bool finite(const Array& x) {
  if (!is_floating(x.dtype())) return true;
  for (const double value : Tensor(kernels::convert(x, float64)).to_vector<double>())
    if (!std::isfinite(value)) return false;
  return true;
}

Array planted(const Array& x) {
  Array with = kernels::clone(kernels::convert(x, float64));
  with.write<double>([](double* to) { *to = std::numeric_limits<double>::quiet_NaN(); });
  return with;
}

class Planter {
 public:
  Planter(const StateDict& golden, const OpRow& row) : golden_(golden), row_(row) {}

  int found = 0;
  std::vector<std::string> faults;

  void check() {
    for (size_t i = 0; i < row_.cases.size(); ++i) {
      if (changes_nothing(i)) continue;
      const size_t inputs = inputs_of(i).size();
      for (size_t k = 0; k < inputs; ++k) check_forward(i, k);
      if (golden_.count(key(i, "cot"))) check_backward(i);
    }
  }

 private:
  std::string key(size_t i, const std::string& part) const {
    return row_.name + "/" + std::to_string(i) + "/" + part;
  }

  std::vector<Tensor> inputs_of(size_t i) const {
    std::vector<Tensor> all;
    for (size_t k = 0; golden_.count(key(i, "in" + std::to_string(k))); ++k) {
      all.emplace_back(kernels::clone(golden_.at(key(i, "in" + std::to_string(k)))));
      if (golden_.count(key(i, "grad" + std::to_string(k)))) all.back().requires_grad_();
    }
    return all;
  }

  // The result is the input itself.
  bool changes_nothing(size_t i) const {
    const std::vector<Tensor> in = inputs_of(i);
    return !in.empty() && row_.cases[i](in).array().raw_data() == in[0].array().raw_data() &&
           row_.cases[i](in).node() == in[0].node();
  }

  // The operation must be named by f() in anomaly mode.
  template <class F>
  void expect_named(const std::string& where, F&& f) {
    try {
      const AnomalyMode anomaly;
      f();
      faults.push_back(row_.name + ": " + where + ": nothing is found");
    } catch (const AnomalyError& e) {
      ++found;
      if (std::string(e.what()).rfind(row_.name + ":", 0) != 0)
        faults.push_back(row_.name + ": " + where + ": another is named: " + e.what());
    }
  }

  void check_forward(size_t i, size_t k) {
    std::vector<Tensor> in = inputs_of(i);
    if (!is_floating(in[k].dtype()) || in[k].numel() == 0) return;
    if (!finite(row_.cases[i](in).array()) || choosing.count(row_.name)) return;
    in[k] = Tensor(planted(in[k].array()));
    try {
      if (finite(row_.cases[i](in).array())) return;  // it does not reach the result
    } catch (const Error&) {
      return;  // it is refused
    }
    expect_named("case " + std::to_string(i) + ", input " + std::to_string(k),
                 [&] { row_.cases[i](in); });
  }

  void check_backward(size_t i) {
    const std::vector<Tensor> in = inputs_of(i);
    const Array& cotangent = golden_.at(key(i, "cot"));
    if (cotangent.numel() == 0) return;
    const Tensor out = row_.cases[i](in);
    std::vector<Tensor> wanted;
    for (const Tensor& x : in)
      if (x.requires_grad()) wanted.push_back(x);
    const auto differentiate = [&](const Array& g) {
      return grad({out}, wanted, {Tensor(g)}, {.retain_graph = true, .allow_unused = true});
    };
    const auto all_finite = [&](const Array& g) {
      for (const Tensor& x : differentiate(g))
        if (x.defined() && !finite(x.array())) return false;
      return true;
    };
    if (!all_finite(cotangent) || all_finite(planted(cotangent))) return;
    expect_named("case " + std::to_string(i) + ", cotangent",
                 [&] { differentiate(planted(cotangent)); });
  }

  const StateDict& golden_;
  const OpRow& row_;
};

}  // namespace

TEST_CASE("a NaN planted in any operation, forward or backward, is found by its name") {
  int found = 0;
  std::string faults;
  for (const auto& [family, rows] : all_rows()) {
    if (family == "inplace") continue;  // its cases copy their inputs first; "add" does the work
    const StateDict golden =
        io::load_safetensors(ATTUNE_TEST_DATA "/" + family + ".safetensors").arrays;
    for (const OpRow& row : rows) {
      Planter planter(golden, row);
      planter.check();
      found += planter.found;
      for (const std::string& fault : planter.faults) faults += fault + "\n";
    }
  }
  std::cout << "planted NaN: " << found << " found\n";
  INFO(faults);
  CHECK(faults.empty());
  CHECK(found > 500);
}
