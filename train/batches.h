#pragma once

#include <cstdint>
#include <vector>

#include "../array/random.h"
#include "../array/state_dict.h"
#include "../autograd/tensor.h"

namespace attune::train {

// Visits n items in shuffled order, epoch after epoch. The order is a function of the seed alone,
// and the position is a pair of numbers, so that a run can stop and go on where it was.
class ShuffledIndices {
 public:
  // ValueError unless n is positive.
  ShuffledIndices(int64_t n, uint64_t seed);

  // The next `count` items; the order is shuffled anew when an epoch ends. ValueError for a
  // negative count.
  std::vector<int64_t> next(int64_t count);
  int64_t size() const { return n_; }

  struct Position {
    int64_t epoch = 0;
    int64_t item = 0;
  };
  Position position() const { return position_; }
  // ValueError unless the position lies inside an epoch.
  void seek(Position position);

  // The position, with the number of items and the seed. load_state_dict refuses a state of others
  // with a FormatError, and stays where it was.
  StateDict state_dict() const;
  void load_state_dict(const StateDict& state);

 private:
  bool contains(Position position) const;
  void shuffle();

  int64_t n_;
  uint64_t seed_;
  Position position_;
  std::vector<int64_t> order_;
};

// A target that counts for nothing, as in the losses.
inline constexpr int64_t ignored_target = -100;

// Inputs and, one token later, targets. Both int64 [B, T].
struct TokenBatch {
  Tensor inputs;
  Tensor targets;
};
// How many targets count.
int64_t count_targets(const TokenBatch& batch);

// Batches of windows from a long sequence of tokens, for training a language model. The windows of
// an epoch lie end to end from an offset that moves with the epoch, so that every token is seen
// equally often and at every position.
class TokenStream {
 public:
  // ValueError if the tokens do not fill one window of context + 1.
  TokenStream(std::vector<int64_t> tokens, int64_t batch, int64_t context, uint64_t seed);

  TokenBatch next();
  ShuffledIndices::Position position() const { return order_.position(); }
  void seek(ShuffledIndices::Position position) { order_.seek(position); }

  // The position, with batch, context, seed and a checksum of the tokens; see ShuffledIndices.
  StateDict state_dict() const;
  void load_state_dict(const StateDict& state);

 private:
  // Where the windows of an epoch begin.
  int64_t offset_of(int64_t epoch) const;

  std::vector<int64_t> tokens_;
  int64_t batch_, context_;
  uint64_t seed_;
  ShuffledIndices order_;
};

// All of a sequence in order, for evaluation: windows end to end, the last batch smaller, and a
// last window of fewer than `context` tokens in a batch of its own. Every token but the first is a
// target exactly once.
std::vector<TokenBatch> sequential_batches(const std::vector<int64_t>& tokens, int64_t batch,
                                           int64_t context);

// The items 0, 1, … in batches of similar length, longest first, so that little is padded and what
// does not fit into memory fails at once. ValueError unless batch is positive.
std::vector<std::vector<int64_t>> batches_by_length(const std::vector<int64_t>& lengths,
                                                    int64_t batch);

// Such batches for training, without end: items in shuffled order, of which each 50 batches are
// sorted by length among themselves and then shuffled as batches.
class LengthBatches {
 public:
  // ValueError unless there are items and batch is positive.
  LengthBatches(std::vector<int64_t> lengths, int64_t batch, uint64_t seed);

  // At most `batch` items.
  std::vector<int64_t> next();

  // The position, with batch, seed and a checksum of the lengths; see ShuffledIndices.
  StateDict state_dict() const;
  void load_state_dict(const StateDict& state);

 private:
  void sort_pool();
  std::vector<int64_t> lengths_;
  int64_t batch_;
  uint64_t seed_, pools_ = 0;
  ShuffledIndices order_;
  StateDict pool_start_;  // of order_, before the pool that ready_ comes from
  std::vector<std::vector<int64_t>> ready_;
};

}  // namespace attune::train
