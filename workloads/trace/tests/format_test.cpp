// The native format: what is written is read, threads are merged by time, and damage of any byte is an error
// with file and offset, never a crash.
#include "workloads/trace/codec.hpp"
#include "workloads/trace/crc32.hpp"
#include "workloads/trace/reader.hpp"
#include "workloads/trace/resolver.hpp"
#include "workloads/trace/tests/temporary.hpp"
#include "workloads/trace/writer.hpp"

#include "base/file.hpp"

#include <gtest/gtest.h>
#include <random>

using namespace faultline::trace;
using faultline::Exit;
using testing_support::TemporaryFolder;

namespace {

// Events of three threads that keep every rule: what is released is live.
std::vector<Event> make_events(std::size_t count) {
    std::mt19937_64 random(1);
    std::vector<Event> events;
    std::vector<std::uint64_t> live;
    std::uint64_t time = 100;
    for (std::size_t i = 0; events.size() < count; ++i) {
        Event event;
        event.thread = static_cast<std::uint32_t>(random() % 3);
        time += random() % 5000;
        event.time = time;
        if (!live.empty() && random() % 2 == 0) {
            const std::size_t which = random() % live.size();
            event.op = Op::free;
            event.pointer = live[which];
            live[which] = live.back();
            live.pop_back();
        } else {
            constexpr Op ops[] = {Op::malloc, Op::calloc, Op::memalign, Op::op_new};
            event.op = ops[random() % 4];
            event.pointer = 0x7f0000000000 + i * 16;
            event.size = random() % 1000;
            event.extra = event.op == Op::calloc ? 3 : event.op == Op::memalign ? 64 : 0;
            live.push_back(event.pointer);
        }
        events.push_back(event);
    }
    return events;
}

std::filesystem::path write_trace(const TemporaryFolder& folder, const std::vector<Event>& events) {
    auto writer = TraceWriter::create(folder.path() / "t.fltrace", header_timed);
    EXPECT_TRUE(writer);
    for (const Event& event : events) {
        EXPECT_TRUE(writer->add(event));
    }
    EXPECT_TRUE(writer->add_notes("command=test\n"));
    EXPECT_TRUE(writer->finish());
    return folder.path() / "t.fltrace";
}

faultline::Result<std::vector<Event>> read_all(const std::filesystem::path& path,
                                               const OpenOptions& options = {}) {
    auto source = open_trace(path, options);
    if (!source) {
        return tl::unexpected(source.error());
    }
    Resolver resolver(**source);
    std::vector<Event> all;
    std::vector<Event> some(1000);
    for (;;) {
        const auto n = (*source)->read(some);
        if (!n) {
            return tl::unexpected(n.error());
        }
        if (*n == 0) {
            return all;
        }
        for (std::size_t i = 0; i < *n; ++i) {
            if (auto call = resolver.resolve(some[i]); !call) {
                return tl::unexpected(call.error());
            }
        }
        all.insert(all.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(*n));
    }
}

void put_block(std::string& out, BlockHeader header, const std::string& payload) {
    header.magic = block_magic;
    header.stored_bytes = static_cast<std::uint32_t>(payload.size());
    header.payload_checksum = crc32(payload.data(), payload.size());
    header.checksum = crc32(&header, offsetof(BlockHeader, checksum));
    out.append(reinterpret_cast<const char*>(&header), sizeof header);
    out += payload;
}

std::string block_of(std::vector<Event> events, std::uint32_t thread) {
    std::string payload(encoded_bound(events.size()), '\0');
    BlockHeader header{};
    header.kind = BlockKind::events;
    header.thread = thread;
    payload.resize(encode(events.data(), events.size(), false,
                          reinterpret_cast<unsigned char*>(payload.data()), header));
    std::string out;
    put_block(out, header, payload);
    return out;
}

std::string file_header(std::uint32_t flags) {
    FileHeader header{};
    std::memcpy(header.magic, file_magic, sizeof file_magic);
    header.version = format_version;
    header.header_bytes = sizeof header;
    header.flags = flags;
    header.checksum = crc32(&header, offsetof(FileHeader, checksum));
    return {reinterpret_cast<const char*>(&header), sizeof header};
}

} // namespace

