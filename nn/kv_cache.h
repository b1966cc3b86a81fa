#pragma once

#include <vector>

#include "../autograd/ops/mask.h"
#include "../autograd/tensor.h"

namespace attune::nn {

// The keys and values of the tokens that a model has seen, for every layer, so that the next tokens
// attend to them without computing them again. Sequences of a batch may have different lengths. A
// model's step is
//
//   cache.begin(B, T);                                    // T new tokens for each of B sequences
//   x = embed(tokens, cache.positions());
//   for each layer i: auto [k, v, mask] = cache.append(i, k, v);    // and attend with them
//   cache.commit();
//
// A step that fails before commit() leaves the cache as it was.
class KvCache {
 public:
  // budget: how many tokens of each sequence are held at most. Further ones are refused, or, if
  // sliding, replace the oldest: a token then sees itself and the budget - 1 before it. Memory
  // grows with use; a sliding cache holds up to a quarter more than its budget, or what the longest
  // step needs. ValueError unless budget is positive.
  explicit KvCache(int64_t budget, bool sliding = false);

  // Starts a step. counts[b] of the `tokens` new tokens of sequence b are real, the first ones (all
  // if none are given); the others are padding, which later tokens overwrite. ShapeError if the
  // number of sequences changed, ValueError if the budget does not hold them.
  void begin(int64_t sequences, int64_t tokens, std::vector<int64_t> counts = {});
  // int64 [B, T]: where the new tokens stand in their sequences.
  Tensor positions() const;

  struct Entry {
    Tensor k, v;  // [B, H, T', D]: views of all that is held, the new tokens included
    Mask mask;    // causal, each new token from its own position
  };
  // Puts a layer's keys and values of the new tokens into the cache. k: [B, H, T, D], v:
  // [B, H, T, Dv]. All new tokens attend, or the last real one of each sequence alone: the mask is
  // for T queries or for one. ShapeError unless they fit the step and what the layer holds,
  // ValueError if a sequence has no last one, GradError if they are on the tape: run under NoGrad.
  Entry append(int64_t layer, const Tensor& k, const Tensor& v, bool last_only = false);

  // Ends the step: its real tokens now count.
  void commit();

  // Makes sequence i a copy of what sequence order[i] is now; the batch may shrink or grow. For
  // beam search, and for dropping sequences that have ended. Like forget() it drops a step that has
  // begun. IndexError if one does not exist.
  void reorder(const std::vector<int64_t>& order);
  // Forgets what these sequences have seen, so that they begin anew in the next step. IndexError if
  // one does not exist.
  void forget(const std::vector<int64_t>& sequences);
  // Forgets everything.
  void clear();

  int64_t budget() const { return budget_; }
  bool sliding() const { return sliding_; }
  // How many tokens each sequence has seen; empty until the first commit().
  const std::vector<int64_t>& lengths() const;
  // How many of the step's tokens are real, of each sequence; empty between steps.
  const std::vector<int64_t>& counts() const { return counts_; }

 private:
  struct Layer {
    Array k, v;  // [B, H, capacity, D]
  };
  void check_exists(int64_t sequence) const;
  void make_room();
  void drop_step();
  // Moves the tokens of sequence order[i] from skip[order[i]] on to sequence i of new arrays.
  void relocate(const std::vector<int64_t>& order, const std::vector<int64_t>& skip,
                int64_t capacity);
  void check(const Array& held, const Tensor& x, const char* what) const;
  Array room_for(const Array& held, const Tensor& x) const;
  void store(Array& to, const Tensor& x) const;

  int64_t budget_;
  bool sliding_;
  int64_t capacity_ = 0;              // tokens that the arrays have room for
  bool committed_ = false;            // a step, since the cache was empty
  size_t kept_layers_ = 0;            // that a committed step has put in
  std::vector<int64_t> seen_, held_;  // of each sequence; fewer are held where some slid out
  int64_t tokens_ = 0;                // of the step that has begun; 0: none
  std::vector<int64_t> counts_;
  std::vector<Layer> layers_;
};

}  // namespace attune::nn
