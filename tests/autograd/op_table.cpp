#include "op_table.h"

#include <attune/autograd.h>
#include <autograd/gradcheck.h>
#include <kernels/random.h>

#include <cmath>

#include <io/safetensors.h>
#include <kernels/copy.h>

#include "../layouts.h"

namespace attune::test {
namespace {

// A leaf that collects gradients if x does.
Tensor leaf_like(const Tensor& x, Array data) {
  Tensor leaf(std::move(data));
  if (x.requires_grad()) leaf.requires_grad_();
  return leaf;
}

// x with its first slice along the first dimension of several repeated, in memory of stride 0.
Array expanded(const Array& x) {
  for (int64_t d = 0; d < x.dim(); ++d)
    if (x.size(d) > 1) return kernels::clone(x.select(d, 0).unsqueeze(d)).expand(x.shape());
  return x;
}

std::string difference(const Array& found, const Array& wanted, DType dtype) {
  if (found.shape() != wanted.shape())
    return "shape " + to_string(found.shape()) + ", not " + to_string(wanted.shape());
  const bool single = dtype == float32;
  const double rtol = single ? 1.3e-6 : 1e-7, atol = single ? 1e-5 : 1e-9;
  const auto a = Tensor(kernels::convert(found, float64)).to_vector<double>();
  const auto b = Tensor(kernels::convert(wanted, float64)).to_vector<double>();
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i] && !(std::isnan(a[i]) && std::isnan(b[i])) &&
        !(std::abs(a[i] - b[i]) <= atol + rtol * std::abs(b[i])))
      return "element " + std::to_string(i) + " is " + std::to_string(a[i]) + ", not " +
             std::to_string(b[i]);
  return {};
}

// A row and its golden values.
class GoldenRow {
 public:
  GoldenRow(const StateDict& golden, const OpRow& row) : row_(row), golden_(golden) {}

 protected:
  bool has(size_t i, const std::string& part) const { return golden_.count(key(i, part)) > 0; }
  const Array& at(size_t i, const std::string& part) const { return golden_.at(key(i, part)); }
  void fault(const std::string& text) { faults_.push_back(row_.name + ": " + text); }

  // The inputs of case i; those with a golden gradient collect theirs.
  std::vector<Tensor> inputs(size_t i, DType dtype, Layout layout) const {
    std::vector<Tensor> all;
    for (size_t k = 0; has(i, "in" + std::to_string(k)); ++k) {
      const Array& x = at(i, "in" + std::to_string(k));
      const bool floating = is_floating(x.dtype());
      all.emplace_back(lay(floating ? kernels::convert(x, dtype) : x, layout));
      if (floating && has(i, "grad" + std::to_string(k))) all.back().requires_grad_();
    }
    return all;
  }

  const OpRow& row_;
  std::vector<std::string> faults_;

 private:
  std::string key(size_t i, const std::string& part) const {
    return row_.name + "/" + std::to_string(i) + "/" + part;
  }

  const StateDict& golden_;
};

class RowChecker : GoldenRow {
 public:
  RowChecker(const StateDict& golden, const OpRow& row, Count& count)
      : GoldenRow(golden, row), count_(count) {}

  std::vector<std::string> check() {
    ++count_.rows;
    for (size_t i = 0; i < row_.cases.size(); ++i) guarded(i);
    if (has(row_.cases.size(), "out")) fault("golden has more cases than the row");
    return faults_;
  }

 private:
  void guarded(size_t i) {
    ++count_.cases;
    const std::string where = "case " + std::to_string(i);
    try {
      if (!has(i, "out")) return fault(where + " is not in golden");
      for (DType dtype : {float64, float32}) {
        const std::string typed = where + " " + std::string(name_of(dtype)) + " ";
        for (Layout layout : layouts) {
          if (layout != Layout::dense && !row_.dense_only.empty()) continue;
          compare(i, dtype, layout, typed + layout_names[static_cast<int>(layout)]);
        }
        if (row_.dense_only.empty()) compare_expanded(i, dtype, typed + "expanded");
      }
      if (has(i, "cot") && row_.kinks.empty()) differentiate(i, where);
    } catch (const std::exception& e) {
      fault(where + ": " + e.what());
    }
  }

  void agree(const Array& found, const Array& wanted, DType dtype, const std::string& where) {
    ++count_.checks;
    const std::string text = difference(found, wanted, dtype);
    if (!text.empty()) fault(where + ": " + text);
  }