TEST(FormatTest, WhatIsWrittenIsRead) {
    const TemporaryFolder folder;
    const std::vector<Event> events = make_events(150'000); // several blocks
    const auto path = write_trace(folder, events);
    const auto read = read_all(path);
    ASSERT_TRUE(read) << read.error().line();
    ASSERT_EQ(read->size(), events.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
        const Event& a = events[i];
        const Event& b = (*read)[i];
        ASSERT_TRUE(a.time == b.time && a.pointer == b.pointer && a.size == b.size && a.extra == b.extra &&
                    a.thread == b.thread && a.op == b.op)
            << i;
    }
    const auto index = read_index(path, {});
    ASSERT_TRUE(index);
    EXPECT_TRUE(index->ended);
    EXPECT_EQ(index->events, events.size());
    EXPECT_EQ(index->program_notes, std::vector<std::string>{"command=test"});
    EXPECT_LT(index->file_bytes, events.size() * 8);
}

TEST(FormatTest, ThreadsAreMergedByTimeAndAnAddressIsFreedBeforeItComesBack) {
    const TemporaryFolder folder;
    const auto event = [](std::uint64_t time, Op op, std::uint64_t pointer) {
        Event e;
        e.time = time;
        e.op = op;
        e.pointer = pointer;
        e.size = allocates(op) ? 8 : 0;
        return e;
    };
    std::string file = file_header(header_timed | header_recorded);
    file += block_of({event(1, Op::malloc, 16), event(20, Op::malloc, 32), event(30, Op::free, 64)}, 1);
    file += block_of({event(5, Op::malloc, 48), event(20, Op::free, 16), event(20, Op::malloc, 64)}, 2);
    file += block_of({event(20, Op::malloc, 16)}, 3);
    put_block(
        file,
        [] {
            BlockHeader end{};
            end.kind = BlockKind::end;
            return end;
        }(),
        "");
    const auto read = read_all(folder.write("t.fltrace", file));
    ASSERT_TRUE(read) << read.error().line();
    std::vector<std::uint64_t> times;
    for (const Event& e : *read) {
        times.push_back(e.time);
    }
    EXPECT_EQ(times, (std::vector<std::uint64_t>{1, 5, 20, 20, 20, 20, 30}));
    EXPECT_EQ((*read)[2].op, Op::free);
}

TEST(FormatTest, WithoutAnEndBlockItIsReadAsPartial) {
    const TemporaryFolder folder;
    Event unknown;
    unknown.op = Op::free;
    unknown.pointer = 4096;
    const std::string file = file_header(header_timed | header_recorded) + block_of({unknown}, 0);
    const auto path = folder.write("t.fltrace", file);
    EXPECT_TRUE(read_all(path));
    EXPECT_TRUE(open_trace(path).value()->info().partial);
    EXPECT_EQ(open_trace(path).value()->info().notes.size(), 1u); // and it says so
}

TEST(FormatTest, FreeOfWhatWasNeverAllocatedNamesBlockAndEvent) {
    const TemporaryFolder folder;
    Event event;
    event.op = Op::malloc;
    event.pointer = 4096;
    Event unknown;
    unknown.op = Op::free;
    unknown.pointer = 8192;
    const auto read = read_all(write_trace(folder, {event, unknown}));
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().where.find("t.fltrace: block at byte 64, event 1"), std::string::npos)
        << read.error().line();
}

TEST(FormatTest, HugeSizesAreRefused) {
    const TemporaryFolder folder;
    Event event;
    event.op = Op::malloc;
    event.pointer = 4096;
    event.size = std::uint64_t{1} << 63;
    const auto read = read_all(write_trace(folder, {event}));
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().what.find("beyond any address space"), std::string::npos) << read.error().line();
}

TEST(FormatTest, EveryCutIsAnErrorWithAnOffsetAndRecoverReadsTheWholeBlocks) {
    const TemporaryFolder folder;
    const std::vector<Event> events = make_events(70'000); // two blocks
    const auto path = write_trace(folder, events);
    const std::string whole = faultline::read_file(path).value();
    const auto index = read_index(path, {});
    ASSERT_TRUE(index);
    std::uint64_t second = index->blocks.at(1).offset;
    for (const std::size_t length : {std::size_t{3}, std::size_t{63}, second - 1, second + 1, second + 60}) {
        const auto read = read_all(folder.write("cut", whole.substr(0, length)));
        ASSERT_FALSE(read) << length;
        EXPECT_EQ(read.error().status, Exit::data);
    }
    OpenOptions recover;
    recover.recover = true;
    const auto read = read_all(folder.path() / "cut", recover);
    ASSERT_TRUE(read) << read.error().line();
    EXPECT_EQ(read->size(), index->blocks[0].header.events);
    const auto error = read_all(folder.path() / "cut").error();
    EXPECT_EQ(error.where, (folder.path() / "cut").string() + ": byte " + std::to_string(second));
}

TEST(FormatTest, EveryDamagedByteIsFound) {
    const TemporaryFolder folder;
    const std::string whole = faultline::read_file(write_trace(folder, make_events(200))).value();
    for (std::size_t i = 0; i < whole.size(); ++i) {
        std::string damaged = whole;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
        const auto read = read_all(folder.write("damaged", damaged));
        ASSERT_FALSE(read) << "byte " << i;
        EXPECT_EQ(read.error().status, Exit::data);
    }
}

// With checksums that match, as someone would write who wants to harm: no crash, an error or sane events.
TEST(FormatTest, HostilePayloadsWithRightChecksumsAreErrorsOrEvents) {
    const TemporaryFolder folder;
    std::mt19937_64 random(2);
    const std::vector<Event> events = make_events(100);
    std::string payload(encoded_bound(events.size()), '\0');
    BlockHeader header{};
    header.kind = BlockKind::events;
    payload.resize(
        encode(events.data(), events.size(), true, reinterpret_cast<unsigned char*>(payload.data()), header));
    unsigned refused = 0;
    for (int round = 0; round < 2000; ++round) {
        std::string damaged = payload;
        for (int change = 0; change < 3; ++change) {
            damaged[random() % damaged.size()] = static_cast<char>(random());
        }
        std::string file = file_header(header_timed);
        put_block(file, header, damaged);
        const auto read = read_all(folder.write("hostile", file));
        refused += read ? 0 : 1;
        if (!read) {
            ASSERT_EQ(read.error().status, Exit::data) << read.error().line();
        }
    }
    EXPECT_GT(refused, 1000u);
}

TEST(FormatTest, UnknownVersionSaysWhichOneIsRead) {
    const TemporaryFolder folder;
    std::string file = file_header(0);
    file[8] = 77;
    const auto read = read_all(folder.write("t.fltrace", file));
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().line().find("byte 8: format version 77"), std::string::npos)
        << read.error().line();
}
