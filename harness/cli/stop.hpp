// Ctrl-C as a file descriptor: SIGINT and SIGTERM make `fd()` readable, and whoever polls it stops cleanly.
// The second one ends the program at once.
#pragma once

namespace faultline::cli {

class StopSignal {
  public:
    StopSignal();  // installs the handlers; one object at a time
    ~StopSignal(); // puts back what was there
    StopSignal(const StopSignal&) = delete;
    StopSignal& operator=(const StopSignal&) = delete;
    int fd() const;
    int number() const; // of the signal that came, 0 for none
};

} // namespace faultline::cli
