#include "post_processor.h"

namespace attune::io::tokenizers {

int64_t PostProcessor::added(bool is_pair) const {
  size_t count = 0;
  for (const Part& part : is_pair ? pair : single) count += part.ids.size();
  return static_cast<int64_t>(count);
}

Encoding PostProcessor::process(const Tokens& first, const Tokens* second,
                                bool add_special_tokens) const {
  Encoding encoding;
  const auto append = [&](const std::vector<int64_t>& ids, int64_t type_id, bool special) {
    encoding.ids.insert(encoding.ids.end(), ids.begin(), ids.end());
    encoding.type_ids.insert(encoding.type_ids.end(), ids.size(), type_id);
    encoding.special.insert(encoding.special.end(), ids.size(), special);
  };
  for (const Part& part : second ? pair : single) {
    if (part.kind == Part::Kind::tokens) {
      if (!add_special_tokens) continue;
      append(part.ids, part.type_id, true);
      if (first.traced) encoding.offsets.resize(encoding.ids.size());
    } else {
      const Tokens& tokens = part.kind == Part::Kind::first ? first : *second;
      append(tokens.ids, part.type_id, false);
      encoding.offsets.insert(encoding.offsets.end(), tokens.offsets.begin(), tokens.offsets.end());
    }
  }
  return encoding;
}

}  // namespace attune::io::tokenizers
