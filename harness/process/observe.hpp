// What can be seen of a running process from outside: the end of what it prints, and the memory it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <sys/types.h>

namespace faultline::process {

// The last bytes that came out of a non-blocking descriptor, however much it was.
class OutputTail {
  public:
    static constexpr std::size_t most_bytes = 4096;

    void collect(int fd); // all that is there now
    const std::string& text() const { return text_; }
    std::string take() { return std::move(text_); }

  private:
    std::string text_;
};

// The last line that says something; "" when none does.
std::string last_line(const std::string& text);

std::uint64_t resident_bytes(pid_t pid); // 0 when it is gone

} // namespace faultline::process
