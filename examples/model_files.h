// The models that programs read from folders in the layout of Hugging Face, whatever their kind.
// What train_gpt writes is one too: a GPT-2, and beside it vocabulary.json, a list of the
// character that each token is.

#pragma once

#include <attune/attune.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

// --- Tokenizers. ---

constexpr const char* character_file = "vocabulary.json";

// The files of other tokenizers, in the order in which a folder is searched.
constexpr std::array tokenizer_files = {"tokenizer.json", "vocab.txt", "vocab.json"};

// ValueError if a folder has another tokenizer than a list of characters, which would be read in
// its place.
inline void refuse_other_tokenizer(const std::string& folder) {
  for (const char* file : tokenizer_files)
    if (attune::io::exists(folder + "/" + file))
      throw attune::ValueError(fmt::format(
          "{} has {}, the tokenizer of another model; remove it or choose another folder", folder,
          file));
}

// FormatError if a character is no UTF-8, which JSON cannot hold; ValueError as above.
inline void save_characters(const attune::io::CharTokenizer& tokenizer, const std::string& folder) {
  refuse_other_tokenizer(folder);
  std::string vocabulary;
  try {
    vocabulary = nlohmann::json(tokenizer.vocabulary()).dump(0) + "\n";
  } catch (const nlohmann::json::exception&) {
    throw attune::FormatError("the text is not UTF-8; convert it (iconv -f latin1 -t utf-8)");
  }
  attune::io::write_atomically(folder + "/" + character_file, vocabulary);
}

inline attune::io::CharTokenizer load_characters(const std::string& folder) {
  const std::string path = folder + "/" + character_file;
  try {
    const auto vocabulary = nlohmann::json::parse(attune::io::read_file(path));
    return attune::io::CharTokenizer(vocabulary.get<std::vector<std::string>>());
  } catch (const nlohmann::json::exception&) {
    throw attune::FormatError(path + ": is not a list of characters in JSON");
  }
}

// A tokenizer and how to write it.
struct TokenizerFiles {
  attune::io::Tokenizer tokenizer;
  std::function<void(const std::string& folder)> save;
};

// The tokenizer of a folder whose model knows vocab_size tokens. FormatError if it has more.
inline TokenizerFiles load_tokenizer(const std::string& folder, int64_t vocab_size) {
  using namespace attune;
  const auto has = [&](const char* file) {
    return std::filesystem::exists(std::filesystem::path(folder) / file);
  };
  const auto check = [&](bool fits, const io::Tokenizer& tokenizer) {
    if (!fits)
      throw FormatError(fmt::format("{}: the tokenizer has {} tokens, the model knows {}", folder,
                                    tokenizer.size(), vocab_size));
  };
  if (std::any_of(tokenizer_files.begin(), tokenizer_files.end(), has)) {
    const io::Tokenizer tokenizer = io::load_tokenizer(folder);
    check(tokenizer.size() <= vocab_size, tokenizer);
    return {tokenizer, [tokenizer](const std::string& to) { tokenizer.save(to); }};
  }
  if (!has(character_file))
    throw IoError(fmt::format(
        "{} has no tokenizer: none of tokenizer.json, vocab.json, vocab.txt, and {} of train_gpt",
        folder, character_file));
  const io::CharTokenizer characters = load_characters(folder);
  check(characters.size() == vocab_size, characters);
  return {characters, [characters](const std::string& to) { save_characters(characters, to); }};
}

// --- Models. ---

// A model that reads text, and its tokenizer.
struct TextModel {
  std::string kind;  // as config.json calls it: "gpt2", "llama", "bert"
  attune::nn::Module module;
  attune::io::Tokenizer tokenizer;
  int64_t longest;  // the most tokens it reads at once
  // ids and their types, int64 [B, T] -> the logits of a language model, the states of an encoder.
  std::function<attune::Tensor(const attune::Tensor& ids, const attune::Tensor& type_ids)> read;

  // How a language model writes; an encoder does not.
  std::optional<attune::nn::models::LanguageModel> writing = {};
  std::function<void(const std::string& folder)> save = {};  // with the tokenizer
  std::optional<int64_t> beginning = {};  // the token before each text, if there is such
  std::vector<int64_t> ends = {};         // the tokens that end one
};

constexpr const char* generation_file = "generation_config.json";

// What a folder has of a generation_config.json.
inline std::optional<std::string> read_generation_file(const std::string& folder) {
  using namespace attune;
  if (!io::exists(folder + "/" + generation_file)) return std::nullopt;
  return io::read_file(hub::path_in(folder, generation_file));
}

