#include "../../kernels/elementwise.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "../../array/error.h"
#include "../../kernels/copy.h"
#include "../../kernels/parallel.h"
#include "../../kernels/random.h"
#include "../../kernels/rows.h"
#include "../../kernels/simd.h"
#include "../catch.h"

using namespace attune;
using namespace attune::kernels;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

template <class T>
Array array(const std::vector<T>& values) {
  Array x({static_cast<int64_t>(values.size())}, dtype_of<T>);
  std::copy(values.begin(), values.end(), x.output<T>());
  return x;
}

template <class T>
std::vector<T> values(const Array& x) {
  const Array dense = contiguous(x);
  return std::vector<T>(dense.data<T>(), dense.data<T>() + dense.numel());
}

bool same_bits(const Array& a, const Array& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         std::memcmp(contiguous(a).raw_data(), contiguous(b).raw_data(),
                     static_cast<size_t>(a.numel()) * size_of(a.dtype())) == 0;
}

struct Function {
  const char* name;
  Unary op;
  double (*exact)(double);
  double low, high;
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) { return x > 20 ? x : std::log1p(std::exp(x)); }
double gelu(double x) { return x * 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double gelu_tanh(double x) {
  return x / (1 + std::exp(-2 * 0.79788456080286535588 * (x + 0.044715 * x * x * x)));
}
double rsqrt(double x) { return 1 / std::sqrt(x); }
double sin(double x) { return std::sin(x); }
double cos(double x) { return std::cos(x); }
double exp(double x) { return std::exp(x); }
double expm1(double x) { return std::expm1(x); }
double log(double x) { return std::log(x); }
double log1p(double x) { return std::log1p(x); }
double tanh(double x) { return std::tanh(x); }
double erf(double x) { return std::erf(x); }

const Function functions[] = {
    {"exp", Unary::exp, exp, -87, 88},
    {"expm1", Unary::expm1, expm1, -5, 20},
    {"log", Unary::log, log, 1e-6, 50},
    {"log1p", Unary::log1p, log1p, -0.9, 50},
    {"sin", Unary::sin, sin, -60000, 60000},
    {"cos", Unary::cos, cos, -60000, 60000},
    {"tanh", Unary::tanh, tanh, -12, 12},
    {"erf", Unary::erf, erf, -6, 6},
    {"sigmoid", Unary::sigmoid, sigmoid, -80, 80},
    {"softplus", Unary::softplus, softplus, -15, 30},
    {"gelu", Unary::gelu, gelu, -8, 8},
    {"gelu_tanh", Unary::gelu_tanh, gelu_tanh, -8, 8},
    {"rsqrt", Unary::rsqrt, rsqrt, 0.01, 30},
};

template <class T>
void check_accuracy(const Function& f, double relative, double absolute) {
  constexpr int n = 20011;
  Array x({n}, dtype_of<T>);
  for (int i = 0; i < n; ++i)
    x.output<T>()[i] = static_cast<T>(f.low + (f.high - f.low) * i / (n - 1));
  const Array y = unary(f.op, x);
  int wrong = 0;
  for (int i = 0; i < n; ++i) {
    const double exact = f.exact(static_cast<double>(x.data<T>()[i]));
    const double error = std::abs(static_cast<double>(y.data<T>()[i]) - exact);
    if (!(error <= absolute + relative * std::abs(exact))) ++wrong;
  }
  INFO(f.name << " in " << name_of(dtype_of<T>));
  CHECK(wrong == 0);
}

template <class T>
void check_specials(const Function& f) {
  for (double x : {0.0, -0.0, inf, -inf, not_a_number, 1e30, -1e30, -1.0, 1e-30}) {
    const T given = static_cast<T>(x);
    const double exact = f.exact(static_cast<double>(given));
    const double y = static_cast<double>(values<T>(unary(f.op, array<T>({given})))[0]);
    INFO(f.name << "(" << x << ") = " << y << ", expected " << exact);
    const T rounded = static_cast<T>(exact);
    CHECK(((std::isnan(exact) && std::isnan(y)) || static_cast<double>(rounded) == y ||
           std::abs(y - exact) <= 1e-6 * std::abs(exact)));
  }
}

}  // namespace

