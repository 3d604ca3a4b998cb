// The pressure box of a run: swap of its own, and a control group with a memory limit for each trial.
//
// Needs root. Everything that is made is written into a journal before it is made. A guardian process, which
// lives as long as the runner, undoes the journal when the runner ends or is killed.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace faultline::box {

struct Swap {
    enum class Kind { none, zram, file };
    Kind kind = Kind::none;
    std::uint64_t bytes = 0;
};
// "none", "zram:1G" or "file:512M". Fails with usage.
Result<Swap> parse_swap(std::string_view text);

// The control group of one trial, removed with this object.
class Cell {
  public:
    const std::filesystem::path& path() const { return path_; }
    Result<void> take_in(pid_t pid);                // before it allocates anything
    std::optional<std::uint64_t> oom_kills() const; // of its processes; absent where the kernel does not say

    Cell(Cell&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    Cell& operator=(Cell&&) = delete;
    Cell(const Cell&) = delete;
    Cell& operator=(const Cell&) = delete;
    ~Cell();

  private:
    friend class Box;
    explicit Cell(std::filesystem::path path) : path_(std::move(path)) {}
    std::filesystem::path path_;
};

class Box {
  public:
    // `huge_pages`: the host's mode of transparent huge pages until the box is gone, "always", "madvise" or "never";
    // empty: as it is. Fails with unavailable (no permission, no controller, no free zram device, no huge pages)
    // or os. What was made until then is undone.
    static Result<Box> make(std::uint64_t limit_bytes, const Swap& swap, std::string_view huge_pages = "");

    // A group with the limit, and no processes yet.
    Result<Cell> cell();

    Box(Box&& other) noexcept;
    Box& operator=(Box&&) = delete;
    Box(const Box&) = delete;
    Box& operator=(const Box&) = delete;
    ~Box(); // returns when everything is undone

  private:
    Box() = default;
    std::uint64_t limit_bytes_ = 0;
    bool swap_ = false;
    unsigned cells_ = 0;
    Fd journal_;  // locked as long as the runner or the guardian live
    Fd lifeline_; // a pipe's end: its closing tells the guardian
    pid_t guardian_ = -1;
};

// Undoes what runs left whose guardian was killed, too. Returns how many there were.
unsigned clean_leftovers();

} // namespace faultline::box
