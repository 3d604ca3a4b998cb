#include "kernel-probes/bpf/programs.hpp"

#include "kernel-probes/bpf/tracepoints.hpp"

#include "kernel-probes/tree.hpp"
#include "trial.skel.h" // made by bpftool

#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <tuple>

namespace faultline::probes::bpf {
namespace {

// What libbpf would print is told by the errors made here.
int say_nothing(libbpf_print_level /*level*/, const char* /*format*/, va_list /*arguments*/) {
    return 0;
}

struct SkeletonDeleter {
    void operator()(trial_bpf* skeleton) const { trial_bpf__destroy(skeleton); }
};
using Skeleton = std::unique_ptr<trial_bpf, SkeletonDeleter>;

struct BtfDeleter {
    void operator()(btf* types) const { btf__free(types); }
};
using Btf = std::unique_ptr<btf, BtfDeleter>;

struct LinkDeleter {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using Link = std::unique_ptr<bpf_link, LinkDeleter>;

using Names = std::set<std::string, std::less<>>;

constexpr std::string_view always[] = {"fork", "gone"}; // who belongs to the trial

Skeleton open_with(const Wish& wish, const Names& programs, bool arguments_by_helper = false) {
    Skeleton skeleton(trial_bpf__open());
    if (!skeleton) {
        return nullptr;
    }
    auto& options = *skeleton->rodata;
    options.want_kinds = wish.kinds;
    options.want_latency = wish.latency;
    options.want_pages = wish.pages;
    options.want_slab_table = wish.slab_table;
    options.arguments_by_helper = arguments_by_helper;
    options.nr_brk = SYS_brk;
    options.nr_mmap = SYS_mmap;
    options.nr_munmap = SYS_munmap;
    options.nr_mremap = SYS_mremap;
    options.nr_madvise = SYS_madvise;
    options.nr_mprotect = SYS_mprotect;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, skeleton->obj) {
        const std::string_view name = bpf_program__name(program);
        bpf_program__set_autoload(program,
                                  std::find(std::begin(always), std::end(always), name) != std::end(always) ||
                                      programs.contains(name));
    }
    return skeleton;
}

// The tracepoint behind "tp_btf/NAME".
std::string tracepoint_of(const bpf_program* program) {
    const std::string_view section = bpf_program__section_name(program);
    return std::string(section.substr(section.find('/') + 1));
}

// Takes those away whose tracepoint the kernel does not have.
void drop_unknown_tracepoints(const btf* kernel, bpf_object* object, Names& programs,
                              std::map<std::string, std::string, std::less<>>& missing) {
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object) {
        const std::string name = bpf_program__name(program);
        const std::string tracepoint = tracepoint_of(program);
        if (programs.contains(name) && !has_tracepoint(kernel, tracepoint)) {
            missing[name] = fmt::format("this kernel has no tracepoint {}", tracepoint);
            programs.erase(name);
        }
    }
}

// Takes those away whose numbers would be others. Arguments that are pointers to structures the verifier compares itself.
void drop_changed_tracepoints(const btf* kernel, Names& programs,
                              std::map<std::string, std::string, std::less<>>& missing) {
    // Linux 5.19 and 6.0 have the cache there, and the sizes behind it.
    if (programs.contains("kmalloc") && type_of_argument(kernel, "kmalloc", 2) != "size_t") {
        missing["kmalloc"] = "this kernel's tracepoint kmalloc has other arguments";
        programs.erase("kmalloc");
    }
}

constexpr const char* permission_remedy = "run as root, or with CAP_BPF and CAP_PERFMON";

Refusal refusal(std::string what, int error) {
    const bool permission = error == EPERM || error == EACCES;
    return {{permission ? Exit::unavailable : Exit::os, "bpf",
             fmt::format("{}: {}", what, std::strerror(error)),
             permission ? permission_remedy
                        : "a kernel with CONFIG_BPF_SYSCALL and CONFIG_DEBUG_INFO_BTF, 5.11 or newer"},
            error};
}

std::size_t cpu_count() {
    return static_cast<std::size_t>(libbpf_num_possible_cpus());
}

// The values that every CPU has for `key`; sizes that are no multiple of 8 are not used here.
template <typename T, typename Key>
std::vector<T> values_of_cpus(int map, const Key& key) {
    static_assert(sizeof(T) % 8 == 0);
    std::vector<T> values(cpu_count());
    if (bpf_map_lookup_elem(map, &key, values.data()) != 0) {
        values.clear();
    }
    return values;
}

template <typename Key>
std::vector<Key> keys_of(int map) {
    std::vector<Key> keys;
    Key key{};
    for (void* last = nullptr; bpf_map_get_next_key(map, last, &key) == 0; last = &keys.back()) {
        keys.push_back(key);
    }
    return keys;
}

// enum migratetype, whose first three have stood since 4.4.
constexpr counter_id pages_of_type[] = {COUNT_PAGES_UNMOVABLE, COUNT_PAGES_MOVABLE, COUNT_PAGES_RECLAIMABLE};

// What the programs leave to the reader.
void add_up_pages(counters& sum, const std::vector<PageRow>& rows) {
    for (const PageRow& row : rows) {
        sum.value[COUNT_PAGE_ALLOC_CALLS] += row.calls;
        sum.value[COUNT_PAGES_ALLOCATED] += row.calls << row.key.order;
        if (row.key.order <= COUNT_PAGE_ORDER_10 - COUNT_PAGE_ORDER_0) {
            sum.value[COUNT_PAGE_ORDER_0 + row.key.order] += row.calls;
        }
        if (row.key.migratetype < std::size(pages_of_type)) {
            sum.value[pages_of_type[row.key.migratetype]] += row.calls << row.key.order;
        }
    }
}

} // namespace

