#pragma once

#include <cstdint>
#include <string_view>

namespace attune {

// A hash below 2^61 - 1: the text, in words of seven bytes behind its length, as a polynomial of
// the key modulo that prime (Carter and Wegman, 1979). Two texts collide for no more keys than the
// longer has words, and one more, so that who does not know the key cannot choose texts that do.
uint64_t keyed_hash(std::string_view text, uint64_t key);

// Drawn anew in each process, so that no file can be made to slow down the tables it is read into.
// Odd, and from 2^60 to 2^61.
uint64_t process_hash_key();

}  // namespace attune