TEST_CASE("functions are accurate over their range") {
  for (const Function& f : functions) {
    check_accuracy<float>(f, 4e-7, 6e-7);
    check_accuracy<double>(f, 1e-14, 2e-15);
    if (f.op == Unary::erf) check_accuracy<float>(f, 2e-7, 0);
  }
}

TEST_CASE("gelu keeps its digits where it is small, and vanishes far below zero") {
  for (const std::string& target : simd_targets()) {
    set_simd_target(target);
    INFO(target);
    check_accuracy<float>({"gelu", Unary::gelu, gelu, -1, 8}, 4e-7, 0);
    check_accuracy<float>({"gelu", Unary::gelu, gelu, -5, -1}, 4e-5, 0);
    check_accuracy<float>({"gelu_tanh", Unary::gelu_tanh, gelu_tanh, -5, 8}, 4e-6, 0);
    const auto y = values<float>(unary(
        Unary::gelu, array<float>({-14, -1000, -1e30f, static_cast<float>(-inf), 0, 1e30f, 20})));
    for (int i = 0; i < 3; ++i) CHECK(std::abs(y[static_cast<size_t>(i)]) < 1e-30f);
    CHECK(std::isnan(y[3]));  // -inf · 0, as in PyTorch
    CHECK(y[4] == 0);
    CHECK(y[5] == 1e30f);
    CHECK(y[6] == 20);
  }
  set_simd_target(simd_targets().front());
}

TEST_CASE("exponentials of rows are those of exp, to the last digit") {
  for (const std::string& target : simd_targets()) {
    set_simd_target(target);
    INFO(target);
    std::vector<float> x, y(20000);
    for (size_t i = 0; i < y.size(); ++i) x.push_back(-87.0f * static_cast<float>(i) / 19999);
    rows::exp_into(x.data(), 0.0f, y.data(), std::ssize(y));
    double worst = 0;
    for (size_t i = 0; i < y.size(); ++i) {
      const double exact = std::exp(static_cast<double>(x[i]));
      worst = std::max(worst, std::abs(static_cast<double>(y[i]) / exact - 1));
    }
    CHECK(worst < 1.2e-7);
    const float rare[] = {-88, -1e30f, static_cast<float>(-inf), static_cast<float>(not_a_number)};
    rows::exp_into(rare, 0.0f, y.data(), 4);
    for (size_t i = 0; i < 3; ++i) CHECK(y[i] == 0);
    CHECK(std::isnan(y[3]));
  }
  set_simd_target(simd_targets().front());
}

TEST_CASE("functions follow IEEE 754 at zeros, infinities and NaN") {
  for (const Function& f : functions) {
    if (f.op == Unary::gelu || f.op == Unary::gelu_tanh)
      continue;  // -inf · 0 is NaN, as in PyTorch
    check_specials<float>(f);
    check_specials<double>(f);
  }
}

TEST_CASE("the result does not depend on the layout of the operands") {
  for (DType dtype : {float32, float64}) {
    const Array a = random_normal({7, 33, 21}, dtype, 0, 1);
    const Array b = random_normal({42, 33, 7}, dtype, 0, 1);
    const Array strided = b.slice(0, std::nullopt, std::nullopt, -2).permute({2, 1, 0});
    for (Binary op : {Binary::add, Binary::div, Binary::maximum, Binary::gelu_backward})
      CHECK(same_bits(binary(op, a, strided), binary(op, a, contiguous(strided))));
    CHECK(same_bits(unary(Unary::tanh, strided), unary(Unary::tanh, contiguous(strided))));
    const Array row = random_normal({33, 1}, dtype, 0, 1);
    CHECK(same_bits(binary(Binary::mul, a, row),
                    binary(Binary::mul, a, contiguous(row.expand({7, 33, 21})))));
    CHECK(
        same_bits(compare(Compare::lt, a, strided), compare(Compare::lt, a, contiguous(strided))));
  }
}

TEST_CASE("an element's value does not depend on its place in the run") {
  const Array x = random_normal({1000}, float32, 0, 1);
  const Array whole = unary(Unary::gelu, x);
  for (int64_t start : {0, 1, 7, 15, 500})
    for (int64_t length : {1, 2, 8, 17, 100})
      CHECK(same_bits(unary(Unary::gelu, x.narrow(0, start, length)),
                      whole.narrow(0, start, length)));
}

