#include "workloads/trace/reader.hpp"

#include "base/fd.hpp"
#include "workloads/trace/codec.hpp"
#include "workloads/trace/crc32.hpp"
#include "workloads/trace/importers.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <queue>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef FAULTLINE_HAVE_ZSTD
#include <zstd.h>
#endif

namespace faultline::trace {
namespace {

constexpr unsigned index_bits =
    20; // Event::position is block offset and, in these low bits, the event's index
static_assert((1u << index_bits) == max_block_events);

// The file, read with pread: a mapping of a file that shrinks meanwhile (still being recorded, then removed)
// would end the process with SIGBUS.
class BlockFile {
  public:
    static Result<BlockFile> open(const std::filesystem::path& path) {
        BlockFile file;
        file.name_ = path.string();
        file.fd_ = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        struct stat status {};
        if (!file.fd_ || ::fstat(file.fd_.get(), &status) != 0) {
            return fail_errno(Exit::no_input, file.name_, "cannot open", errno,
                              "check the path of the trace");
        }
        file.size_ = static_cast<std::uint64_t>(status.st_size);
        return file;
    }
    Result<void> read(std::uint64_t offset, void* out, std::size_t size) const {
        auto* to = static_cast<char*>(out);
        while (size != 0) {
            const ssize_t n = ::pread(fd_.get(), to, size, static_cast<off_t>(offset));
            if (n < 0 && errno != EINTR) {
                return fail_errno(Exit::io, name_, "cannot read", errno);
            }
            if (n == 0) {
                return bad(offset, "the file ends here", "it was cut while it was read");
            }
            if (n > 0) {
                to += n;
                offset += static_cast<std::uint64_t>(n);
                size -= static_cast<std::size_t>(n);
            }
        }
        return {};
    }
    tl::unexpected<Error> bad(std::uint64_t offset, std::string what,
                              std::string remedy = "the file is damaged: record or fetch it again") const {
        return fail(Exit::data, name_ + ": byte " + std::to_string(offset), std::move(what),
                    std::move(remedy));
    }
    std::uint64_t size() const { return size_; }
    const std::string& name() const { return name_; }

  private:
    Fd fd_;
    std::string name_;
    std::uint64_t size_ = 0;
};

const char* why_header_is_bad(const BlockHeader& header) {
    if (header.magic != block_magic) {
        return "no block begins here";
    }
    if (crc32(&header, offsetof(BlockHeader, checksum)) != header.checksum) {
        return "a block header whose checksum does not match";
    }
    if (header.kind < BlockKind::events || header.kind > BlockKind::notes) {
        return "a block of unknown kind";
    }
    if (header.packing > Packing::zstd || header.pointer_shift > 16 ||
        (header.flags & ~block_has_threads) != 0) {
        return "a block packed in an unknown way";
    }
    if (header.events > max_block_events || header.raw_bytes > max_block_bytes ||
        header.stored_bytes > max_block_bytes) {
        return "a block larger than the format allows";
    }
    if (header.last_time < header.first_time) {
        return "a block that ends before it begins";
    }
    if (header.kind == BlockKind::events ? header.events == 0 : header.events != 0) {
        return "a block with a wrong number of events";
    }
    return nullptr;
}

Result<std::vector<unsigned char>> read_payload(const BlockFile& file, const BlockPlace& place) {
    const BlockHeader& header = place.header;
    const std::uint64_t offset = place.offset + sizeof(BlockHeader);
    std::vector<unsigned char> stored(header.stored_bytes);
    if (auto got = file.read(offset, stored.data(), stored.size()); !got) {
        return tl::unexpected(got.error());
    }
    if (crc32(stored.data(), stored.size()) != header.payload_checksum) {
        return file.bad(offset, "a block whose checksum does not match");
    }
    if (header.packing == Packing::stored) {
        if (header.raw_bytes != header.stored_bytes) {
            return file.bad(offset, "a stored block of two sizes");
        }
        return stored;
    }
#ifdef FAULTLINE_HAVE_ZSTD
    std::vector<unsigned char> raw(header.raw_bytes);
    const std::size_t n = ::ZSTD_decompress(raw.data(), raw.size(), stored.data(), stored.size());
    if (::ZSTD_isError(n) || n != raw.size()) {
        return file.bad(offset, "a block that cannot be unpacked");
    }
    return raw;
#else
    return fail(Exit::unavailable, file.name(), "is packed with zstd, and this build cannot unpack it",
                "install libzstd-dev and build again");
#endif
}

// One column of a payload, read from the front. Past its end everything reads as 0 and `overrun` stays set.
struct ColumnReader {
    const unsigned char* at = nullptr;
    const unsigned char* end = nullptr;
    bool overrun = false;

    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (at == end) {
                break;
            }
            const unsigned char byte = *at++;
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) {
                overrun = overrun || (shift == 63 && byte > 1);
                return value;
            }
        }
        overrun = true;
        return 0;
    }
};

