#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "metrics.h"

namespace attune::train {

// A number about one head, as the report shows it: "entropy 2.1 bits". The unit "%" shows a
// fraction of 1 as a percentage.
struct Statistic {
  std::string name;
  double value = 0;
  std::string unit = {};
};

// What one head attends to: over one sequence, or from one to another.
struct AttentionMap {
  int64_t layer = 0;
  int64_t head = 0;
  std::vector<float> weights;              // [queries, keys], each in [0, 1]
  std::vector<Statistic> statistics = {};  // shown with the head; see attention_maps
  std::string label = {};                  // a name for what the head does, such as "induction"
};

// Lines over a common x axis. Every series has as many x as y; a NaN in y is a gap.
struct Series {
  std::string name;
  std::vector<double> x;
  std::vector<double> y;
};
struct Chart {
  std::string title;
  std::string note = {};  // how to read it, in a sentence
  std::string x_label = "step";
  std::string y_label = {};
  std::vector<Series> series = {};
};

// A page about a training run: one HTML file that needs no network. Sections appear only when they
// have content: settings, headline numbers, learning curves, samples, and then the charts, texts
// and attention sections in the order they were added. Any text may go in, hostile or not UTF-8.
class Report {
 public:
  // The lead is a sentence or two under the title.
  explicit Report(std::string title, std::string lead = {});

  // One setting or fact: layers, data set, parameters, date, duration. Integers get separators.
  void config(std::string_view key, std::string_view value);
  template <class T>
  requires std::is_arithmetic_v<T>
  void config(std::string_view key, T value) {
    if constexpr (std::same_as<T, bool>) {
      config(key, std::string_view(value ? "yes" : "no"));
    } else if constexpr (std::integral<T>) {
      config_integer(key, static_cast<int64_t>(value));
    } else {
      config_real(key, static_cast<double>(value));
    }
  }

  // A headline number beside those that the report takes from the curves, with a few words on what
  // it means.
  void tile(std::string_view name, std::string_view value, std::string_view meaning = {});

  // What the losses are means over: a "token" of a language model unless told otherwise, a "text"
  // of a classifier.
  void loss_per(std::string_view item) { item_ = item; }

  // What was measured at one step; steps come in rising order. Long runs are averaged down to 4,000
  // points for the page.
  void point(const Metrics& metrics);

  // Text that the model wrote at one step.
  void sample(int64_t step, std::string_view text);

  // Heat maps of heads over one sequence of tokens; nothing without maps. ShapeError unless every
  // map is [tokens, tokens], with at least one token. The page holds 2 bytes a weight: 1.2 MB for
  // 144 heads and 64 tokens.
  void attention(const std::vector<std::string>& tokens, const std::vector<AttentionMap>& maps,
                 std::string_view title = "Attention", std::string_view note = {});
  // The same from one sequence to another, as a decoder looks at what it translates. ShapeError
  // unless every map is [queries, keys].
  void cross_attention(const std::vector<std::string>& queries,
                       const std::vector<std::string>& keys, const std::vector<AttentionMap>& maps,
                       std::string_view title = "Cross-attention", std::string_view note = {});

  // ShapeError if a series has not as many x as y.
  void chart(const Chart& chart);

  // A titled text: blank lines separate paragraphs, and line breaks stay.
  void text(std::string_view title, std::string_view body);

  std::string html() const;

  // Replaces the file at `path` at once, so that it never holds half a page. IoError if it cannot
  // be written.
  void write(const std::string& path) const;

 private:
  void config_integer(std::string_view key, int64_t value);
  void config_real(std::string_view key, double value);

  struct Tile {
    std::string name, value, meaning;
  };
  struct Sample {
    int64_t step;
    std::string text;
  };

  std::vector<Tile> headline() const;

  std::string title_, lead_, item_ = "token";
  std::vector<std::pair<std::string, std::string>> config_;
  std::vector<Tile> tiles_;
  std::vector<Metrics> points_;
  std::vector<Sample> samples_;
  std::vector<std::string> sections_;  // each a JSON object
};

}  // namespace attune::train
