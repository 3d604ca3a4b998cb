// file-map: a file read, written or changed in private through a mapping, or read and written by calls, with the page
// cache hot or cold.
#include "workloads/engine/die.hpp"
#include "workloads/engine/parameter.hpp"
#include "workloads/kernel/kernel_pattern.hpp"
#include "workloads/kernel/scratch_file.hpp"
#include "workloads/kernel/specs.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace faultline::kernel {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    choice_parameter("how", "read", "read|write|private|pread|pwrite",
                     "a shared mapping read, or written and msynced; a private one written; or calls of 4K"),
    choice_parameter("cache", "hot", "hot|cold", "whether the file is in the page cache when a pass begins"),
    choice_parameter("order", "sequential", "sequential|random", "of the pages; random turns read-ahead off"),
    integer_parameter("size", "64M", page_bytes, std::int64_t{1} << 40, "bytes",
                      "of the file, which is made in TMPDIR or /var/tmp"),
    integer_parameter("passes", "4", 1, 1 << 20, "passes",
                      "over the whole file; cache=cold drops it before each, and that is timed with it"),
};

class FileMap final : public KernelPattern {
  public:
    static std::uint64_t operations(const Arguments& arguments) {
        return count_of(arguments, "passes") * (count_of(arguments, "size") / page_bytes);
    }
    explicit FileMap(const Arguments& arguments)
        : KernelPattern(arguments, operations(arguments)), how_(arguments.text("how")),
          pages_(count_of(arguments, "size") / page_bytes), passes_(count_of(arguments, "passes")),
          cold_(arguments.text("cache") == "cold"), random_(arguments.text("order") == "random") {}

    Result<void> prepare() override {
        order_ = page_order(arena_, pages_, random_, seed_);
        buffer_ = arena_.array<char>(page_bytes);
        Result<ScratchFile> file = ScratchFile::make(pages_, seed_);
        if (!file)
            return tl::unexpected(file.error());
        file_ = *std::move(file);
        if (random_)
            posix_fadvise(file_.fd(), 0, 0, POSIX_FADV_RANDOM);
        return cold_ ? file_.check_drops() : Result<void>();
    }
    // The file is in the cache since it was written; what is out again is brought back.
    void warmup() override {
        if (!cold_)
            for (const std::uint32_t page : order_)
                read_page(page);
    }
    std::uint64_t work() override {
        std::uint64_t sum = 0;
        std::uint64_t held = seed_; // the cookie of what is in the file
        for (std::uint64_t pass = 0; pass < passes_; ++pass) {
            if (cold_)
                file_.drop();
            sum += one_pass(held, mix64(seed_ + pass));
        }
        return sum;
    }

  private:
    std::uint64_t one_pass(std::uint64_t& held, std::uint64_t fresh) {
        if (how_ == "pread" || how_ == "pwrite")
            return by_calls(held, fresh);
        const Area area(pages_ * page_bytes, how_ == "private" ? MAP_PRIVATE : MAP_SHARED, file_.fd(),
                        how_ == "read" ? PROT_READ : PROT_READ | PROT_WRITE);
        if (random_)
            area.advise(MADV_RANDOM, "MADV_RANDOM");
        if (how_ == "read")
            return check_pages(area.base(), order_, held);
        write_pages(area.base(), order_, fresh);
        if (how_ == "private")
            return check_pages(area.base(), order_, fresh);
        done(msync(area.base(), area.bytes(), MS_SYNC), "msync");
        held = fresh;
        return fresh;
    }
    std::uint64_t by_calls(std::uint64_t& held, std::uint64_t fresh) {
        std::uint64_t sum = 0;
        for (const std::uint32_t page : order_) {
            // The words are those of the file's pages: the buffer's base is moved back by as much.
            char* const base = buffer_.data() - std::size_t{page} * page_bytes;
            const std::span<const std::uint32_t> one(&page, 1);
            if (how_ == "pread") {
                read_page(page);
                sum += check_pages(base, one, held);
            } else {
                write_pages(base, one, fresh);
                if (pwrite(file_.fd(), buffer_.data(), page_bytes, offset(page)) != page_bytes)
                    refused("cannot write the file");
            }
        }
        if (how_ == "pwrite") {
            done(fsync(file_.fd()), "fsync");
            held = fresh;
        }
        return sum + fresh;
    }
    void read_page(std::uint32_t page) {
        if (pread(file_.fd(), buffer_.data(), page_bytes, offset(page)) != page_bytes)
            refused("cannot read the file");
    }
    static off_t offset(std::uint32_t page) { return static_cast<off_t>(std::size_t{page} * page_bytes); }

    std::string how_;
    std::size_t pages_;
    std::uint64_t passes_;
    bool cold_;
    bool random_;
    ScratchFile file_;
    std::span<const std::uint32_t> order_;
    std::span<char> buffer_;
};

Cost cost(const Arguments& arguments) {
    return {.live_bytes = 2 * count_of(arguments, "size"), // the page cache, and private copies of it
            .allocated_bytes = 0,
            .operations = FileMap::operations(arguments)};
}

} // namespace

constinit const WorkloadSpec file_map_spec = {
    .name = "file-map",
    .summary = "a file through mappings or calls, with the page cache hot or cold",
    .citation = "this project; as lmbench's bw_mmap_rd and fio's mmap engine do",
    .parameters = parameters,
    .threaded = false,
    .micro = false,
    .cost = cost,
    .make = make_kernel<FileMap>,
    .kernel = "a page: with cache=cold one page added to the page cache, with cache=hot none; how=write and "
              "pwrite dirty it, "
              "how=private copies it on the write",
};

} // namespace faultline::kernel