TEST_CASE("elementwise results are the same at any number of threads") {
  const Array x = random_normal({300, 1001}, float32, 0, 1);
  const int before = num_threads();
  set_num_threads(1);
  const Array one = unary(Unary::exp, x.transpose(0, 1));
  set_num_threads(4);
  CHECK(same_bits(one, unary(Unary::exp, x.transpose(0, 1))));
  set_num_threads(before);
}

TEST_CASE("sizes 0 and 1 and scalars broadcast") {
  const Array none({0, 3}, float32);
  CHECK(binary(Binary::add, none, ones({3}, float32)).shape() == Shape{0, 3});
  CHECK(unary(Unary::exp, none).shape() == Shape{0, 3});
  CHECK(binary(Binary::add, ones({1}, float32), ones({}, float32)).shape() == Shape{1});
  CHECK(values<float>(binary(Binary::sub, 1.0, array<float>({3, 4}))) ==
        std::vector<float>{-2, -3});
  CHECK_THROWS_AS(binary(Binary::add, ones({2}, float32), ones({3}, float32)), ShapeError);
}

TEST_CASE("operands are promoted as PyTorch promotes them") {
  const Array floats = ones({2}, float32), integers = arange(2), flags = ones({2}, boolean);
  auto dtype = [](Binary op, const Array& a, const Array& b) { return binary(op, a, b).dtype(); };
  CHECK(dtype(Binary::add, integers, integers) == int64);
  CHECK(dtype(Binary::div, integers, integers) == float32);
  CHECK(dtype(Binary::add, integers, floats) == float32);
  CHECK(dtype(Binary::add, floats, ones({2}, float64)) == float64);
  CHECK(dtype(Binary::add, floats, ones({}, float64)) == float32);
  CHECK(dtype(Binary::add, integers, ones({}, float64)) == float64);
  CHECK(dtype(Binary::add, flags, flags) == boolean);
  CHECK(dtype(Binary::mul, ones({2}, bfloat16), ones({2}, bfloat16)) == bfloat16);
  CHECK(binary(Binary::add, integers, 1.0).dtype() == int64);
  CHECK(binary(Binary::add, integers, 0.5).dtype() == float32);
  CHECK(binary(Binary::add, integers, -0x1p63).dtype() == int64);
  CHECK(binary(Binary::add, integers, 0x1p63).dtype() == float32);
  CHECK(binary(Binary::add, ones({2}, float64), 0.5).dtype() == float64);
  CHECK(unary(Unary::exp, integers).dtype() == float32);
  CHECK(unary(Unary::neg, integers).dtype() == int64);
  CHECK_THROWS_AS(binary(Binary::sub, flags, flags), DTypeError);
  CHECK_THROWS_AS(binary(Binary::pow, integers, -1.0), ValueError);
}

TEST_CASE("integers compute exactly and wrap around") {
  constexpr int64_t largest = std::numeric_limits<int64_t>::max();
  const Array x = array<int64_t>({largest, 1, -3});
  CHECK(values<int64_t>(binary(Binary::add, x, 1.0)) ==
        std::vector<int64_t>{std::numeric_limits<int64_t>::min(), 2, -2});
  CHECK(values<int64_t>(binary(Binary::sub, x, array<int64_t>({largest - 1, 0, 0}))) ==
        std::vector<int64_t>{1, 1, -3});
  CHECK(values<int64_t>(binary(Binary::pow, array<int64_t>({-3, 3, 0}), 3.0)) ==
        std::vector<int64_t>{-27, 27, 0});
}

TEST_CASE("maximum and minimum pass NaN on from either side") {
  const Array x = array<float>({NAN, 1, 2}), y = array<float>({1, NAN, 5});
  for (Binary op : {Binary::maximum, Binary::minimum}) {
    const auto z = values<float>(binary(op, x, y));
    CHECK(std::isnan(z[0]));
    CHECK(std::isnan(z[1]));
    CHECK(z[2] == (op == Binary::maximum ? 5 : 2));
  }
}

