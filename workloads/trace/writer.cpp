#include "workloads/trace/writer.hpp"

#include "workloads/trace/codec.hpp"
#include "workloads/trace/crc32.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#ifdef FAULTLINE_HAVE_ZSTD
#include <zstd.h>
#endif

namespace faultline::trace {
namespace {

constexpr std::size_t events_in_block = 1 << 16;
#ifdef FAULTLINE_HAVE_ZSTD
constexpr int compression_level = 19; // a trace is written once and shipped
#endif

} // namespace

TraceWriter::TraceWriter(Fd fd, std::filesystem::path path, std::filesystem::path temporary)
    : fd_(std::move(fd)), path_(std::move(path)), temporary_(std::move(temporary)) {
    events_.reserve(events_in_block);
}

TraceWriter::~TraceWriter() {
    if (fd_) {
        ::unlink(temporary_.c_str());
    }
}

Result<TraceWriter> TraceWriter::create(const std::filesystem::path& path, std::uint32_t flags) {
    std::filesystem::path temporary = path;
    temporary += ".part";
    Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd) {
        return fail_errno(Exit::cannot_create, path.string(), "cannot create", errno,
                          "choose a writable place");
    }
    TraceWriter writer(std::move(fd), path, std::move(temporary));
    FileHeader header{};
    std::memcpy(header.magic, file_magic, sizeof file_magic);
    header.version = format_version;
    header.header_bytes = sizeof header;
    header.flags = flags;
    header.checksum = crc32(&header, offsetof(FileHeader, checksum));
    if (auto written = writer.write_all(&header, sizeof header); !written) {
        return tl::unexpected(written.error());
    }
    return writer;
}

Result<void> TraceWriter::add(const Event& event) {
    events_.push_back(event);
    return events_.size() == events_in_block ? flush() : Result<void>();
}

Result<void> TraceWriter::add_notes(std::string_view lines) {
    if (auto flushed = flush(); !flushed) {
        return flushed;
    }
    BlockHeader header{};
    header.kind = BlockKind::notes;
    return write_block(header, std::vector<unsigned char>(lines.begin(), lines.end()));
}

Result<void> TraceWriter::finish() {
    if (auto flushed = flush(); !flushed) {
        return flushed;
    }
    BlockHeader header{};
    header.kind = BlockKind::end;
    if (auto written = write_block(header, {}); !written) {
        return written;
    }
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
        return fail_errno(Exit::cannot_create, path_.string(), "cannot replace", errno,
                          "choose a writable place");
    }
    fd_.reset();
    return {};
}

Result<void> TraceWriter::flush() {
    if (events_.empty()) {
        return {};
    }
    bool has_one_thread = true;
    for (const Event& event : events_) {
        has_one_thread = has_one_thread && event.thread == events_.front().thread;
    }
    std::vector<unsigned char> raw(encoded_bound(events_.size()));
    BlockHeader header{};
    header.kind = BlockKind::events;
    header.thread = has_one_thread ? events_.front().thread : 0;
    raw.resize(encode(events_.data(), events_.size(), !has_one_thread, raw.data(), header));
    events_.clear();
    return write_block(header, raw);
}

Result<void> TraceWriter::write_block(BlockHeader header, const std::vector<unsigned char>& raw) {
    header.magic = block_magic;
    header.raw_bytes = static_cast<std::uint32_t>(raw.size());
    const std::vector<unsigned char>* stored = &raw;
    header.packing = Packing::stored;
#ifdef FAULTLINE_HAVE_ZSTD
    std::vector<unsigned char> packed(::ZSTD_compressBound(raw.size()));
    const std::size_t n =
        ::ZSTD_compress(packed.data(), packed.size(), raw.data(), raw.size(), compression_level);
    if (!::ZSTD_isError(n) && n < raw.size()) {
        packed.resize(n);
        stored = &packed;
        header.packing = Packing::zstd;
    }
#endif
    header.stored_bytes = static_cast<std::uint32_t>(stored->size());
    header.payload_checksum = crc32(stored->data(), stored->size());
    header.checksum = crc32(&header, offsetof(BlockHeader, checksum));
    if (auto written = write_all(&header, sizeof header); !written) {
        return written;
    }
    return write_all(stored->data(), stored->size());
}

Result<void> TraceWriter::write_all(const void* data, std::size_t size) {
    const auto* from = static_cast<const char*>(data);
    while (size != 0) {
        const ssize_t n = ::write(fd_.get(), from, size);
        if (n < 0 && errno != EINTR) {
            return fail_errno(Exit::io, path_.string(), "cannot write", errno,
                              "free some space; nothing was replaced");
        }
        if (n > 0) {
            from += n;
            size -= static_cast<std::size_t>(n);
        }
    }
    return {};
}

} // namespace faultline::trace
