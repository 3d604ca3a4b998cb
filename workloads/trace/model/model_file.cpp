// The file of a model: lines of words, in any order behind the first one. MODEL.md describes it.
#include "workloads/trace/importers/text.hpp"
#include "workloads/trace/model/generate.hpp"
#include "workloads/trace/model/model.hpp"
#include "workloads/trace/output_file.hpp"

#include <array>

namespace faultline::trace {
namespace {

constexpr std::string_view magic = "faultline-model 1";
constexpr std::uint64_t most_allocations = std::uint64_t{1} << 36;
constexpr std::size_t most_numbers = 7;

template <typename... Numbers>
void put(std::string& out, const char* key, Numbers... numbers) {
    out += key;
    ((out += ' ', out += std::to_string(numbers)), ...);
    out += '\n';
}

using Numbers = std::array<std::uint64_t, most_numbers>;

// A kind of line: its key, how many numbers follow, and what they do to the model; a sentence's end when they cannot be.
struct Line {
    std::string_view key;
    std::size_t numbers;
    const char* (*take)(Model&, const Numbers&);
};

const char* out_of_range(bool is) {
    return is ? "is out of range" : nullptr;
}

bool is_allocation(std::uint64_t op) {
    return op >= 1 && op <= op_last && allocates(static_cast<Op>(op));
}

constexpr Line lines[] = {
    {"allocations", 1,
     [](Model& model, const Numbers& n) {
         model.allocations = n[0];
         return out_of_range(n[0] > most_allocations);
     }},
    {"run", 1,
     [](Model& model, const Numbers& n) {
         model.mean_run = static_cast<std::uint32_t>(n[0]);
         return out_of_range(n[0] == 0 || n[0] > UINT32_MAX);
     }},
    {"time", 1,
     [](Model& model, const Numbers& n) {
         const bool back = !model.segment_end_ns.empty() && n[0] < model.segment_end_ns.back();
         model.timed = true;
         model.segment_end_ns.push_back(n[0]);
         return out_of_range(back || n[0] >> 62 != 0 || model.segment_end_ns.size() > model_segments);
     }},
    {"size", 4,
     [](Model& model, const Numbers& n) {
         model.sizes.push_back({n[0], n[1], n[2], n[3]});
         return out_of_range(n[0] > n[1] || n[1] >= size_limit || n[2] == 0 || n[3] / n[2] < n[0] ||
                             n[3] / n[2] > n[1] || model.sizes.size() > 1 << 16);
     }},
    {"make", 4,
     [](Model& model, const Numbers& n) {
         model.makings[{static_cast<std::uint32_t>(n[0]), static_cast<Op>(n[1]),
                        static_cast<std::uint8_t>(n[2])}] += n[3];
         return out_of_range(n[0] >= model.sizes.size() || !is_allocation(n[1]) || n[2] > 46);
     }},
    {"load", 4,
     [](Model& model, const Numbers& n) {
         model.loads[{static_cast<std::uint32_t>(n[0]), static_cast<std::uint32_t>(n[1])}] = {n[2], n[3]};
         return out_of_range(n[0] >= model_segments || n[1] >= model_threads || n[2] > most_allocations ||
                             n[3] > most_allocations);
     }},
    {"mix", 3,
     [](Model& model, const Numbers& n) {
         model.mixes[{static_cast<std::uint32_t>(n[0]), static_cast<std::uint32_t>(n[1])}] = n[2];
         return out_of_range(n[0] >= model_threads || n[1] >= model.sizes.size() || n[2] > most_allocations);
     }},
    {"life", 3,
     [](Model& model, const Numbers& n) {
         model.lifetimes[{static_cast<std::uint32_t>(n[0]), static_cast<std::uint32_t>(n[1])}] = n[2];
         return out_of_range(n[0] >= model.sizes.size() || n[1] > 400 || n[2] > most_allocations);
     }},
    {"long", 4,
     [](Model& model, const Numbers& n) {
         model.long_ones[{static_cast<std::uint32_t>(n[0]), static_cast<std::uint32_t>(n[1]),
                          static_cast<std::uint32_t>(n[2])}] = n[3];
         return out_of_range(n[0] >= model_segments || n[1] < n[0] || n[1] > model_segments ||
                             n[2] >= model.sizes.size() || n[3] > most_allocations);
     }},
    {"moment", 4,
     [](Model& model, const Numbers& n) {
         model.moments[{static_cast<std::uint32_t>(n[0]), static_cast<std::uint32_t>(n[1])}] = {n[2], n[3]};
         return out_of_range(n[0] >= model_segments || n[1] >= model_parts || n[2] > most_allocations ||
                             n[3] > most_allocations);
     }},
    {"drop", 2,
     [](Model& model, const Numbers& n) {
         model.drops[n[0]] = n[1];
         return out_of_range(n[0] == 0 || n[0] > model.allocations || model.drops.size() > model_drops);
     }},
    {"release", 3,
     [](Model& model, const Numbers& n) {
         model.releases[{static_cast<std::uint32_t>(n[0]), static_cast<std::uint32_t>(n[1])}] = n[2];
         return out_of_range(n[0] >= model_threads || n[1] >= model_threads || n[2] > most_allocations);
     }},
    {"block", 7,
     [](Model& model, const Numbers& n) { // a death of 0: never
         Life life;
         life.born = n[0];
         life.dead = n[1] == 0 ? never : n[1];
         life.size = n[2];
         life.maker = static_cast<std::uint32_t>(n[3]);
         life.releaser = static_cast<std::uint32_t>(n[4]);
         life.op = static_cast<Op>(n[5]);
         life.alignment_log2 = static_cast<std::uint8_t>(n[6]);
         const bool disorder = !model.blocks.empty() && model.blocks.back().born >= life.born;
         model.blocks.push_back(life);
         return out_of_range(disorder || life.dead <= life.born || n[2] >= size_limit ||
                             n[3] >= model_threads || n[4] >= model_threads || !is_allocation(n[5]) ||
                             n[6] > 46 || model.blocks.size() > model_blocks);
     }},
};

const Line* line_of(std::string_view key) {
    for (const Line& line : lines) {
        if (line.key == key) {
            return &line;
        }
    }
    return nullptr;
}

} // namespace

std::string to_text(const Model& model) {
    std::string out = std::string(magic) + "\n";
    put(out, "allocations", model.allocations);
    put(out, "run", model.mean_run);
    for (const std::uint64_t ns : model.segment_end_ns) {
        put(out, "time", ns);
    }
    for (const SizeClass& size : model.sizes) {
        put(out, "size", size.low, size.high, size.count, size.bytes);
    }
    for (const auto& [making, count] : model.makings) {
        put(out, "make", making.size_class, static_cast<unsigned>(making.op), unsigned{making.alignment_log2},
            count);
    }
    for (const auto& [at, load] : model.loads) {
        put(out, "load", at[0], at[1], load.short_lived, load.long_lived);
    }
    for (const auto& [at, count] : model.mixes) {
        put(out, "mix", at[0], at[1], count);
    }
    for (const auto& [at, count] : model.lifetimes) {
        put(out, "life", at[0], at[1], count);
    }
    for (const auto& [kind, count] : model.long_ones) {
        put(out, "long", kind.born, kind.dead, kind.size_class, count);
    }
    for (const auto& [at, moment] : model.moments) {
        put(out, "moment", at[0], at[1], moment.born, moment.dead);
    }
    for (const auto& [when, count] : model.drops) {
        put(out, "drop", when, count);
    }
    for (const auto& [at, count] : model.releases) {
        put(out, "release", at[0], at[1], count);
    }
    for (const Life& life : model.blocks) {
        put(out, "block", life.born, life.ends() ? life.dead : 0, life.size, life.maker, life.releaser,
            static_cast<unsigned>(life.op), unsigned{life.alignment_log2});
    }
    out += "end\n";
    return out;
}

Result<void> write_model(const Model& model, const std::filesystem::path& path) {
    Result<OutputFile> file = OutputFile::create(path);
    if (!file) {
        return tl::unexpected(file.error());
    }
    if (Result<void> written = file->write(to_text(model)); !written) {
        return written;
    }
    return file->commit();
}

bool is_model(std::string_view head) {
    return first_line(head) == magic;
}

// Errors name file and line.
Result<Model> read_model(LineReader& input) {
    Model model;
    const std::string file = input.input().name();
    const auto bad = [&](const std::string& what) {
        return fail(Exit::data, file + ":" + std::to_string(input.line_number()), what,
                    "make the model again with `faultline trace fit`");
    };
    std::string_view text;
    bool ended = false;
    for (;;) {
        const Result<bool> more = input.next(text);
        if (!more) {
            return tl::unexpected(more.error());
        }
        if (!*more) {
            break;
        }
        Scanner scanner(first_line(text));
        const std::string_view key = scanner.word();
        if (input.line_number() == 1 || key.empty()) {
            continue;
        }
        if (ended) {
            return bad("a line behind the last one");
        }
        if (key == "end") {
            ended = true;
            continue;
        }
        const Line* line = line_of(key);
        if (line == nullptr) {
            return bad("no line of a model begins so");
        }
        Numbers numbers{};
        for (std::size_t i = 0; i < line->numbers; ++i) {
            if (const char* why = parse_decimal(scanner.word(), numbers[i])) {
                return bad("number " + std::to_string(i + 1) + " " + why);
            }
        }
        if (!scanner.at_end()) {
            return bad("more words than expected");
        }
        if (const char* why = line->take(model, numbers)) {
            return bad("a number " + std::string(why));
        }
    }
    std::uint64_t in_all = model.blocks.size();
    for (const auto& [at, load] : model.loads) {
        in_all += load.short_lived + load.long_lived;
    }
    if (!ended || in_all != model.allocations ||
        (model.timed && model.segment_end_ns.size() != model_segments) ||
        (model.allocations > 0 && model.sizes.empty()) ||
        (!model.blocks.empty() && model.blocks.back().born >= model.allocations)) {
        return fail(Exit::data, file, "breaks off, or its numbers do not add up",
                    "make the model again with `faultline trace fit`");
    }
    return model;
}

} // namespace faultline::trace
