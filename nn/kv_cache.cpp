#include "kv_cache.h"

#include <algorithm>
#include <numeric>

#include "../array/fail.h"
#include "../kernels/copy.h"

namespace attune::nn {
namespace {

constexpr const char* name = "kv_cache";

// No memory holds more; sums of a few stay far from the limits of int64.
constexpr int64_t most_tokens = int64_t{1} << 40, most_layers = int64_t{1} << 20,
                  most_sequences = int64_t{1} << 20;

int64_t largest(const std::vector<int64_t>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

void check_step(int64_t sequences, int64_t tokens, const std::vector<int64_t>& counts) {
  if (sequences < 0 || sequences > most_sequences || tokens < 1 || tokens > most_tokens)
    fail<ValueError>(name,
                     "a step of {} tokens for {} sequences; it takes 1 to {} tokens for 0 to {}",
                     tokens, sequences, most_tokens, most_sequences);
  if (static_cast<int64_t>(counts.size()) != sequences)
    fail<ShapeError>(name, "{} counts for {} sequences", counts.size(), sequences);
  for (const int64_t count : counts)
    if (count < 0 || count > tokens)
      fail<ValueError>(name, "{} of {} tokens are said to be real", count, tokens);
}

}  // namespace

KvCache::KvCache(int64_t budget, bool sliding) : budget_(budget), sliding_(sliding) {
  if (budget < 1 || budget > most_tokens)
    fail<ValueError>(name, "a budget of {} tokens; use 1 to {}", budget, most_tokens);
}

void KvCache::begin(int64_t sequences, int64_t tokens, std::vector<int64_t> counts) {
  if (counts.empty() && sequences > 0 && sequences <= most_sequences)
    counts.assign(static_cast<size_t>(sequences), tokens);
  check_step(sequences, tokens, counts);
  const bool first = lengths().empty();
  if (!first && static_cast<int64_t>(seen_.size()) != sequences)
    fail<ShapeError>(name, "{} sequences, but the cache holds {}", sequences, seen_.size());
  for (size_t b = 0; !sliding_ && b < counts.size(); ++b) {
    const int64_t held = first ? 0 : held_[b];
    if (held + counts[b] > budget_)
      fail<ValueError>(name,
                       "sequence {} has {} tokens, {} more do not fit the budget of {}; take a "
                       "larger or a sliding cache",
                       b, held, counts[b], budget_);
  }
  layers_.resize(kept_layers_);  // without what a step left that failed
  if (first) {
    clear();
    seen_.resize(counts.size());
    held_.resize(counts.size());
  }
  tokens_ = tokens;
  counts_ = std::move(counts);
  make_room();
}

void KvCache::make_room() {
  if (!layers_.empty() && largest(held_) + tokens_ <= capacity_) return;
  std::vector<int64_t> order(held_.size()), skip(held_.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  // The new token itself is one of the budget.
  for (size_t b = 0; sliding_ && b < held_.size(); ++b)
    skip[b] = std::max<int64_t>(0, held_[b] - (budget_ - 1));
  int64_t needed = 0;
  for (size_t b = 0; b < held_.size(); ++b) needed = std::max(needed, held_[b] - skip[b] + tokens_);
  const int64_t room =
      sliding_ ? budget_ + budget_ / 4 : std::min(budget_, std::max<int64_t>(64, 2 * capacity_));
  relocate(order, skip, std::max(needed, room));
}

void KvCache::relocate(const std::vector<int64_t>& order, const std::vector<int64_t>& skip,
                       int64_t capacity) {
  const auto moved = [&](const Array& from) {
    Array to({static_cast<int64_t>(order.size()), from.size(1), capacity, from.size(3)},
             from.dtype());
    for (size_t i = 0; i < order.size(); ++i) {
      const auto source = static_cast<size_t>(order[i]);
      const int64_t kept = held_[source] - skip[source];
      Array place = to.select(0, static_cast<int64_t>(i)).narrow(1, 0, kept);
      kernels::copy_into(place, from.select(0, order[i]).narrow(1, skip[source], kept));
    }
    return to;
  };
  for (Layer& layer : layers_)
    if (layer.k.defined()) layer = {moved(layer.k), moved(layer.v)};
  std::vector<int64_t> seen, held;
  for (const int64_t source : order) {
    seen.push_back(seen_[static_cast<size_t>(source)]);
    held.push_back(held_[static_cast<size_t>(source)] - skip[static_cast<size_t>(source)]);
  }
  seen_ = std::move(seen);
  held_ = std::move(held);
  capacity_ = capacity;
}

Tensor KvCache::positions() const {
  Array out({static_cast<int64_t>(seen_.size()), tokens_}, int64);
  int64_t* to = out.output<int64_t>();
  for (const int64_t first : seen_)
    for (int64_t i = 0; i < tokens_; ++i) *to++ = first + i;
  return Tensor(std::move(out));
}

void KvCache::check(const Array& held, const Tensor& x, const char* what) const {
  if (x.requires_grad())
    fail<GradError>(name, "{} are on the tape, which a cache cuts off; run under NoGrad", what);
  const auto sequences = static_cast<int64_t>(held_.size());
  if (x.dim() != 4 || x.size(0) != sequences || x.size(2) != tokens_)
    fail<ShapeError>(name, "{} are {}; the step takes [{}, H, {}, D]", what, to_string(x.shape()),
                     sequences, tokens_);
  if (!held.defined()) return;
  if (held.size(1) != x.size(1) || held.size(3) != x.size(3) || held.dtype() != x.dtype())
    fail<ShapeError>(name, "{} are {} {}; the layer holds {} heads of width {} in {}", what,
                     name_of(x.dtype()), to_string(x.shape()), held.size(1), held.size(3),
                     name_of(held.dtype()));
}

Array KvCache::room_for(const Array& held, const Tensor& x) const {
  return held.defined() ? held : Array({x.size(0), x.size(1), capacity_, x.size(3)}, x.dtype());
}

void KvCache::store(Array& to, const Tensor& x) const {
  for (int64_t b = 0; b < x.size(0); ++b) {
    Array place = to.select(0, b).narrow(1, held_[static_cast<size_t>(b)], tokens_);
    kernels::copy_into(place, x.array().select(0, b));
  }
  to.mark_written();
}

KvCache::Entry KvCache::append(int64_t layer, const Tensor& k, const Tensor& v, bool last_only) {
  if (tokens_ == 0) fail<ValueError>(name, "append() outside of a step; call begin() first");
  if (layer < 0 || layer >= most_layers)
    fail<IndexError>(name, "layer {} does not exist; they count from 0", layer);
  if (last_only && std::find(counts_.begin(), counts_.end(), 0) != counts_.end())
    fail<ValueError>(name, "a sequence without a real token has no last one");
  const auto at = static_cast<size_t>(layer);
  Layer entry = at < layers_.size() ? layers_[at] : Layer{};
  check(entry.k, k, "keys");
  check(entry.v, v, "values");
  entry = {room_for(entry.k, k), room_for(entry.v, v)};
  if (at >= layers_.size()) layers_.resize(at + 1);
  layers_[at] = entry;
  store(entry.k, k);
  store(entry.v, v);
  const int64_t all = largest(held_) + tokens_;
  std::vector<int64_t> first = held_;
  for (size_t b = 0; last_only && b < first.size(); ++b) first[b] += counts_[b] - 1;
  Mask mask = Mask::causal() & Mask::offset(std::move(first));
  if (sliding_) mask = mask & Mask::window(budget_);
  return {Tensor(entry.k.narrow(2, 0, all)), Tensor(entry.v.narrow(2, 0, all)), mask};
}

void KvCache::drop_step() {
  tokens_ = 0;
  counts_.clear();
}

void KvCache::commit() {
  for (size_t b = 0; b < counts_.size(); ++b) {
    seen_[b] += counts_[b];
    held_[b] += counts_[b];
  }
  drop_step();
  committed_ = true;
  kept_layers_ = layers_.size();
}

const std::vector<int64_t>& KvCache::lengths() const {
  static const std::vector<int64_t> none;
  return committed_ ? seen_ : none;
}

void KvCache::check_exists(int64_t sequence) const {
  if (sequence < 0 || sequence >= std::ssize(lengths()))
    fail<IndexError>(name, "sequence {} does not exist; there are {}", sequence, lengths().size());
}

void KvCache::reorder(const std::vector<int64_t>& order) {
  for (const int64_t source : order) check_exists(source);
  relocate(order, std::vector<int64_t>(seen_.size()), capacity_);
  drop_step();
}

void KvCache::forget(const std::vector<int64_t>& sequences) {
  for (const int64_t sequence : sequences) check_exists(sequence);
  if (sequences.empty()) return;
  std::vector<int64_t> order(held_.size()), skip(held_.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  for (const int64_t sequence : sequences) {
    const auto at = static_cast<size_t>(sequence);
    skip[at] = held_[at];
  }
  // Into new memory: an AttentionRecorder may still look at what is forgotten.
  relocate(order, skip, capacity_);
  for (const int64_t sequence : sequences) seen_[static_cast<size_t>(sequence)] = 0;
  drop_step();
}

void KvCache::clear() { *this = KvCache(budget_, sliding_); }

}  // namespace attune::nn
