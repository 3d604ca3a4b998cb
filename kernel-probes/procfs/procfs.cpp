// The procfs layer: what /proc says of the trial and of the host, read at phase ends. Needs nobody's
// permission.

#include "kernel-probes/layers.hpp"
#include "kernel-probes/procfs/check.hpp"
#include "kernel-probes/procfs/snapshot.hpp"

#include <fmt/format.h>

namespace faultline::probes {
namespace {

using procfs::Row;

class Procfs : public Probe {
  public:
    Procfs(const Wanted& wanted, std::filesystem::path proc) : proc_(std::move(proc)) {
        for (const Row& row : procfs::rows()) {
            if (wanted(row.metric.group)) {
                rows_.push_back(&row);
                metrics_.push_back(row.metric);
            }
        }
    }

    std::string_view layer() const override { return "procfs"; }
    std::span<const Metric> metrics() const override { return metrics_; }
    std::vector<Capability> check() override { return procfs::check(proc_, rows_); }

    Result<void> attach(const Target& target) override {
        std::error_code error;
        if (!std::filesystem::exists(proc_ / fmt::format("{}", target.pid), error)) {
            return fail(Exit::unavailable, "procfs",
                        fmt::format("process {} is not in {}", target.pid, proc_.string()),
                        "mount /proc, without hidepid");
        }
        pid_ = target.pid;
        at_attach_ = procfs::take(proc_, pid_, rows_).values;
        return {};
    }

    void mark(engine::Phase /*entered*/, Snapshot& snapshot) override {
        const auto now = procfs::take(proc_, pid_, rows_).values;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const Metric& metric = rows_[i]->metric;
            std::optional<std::uint64_t> value = now[i];
            if (metric.kind == Kind::counter) {
                const auto begin = at_attach_[i];
                value = value && begin && *value >= *begin ? std::optional(*value - *begin) : std::nullopt;
            }
            snapshot.values.push_back({&metric, value});
        }
    }

    void finish() override { pid_ = 0; } // nothing is held open

  private:
    std::filesystem::path proc_;
    std::vector<const Row*> rows_;
    std::vector<Metric> metrics_;
    std::vector<std::optional<std::uint64_t>> at_attach_;
    pid_t pid_ = 0;
};

} // namespace

std::unique_ptr<Probe> make_procfs(const Wanted& wanted, std::filesystem::path proc) {
    return std::make_unique<Procfs>(wanted, std::move(proc));
}

} // namespace faultline::probes
