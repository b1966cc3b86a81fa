#pragma once

#include "attention.h"

// For .cpp files only: attention of a few queries to many keys, as when a model writes token by
// token. Then reading k and v is all it costs.
namespace attune::kernels {

// Whether attention of these shapes is computed so.
bool is_decoding(const Array& q, const Array& k, const AttentionMask& mask);

// attention() for such shapes: fills result. Heads that share keys read them once; blocks of keys
// are tiles of their own, put together in their order afterwards. Dao et al. 2023, Flash-Decoding.
void decode_attention(const Array& q, const Array& k, const Array& v, const AttentionMask& mask,
                      const AttentionOptions& options, AttentionResult& result);

}  // namespace attune::kernels
