#pragma once

namespace attune::kernels {

// What this machine does at best, with num_threads() threads.
struct MachineLimits {
  double flops = 0;  // of a float32 product of large matrices, in a second
  double bytes = 0;  // read from and written to memory, in a second
};

// Measures both, in about 0.2 s and 200 MB. Other work at the same time makes them smaller.
MachineLimits measure_limits();

}  // namespace attune::kernels
