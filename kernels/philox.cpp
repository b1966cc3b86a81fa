#include "philox.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/philox.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace attune::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

void blocks(RandomState draw, uint64_t first, int64_t count, uint32_t* words) {
  for (int64_t i = 0; i < count; ++i) {
    const auto block = philox(draw.seed, draw.draw, first + static_cast<uint64_t>(i));
    std::copy(block.begin(), block.end(), words + 4 * i);
  }
}

#else

// A block in each lane of 64 bits. A word of the block is its lower half; what stands in the upper
// one does not matter, because the product of 32 bits by 32 does not read it.
void blocks(RandomState draw, uint64_t first, int64_t count, uint32_t* words) {
  const hn::ScalableTag<uint64_t> d;
  const hn::Repartition<uint32_t, decltype(d)> half;
  const size_t lanes = hn::Lanes(d);
  const auto low = hn::Set(d, 0xFFFFFFFFu);
  const auto times = [&](auto x, uint32_t factor) HWY_ATTR {
    return hn::MulEven(hn::BitCast(half, x), hn::Set(half, factor));
  };
  // Blocks of even lanes are the first half, so that interleaving pairs of lanes puts them in
  // order.
  HWY_ALIGN uint64_t order[HWY_MAX_BYTES / sizeof(uint64_t)];
  for (size_t i = 0; i < lanes; ++i) order[i] = i / 2 + i % 2 * (lanes / 2);
  const auto offsets = hn::Load(d, order);

  for (int64_t at = 0; at < count; at += static_cast<int64_t>(lanes)) {
    const auto counter = hn::Add(hn::Set(d, first + static_cast<uint64_t>(at)), offsets);
    auto c0 = counter, c1 = hn::ShiftRight<32>(counter);
    auto c2 = hn::Set(d, draw.draw), c3 = hn::Set(d, draw.draw >> 32);
    auto k0 = static_cast<uint32_t>(draw.seed), k1 = static_cast<uint32_t>(draw.seed >> 32);
    for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
      const auto p0 = times(c0, 0xD2511F53u), p1 = times(c2, 0xCD9E8D57u);
      c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), c1), hn::Set(d, uint64_t{k0}));
      c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), c3), hn::Set(d, uint64_t{k1}));
      c1 = p1;
      c3 = p0;
    }
    const auto former = hn::Or(hn::And(c0, low), hn::ShiftLeft<32>(c1));
    const auto latter = hn::Or(hn::And(c2, low), hn::ShiftLeft<32>(c3));
    HWY_ALIGN uint32_t ready[2 * HWY_MAX_BYTES / sizeof(uint32_t)];
    hn::Store(hn::BitCast(half, hn::InterleaveLower(d, former, latter)), half, ready);
    hn::Store(hn::BitCast(half, hn::InterleaveUpper(d, former, latter)), half, ready + 2 * lanes);
    std::copy_n(ready, 4 * std::min(static_cast<int64_t>(lanes), count - at), words + 4 * at);
  }
}

#endif

}  // namespace attune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attune::kernels {
namespace {

HWY_EXPORT(blocks);

}  // namespace

void philox_blocks(RandomState draw, uint64_t first, int64_t count, uint32_t* words) {
  HWY_DYNAMIC_DISPATCH(blocks)(draw, first, count, words);
}

}  // namespace attune::kernels
#endif