Result<std::vector<Event>> decode(const BlockFile& file, const BlockPlace& place) {
    Result<std::vector<unsigned char>> payload = read_payload(file, place);
    if (!payload) {
        return tl::unexpected(payload.error());
    }
    const BlockHeader& header = place.header;
    const std::uint64_t offset = place.offset + sizeof(BlockHeader);
    if (payload->size() < column_count * 4) {
        return file.bad(offset, "a block too short for its columns");
    }
    ColumnReader columns[column_count];
    const unsigned char* at = payload->data() + column_count * 4;
    const unsigned char* const end = payload->data() + payload->size();
    for (unsigned c = 0; c < column_count; ++c) {
        std::uint32_t length = 0;
        std::memcpy(&length, payload->data() + c * 4, 4);
        if (length > static_cast<std::size_t>(end - at)) {
            return file.bad(offset, "a column that is longer than its block");
        }
        columns[c] = {at, at + length, false};
        at += length;
    }
    if (columns[column_op].end - columns[column_op].at != static_cast<std::ptrdiff_t>(header.events)) {
        return file.bad(offset, "a block with another number of operations than it says");
    }
    std::vector<Event> events(header.events);
    Predictor predictor;
    std::uint64_t time = header.first_time;
    std::uint64_t index = 0;
    for (Event& event : events) {
        const auto bad = [&](const char* what) {
            return file.bad(place.offset,
                            std::string("event ") + std::to_string(index) + " of the block " + what);
        };
        const unsigned char op = *columns[column_op].at++;
        if (op == 0 || op > op_last) {
            return bad("is of an unknown operation");
        }
        event.op = static_cast<Op>(op);
        const std::uint64_t step = columns[column_time].varint();
        if (step > header.last_time - time) {
            return bad("lies outside of the block's time");
        }
        time += step;
        event.time = time;
        if (has_pointer(event.op)) {
            const std::uint64_t pointer =
                predictor.guess(event.op) + unzigzag(columns[column_pointer].varint());
            predictor.saw(event.op, pointer);
            event.pointer = pointer << header.pointer_shift;
        }
        event.size = has_size(event.op) ? columns[column_size].varint() : 0;
        event.extra = has_extra(event.op) ? columns[column_extra].varint() : 0;
        const std::uint64_t thread =
            (header.flags & block_has_threads) != 0 ? columns[column_thread].varint() : header.thread;
        if (thread > UINT32_MAX) {
            return bad("has a thread number beyond 32 bits");
        }
        event.thread = static_cast<std::uint32_t>(thread);
        event.position = place.offset << index_bits | index;
        ++index;
    }
    for (const ColumnReader& column : columns) {
        if (column.overrun || column.at != column.end) {
            return file.bad(offset, "a column that does not hold what the block says");
        }
    }
    return events;
}

