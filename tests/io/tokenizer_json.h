// A small tokenizer.json for tests to change, and what becomes of it.
#pragma once

#include <attune/io.h>

#include <nlohmann/json.hpp>
#include <string>

#include "../scratch.h"

namespace tokenizer_json {

using attune::io::Tokenizer;
using Json = nlohmann::json;

inline Json valid() {
  return Json::parse(R"({"version":"1.0","added_tokens":[{"id":4,"content":"<x>","special":true}],
    "normalizer":null,"pre_tokenizer":{"type":"Whitespace"},"post_processor":null,"decoder":null,
    "model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"abb":3},"merges":["a b",["ab","b"]]}})");
}

inline Tokenizer loaded(const Json& json) {
  const ScratchFolder folder;
  write_all(folder / "tokenizer.json", json.dump());
  return attune::io::load_tokenizer(folder / "");
}

}  // namespace tokenizer_json