struct Programs::State {
    Skeleton skeleton;
    Btf kernel;
    std::vector<Link> links;
    std::map<std::string, std::string, std::less<>> missing;
    int map(const bpf_map* map) const { return bpf_map__fd(map); }
};

tl::expected<Programs, Refusal> Programs::load(const Wish& wish) {
    libbpf_set_print(say_nothing);
    auto state = std::make_unique<State>();
    state->kernel.reset(btf__load_vmlinux_btf());
    if (!state->kernel) {
        return tl::unexpected(refusal("cannot read the kernel's types from /sys/kernel/btf/vmlinux", errno));
    }
    Names programs = wish.programs;
    state->skeleton = open_with(wish, programs);
    if (!state->skeleton) {
        return tl::unexpected(refusal("cannot open the programs", errno));
    }
    drop_unknown_tracepoints(state->kernel.get(), state->skeleton->obj, programs, state->missing);
    drop_changed_tracepoints(state->kernel.get(), programs, state->missing);
    bool by_helper = false;
    state->skeleton = open_with(wish, programs, by_helper);
    int error = -trial_bpf__load(state->skeleton.get());
    if (error == EACCES) {
        by_helper = true;
        state->skeleton = open_with(wish, programs, by_helper);
        error = -trial_bpf__load(state->skeleton.get());
    }
    if (error == EPERM || error == EACCES) {
        // EACCES is also the verifier's word: asked again below, one program at a time, it is that one's.
        auto alone = open_with(wish, {});
        const int refused = -trial_bpf__load(alone.get());
        if (refused != 0) {
            return tl::unexpected(refusal("the kernel refuses BPF programs", refused));
        }
    }
    if (error != 0) {
        for (auto name = programs.begin(); name != programs.end();) {
            const auto alone = open_with(wish, {*name}, by_helper);
            if (trial_bpf__load(alone.get()) != 0) {
                state->missing[*name] = fmt::format("this kernel's verifier refuses program {}", *name);
                name = programs.erase(name);
            } else {
                ++name;
            }
        }
        state->skeleton = open_with(wish, programs, by_helper);
        error = -trial_bpf__load(state->skeleton.get());
    }
    if (error != 0 || programs.empty()) {
        return tl::unexpected(refusal("cannot load the programs", error != 0 ? error : ENOENT));
    }
    return Programs(std::move(state));
}

tl::expected<void, Refusal> Programs::mark(pid_t thread) {
    // A row of `threads`: the thread's number, and zeros for one that did nothing yet. Seen from within a
    // container the number is another than the kernel's; then nothing is counted, which check() finds.
    const auto& threads = state_->skeleton->maps.threads;
    std::vector<char> there(bpf_map__value_size(threads));
    const auto number = static_cast<std::uint32_t>(thread);
    const std::uint32_t row = number % bpf_map__max_entries(threads);
    std::uint32_t whose = 0;
    if (bpf_map_lookup_elem(bpf_map__fd(threads), &row, there.data()) == 0) {
        std::memcpy(&whose, there.data(), sizeof whose);
    }
    if (whose == number) {
        return {};
    }
    std::fill(there.begin(), there.end(), 0);
    std::memcpy(there.data(), &number, sizeof number);
    if (bpf_map_update_elem(bpf_map__fd(threads), &row, there.data(), BPF_ANY) != 0) {
        return tl::unexpected(refusal(fmt::format("cannot mark thread {}", thread), errno));
    }
    return {};
}

tl::expected<void, Refusal> Programs::attach(pid_t pid) {
    if (auto marked = mark(pid); !marked) {
        return marked;
    }
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, state_->skeleton->obj) {
        if (!bpf_program__autoload(program)) {
            continue;
        }
        Link link(bpf_program__attach(program));
        if (!link) {
            const int error = errno;
            detach();
            return tl::unexpected(refusal(fmt::format("cannot attach to {}", tracepoint_of(program)), error));
        }
        state_->links.push_back(std::move(link));
    }
    // Those that were made before anything was heard of them.
    for (const pid_t process : process_tree(pid)) {
        for (const pid_t thread : threads_of(process)) {
            if (auto marked = mark(thread); !marked) {
                detach();
                return marked;
            }
        }
    }
    return {};
}