// One order of events that could have been: by time; what was released is released before its address comes
// back.
class NativeSource final : public EventSource {
  public:
    NativeSource(BlockFile file, FileIndex index) : file_(std::move(file)), index_(std::move(index)) {
        info_.format = "fltrace " + std::to_string(index_.header.version);
        info_.timed = (index_.header.flags & header_timed) != 0;
        info_.partial = !index_.ended || (index_.header.flags & header_forked) != 0;
        if (!index_.ended) {
            info_.notes.push_back(
                "the recording did not end in order (killed, or still running): it is read as far "
                "as whole blocks go");
        }
        if (index_.cut_offset != 0) {
            info_.notes.push_back("the file is cut inside the block at byte " +
                                  std::to_string(index_.cut_offset) + ", which is left out");
        }
        if ((index_.header.flags & header_forked) != 0) {
            info_.notes.push_back("of a forked process: what it freed of its parent's blocks is left out");
        }
        // Blocks of one thread follow each other in time; each thread is one lane of the merge. Blocks with a
        // column of threads are written in one global order: they are one lane.
        std::map<std::uint64_t, std::size_t> lane_of;
        for (std::size_t i = 0; i < index_.blocks.size(); ++i) {
            const BlockHeader& header = index_.blocks[i].header;
            if (header.kind != BlockKind::events) {
                continue;
            }
            const bool is_shared = (header.flags & block_has_threads) != 0 || !info_.timed;
            const std::uint64_t key = is_shared ? UINT64_MAX : header.thread;
            const auto [at, is_new] = lane_of.try_emplace(key, lanes_.size());
            if (is_new) {
                lanes_.emplace_back();
            }
            lanes_[at->second].blocks.push_back(i);
        }
    }

    Result<std::size_t> read(std::span<Event> out) override {
        if (!started_) {
            started_ = true;
            for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
                if (auto opened = advance(lane); !opened) {
                    return tl::unexpected(opened.error());
                }
            }
        }
        std::size_t count = 0;
        while (count < out.size() && !heads_.empty()) {
            const std::size_t lane = heads_.top().lane;
            heads_.pop();
            Lane& from = lanes_[lane];
            // As long as this lane stays first there is no need to ask the queue.
            do {
                out[count++] = from.events[from.next++];
            } while (count < out.size() && from.next < from.events.size() &&
                     (heads_.empty() || !heads_.top().is_before(head_of(lane))));
            if (auto advanced = advance(lane); !advanced) {
                return tl::unexpected(advanced.error());
            }
        }
        return count;
    }
    const TraceInfo& info() const override { return info_; }
    std::string place(const Event& event) const override {
        return file_.name() + ": block at byte " + std::to_string(event.position >> index_bits) + ", event " +
               std::to_string(event.position & (max_block_events - 1));
    }

  private:
    struct Lane {
        std::vector<std::size_t> blocks; // of index_.blocks, those still to come are from next_block on
        std::size_t next_block = 0;
        std::vector<Event> events;
        std::size_t next = 0;
    };
    struct Head {
        std::uint64_t time;
        bool is_allocation;
        std::size_t lane;
        bool is_before(const Head& other) const {
            if (time != other.time) {
                return time < other.time;
            }
            if (is_allocation != other.is_allocation) {
                return !is_allocation;
            }
            return lane < other.lane;
        }
        bool operator<(const Head& other) const {
            return other.is_before(*this);
        } // the queue's top is the first
    };

    Head head_of(std::size_t lane) const {
        const Event& event = lanes_[lane].events[lanes_[lane].next];
        return {event.time, allocates(event.op), lane};
    }
    Result<void> advance(std::size_t lane) {
        Lane& it = lanes_[lane];
        while (it.next == it.events.size() && it.next_block < it.blocks.size()) {
            Result<std::vector<Event>> events = decode(file_, index_.blocks[it.blocks[it.next_block++]]);
            if (!events) {
                return tl::unexpected(events.error());
            }
            it.events = std::move(*events);
            it.next = 0;
        }
        if (it.next < it.events.size()) {
            heads_.push(head_of(lane));
        }
        return {};
    }

    BlockFile file_;
    FileIndex index_;
    TraceInfo info_;
    std::vector<Lane> lanes_;
    std::priority_queue<Head> heads_;
    bool started_ = false;
};

