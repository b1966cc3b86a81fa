#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../../array/fail.h"
#include "../json.h"
#include "../json_scanner.h"
#include "declared_tokens.h"
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
// "</s>", or an object with that as its content and with flags, which is special if `special`. The
// content may be empty.
AddedToken token_from(const Json& json, bool special);

// Limits for all these files: on nesting; on tokens and merges, and on bytes, which bound what a
// file costs in memory. Gemma's, one of the largest, has 262,144 tokens and 514,906 merges in 33
// MB.
constexpr int deepest_json = 64;
constexpr size_t most_tokens = size_t{1} << 21;
constexpr size_t most_bytes = size_t{1} << 28;
constexpr int64_t largest_id = std::numeric_limits<int32_t>::max() - 1;

// A vocabulary {"token": id}: tokens by id. Ids stay below the number of tokens and `others`. A
// FormatError knows the reason alone, as those of merges do.
TokenList vocabulary_from(JsonScanner json, size_t others);
Merges merges_from(JsonScanner json, const Vocabulary& vocabulary);
// "left right"; none if it is anything else.
std::optional<TokenPair> merge_from_line(std::string_view line, const Vocabulary& vocabulary);

// All of a tokenizer.json, whose model's vocabulary and merges are given apart, and of what the
// files beside it declare.
std::shared_ptr<Pipeline> pipeline_from(const Json& json,
                                        std::shared_ptr<const Vocabulary> vocabulary, Merges merges,
                                        const std::vector<DeclaredToken>& declared = {});

// Runs f; a FormatError of it, which knows the reason alone, gets the file and the place.
template <class F>
auto in_place(const Json& json, F&& f) {
  try {
    return f();
  } catch (const FormatError& error) {
    json.refuse(error.what());
  }
}

// The same for a file, of which no place is known.
template <class F>
auto in_file(const char* operation, const std::string& path, F&& f) {
  try {
    return f();
  } catch (const FormatError& error) {
    fail<FormatError>(operation, "{}: {}", path, one_line(error.what()));
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

// How many stages a stage is, those of sequences within sequences counted one by one.
inline size_t count_stages(const Json& stage, const char* list) {
  if (stage["type"].string() != "Sequence") return 1;
  size_t count = 0;
  for (const Json& part : stage[list].elements()) count += count_stages(part, list);
  return count;
}

// The parts of a stage that is a sequence of some. Each calls the next, so there can be few.
template <class T>
std::vector<T> make_sequence(const Json& stage, const char* list, T (*make)(const Json&)) {
  constexpr size_t most = 64;
  if (const size_t count = count_stages(stage, list); count > most)
    stage.refuse(fmt::format("{} stages; there can be at most {}", count, most));
  return make_parts(stage[list], make);
}

}  // namespace attune::io::tokenizers
