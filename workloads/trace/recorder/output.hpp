// The recorder's file, one for each process. Callers hold the recorder's lock.
#pragma once

#include "workloads/trace/codec.hpp"
#include "workloads/trace/format.hpp"

#include <cstdint>

namespace faultline::trace::recorder {

struct RawEvent { // what encode() needs, in 32 bytes
    std::uint64_t time;
    std::uint64_t pointer;
    std::uint64_t size;
    std::uint64_t extra : 56;
    Op op : 8;
};
static_assert(sizeof(RawEvent) == 32);

inline constexpr unsigned buffer_events = 4096;

class Output {
  public:
    // Takes the place of the file from FAULTLINE_RECORD_FILE in `environment`; false when it is not set.
    bool configure(char** environment);

    // For a forked child: its blocks go to a file of its own, whose header says so.
    void restart_in_child();

    void write_events(const RawEvent* events, unsigned count, std::uint32_t thread);
    void write_end();

    // Creates the file. A process does so when it starts, lest a child of it that ends sooner takes the name; a forked
    // child at its first block, since most of them exec at once.
    bool open_file();

  private:
    bool create(const char* path);
    bool still_ours() const;
    bool write_block(BlockHeader& header, unsigned char* payload);
    bool write_bytes(const void* data, std::size_t size);
    void give_up(const char* what);
    unsigned char* take_memory(std::size_t bytes);

    static constexpr std::size_t path_bytes = 4096;
    char wanted_path_[path_bytes] = {};
    char path_[path_bytes + 32] = {};
    int fd_ = -1;
    std::uint64_t device_ =
        0; // of the open file: a program may close our descriptor and get its number again
    std::uint64_t inode_ = 0;
    std::uint64_t good_bytes_ = 0; // length up to the last whole block
    bool is_forked_ = false;
    bool has_given_up_ = false;
    unsigned char* raw_ = nullptr;
    unsigned char* packed_ = nullptr;
    void* packer_ = nullptr;
};

} // namespace faultline::trace::recorder
