#include "workloads/trace/writer.hpp"

#include "workloads/trace/codec.hpp"
#include "workloads/trace/crc32.hpp"

#include <cstring>
#ifdef FAULTLINE_HAVE_ZSTD
#include <zstd.h>
#endif

namespace faultline::trace {
namespace {

constexpr std::size_t events_in_block = 1 << 16;
#ifdef FAULTLINE_HAVE_ZSTD
constexpr int compression_level = 19; // a trace is written once and shipped
#endif

template <typename Header>
std::string_view bytes_of(const Header& header) {
    return {reinterpret_cast<const char*>(&header), sizeof header};
}

} // namespace

TraceWriter::TraceWriter(OutputFile file) : file_(std::move(file)) {
    events_.reserve(events_in_block);
}

Result<TraceWriter> TraceWriter::create(const std::filesystem::path& path, std::uint32_t flags) {
    Result<OutputFile> file = OutputFile::create(path);
    if (!file) {
        return tl::unexpected(file.error());
    }
    TraceWriter writer(*std::move(file));
    FileHeader header{};
    std::memcpy(header.magic, file_magic, sizeof file_magic);
    header.version = format_version;
    header.header_bytes = sizeof header;
    header.flags = flags;
    header.checksum = crc32(&header, offsetof(FileHeader, checksum));
    if (auto written = writer.file_.write(bytes_of(header)); !written) {
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
    return file_.commit();
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
    if (auto written = file_.write(bytes_of(header)); !written) {
        return written;
    }
    return file_.write({reinterpret_cast<const char*>(stored->data()), stored->size()});
}

} // namespace faultline::trace
