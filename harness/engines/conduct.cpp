#include "harness/engines/conduct.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <poll.h>

namespace faultline::engines {
namespace {

using Clock = std::chrono::steady_clock;

struct Shard {
    unsigned attempts = 0;
    State state;
    std::optional<Clock::time_point> over_since; // said to be done, with no document yet
};

bool active(Stage stage) {
    return stage == Stage::waiting || stage == Stage::running;
}

// True when it was told to stop while waiting.
bool stop_within(int stop_fd, std::chrono::milliseconds time) {
    pollfd stop{stop_fd, POLLIN, 0};
    return ::poll(&stop, 1, static_cast<int>(time.count())) > 0;
}

class Conductor {
  public:
    Conductor(Engine& engine, const Job& job, int stop_fd, Observer& observer, const Pace& pace)
        : engine_(engine), job_(job), stop_fd_(stop_fd), observer_(observer), pace_(pace) {}

    Result<Conducted> run() {
        std::vector<unsigned> missing;
        for (unsigned shard = 1; shard <= job_.shards; ++shard) {
            if (there(shard)) {
                observer_.happened(fmt::format("shard {} of {}: is there from before", shard, job_.shards));
                ++end_.shards_there;
            } else {
                missing.push_back(shard);
            }
        }
        if (auto submitted = submit(missing); !submitted) {
            return tl::unexpected(submitted.error());
        }
        while (!open_.empty()) {
            look();
            if (auto again = resubmit(); !again) {
                give_up_all(again.error());
            }
            observer_.standing(standing());
            if (!open_.empty() && stop_within(stop_fd_, pace_.between_looks)) {
                end_.stopped = true;
                cancel();
                return end_;
            }
        }
        // A shard may be there and submitted still: its node was given up, and ended it all the same.
        if (auto cancelled = engine_.cancel(); !cancelled) {
            observer_.happened(cancelled.error().line());
        }
        return end_;
    }

  private:
    bool there(unsigned shard) const {
        std::error_code error;
        return std::filesystem::exists(job_.document(shard), error);
    }

    Result<void> submit(const std::vector<unsigned>& shards) {
        if (shards.empty()) {
            return {};
        }
        if (auto submitted = engine_.submit(shards); !submitted) {
            return submitted;
        }
        for (const unsigned shard : shards) {
            Shard& entry = open_[shard];
            ++entry.attempts;
            entry.state = {shard, Stage::waiting, "", ""};
            entry.over_since.reset();
        }
        return {};
    }

    void look() {
        const auto states = engine_.states();
        if (!states && states.error().line() != complaint_) {
            complaint_ = states.error().line();
            observer_.happened(complaint_ + "; asking again");
        }
        if (states) {
            complaint_.clear();
            for (const State& state : *states) {
                note(state);
            }
        }
        for (auto entry = open_.begin(); entry != open_.end();) {
            if (there(entry->first)) {
                ++end_.shards_there;
                observer_.happened(fmt::format("shard {} of {}: done{}", entry->first, job_.shards,
                                               on(entry->second.state.node)));
                entry = open_.erase(entry);
            } else {
                ++entry;
            }
        }
    }

    void note(const State& state) {
        const auto found = open_.find(state.shard);
        if (found == open_.end()) {
            return;
        }
        Shard& shard = found->second;
        if (state.stage == Stage::running && shard.state.stage != Stage::running) {
            observer_.happened(
                fmt::format("shard {} of {}: runs{}", state.shard, job_.shards, on(state.node)));
        }
        if (state.stage == Stage::waiting && shard.state.stage == Stage::running) {
            observer_.happened(fmt::format("shard {} of {}: waits again{}", state.shard, job_.shards,
                                           state.reason.empty() ? "" : " (" + state.reason + ")"));
        }
        shard.state = state;
        if (state.stage == Stage::done && !shard.over_since) {
            shard.over_since = Clock::now();
        } else if (state.stage != Stage::done) {
            shard.over_since.reset();
        }
    }

    // Those that are over without a document.
    Result<void> resubmit() {
        std::vector<unsigned> again;
        for (auto entry = open_.begin(); entry != open_.end();) {
            const auto& [number, shard] = *entry;
            const bool late = shard.over_since && Clock::now() - *shard.over_since >= pace_.for_document;
            if (active(shard.state.stage) || (shard.state.stage == Stage::done && !late)) {
                ++entry;
            } else if (shard.state.stage != Stage::cancelled && shard.attempts < pace_.attempts) {
                observer_.happened(
                    fmt::format("shard {} of {}: {}; submitted again", number, job_.shards, what_of(shard)));
                again.push_back(number);
                ++entry;
            } else {
                give_up(number, shard);
                entry = open_.erase(entry);
            }
        }
        return submit(again);
    }

    void give_up(unsigned number, const Shard& shard) {
        const std::string word = last_word(job_, number);
        end_.given_up.push_back({Exit::temporary, fmt::format("shard {} of {}", number, job_.shards),
                                 fmt::format("{} (attempt {}){}{}", what_of(shard), shard.attempts,
                                             word.empty() ? "" : "; its last word: ", word),
                                 "see " + job_.log(number).string()});
        observer_.happened(end_.given_up.back().line());
    }

    void give_up_all(const Error& error) {
        observer_.happened(error.line());
        end_.given_up.push_back(error);
        cancel();
        open_.clear();
    }

    void cancel() {
        observer_.happened("cancelling what was submitted");
        if (auto cancelled = engine_.cancel(); !cancelled) {
            observer_.happened(cancelled.error().line());
        }
        const auto until = Clock::now() + pace_.for_cancel;
        const auto any_active = [this] {
            look();
            return std::any_of(open_.begin(), open_.end(),
                               [](const auto& entry) { return active(entry.second.state.stage); });
        };
        while (any_active() && Clock::now() < until) {
            ::poll(nullptr, 0, static_cast<int>(pace_.between_looks.count() / 4));
        }
    }

    static std::string on(const std::string& node) { return node.empty() ? "" : " on " + node; }

    static std::string what_of(const Shard& shard) {
        const std::string reason = shard.state.reason.empty() ? "" : " (" + shard.state.reason + ")";
        const char* what = shard.state.stage == Stage::done        ? "ended and left no document"
                           : shard.state.stage == Stage::cancelled ? "was cancelled"
                                                                   : "failed";
        return what + on(shard.state.node) + reason;
    }

    std::string standing() const {
        std::string text = fmt::format("{} of {} shards done", end_.shards_there, job_.shards);
        unsigned waiting = 0;
        std::string why;
        for (const auto& [number, shard] : open_) {
            if (shard.state.stage == Stage::running) {
                text += fmt::format("; {}{}: {}", number, on(shard.state.node), last_word(job_, number));
            } else if (shard.state.stage == Stage::waiting) {
                ++waiting;
                why = shard.state.reason;
            }
        }
        if (waiting > 0) {
            text += fmt::format("; {} waiting{}", waiting, why.empty() ? "" : " (" + why + ")");
        }
        return text;
    }

    Engine& engine_;
    const Job& job_;
    int stop_fd_;
    Observer& observer_;
    const Pace& pace_;
    std::map<unsigned, Shard> open_; // submitted, and not there yet
    std::string complaint_;          // of the engine, when it was asked last
    Conducted end_;
};

} // namespace

Result<Conducted> conduct(Engine& engine, const Job& job, int stop_fd, Observer& observer, const Pace& pace) {
    return Conductor(engine, job, stop_fd, observer, pace).run();
}

} // namespace faultline::engines
