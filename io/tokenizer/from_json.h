#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../../array/error.h"
#include "../json.h"
#include "pipeline.h"

// The parts of a tokenizer.json. Each function is a FormatError that names the place if something
// is missing, of the wrong type or not supported.
namespace attune::io::tokenizers {

Normalizer normalizer_from(const Json& json);
PreTokenizer pre_tokenizer_from(const Json& json);
Decoder decoder_from(const Json& json);
Pattern pattern_from(const Json& json);
Prepend prepend_scheme_from(const Json& json);
PostProcessor post_processor_from(const Json& json);
std::vector<AddedToken> added_tokens_from(const Json& json);

// A vocabulary {"token": id}: tokens by id. Ids stay below the number of tokens and `others`.
std::vector<std::string> vocabulary_from(const Json& json, size_t others);
Merges merges_from(const Json& json);

// All of a tokenizer.json, whose model's vocabulary and merges are given apart.
std::shared_ptr<Pipeline> pipeline_from(const Json& json, std::vector<std::string> vocabulary,
                                        Merges merges);

// Runs f; a FormatError of it, which knows the reason alone, gets the file and the place.
template <class F>
auto in_place(const Json& json, F&& f) {
  try {
    return f();
  } catch (const FormatError& error) {
    json.refuse(error.what());
  }
}

// What makes a part of each type that is supported.
template <class T>
struct Maker {
  const char* type;
  T (*make)(const Json&);
};

template <class T, size_t n>
T make_part(const char* stage, const Maker<T> (&makers)[n], const Json& json) {
  const std::string type = json["type"].string();
  for (const Maker<T>& maker : makers)
    if (type == maker.type) return maker.make(json);
  json.refuse(std::string("the ") + stage + " \"" + type + "\" is not supported");
}

template <class T>
std::vector<T> make_parts(const Json& list, T (*make)(const Json&)) {
  const auto elements = list.elements();
  std::vector<T> parts;
  parts.reserve(elements.size());
  for (const Json& part : elements) parts.push_back(make(part));
  return parts;
}

}  // namespace attune::io::tokenizers