  void compare(size_t i, DType dtype, Layout layout, const std::string& where) {
    const auto in = inputs(i, dtype, layout);
    const Tensor out = row_.cases[i](in);
    agree(out.array(), at(i, "out"), dtype, where);
    if (!has(i, "cot")) {
      if (out.requires_grad()) fault(where + ": it has a gradient, PyTorch's has none");
      return;
    }
    if (is_floating(out.dtype()) && out.dtype() != dtype)
      fault(where + ": another dtype comes out");
    const Tensor cotangent(lay(kernels::convert(at(i, "cot"), dtype), layout));
    compare_differentiable(i, in, out, cotangent, where);
    out.backward(cotangent);
    for (size_t k = 0; k < in.size(); ++k)
      if (in[k].requires_grad()) agree(i, k, in[k].grad(), where);
  }

  // Formulas that can be differentiated again are not those of the fast kernels.
  void compare_differentiable(size_t i, const std::vector<Tensor>& in, const Tensor& out,
                              const Tensor& cotangent, const std::string& where) {
    std::vector<Tensor> wanted;
    for (const Tensor& x : in)
      if (x.requires_grad()) wanted.push_back(x);
    const auto found =
        grad({out}, wanted, {cotangent}, {.create_graph = true, .allow_unused = true});
    for (size_t k = 0, at = 0; k < in.size(); ++k)
      if (in[k].requires_grad()) agree(i, k, found[at++], where + " with create_graph");
  }

  // A gradient of input k; undefined stands for zero.
  void agree(size_t i, size_t k, const Tensor& found, const std::string& where) {
    const std::string name = "grad" + std::to_string(k);
    const DType dtype = found.defined() ? found.dtype() : float64;
    const Array zero = kernels::zeros(at(i, name).shape(), dtype);
    agree(found.defined() ? found.array() : zero, at(i, name), dtype, where + " " + name);
  }

  // Golden values fit no expanded input: a dense copy of it stands for them.
  void compare_expanded(size_t i, DType dtype, const std::string& where) {
    std::vector<Tensor> wide, copies;
    for (const Tensor& x : inputs(i, dtype, Layout::dense)) {
      wide.push_back(leaf_like(x, expanded(x.array())));
      copies.push_back(leaf_like(x, kernels::clone(wide.back().array())));
    }
    const Tensor out = row_.cases[i](wide), wanted = row_.cases[i](copies);
    agree(out.array(), wanted.array(), dtype, where);
    if (!has(i, "cot")) return;
    const Tensor cotangent(random_normal(out.shape(), dtype, 0, 1));
    out.backward(cotangent);
    wanted.backward(cotangent);
    for (size_t k = 0; k < wide.size(); ++k)
      if (copies[k].grad().defined())
        agree(wide[k].grad().array(), copies[k].grad().array(), dtype,
              where + " grad" + std::to_string(k));
  }

  void differentiate(size_t i, const std::string& where) {
    const auto f = [&](const std::vector<Tensor>& in) { return row_.cases[i](in); };
    const auto in = inputs(i, float64, Layout::dense);
    GradcheckOptions options{
        .fast = true, .strided = row_.dense_only.empty(), .raise_exception = false};
    ++count_.checks;
    if (auto found = gradcheck(f, in, options); !found)
      fault(where + " gradcheck: " + found.report);
    ++count_.checks;
    if (auto found = gradgradcheck(f, in, options); !found)
      fault(where + " gradgradcheck: " + found.report);
  }

  Count& count_;
};

// Something that changes the elements of x in place, off the tape.
using Write = std::pair<const char*, std::function<void(const Tensor& x)>>;

const std::vector<Write>& writes() {
  static const std::vector<Write> all = {
      {"the tensor", [](const Tensor& x) { x.fill_(0.25); }},
      {"a view", [](const Tensor& x) { transpose(x, 0, -1).zero_(); }},
      {"another handle", [](const Tensor& x) { x.detach().copy_(zeros({}, x.dtype())); }},
      {"Array::write",
       [](const Tensor& x) {
         Array data = x.array();
         visit_dtype(x.dtype(), [&](auto tag) {
           using T = typename decltype(tag)::type;
           data.write<T>([&](T* to) {
             if (x.numel() > 0) *to = T{};
           });
         });
       }},
  };
  return all;
}