// Writes it, or takes away that of another model.
inline void write_generation_file(const std::string& folder,
                                  const std::optional<std::string>& content) {
  const std::string path = folder + "/" + generation_file;
  if (content)
    attune::io::write_atomically(path, *content);
  else
    std::filesystem::remove(path);
}

// The tokens that end a text. Where there is a generation_config.json, transformers asks it alone.
inline std::vector<int64_t> ends_of(const std::string& folder,
                                    const std::optional<std::string>& generation,
                                    std::vector<int64_t> of_config) {
  if (!generation) return of_config;
  const auto json = nlohmann::json::parse(*generation, nullptr, false);
  const std::string path = folder + "/" + generation_file;
  if (!json.is_object()) throw attune::FormatError(path + ": is no object in JSON");
  const auto ends = json.value("eos_token_id", nlohmann::json());
  if (ends.is_null()) return {};
  std::vector<int64_t> tokens;
  for (const auto& end : ends.is_array() ? ends : nlohmann::json::array({ends})) {
    if (!end.is_number_unsigned() || end.get<uint64_t>() > INT64_MAX)
      throw attune::FormatError(path + ": eos_token_id is neither a token nor a list of tokens");
    tokens.push_back(end.get<int64_t>());
  }
  return tokens;
}

template <class Model>
TextModel load_language_model(const std::string& folder) {
  using namespace attune;
  const auto model = hub::from_pretrained<Model>(folder);
  const auto& config = model.config();
  const auto files = load_tokenizer(folder, config.vocab_size);
  const bool has_bos = config.bos_token_id && *config.bos_token_id < config.vocab_size;
  const auto generation = read_generation_file(folder);
  return {.kind = hub::model_type(folder),
          .module = model,
          .tokenizer = files.tokenizer,
          .longest = model.context(),
          .read = [model](const Tensor& ids, const Tensor&) { return model(ids); },
          .writing = nn::models::language_model(model),
          .save =
              [generation, model, files](const std::string& to) {
                io::make_folder(to);
                files.save(to);  // first: it may refuse the folder
                hub::save_pretrained(model, to);
                write_generation_file(to, generation);
              },
          .beginning = has_bos ? config.bos_token_id : files.tokenizer.special_id("bos_token"),
          .ends = ends_of(folder, generation, config.eos_token_id)};
}

inline TextModel load_encoder(const std::string& folder) {
  using namespace attune;
  const auto model = hub::from_pretrained<nn::models::BertModel>(folder);
  return {.kind = "bert",
          .module = model,
          .tokenizer = load_tokenizer(folder, model.config().vocab_size).tokenizer,
          .longest = model.config().max_position_embeddings,
          .read = [model](const Tensor& ids, const Tensor& type_ids) {
            return model(ids, {.token_type_ids = type_ids});
          }};
}

// FormatError for a kind that is not known.
inline TextModel load_text_model(const std::string& folder) {
  const std::string kind = attune::hub::model_type(folder);
  if (kind == "gpt2") return load_language_model<attune::nn::models::Gpt2>(folder);
  if (kind == "llama") return load_language_model<attune::nn::models::Llama>(folder);
  if (kind == "bert") return load_encoder(folder);
  throw attune::FormatError(
      fmt::format("{}: model_type is \"{}\"; gpt2, llama and bert can be read", folder, kind));
}

// What the model of a folder answered. ValueError unless it is finite, as damaged weights make it.
inline attune::Tensor finite(const attune::Tensor& answers, const std::string& folder) {
  if (!all(isfinite(answers)).item<bool>())
    throw attune::ValueError(folder +
                             ": the model answers with NaN or infinity; its weights are damaged");
  return answers;
}

// The text of tokens. A model may know more of them than its tokenizer.
inline std::string decode(const TextModel& model, std::vector<int64_t> tokens) {
  std::erase_if(tokens, [&](int64_t token) { return token >= model.tokenizer.size(); });
  return model.tokenizer.decode(tokens);
}

// A model that writes. FormatError for one that does not.
inline TextModel load_writer(const std::string& folder) {
  TextModel model = load_text_model(folder);
  if (!model.writing)
    throw attune::FormatError(
        fmt::format("{}: model_type is \"{}\", an encoder, which does not write; gpt2 and llama do",
                    folder, model.kind));
  return model;
}
