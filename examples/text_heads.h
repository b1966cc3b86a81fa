// What the heads of a model looked at while it read a text, for a report.

#pragma once

#include <attune/attune.h>

#include <string>
#include <vector>

struct TextHeads {
  std::vector<std::string> tokens;
  std::vector<attune::train::AttentionMap> maps;
};

// Runs read(ids, type_ids), both int64 [1, T], and records it.
template <class Read>
TextHeads heads_of(const attune::io::Tokenizer& tokenizer, const attune::io::Encoding& text,
                   const Read& read) {
  using namespace attune;
  NoGrad no_grad;
  const AttentionRecorder recorder;
  const Shape shape{1, std::ssize(text.ids)};
  read(tensor(text.ids, shape), tensor(text.type_ids, shape));
  TextHeads heads;
  for (const int64_t id : text.ids) heads.tokens.push_back(tokenizer.decode({id}, false));
  // What parts texts: tokens that the tokenizer put in, but for the one in front.
  std::vector<bool> separators = text.special;
  separators.at(0) = false;
  heads.maps = train::attention_maps(recorder.records(), text.ids, separators);
  return heads;
}
