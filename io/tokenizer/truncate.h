#pragma once

#include "../encoding.h"
#include "text.h"

namespace attune::io::tokenizers {

// Cuts one text, or a pair, so that together with `added` tokens it has at most options.max_length.
// ValueError if that cannot be.
void truncate(Tokens& first, Tokens* second, int64_t added, const EncodeOptions& options);

}  // namespace attune::io::tokenizers
