#pragma once

namespace attune::train {

// While it lives, the first SIGINT (Ctrl-C) or SIGTERM only raises a flag, so that a training loop
// can finish its step, save and stop; a second one ends the program at once. A signal that was
// ignored before, as under nohup, stays ignored. One at a time, or ValueError.
//
//   const train::StopSignal stop;
//   while (step < steps && !stop.requested()) …
//   checkpoint.save(step);
class StopSignal {
 public:
  [[nodiscard]] StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  bool requested() const { return signal() != 0; }
  // The signal that came; 0 if none did. By convention the program's exit status is 128 plus this.
  int signal() const;
};

}  // namespace attune::train
