// Configs of small models.
#pragma once

#include <cstdint>

// Of a BertConfig or LlamaConfig, whose fields have the same names.
template <class Config>
Config sized(int64_t vocab, int64_t width, int64_t layers, int64_t heads, int64_t inner) {
  Config c;
  c.vocab_size = vocab;
  c.hidden_size = width;
  c.num_hidden_layers = layers;
  c.num_attention_heads = heads;
  c.intermediate_size = inner;
  return c;
}
