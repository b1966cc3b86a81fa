#include "beam_search.h"

#include <algorithm>
#include <cmath>

#include "../../array/fail.h"
#include "../../autograd/ops/softmax.h"
#include "decoding.h"

namespace attune::nn::models {
namespace {

using Tokens = std::vector<int64_t>;

struct Beam {
  Tokens tokens;
  double score = 0;  // sum of log probabilities
  int64_t row = 0;   // of the cache it goes on from
};

class Search {
 public:
  Search(const LanguageModel& model, const Tokens& prompt, const GenerationOptions& options)
      : model_(model),
        options_(options),
        prompt_(prompt.size()),
        beams_{{prompt, 0, 0}},
        cache_(model.context) {}

  Tokens run() {
    std::vector<Tokens> news{beams_[0].tokens};
    const int64_t room = model_.context - static_cast<int64_t>(prompt_);
    // The token after the last that fits can still be decided.
    for (int64_t step = 0; step < std::min(options_.max_new_tokens, room + 1); ++step) {
      advance(logits_after(model_, news, cache_));
      if (done()) break;
      std::vector<int64_t> rows;
      news.clear();
      for (const Beam& beam : beams_) {
        rows.push_back(beam.row);
        news.push_back({beam.tokens.back()});
      }
      cache_.reorder(rows);
    }
    if (!done())
      for (const Beam& beam : beams_) finish(beam);
    return finished_[0].tokens;
  }

 private:
  struct Candidate {
    double score;
    int64_t row, token;
  };

  size_t width() const { return static_cast<size_t>(options_.num_beams); }

  // The best continuations of all beams, so many that enough have not ended: each beam can end once
  // with every end.
  std::vector<Candidate> candidates(const Tensor& logits) const {
    std::vector<float> scores = log_softmax(logits, -1).to_vector<float>();
    const size_t vocabulary = scores.size() / beams_.size();
    std::vector<Candidate> all;
    all.reserve(scores.size());
    for (size_t row = 0; row < beams_.size(); ++row) {
      const std::span<float> of_row(scores.data() + row * vocabulary, vocabulary);
      if (std::isnan(of_row[0]))
        fail<ValueError>("generate", "a logit is NaN; the model has gone wrong");
      penalize_repetition(of_row, beams_[row].tokens, options_.sampling.repetition_penalty);
      for (size_t token = 0; token < vocabulary; ++token)
        all.push_back({beams_[row].score + static_cast<double>(of_row[token]),
                       static_cast<int64_t>(row), static_cast<int64_t>(token)});
    }
    const size_t ends = options_.eos_token_id.size() + options_.stop.size();
    const size_t kept = std::min(all.size(), (1 + std::max<size_t>(1, ends)) * width());
    std::partial_sort(all.begin(), all.begin() + static_cast<int64_t>(kept), all.end(),
                      [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
    all.resize(kept);
    return all;
  }

  void advance(const Tensor& logits) {
    const auto ranked = candidates(logits);
    std::vector<Beam> next;
    for (size_t rank = 0; rank < ranked.size() && next.size() < width(); ++rank) {
      const Candidate& c = ranked[rank];
      Beam beam{beams_[static_cast<size_t>(c.row)].tokens, c.score, c.row};
      beam.tokens.push_back(c.token);
      if (!ends_with_stop(beam.tokens, options_))
        next.push_back(std::move(beam));
      else if (rank < width())
        finish(beam);
    }
    beams_ = std::move(next);
  }

  double normalised(double score, size_t length) const {
    return score / std::pow(static_cast<double>(length - prompt_), options_.length_penalty);
  }

  // Keeps the best `width` finished sequences, the best first.
  void finish(const Beam& beam) {
    Beam result = beam;
    result.score = normalised(beam.score, beam.tokens.size());
    const auto place =
        std::upper_bound(finished_.begin(), finished_.end(), result,
                         [](const Beam& a, const Beam& b) { return a.score > b.score; });
    finished_.insert(place, std::move(result));
    if (finished_.size() > width()) finished_.pop_back();
  }

  // Whether no open beam can still beat the worst that is kept.
  bool done() const {
    if (beams_.empty()) return true;
    if (finished_.size() < width()) return false;
    return finished_.back().score >= normalised(beams_[0].score, beams_[0].tokens.size());
  }

  const LanguageModel& model_;
  const GenerationOptions& options_;
  size_t prompt_;
  std::vector<Beam> beams_, finished_;
  KvCache cache_;
};

}  // namespace

Tokens beam_search(const LanguageModel& model, const Tokens& prompt,
                   const GenerationOptions& options) {
  return Search(model, prompt, options).run();
}

}  // namespace attune::nn::models
