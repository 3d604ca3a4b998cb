// The bpf-tp layer: typed tracepoints of the kernel, counted in the kernel for the trial alone. It slows the
// trial down by some tens of nanoseconds an event, so it is given a run of its own unless asked otherwise.

#include "kernel-probes/bpf/check.hpp"
#include "kernel-probes/bpf/metrics.hpp"
#include "kernel-probes/bpf/names.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace faultline::probes {
namespace {

using bpf::TableId;
using Rows = std::map<std::string, std::vector<std::uint64_t>>;

void add_to(Rows& rows, const std::string& key, std::uint64_t calls, std::uint64_t amount) {
    auto& figures = rows.try_emplace(key, std::vector<std::uint64_t>(2)).first->second;
    figures[0] += calls;
    figures[1] += amount;
}

class BpfTp : public Probe {
  public:
    explicit BpfTp(const Wanted& wanted) {
        for (const bpf::Row& row : bpf::rows()) {
            if (wanted(row.metric.group)) {
                rows_.push_back(&row);
                metrics_.push_back(row.metric);
            }
        }
    }

    std::string_view layer() const override { return bpf::layer; }
    std::span<const Metric> metrics() const override { return metrics_; }
    bool disturbs() const override { return !verdict_ || verdict_->blind.size() < bpf::rows().size(); }
    std::vector<Table> tables() const override {
        std::vector<Table> out;
        for (const bpf::TableRow& row : bpf::tables()) {
            if (wanted_(row.table.group)) {
                out.push_back(row.table);
            }
        }
        return out;
    }

    std::vector<Capability> check() override {
        verdict_ = bpf::check(wanted_);
        return verdict_->capabilities;
    }

    Result<void> attach(const Target& target) override {
        if (!verdict_) {
            check();
        }
        finish();
        if (verdict_->blind.size() == bpf::rows().size()) {
            return {}; // nothing counts here, as check() says
        }
        // Loaded anew for each trial: every count begins at 0.
        auto programs = bpf::Programs::load(bpf::wish_for(wanted_));
        if (!programs) {
            return tl::unexpected(programs.error().error);
        }
        if (wanted_("slab") && !symbols_) {
            symbols_ = bpf::KernelSymbols::read();
        }
        gfp_flags_ = programs->gfp_flags();
        programs_.emplace(std::move(*programs));
        if (auto attached = programs_->attach(target.pid); !attached) {
            return tl::unexpected(attached.error().error);
        }
        return {};
    }

    void mark(engine::Phase /*entered*/, Snapshot& snapshot) override {
        const auto totals = programs_ ? programs_->totals() : std::nullopt;
        for (const bpf::Row* row : rows_) {
            const bool known = totals && !verdict_->blind.contains(row->metric.name);
            snapshot.values.push_back(
                {&row->metric,
                 known ? std::optional<std::uint64_t>(totals->value[row->counter]) : std::nullopt});
        }
        for (const bpf::TableRow& table : bpf::tables()) {
            if (totals && wanted_(table.table.group) && !programs_->missing().contains(table.program)) {
                snapshot.tables.push_back({&table.table, rows_of(table.id)});
            }
        }
    }

    void finish() override { programs_.reset(); }

  private:
    Rows rows_of(TableId id) const {
        Rows rows;
        switch (id) {
        case TableId::fault_latency: {
            const auto latencies = programs_->latencies();
            for (std::size_t kind = 0; kind < latencies.size(); ++kind) {
                // The metric's name without "faults_".
                const std::string_view name = bpf::rows()[COUNT_FAULTS_ANONYMOUS + kind].metric.name;
                rows.emplace(name.substr(name.find('_') + 1),
                             std::vector<std::uint64_t>(std::begin(latencies[kind].slots),
                                                        std::end(latencies[kind].slots)));
            }
            break;
        }
        case TableId::gfp:
            for (const bpf::PageRow& row : programs_->pages()) {
                add_to(rows,
                       fmt::format("order {}, {}, {}", row.key.order,
                                   bpf::migratetype_name(row.key.migratetype),
                                   bpf::gfp_name(row.key.gfp, gfp_flags_)),
                       row.calls, row.calls << row.key.order);
            }
            break;
        case TableId::slab_caches:
        case TableId::slab_sites:
            for (const bpf::SlabRow& row : programs_->slabs()) {
                std::string key = row.cache.empty() ? "kmalloc" : row.cache;
                if (id == TableId::slab_sites) {
                    key += ", " + symbols_->function_at(row.key.call_site);
                }
                add_to(rows, key, row.calls, row.bytes);
            }
            break;
        case TableId::madvise:
            for (const auto& [advice, use] : programs_->advices()) {
                add_to(rows, bpf::advice_name(advice), use.calls, use.bytes);
            }
            break;
        }
        return rows;
    }

    // Its own: what the maker's function refers to may be gone by now.
    Wanted wanted_ = [this](std::string_view group) {
        return std::any_of(metrics_.begin(), metrics_.end(),
                           [&](const Metric& metric) { return metric.group == group; });
    };
    std::vector<const bpf::Row*> rows_;
    std::vector<Metric> metrics_;
    std::vector<std::pair<unsigned, std::string>> gfp_flags_;
    std::optional<bpf::KernelSymbols> symbols_;
    std::optional<bpf::Verdict> verdict_;
    std::optional<bpf::Programs> programs_;
};

} // namespace

std::unique_ptr<Probe> make_bpf_tp(const Wanted& wanted) {
    return std::make_unique<BpfTp>(wanted);
}

} // namespace faultline::probes
