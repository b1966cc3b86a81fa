#include "masking.h"

#include <algorithm>
#include <cmath>

#include "../array/fail.h"
#include "../autograd/ops/creation.h"
#include "batches.h"

namespace attune::train {
namespace {

void check(const Tensor& ids, const MaskingOptions& o) {
  constexpr const char* name = "mask_tokens";
  if (ids.dim() != 2)
    fail<ShapeError>(name, "ids are {}; they must be [B, T]", to_string(ids.shape()));
  if (ids.dtype() != int64)
    fail<DTypeError>(name, "ids are {}; they must be int64", name_of(ids.dtype()));
  if (!(o.share > 0 && o.share <= 1))
    fail<ValueError>(name, "share is {}; it must be above 0 and at most 1", o.share);
  if (o.mask_token < 0 || o.mask_token >= o.vocab_size)
    fail<ValueError>(name, "mask_token {} is outside a vocabulary of {}", o.mask_token,
                     o.vocab_size);
}

// The places of a row to be predicted. The place i of the row has the number first + i among all.
std::vector<int64_t> choose(const int64_t* row, int64_t length, const MaskingOptions& o,
                            RandomState draw, int64_t first) {
  std::vector<std::pair<uint32_t, int64_t>> places;
  for (int64_t i = 0; i < length; ++i)
    if (std::find(o.special_tokens.begin(), o.special_tokens.end(), row[i]) ==
        o.special_tokens.end())
      places.emplace_back(philox(draw.seed, draw.draw, static_cast<uint64_t>(first + i))[0], i);
  std::sort(places.begin(), places.end());
  const auto count = std::max<int64_t>(std::llround(o.share * static_cast<double>(places.size())),
                                       places.empty() ? 0 : 1);
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < count; ++i) chosen.push_back(places[static_cast<size_t>(i)].second);
  return chosen;
}

// What the model sees at a place that is to be predicted.
int64_t disguise(int64_t token, const MaskingOptions& o, RandomState draw, int64_t place) {
  const auto words = philox(draw.seed, draw.draw, static_cast<uint64_t>(place));
  const double luck = std::ldexp(static_cast<double>(words[1]), -32);
  if (luck < 0.8) return o.mask_token;
  return luck < 0.9 ? static_cast<int64_t>(words[2]) % o.vocab_size : token;
}

}  // namespace

MaskedTokens mask_tokens(const Tensor& ids, const MaskingOptions& options, RandomState draw) {
  check(ids, options);
  std::vector<int64_t> seen = ids.to_vector<int64_t>();
  std::vector<int64_t> labels(seen.size(), ignored_target);
  const int64_t length = ids.size(1);
  for (int64_t row = 0; row < ids.size(0); ++row) {
    const int64_t first = row * length;
    for (const int64_t i : choose(seen.data() + first, length, options, draw, first)) {
      int64_t& token = seen[static_cast<size_t>(first + i)];
      labels[static_cast<size_t>(first + i)] = token;
      token = disguise(token, options, draw, first + i);
    }
  }
  return {tensor(seen, ids.shape()), tensor(labels, ids.shape())};
}

MaskedTokens mask_tokens(const Tensor& ids, const MaskingOptions& options) {
  return with_next_draw([&](RandomState draw) { return mask_tokens(ids, options, draw); });
}

}  // namespace attune::train