class WriteChecker : GoldenRow {
 public:
  WriteChecker(const StateDict& golden, const OpRow& row, WriteCount& count)
      : GoldenRow(golden, row), count_(count) {}

  std::vector<std::string> check() {
    for (size_t i = 0; i < row_.cases.size(); ++i) {
      if (!has(i, "cot")) continue;
      check_recorded(i);
      check_converted(i);
      const size_t targets = inputs(i, float64, Layout::dense).size() + 1;
      for (size_t target = 0; target < targets; ++target)
        for (const Write& write : writes()) check(i, target, write);
    }
    return faults_;
  }

 private:
  // Writes input `target`, or the output if there is no such input.
  void check(size_t i, size_t target, const Write& write) {
    const auto in = inputs(i, float64, Layout::dense);
    const std::string what =
        target < in.size() ? "input " + std::to_string(target) : std::string("the output");
    guarded(i, in, what + " written through " + write.first, [&](const Tensor& out) {
      NoGrad off;
      write.second(target < in.size() ? in[target] : out);
      return 1.0;
    });
  }

  // Doubles the output in place, on the tape.
  void check_recorded(size_t i) {
    const auto in = inputs(i, float64, Layout::dense);
    guarded(i, in, "the output doubled on the tape", [](const Tensor& out) {
      out.mul_(2);
      return 2.0;
    });
  }

  // Gives each input another dtype in place; it may be one that no gradient is asked of.
  void check_converted(size_t i) {
    for (size_t target = 0; target < inputs(i, float64, Layout::dense).size(); ++target)
      for (const bool frozen : {false, true}) {
        const auto in = inputs(i, float64, Layout::dense);
        const Tensor& x = in[target];
        if (!x.requires_grad()) continue;
        x.requires_grad_(!frozen);
        if (std::none_of(in.begin(), in.end(), [](auto& other) { return other.requires_grad(); }))
          continue;
        const std::string what = (frozen ? "frozen input " : "input ") + std::to_string(target);
        guarded(i, in, what + " converted", [&](const Tensor& out) {
          if (out.identity() != x.identity()) x.convert_(float32);
          return 1.0;
        });
      }
  }

  // write: changes the output or an input, and returns by what the gradients grow.
  template <class F>
  void guarded(size_t i, const std::vector<Tensor>& in, const std::string& what, F&& write) {
    const std::string where = "case " + std::to_string(i) + ", " + what;
    ++count_.writes;
    try {
      const Tensor out = row_.cases[i](in);
      const double factor = write(out);
      out.backward(Tensor(at(i, "cot")) / factor);
      compare(i, in, where);
    } catch (const GradError&) {
      ++count_.refused;
    } catch (const std::exception& e) {
      if (std::string(e.what()).find("share their memory") != std::string::npos)
        ++count_.refused;  // an expanded result
      else
        fault(where + ": " + e.what());
    }
  }

  void compare(size_t i, const std::vector<Tensor>& in, const std::string& where) {
    for (size_t k = 0; k < in.size(); ++k) {
      if (!in[k].requires_grad()) continue;
      const Array zero = kernels::zeros(in[k].shape(), float64);
      const Array found = in[k].grad().defined() ? in[k].grad().array() : zero;
      const std::string text = difference(found, at(i, "grad" + std::to_string(k)), float64);
      if (!text.empty()) fault(where + ", grad" + std::to_string(k) + ": " + text);
    }
  }

  WriteCount& count_;
};

StateDict golden_of(const std::string& family) {
  return io::load_safetensors(ATTUNE_TEST_DATA "/" + family + ".safetensors").arrays;
}

}  // namespace

std::vector<std::string> check_rows(const std::string& family, const std::vector<OpRow>& rows,
                                    Count& count) {
  const StateDict golden = golden_of(family);
  std::vector<std::string> faults;
  for (const OpRow& row : rows)
    for (const auto& fault : RowChecker(golden, row, count).check()) faults.push_back(fault);
  return faults;
}

std::vector<std::string> check_writes(const std::string& family, const std::vector<OpRow>& rows,
                                      WriteCount& count) {
  const StateDict golden = golden_of(family);
  std::vector<std::string> faults;
  for (const OpRow& row : rows)
    for (const auto& fault : WriteChecker(golden, row, count).check()) faults.push_back(fault);
  return faults;
}

}  // namespace attune::test
