#pragma once

namespace attune {

// Threads that kernels may use, for the whole process. Results never depend on it: work is cut into
// tiles by shape alone and each tile is computed by one thread in a fixed order.
int num_threads();
// ValueError unless 1 <= threads <= 1024. A forked process works on one thread, and on no more
// (ValueError): it has none of the threads that OpenMP would wait for.
void set_num_threads(int threads);

}  // namespace attune