Result<FileIndex> make_index(const BlockFile& file, const OpenOptions& options) {
    FileIndex index{};
    index.file_bytes = file.size();
    if (file.size() < sizeof(FileHeader)) {
        return file.bad(file.size(), "the file ends inside its header");
    }
    if (auto got = file.read(0, &index.header, sizeof(FileHeader)); !got) {
        return tl::unexpected(got.error());
    }
    const FileHeader& header = index.header;
    if (header.version != format_version) {
        return file.bad(offsetof(FileHeader, version),
                        "format version " + std::to_string(header.version) +
                            ", and this faultline reads version " + std::to_string(format_version),
                        "use the faultline that wrote it, or a newer one");
    }
    if (header.header_bytes != sizeof(FileHeader) || (header.flags & ~header_known_flags) != 0 ||
        crc32(&header, offsetof(FileHeader, checksum)) != header.checksum) {
        return file.bad(0, "a header whose checksum does not match");
    }
    std::uint64_t offset = sizeof(FileHeader);
    std::map<std::uint64_t, std::uint64_t> time_of_thread;
    while (offset < file.size()) {
        BlockPlace place{offset, {}};
        const std::uint64_t left = file.size() - offset;
        const bool has_header = left >= sizeof(BlockHeader);
        if (has_header) {
            if (auto got = file.read(offset, &place.header, sizeof(BlockHeader)); !got) {
                return tl::unexpected(got.error());
            }
            if (const char* why = why_header_is_bad(place.header)) {
                return file.bad(offset, why);
            }
        }
        if (!has_header || left - sizeof(BlockHeader) < place.header.stored_bytes) {
            if (options.recover) {
                index.cut_offset = offset;
                index.ended = false;
                return index;
            }
            return file.bad(offset, "the file is cut inside the block that begins here",
                            "`faultline trace convert --recover` keeps the whole blocks before it");
        }
        if (place.header.kind == BlockKind::events) {
            const bool is_shared =
                (place.header.flags & block_has_threads) != 0 || (header.flags & header_timed) == 0;
            std::uint64_t& before = time_of_thread[is_shared ? UINT64_MAX : place.header.thread];
            if (place.header.first_time < before) {
                return file.bad(offset, "a block that begins before the one before it has ended");
            }
            before = place.header.last_time;
        } else if (place.header.kind == BlockKind::notes) {
            const Result<std::vector<unsigned char>> text = read_payload(file, place);
            if (!text) {
                return tl::unexpected(text.error());
            }
            std::string line;
            for (const unsigned char c : *text) {
                if (c == '\n') {
                    index.program_notes.push_back(std::move(line));
                    line.clear();
                } else {
                    line += static_cast<char>(c);
                }
            }
        }
        index.ended = place.header.kind == BlockKind::end;
        index.events += place.header.events;
        index.blocks.push_back(place);
        offset += sizeof(BlockHeader) + place.header.stored_bytes;
    }
    return index;
}

} // namespace

Result<FileIndex> read_index(const std::filesystem::path& path, const OpenOptions& options) {
    const Result<BlockFile> file = BlockFile::open(path);
    if (!file) {
        return tl::unexpected(file.error());
    }
    return make_index(*file, options);
}

bool is_native(std::string_view head) {
    return head.substr(0, sizeof file_magic) == std::string_view(file_magic, sizeof file_magic);
}

Result<std::unique_ptr<EventSource>> open_native(const std::filesystem::path& path,
                                                 const OpenOptions& options) {
    Result<BlockFile> file = BlockFile::open(path);
    if (!file) {
        return tl::unexpected(file.error());
    }
    Result<FileIndex> index = make_index(*file, options);
    if (!index) {
        return tl::unexpected(index.error());
    }
    return std::make_unique<NativeSource>(std::move(*file), std::move(*index));
}

} // namespace faultline::trace