void Programs::detach() {
    state_->links.clear();
}

const std::map<std::string, std::string, std::less<>>& Programs::missing() const {
    return state_->missing;
}

std::optional<counters> Programs::totals() const {
    const auto values =
        values_of_cpus<counters>(state_->map(state_->skeleton->maps.totals), std::uint32_t{0});
    if (values.empty()) {
        return std::nullopt;
    }
    counters sum{};
    for (const counters& value : values) {
        for (std::size_t i = 0; i < COUNTER_COUNT; ++i) {
            sum.value[i] += value.value[i];
        }
    }
    add_up_pages(sum, pages());
    return sum;
}

std::array<latency, FAULT_KINDS> Programs::latencies() const {
    std::array<latency, FAULT_KINDS> sums{};
    for (std::uint32_t kind = 0; kind < FAULT_KINDS; ++kind) {
        for (const latency& value :
             values_of_cpus<latency>(state_->map(state_->skeleton->maps.latencies), kind)) {
            for (std::size_t slot = 0; slot < LATENCY_SLOTS; ++slot) {
                sums[kind].slots[slot] += value.slots[slot];
            }
        }
    }
    return sums;
}

std::vector<PageRow> Programs::pages() const {
    std::map<std::tuple<unsigned, unsigned, unsigned>, PageRow> rows;
    const auto add = [&rows](const page_key& key, std::uint64_t calls) {
        rows.try_emplace({key.gfp, key.order, key.migratetype}, PageRow{key, 0}).first->second.calls += calls;
    };
    for (const page_slots& cpu :
         values_of_cpus<page_slots>(state_->map(state_->skeleton->maps.page_slots), std::uint32_t{0})) {
        for (const auto& slot : cpu.slots) {
            if (slot.calls > 0) {
                add(slot.key, slot.calls);
            }
        }
    }
    const int map = state_->map(state_->skeleton->maps.pages);
    for (const page_key& key : keys_of<page_key>(map)) {
        for (const std::uint64_t calls : values_of_cpus<std::uint64_t>(map, key)) {
            add(key, calls);
        }
    }
    std::vector<PageRow> sums(rows.size());
    std::transform(rows.begin(), rows.end(), sums.begin(), [](const auto& row) { return row.second; });
    return sums;
}

std::vector<SlabRow> Programs::slabs() const {
    std::vector<SlabRow> rows;
    const int map = state_->map(state_->skeleton->maps.slabs);
    for (const slab_key& key : keys_of<slab_key>(map)) {
        SlabRow row{key, "", 0, 0};
        for (const slab_use& use : values_of_cpus<slab_use>(map, key)) {
            row.calls += use.calls;
            row.bytes += use.bytes;
            if (use.name[0] != '\0') { // a CPU that never met the row has none
                row.cache = use.name;
            }
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

std::map<std::uint32_t, advice_use> Programs::advices() const {
    std::map<std::uint32_t, advice_use> used;
    for (std::uint32_t advice = 0; advice <= ADVICE_KINDS; ++advice) {
        advice_use sum{};
        for (const advice_use& use :
             values_of_cpus<advice_use>(state_->map(state_->skeleton->maps.advices), advice)) {
            sum.calls += use.calls;
            sum.bytes += use.bytes;
        }
        if (sum.calls > 0) {
            used[advice] = sum;
        }
    }
    return used;
}

std::vector<std::pair<unsigned, std::string>> Programs::gfp_flags() const {
    constexpr std::string_view prefix = "___GFP_";
    constexpr std::string_view suffix = "_BIT";
    std::vector<std::pair<unsigned, std::string>> flags;
    const btf* kernel = state_->kernel.get();
    for (std::uint32_t id = 1; id < btf__type_cnt(kernel) && flags.empty(); ++id) {
        const btf_type* type = btf__type_by_id(kernel, id);
        if (!btf_is_enum(type) || type->name_off != 0) {
            continue;
        }
        const auto* members = btf_enum(type);
        for (std::size_t i = 0; i < btf_vlen(type); ++i) {
            const std::string_view name = btf__str_by_offset(kernel, members[i].name_off);
            if (name.starts_with(prefix) && name.ends_with(suffix) && name != "___GFP_LAST_BIT") {
                flags.emplace_back(members[i].val,
                                   name.substr(prefix.size(), name.size() - prefix.size() - suffix.size()));
            }
        }
    }
    return flags;
}

Programs::Programs(std::unique_ptr<State> state) : state_(std::move(state)) {}
Programs::Programs(Programs&&) noexcept = default;
Programs& Programs::operator=(Programs&&) noexcept = default;
Programs::~Programs() = default;

} // namespace faultline::probes::bpf
