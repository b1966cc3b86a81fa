#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "../io/csv.h"

namespace attune::train {

// Texts that each have one of several labels.
struct LabelledTexts {
  std::vector<std::string> texts;
  std::vector<int64_t> labels;           // of each text: an index into label_names
  std::vector<std::string> label_names;  // in alphabetical order, or that of their numbers

  // Two columns of a table. FormatError names the line of an empty label, or of what is not UTF-8;
  // ValueError if there are fewer than two labels to tell apart.
  static LabelledTexts from_csv(const io::CsvTable& table, const std::string& text_column = "text",
                                const std::string& label_column = "label");

  // Two parts, in an order shuffled by the seed: all but a share, to learn from, and that share, at
  // least one text, held out. ValueError unless 0 < share < 1 and both parts have a text.
  std::pair<LabelledTexts, LabelledTexts> split(double share, uint64_t seed) const;
};

}  // namespace attune::train
