// The bpf-tp layer of a build that found no clang, bpftool or libbpf: it counts nothing and says what was
// missing.
#include "kernel-probes/bpf/metrics.hpp"

#include <algorithm>

namespace faultline::probes {
namespace {

class BpfOff : public Probe {
  public:
    explicit BpfOff(const Wanted& wanted) {
        for (const bpf::Row& row : bpf::rows()) {
            if (wanted(row.metric.group)) {
                rows_.push_back(&row);
                metrics_.push_back(row.metric);
            }
        }
    }

    std::string_view layer() const override { return bpf::layer; }
    std::span<const Metric> metrics() const override { return metrics_; }

    std::vector<Capability> check() override {
        std::vector<Capability> capabilities;
        for (const Metric& metric : metrics_) {
            if (capabilities.empty() || capabilities.back().group != metric.group) {
                capabilities.push_back({std::string(metric.group), std::string(bpf::layer),
                                        Status::unavailable, "this build has no BPF programs", 0,
                                        "install clang, bpftool and libbpf-dev, configure and build again"});
            }
        }
        return capabilities;
    }

    Result<void> attach(const Target& /*target*/) override { return {}; }
    void mark(engine::Phase /*entered*/, Snapshot& snapshot) override {
        for (const bpf::Row* row : rows_) {
            snapshot.values.push_back({&row->metric, std::nullopt});
        }
    }
    void finish() override {}

  private:
    std::vector<const bpf::Row*> rows_;
    std::vector<Metric> metrics_;
};

} // namespace

std::unique_ptr<Probe> make_bpf_tp(const Wanted& wanted) {
    return std::make_unique<BpfOff>(wanted);
}

} // namespace faultline::probes