TEST_CASE("comparisons and where") {
  const Array x = array<double>({1, 2, not_a_number}), y = array<double>({2, 2, not_a_number});
  auto test = [&](Compare op) { return values<bool>(compare(op, x, y)); };
  CHECK(test(Compare::eq) == std::vector<bool>{false, true, false});
  CHECK(test(Compare::ne) == std::vector<bool>{true, false, true});
  CHECK(test(Compare::lt) == std::vector<bool>{true, false, false});
  CHECK(test(Compare::le) == std::vector<bool>{true, true, false});
  CHECK(test(Compare::gt) == std::vector<bool>{false, false, false});
  CHECK(test(Compare::ge) == std::vector<bool>{false, true, false});
  CHECK(values<bool>(compare(Compare::gt, arange(3), 0.5)) == std::vector<bool>{false, true, true});
  // What float32 can't tell apart.
  CHECK(values<bool>(compare(Compare::lt, array<double>({1}), array<double>({1 + 1e-9})))[0]);
  CHECK(values<bool>(
      compare(Compare::lt, array<int64_t>({1 << 24}), array<int64_t>({(1 << 24) + 1})))[0]);
  CHECK(values<bool>(logical_not(arange(3))) == std::vector<bool>{true, false, false});
  CHECK(values<int64_t>(where(compare(Compare::gt, arange(3), 1), arange(3), zeros({}, int64))) ==
        std::vector<int64_t>{0, 0, 2});
  CHECK_THROWS_AS(where(arange(3), x, y), DTypeError);
}

TEST_CASE("binary_into takes operands that overlap its result as they were before") {
  const Array values = random_normal({64, 64}, float32, 0, 1);
  using View = Array (*)(const Array&);
  const View all = [](const Array& x) { return x; };
  const View flat = [](const Array& x) { return *x.try_view({-1}); };
  // The same place in other strides or another shape; the same shape and strides elsewhere.
  const std::pair<View, View> cases[] = {
      {all, all},
      {all, [](const Array& x) { return x.transpose(0, 1); }},
      {all, [](const Array& x) { return x.narrow(0, 0, 1); }},
      {all, [](const Array& x) { return x.select(0, 0); }},
      {flat, [](const Array& x) { return x.try_view({-1})->flip(0); }},
      {[](const Array& x) { return x.narrow(0, 1, 63); },
       [](const Array& x) { return x.narrow(0, 0, 63); }},
      {[](const Array& x) { return x.narrow(0, 0, 63); },
       [](const Array& x) { return x.narrow(0, 1, 63); }},
  };
  const Array apart = random_normal({64, 64}, float32, 0, 1);
  for (const auto& [result, operand] : cases)
    for (const bool onto_first : {true, false}) {
      INFO("case " << &operand - &cases[0].second);
      const Array grid = clone(values);
      Array into = result(grid);
      const Array first = onto_first ? into : result(apart);
      const Array expected = binary(Binary::sub, clone(first), operand(values));
      binary_into(Binary::sub, into, first, operand(grid));
      CHECK(same_bits(into, expected));
    }
}

TEST_CASE("binary_into takes operands of other dtypes than its result's") {
  const Array wide = array<double>({0.5, -2, 3}), narrow = array<float>({1, 2, 4});
  const Array whole = array<int64_t>({1, 2, 4});
  for (const Array& other : {narrow, whole}) {
    Array into({3}, float64);
    binary_into(Binary::sub, into, other, wide);
    CHECK(values<double>(into) == std::vector<double>{0.5, 4, 1});
    binary_into(Binary::sub, into, wide, other);
    CHECK(values<double>(into) == std::vector<double>{-0.5, -4, -1});
    binary_into(Binary::add, into, other, other);
    CHECK(values<double>(into) == std::vector<double>{2, 4, 8});
  }
}

TEST_CASE("binary_into writes through any strides, also onto its own operand") {
  Array grid = zeros({3, 4}, float32);
  Array columns = grid.transpose(0, 1);
  add_into(columns, array<float>({1, 2, 3}));
  CHECK(values<float>(grid) == std::vector<float>{1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3});
  Array line = array<float>({1, 2, 3, 4});
  binary_into(Binary::add, line, line, line.flip(0));
  CHECK(values<float>(line) == std::vector<float>{5, 5, 5, 5});
  add_into(line, ones({}, float64));
  CHECK(values<float>(line) == std::vector<float>{6, 6, 6, 6});
  CHECK_THROWS_AS(add_into(line, ones({2, 4}, float32)), ShapeError);
}
