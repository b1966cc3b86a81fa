#include "batches.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "../array/fail.h"
#include "../array/pool.h"
#include "../autograd/ops/compare.h"
#include "../autograd/ops/reduce.h"
#include "../io/checksum.h"
#include "../kernels/random.h"

namespace attune::train {
namespace {

// Windows of context + 1 tokens starting at `starts`, as inputs and targets.
TokenBatch windows(const std::vector<int64_t>& tokens, const std::vector<int64_t>& starts,
                   int64_t context) {
  const Shape shape{static_cast<int64_t>(starts.size()), context};
  Array inputs(shape, int64), targets(shape, int64);
  int64_t* input = inputs.output<int64_t>();
  int64_t* target = targets.output<int64_t>();
  for (int64_t start : starts) {
    input = std::copy_n(tokens.begin() + start, context, input);
    target = std::copy_n(tokens.begin() + start + 1, context, target);
  }
  return {Tensor(std::move(inputs)), Tensor(std::move(targets))};
}

// Leaves room for the largest offset of an epoch.
int64_t windows_per_epoch(int64_t tokens, int64_t context) {
  if (context < 1) fail<ValueError>("TokenStream", "context is {}; it must be positive", context);
  if (tokens <= context)
    fail<ValueError>("TokenStream", "{} tokens do not fill a window of context {} and one more",
                     tokens, context);
  return std::max<int64_t>((tokens - context) / context, 1);
}

int64_t checksum(const std::vector<int64_t>& numbers) {
  io::Crc64 crc;
  crc.add(numbers.data(), numbers.size() * sizeof(int64_t));
  return static_cast<int64_t>(crc.value());
}

// What a state must agree with, and is told apart by; the rest of it is a position.
using Identity = std::vector<std::pair<const char*, int64_t>>;

StateDict with_identity(StateDict position, const Identity& identity) {
  for (const auto& [name, value] : identity) position.emplace(name, scalar_array(value));
  return position;
}

StateDict without_identity(const StateDict& state, const Identity& identity) {
  StateReader reader(state, "data");
  StateDict position = state;
  for (const auto& [name, value] : identity) {
    reader.expect(name, value);
    position.erase(name);
  }
  return position;
}

void check_batch(int64_t batch) {
  if (batch < 1) fail<ValueError>("batches", "batch is {}; it must be positive", batch);
}

// The items in batches, the longest first.
std::vector<std::vector<int64_t>> cut_by_length(std::vector<int64_t> items,
                                                const std::vector<int64_t>& lengths,
                                                int64_t batch) {
  check_batch(batch);
  std::stable_sort(items.begin(), items.end(), [&](int64_t a, int64_t b) {
    return lengths[static_cast<size_t>(a)] > lengths[static_cast<size_t>(b)];
  });
  std::vector<std::vector<int64_t>> batches;
  for (auto at = items.begin(); at != items.end();) {
    const auto end = at + std::min<std::ptrdiff_t>(batch, items.end() - at);
    batches.emplace_back(at, end);
    at = end;
  }
  return batches;
}

}  // namespace

int64_t count_targets(const TokenBatch& batch) {
  return sum(batch.targets != static_cast<double>(ignored_target)).item<int64_t>();
}

ShuffledIndices::ShuffledIndices(int64_t n, uint64_t seed) : n_(n), seed_(seed) {
  if (n < 1) fail<ValueError>("ShuffledIndices", "{} items; there must be at least one", n);
  shuffle();
}

void ShuffledIndices::shuffle() {
  order_ = Tensor(random_permutation(n_, {seed_, static_cast<uint64_t>(position_.epoch)}))
               .to_vector<int64_t>();
}

std::vector<int64_t> ShuffledIndices::next(int64_t count) {
  constexpr const char* name = "ShuffledIndices";
  if (count < 0) fail<ValueError>(name, "{} items cannot be taken", count);
  std::vector<int64_t> items;
  try {
    require_memory(static_cast<size_t>(count), sizeof(int64_t));
    items.reserve(static_cast<size_t>(count));
  } catch (const std::exception&) {
    fail<MemoryError>(name, "{} items take more memory than the system has free", count);
  }
  while (static_cast<int64_t>(items.size()) < count) {
    if (position_.item == n_) {
      ++position_.epoch;
      position_.item = 0;
      shuffle();
    }
    items.push_back(order_[static_cast<size_t>(position_.item++)]);
  }
  return items;
}

void ShuffledIndices::seek(Position position) {
  if (!contains(position))
    fail<ValueError>("ShuffledIndices", "epoch {}, item {} is not a position among {} items",
                     position.epoch, position.item, n_);
  position_ = position;
  shuffle();
}

bool ShuffledIndices::contains(Position position) const {
  return position.epoch >= 0 && position.epoch < std::numeric_limits<int64_t>::max() &&
         position.item >= 0 && position.item <= n_;
}

StateDict ShuffledIndices::state_dict() const {
  return with_identity(
      {{"epoch", scalar_array(position_.epoch)}, {"item", scalar_array(position_.item)}},
      {{"items", n_}, {"seed", static_cast<int64_t>(seed_)}});
}

void ShuffledIndices::load_state_dict(const StateDict& state) {
  const StateDict rest =
      without_identity(state, {{"items", n_}, {"seed", static_cast<int64_t>(seed_)}});
  StateReader reader(rest, "data");
  const Position position{reader.number<int64_t>("epoch"), reader.number<int64_t>("item")};
  reader.expect_end();
  if (!contains(position))
    fail<FormatError>("load_state_dict", "epoch {}, item {} is not a position among {} items",
                      position.epoch, position.item, n_);
  seek(position);
}

TokenStream::TokenStream(std::vector<int64_t> tokens, int64_t batch, int64_t context, uint64_t seed)
    : tokens_(std::move(tokens)),
      batch_(batch),
      context_(context),
      seed_(seed),
      order_(windows_per_epoch(static_cast<int64_t>(tokens_.size()), context), seed) {
  if (batch < 1) fail<ValueError>("TokenStream", "batch is {}; it must be positive", batch);
}

// By Philox, so that it is known without having lived through the epochs before.
int64_t TokenStream::offset_of(int64_t epoch) const {
  return static_cast<int64_t>(philox(seed_, 1, static_cast<uint64_t>(epoch))[0]) % context_;
}

TokenBatch TokenStream::next() {
  const ShuffledIndices::Position from = order_.position();
  std::vector<int64_t> starts = order_.next(batch_);
  const int64_t last = static_cast<int64_t>(tokens_.size()) - context_ - 1;
  for (int64_t i = 0; int64_t & start : starts) {
    const int64_t epoch = from.epoch + (from.item + i++) / order_.size();
    start = std::min(start * context_ + offset_of(epoch), last);
  }
  return windows(tokens_, starts, context_);
}

StateDict TokenStream::state_dict() const {
  return with_identity(order_.state_dict(),
                       {{"tokens", checksum(tokens_)}, {"batch", batch_}, {"context", context_}});
}

void TokenStream::load_state_dict(const StateDict& state) {
  order_.load_state_dict(without_identity(
      state, {{"tokens", checksum(tokens_)}, {"batch", batch_}, {"context", context_}}));
}

std::vector<TokenBatch> sequential_batches(const std::vector<int64_t>& tokens, int64_t batch,
                                           int64_t context) {
  if (batch < 1 || context < 1)
    fail<ValueError>("sequential_batches", "batch {} and context {} must be positive", batch,
                     context);
  std::vector<TokenBatch> batches;
  const int64_t targets = static_cast<int64_t>(tokens.size()) - 1;
  std::vector<int64_t> starts;
  for (int64_t start = 0; start + context <= targets; start += context) {
    starts.push_back(start);
    if (static_cast<int64_t>(starts.size()) < batch) continue;
    batches.push_back(windows(tokens, starts, context));
    starts.clear();
  }
  if (!starts.empty()) batches.push_back(windows(tokens, starts, context));
  const int64_t rest = targets % context;
  if (targets > 0 && rest > 0) batches.push_back(windows(tokens, {targets - rest}, rest));
  return batches;
}

std::vector<std::vector<int64_t>> batches_by_length(const std::vector<int64_t>& lengths,
                                                    int64_t batch) {
  std::vector<int64_t> items(lengths.size());
  std::iota(items.begin(), items.end(), int64_t{0});
  return cut_by_length(std::move(items), lengths, batch);
}

LengthBatches::LengthBatches(std::vector<int64_t> lengths, int64_t batch, uint64_t seed)
    : lengths_(std::move(lengths)), batch_(batch), seed_(seed), order_(std::ssize(lengths_), seed) {
  check_batch(batch);
}

void LengthBatches::sort_pool() {
  pool_start_ = order_.state_dict();
  const auto all = std::ssize(lengths_), pool = batch_ > all / 50 ? all : 50 * batch_;
  auto batches = cut_by_length(order_.next(pool), lengths_, batch_);
  const Tensor order(random_permutation(std::ssize(batches), {seed_, pools_++}));
  for (const int64_t i : order.to_vector<int64_t>())
    ready_.push_back(std::move(batches[static_cast<size_t>(i)]));
}

std::vector<int64_t> LengthBatches::next() {
  if (ready_.empty()) sort_pool();
  std::vector<int64_t> items = std::move(ready_.back());
  ready_.pop_back();
  return items;
}

StateDict LengthBatches::state_dict() const {
  StateDict state = ready_.empty() ? order_.state_dict() : pool_start_;
  const uint64_t pools = ready_.empty() ? pools_ : pools_ - 1;
  state.emplace("pools", scalar_array(static_cast<int64_t>(pools)));
  state.emplace("ready", scalar_array(static_cast<int64_t>(ready_.size())));
  return with_identity(std::move(state), {{"batch", batch_}, {"lengths", checksum(lengths_)}});
}

void LengthBatches::load_state_dict(const StateDict& state) {
  StateDict rest = without_identity(state, {{"batch", batch_}, {"lengths", checksum(lengths_)}});
  StateReader reader(rest, "data");
  const auto pools = reader.number<int64_t>("pools"), ready = reader.number<int64_t>("ready");
  for (const char* name : {"pools", "ready"}) rest.erase(name);
  LengthBatches moved(lengths_, batch_, seed_);
  moved.order_.load_state_dict(rest);
  moved.pools_ = static_cast<uint64_t>(pools);
  if (ready > 0) moved.sort_pool();
  if (pools < 0 || ready < 0 || ready > std::ssize(moved.ready_))
    fail<FormatError>("load_state_dict", "pool {} with {} batches ready is not a position", pools,
                      ready);
  moved.ready_.resize(static_cast<size_t>(ready));
  *this = std::move(moved);
}

}  // namespace attune::train
