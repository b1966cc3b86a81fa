#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "encoding.h"

namespace attune::io {

// Turns text into the tokens of a model and back: the ids, and the text of ids, that the
// `tokenizers` library of Hugging Face gives for the same files. A handle: copies share the
// vocabulary. Safe to use from several threads.
class Tokenizer {
 public:
  struct Implementation;
  explicit Tokenizer(std::shared_ptr<const Implementation> implementation);

  // How many ids there are: 0 … size() - 1.
  int64_t size() const;
  // The token of an id, as the vocabulary spells it. IndexError if it is outside.
  std::string token(int64_t id) const;
  // The id of a token; none if the vocabulary lacks it.
  std::optional<int64_t> id(std::string_view token) const;

  // The ids of a text. Bytes that are not UTF-8 count as U+FFFD. ValueError if the options cannot
  // be met, or if the text is larger than 2 GiB.
  std::vector<int64_t> encode(std::string_view text, const EncodeOptions& options = {}) const;
  // The same with the ids' types and, if asked for, offsets; of one text or of a pair.
  Encoding operator()(std::string_view text, const EncodeOptions& options = {}) const;
  Encoding operator()(std::string_view text, std::string_view second,
                      const EncodeOptions& options = {}) const;
  // Many texts, or pairs of texts, padded to one length. ValueError if there is not one second text
  // for each first.
  Batch encode_batch(const std::vector<std::string>& texts,
                     const EncodeOptions& options = {}) const;
  Batch encode_pairs(const std::vector<std::string>& texts, const std::vector<std::string>& seconds,
                     const EncodeOptions& options = {}) const;

  // The text of ids; bytes that are no UTF-8 become U+FFFD. IndexError if an id is outside.
  std::string decode(const std::vector<int64_t>& ids, bool skip_special_tokens = true) const;

  // The token that plays a part for the model, by the name that tokenizer_config.json uses:
  // "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token".
  std::optional<int64_t> special_id(const std::string& role) const;
  // What encode_batch pads with: the pad_token, or 0.
  int64_t pad_id() const;

  // Writes tokenizer.json, and vocab.json with merges.txt or vocab.txt, into a folder, which is
  // made. ValueError for a CharTokenizer.
  void save(const std::string& folder) const;

 protected:
  const Implementation& implementation() const { return *implementation_; }

 private:
  Encoding encode_both(std::string_view text, const std::string_view* second,
                       const EncodeOptions& options) const;
  Batch pad(const std::vector<Encoding>& encodings, int64_t multiple) const;
  bool is_special(int64_t id) const;
  friend class StreamDecoder;

  std::shared_ptr<const Implementation> implementation_;
};

// Reads a tokenizer.json, or a vocab.txt (BERT's WordPiece), or a vocab.json with the merges.txt
// beside it (byte-level BPE, as GPT-2's and RoBERTa's classes make it); or a folder with one of
// these, in this order. The files tokenizer_config.json, special_tokens_map.json and
// added_tokens.json beside it say more, where they are. FormatError names the file and what is
// wrong with it or not supported, as are tokens that these would add to the vocabulary, or a
// tokenizer_config.json that contradicts tokenizer.json on lower case, accents or a blank before
// the text, for a class that goes by it; IoError what cannot be read. A link that leads out of the
// folder (see path_in) is refused, unless it is the path itself: whoever names a file means it.
//
// encode never cuts or pads on its own: the truncation and padding that some tokenizer.json files
// ask for are left to EncodeOptions.
Tokenizer load_tokenizer(const std::string& path);

// Turns ids into text one by one, as a model makes them.
class StreamDecoder {
 public:
  explicit StreamDecoder(Tokenizer tokenizer, bool skip_special_tokens = true);

  // The text that the id adds: nothing, as long as a character is not complete. After 64 ids at
  // whose ends none was, all but what may become one. IndexError if the id is outside.
  std::string next(int64_t id);
  // What is left when no more ids come.
  std::string finish();

 private:
  std::string decode(size_t count) const;  // the first ids
  // What the text of the first ids adds to that of the settled ones.
  std::string added_text(size_t count) const;
  // Takes the first ids for settled, whose added text this is; gives what is final of it.
  std::string settle(size_t count, std::string added);
  size_t whole_characters() const;

  Tokenizer tokenizer_;
  bool skip_special_tokens_;
  std::vector<int64_t> ids_;  // those whose text is not settled, after a few that are
  size_t settled_ = 0;        // how many of ids_ are
  std::string settled_text_;  // theirs
};

}  // namespace attune::io
