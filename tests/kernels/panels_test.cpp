#include "../../kernels/bf16_panels.h"
#include "../../kernels/f32_panels.h"
#include "../../kernels/gemm_bf16.h"
#include "../../kernels/random.h"
#include "../catch.h"
#include "../guarded.h"

using namespace attune;
using namespace attune::kernels;

namespace {

struct Part {
  int64_t first, count, from, depth;
};

// Fewer than a panel, as many, more; depths odd and even, below and beyond what is packed at once.
const Part parts[] = {{0, 16, 0, 32}, {0, 16, 0, 33},  {0, 17, 0, 1}, {3, 5, 2, 31},
                      {0, 1, 0, 70},  {16, 48, 7, 65}, {1, 40, 0, 2}, {0, 64, 0, 64}};
constexpr int64_t indices = 64, depths = 80;

// Calls check(operand, value of an index at a depth), with dense depths and with dense indices.
template <class F>
void each_operand(const F& check) {
  for (const bool dense_depth : {true, false}) {
    const int64_t rows = dense_depth ? indices : depths, columns = dense_depth ? depths : indices;
    const Array x = test::guarded(random_normal({rows, columns}, float32, 0, 1));
    const float* data = x.data<float>();
    INFO((dense_depth ? "dense depth" : "dense indices"));
    check(PanelOperand{data, columns, dense_depth}, [=](int64_t index, int64_t depth) {
      return data[dense_depth ? index * columns + depth : depth * columns + index];
    });
  }
}

int64_t whole(int64_t count, int64_t width) { return (count + width - 1) / width * width; }

}  // namespace

TEST_CASE("float32 panels hold each index's depths in its lane, zeros in the others, and no more") {
  const int64_t width = f32_panel_width();
  if (width == 0) return;
  each_operand([&](const PanelOperand& x, const auto& value) {
    for (const auto& [first, count, from, depth] : parts) {
      INFO(first << " + " << count << " indices, " << from << " + " << depth << " depths");
      const int64_t lanes = whole(count, width);
      Array packed = test::guarded(Array({lanes * depth}, float32));
      float* panels = packed.output<float>();
      pack_panels(x, first, count, from, depth, panels);
      for (int64_t i = 0; i < lanes; ++i)
        for (int64_t d = 0; d < depth; ++d) {
          const float expected = i < count ? value(first + i, from + d) : 0;
          REQUIRE(panels[(i / width * depth + d) * width + i % width] == expected);
        }
    }
  });
}

TEST_CASE(
    "bfloat16 panels hold rounded pairs of depths, zeros for what is not there, and no more") {
  CHECK(has_bf16_panels() ==
        (__builtin_cpu_supports("avx512bf16") && f32_panel_width() == panel_width));
  if (!has_bf16_panels()) return;
  each_operand([](const PanelOperand& x, const auto& value) {
    for (const auto& [first, count, from, depth] : parts) {
      INFO(first << " + " << count << " indices, " << from << " + " << depth << " depths");
      const int64_t lanes = whole(count, panel_width), pairs = (depth + 1) / 2;
      Array packed = test::guarded(Array({lanes * pairs * 2}, bfloat16));
      BFloat16* held = packed.output<BFloat16>();
      pack_panels(x, first, count, from, depth, reinterpret_cast<Bf16Pair*>(held));
      for (int64_t i = 0; i < lanes; ++i)
        for (int64_t d = 0; d < 2 * pairs; ++d) {
          const int64_t pair = (i / panel_width * pairs + d / 2) * panel_width + i % panel_width;
          const float expected = i < count && d < depth ? value(first + i, from + d) : 0;
          REQUIRE(held[2 * pair + d % 2] == BFloat16(expected));
        }
    }
  });
}

TEST_CASE("a packed operand takes the memory of its panels") {
  if (!has_bf16_panels()) return;
  each_operand([](const PanelOperand& x, const auto&) {
    CHECK(pack_operand(x, 33, 5).shape() == Shape{48, 6});
    CHECK(pack_operand(x, indices, depths).shape() == Shape{indices, depths});
  });
}
