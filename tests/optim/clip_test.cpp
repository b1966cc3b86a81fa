#include <attune/autograd.h>
#include <attune/io.h>
#include <attune/optim.h>

#include <cmath>
#include <functional>
#include <limits>

#include "../catch.h"

using namespace attune;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

const StateDict& golden() {
  static const StateDict arrays =
      io::load_safetensors(ATTUNE_TEST_DATA "/optim.safetensors").arrays;
  return arrays;
}

// A parameter with a gradient.
Tensor with_grad(std::vector<double> values) {
  const auto n = static_cast<int64_t>(values.size());
  const Tensor x = zeros({n}, float64).requires_grad_();
  x.set_grad(tensor(values, {n}));
  return x;
}

std::vector<double> grad_of(const Tensor& x) { return x.grad().to_vector<double>(); }

// Trains as the script that made the golden file did, clipping before every step.
void check_golden(const std::string& name,
                  const std::function<void(const std::vector<Tensor>&, int64_t)>& clip) {
  const Tensor a = Tensor(golden().at("a.start")).clone().requires_grad_();
  const Tensor b = Tensor(golden().at("b.start")).clone().requires_grad_();
  optim::SGD sgd({a}, {.lr = 0.05});
  sgd.add_param_group({b}, {.lr = 0.02});
  for (int64_t at = 0; at < 100; ++at) {
    a.set_grad(Tensor(golden().at("a.grad").select(0, at)).clone());
    b.set_grad(at % 3 == 2 ? Tensor() : Tensor(golden().at("b.grad").select(0, at)).clone());
    clip(std::vector<Tensor>{a, b}, at);
    sgd.step();
    if (at % 10 != 9) continue;
    for (const auto& [parameter, prefix] : {std::pair(a, "a."), {b, "b."}}) {
      const Tensor expected(golden().at(prefix + name).select(0, at / 10));
      INFO(prefix << name << " after step " << at);
      CHECK(amax(abs(parameter.detach() - expected)).item<double>() < 1e-13);
    }
  }
}

}  // namespace

TEST_CASE("gradients are clipped as PyTorch clips them") {
  const struct {
    const char* name;
    double max_norm, norm_type;
  } cases[] = {{"clip_norm.2", 2.5, 2},
               {"clip_norm.1", 6.5, 1},
               {"clip_norm.3", 1.8, 3},
               {"clip_norm.inf", 1.5, inf}};
  for (const auto& c : cases) {
    const double* norms = golden().at(std::string("norms.") + c.name).data<double>();
    check_golden(c.name, [&](const std::vector<Tensor>& parameters, int64_t at) {
      CHECK(optim::clip_grad_norm_(parameters, c.max_norm, c.norm_type) ==
            Approx(norms[at]).epsilon(1e-13));
    });
  }
  check_golden("clip_value", [](const std::vector<Tensor>& parameters, int64_t) {
    optim::clip_grad_value_(parameters, 0.4);
  });
}

TEST_CASE("gradients of bfloat16 are clipped too") {
  for (const double norm_type : {1.0, 2.0, inf}) {
    Tensor x = full({2}, 1.0, bfloat16).requires_grad_();
    x.set_grad(tensor({3.0, 4.0}).to(bfloat16));
    const double expected = norm_type == 1 ? 7 : norm_type == 2 ? 5 : 4;
    CHECK(optim::clip_grad_norm_({x}, expected / 2, norm_type) == expected);
    CHECK(x.grad().dtype() == bfloat16);
    CHECK(x.grad().to(float64).to_vector<double>() == std::vector{1.5, 2.0});
  }
}

TEST_CASE("gradients within the bound keep their bits") {
  const Tensor x = with_grad({3, 4});
  CHECK(optim::clip_grad_norm_({x}, 5.5) == 5);
  CHECK(grad_of(x) == std::vector<double>{3, 4});
  CHECK(optim::clip_grad_norm_({x}, inf) == 5);
  CHECK(grad_of(x) == std::vector<double>{3, 4});
}

TEST_CASE("parameters without a gradient do not count") {
  CHECK(optim::clip_grad_norm_({}, 1) == 0);
  CHECK(optim::clip_grad_norm_({zeros({2}), zeros({2}).requires_grad_()}, 1) == 0);
  optim::clip_grad_value_({zeros({2})}, 1);
}

TEST_CASE("parameters without elements do not count") {
  for (const double norm_type : {1.0, 2.0, 3.0, inf}) {
    const Tensor x = with_grad({4}), empty = with_grad({});
    CHECK(optim::clip_grad_norm_({empty, x, empty}, 2, norm_type) == Approx(4));
    CHECK(grad_of(x)[0] == Approx(2));
    CHECK(optim::clip_grad_norm_({empty}, 2, norm_type) == 0);
  }
}

TEST_CASE("norms that are not finite clip as in PyTorch, or are refused") {
  const double nan = std::nan("");
  for (double norm_type : {1.0, 2.0, 3.0, inf})
    for (double bad : {inf, -inf, nan}) {
      INFO(norm_type << "-norm with " << bad);
      const Tensor x = with_grad({1, bad}), y = with_grad({2});
      CHECK_THROWS_AS(optim::clip_grad_norm_({x, y}, 1, norm_type, true), ValueError);
      CHECK(grad_of(y) == std::vector<double>{2});
      const double norm = optim::clip_grad_norm_({x, y}, 1, norm_type);
      if (std::isnan(bad)) {
        CHECK(std::isnan(norm));
        CHECK(std::isnan(grad_of(y)[0]));
      } else {
        CHECK(norm == inf);
        CHECK(grad_of(y)[0] == 0);
      }
      CHECK(std::isnan(grad_of(x)[1]));
    }
  CHECK_THROWS_WITH(optim::clip_grad_norm_({with_grad({-nan})}, 1, 2, true),
                    Catch::Matchers::ContainsSubstring("gradients is nan;"));
  const Tensor x = with_grad({nan, 5});
  optim::clip_grad_value_({x}, 1);
  CHECK(std::isnan(grad_of(x)[0]));
  CHECK(grad_of(x)[1] == 1);
}

TEST_CASE("bad bounds and norms are refused") {
  const Tensor x = with_grad({3, 4});
  for (double bad : {-1.0, std::nan("")}) {
    CHECK_THROWS_AS(optim::clip_grad_norm_({x}, bad), ValueError);
    CHECK_THROWS_AS(optim::clip_grad_norm_({x}, 1, bad), ValueError);
    CHECK_THROWS_AS(optim::clip_grad_value_({x}, bad), ValueError);
  }
  CHECK_THROWS_AS(optim::clip_grad_norm_({x}, 1, 0), ValueError);
  CHECK(grad_of(x) == std::vector<double>{3, 4});
}
