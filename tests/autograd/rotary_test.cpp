#include "../catch.h"

#include <attune/autograd.h>

#include <cmath>

using namespace attune;

namespace {

double at(const Tensor& x, size_t i) { return x.to_vector<double>()[i]; }

RotaryAngles angles_for(const Tensor& positions, int64_t dim) {
  return rotary_angles(positions, rotary_frequencies(dim), float64);
}

}  // namespace

TEST_CASE("frequencies fall from 1 by powers of the base") {
  CHECK(rotary_frequencies(4, 100) == std::vector<double>{1, 0.1});
  CHECK_THROWS_AS(rotary_frequencies(3), ValueError);
  CHECK_THROWS_AS(rotary_frequencies(4, 0), ValueError);
}

TEST_CASE("a pair turns by its angle, in either order of storage") {
  // Position 2, one pair of frequency 1, and an element that stays. Cosines are rounded to float32.
  const RotaryAngles angles = angles_for(tensor({2}), 2);
  const Tensor x = tensor({{3.0, 5.0, 7.0}});
  for (const RotaryPairs pairs : {RotaryPairs::halves, RotaryPairs::neighbours}) {
    const Tensor y = rotary_embedding(x, angles, pairs);
    CHECK(at(y, 0) == Approx(3 * std::cos(2.0) - 5 * std::sin(2.0)).margin(6e-7));
    CHECK(at(y, 1) == Approx(5 * std::cos(2.0) + 3 * std::sin(2.0)).margin(6e-7));
    CHECK(at(y, 2) == 7);
  }
  const RotaryAngles two = angles_for(tensor({2}), 4);
  const Tensor halves = tensor({{1.0, 2.0, 3.0, 4.0}}), neighbours = tensor({{1.0, 3.0, 2.0, 4.0}});
  const Tensor a = rotary_embedding(halves, two);
  const Tensor b = rotary_embedding(neighbours, two, RotaryPairs::neighbours);
  CHECK(index_select(b, 1, tensor({0, 2, 1, 3})).to_vector<double>() == a.to_vector<double>());
}

TEST_CASE("scores depend on the distance of positions only") {
  manual_seed(1);
  const Tensor q = randn({1, 8}, float64), k = randn({1, 8}, float64);
  const auto score = [&](int64_t i, int64_t j) {
    return sum(rotary_embedding(q, angles_for(tensor({i}), 8)) *
               rotary_embedding(k, angles_for(tensor({j}), 8)))
        .item<double>();
  };
  CHECK(score(9, 4) == Approx(score(25, 20)).epsilon(1e-6));
  CHECK(score(9, 4) != Approx(score(25, 21)).epsilon(1e-3));
}

TEST_CASE("rotary positions of each sequence, strided input, and both derivatives") {
  manual_seed(2);
  const Tensor positions = tensor({{0, 1, 2}, {7, 8, 9}});
  const Tensor x = randn({2, 3, 2, 6}, float64).requires_grad_();
  const RotaryAngles angles = angles_for(positions, 4);
  const auto f = [&](const std::vector<Tensor>& in) {
    return rotary_embedding(transpose(in[0], 1, 2), angles);
  };
  const Tensor y = f({x});
  const Tensor second =
      rotary_embedding(transpose(narrow(x, 0, 1, 1), 1, 2), angles_for(tensor({7, 8, 9}), 4));
  CHECK(narrow(y, 0, 1, 1).to_vector<double>() == second.to_vector<double>());
  CHECK(gradcheck(f, {x}).ok);
  CHECK(gradgradcheck(f, {x}).ok);
}

TEST_CASE("a part of a table of angles turns as a table of that part") {
  const Tensor positions = tensor({{0, 1, 2, 3}, {7, 8, 9, 10}}), x = randn({2, 2, 4});
  const auto all = rotary_angles(positions, rotary_frequencies(4));
  const auto part = rotary_angles(narrow(positions, 1, 1, 2), rotary_frequencies(4));
  const RotaryAngles narrowed{all.cos.narrow(1, 1, 2), all.sin.narrow(1, 1, 2)};
  CHECK(rotary_embedding(x, narrowed).to_vector<float>() ==
        rotary_embedding(x, part).to_vector<float>());
}

TEST_CASE("rotary refuses what does not fit") {
  const RotaryAngles angles = rotary_angles(arange(3), rotary_frequencies(4));
  const auto table = [](const Shape& shape, DType dtype) { return zeros(shape, dtype).array(); };
  CHECK_THROWS_AS(rotary_embedding(zeros({3, 4}), RotaryAngles{}), ValueError);
  CHECK_THROWS_AS(rotary_embedding(zeros({3, 4}), RotaryAngles{angles.cos, table({1, 2}, float32)}),
                  ShapeError);
  CHECK_THROWS_AS(rotary_embedding(zeros({3, 4}), RotaryAngles{angles.cos, table({3, 2}, float64)}),
                  DTypeError);
  CHECK_THROWS_AS(
      rotary_embedding(zeros({3, 4}), RotaryAngles{table({2}, float32), table({2}, float32)}),
      ShapeError);
  CHECK_THROWS_AS(rotary_embedding(zeros({2, 4, 4}), angles), ShapeError);
  CHECK_THROWS_AS(rotary_embedding(zeros({3, 2}), angles), ShapeError);
  const RotaryAngles two = rotary_angles(zeros({2, 3}, int64), rotary_frequencies(4));
  CHECK_THROWS_AS(rotary_embedding(zeros({3, 2, 3, 4}), two), ShapeError);
  CHECK_THROWS_AS(rotary_embedding(zeros({2, 4}), two), ShapeError);
  CHECK_THROWS_AS(rotary_embedding(zeros({3, 4}, float64), angles), DTypeError);
  CHECK_THROWS_AS(rotary_angles(zeros({3}), rotary_frequencies(4)), DTypeError);
  CHECK_THROWS_AS(rotary_angles(zeros({1, 1, 3}, int64), rotary_frequencies(4)), ShapeError);
}
