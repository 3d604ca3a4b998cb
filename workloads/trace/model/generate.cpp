#include "workloads/trace/model/generate.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <queue>
#include <random>

namespace faultline::trace {
namespace {

// The standard fixes what mt19937_64 gives, but not what its distributions do with it; this is fixed.
class Draw {
  public:
    std::uint64_t below(std::uint64_t bound) { // 0 for 0
        return static_cast<std::uint64_t>((static_cast<unsigned __int128>(engine_()) * bound) >> 64);
    }
    std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
    template <typename T>
    void shuffle(std::vector<T>& values) {
        for (std::size_t i = values.size(); i > 1; --i) {
            std::swap(values[i - 1], values[below(i)]);
        }
    }

  private:
    std::mt19937_64 engine_{1};
};

// Things with weights, drawn in proportion to them.
template <typename T>
class Weighted {
  public:
    void add(const T& value, std::uint64_t weight) {
        values_.push_back(value);
        ends_.push_back((ends_.empty() ? 0 : ends_.back()) + weight);
    }
    bool empty() const { return ends_.empty() || ends_.back() == 0; }
    const T& draw(Draw& draw) const { // not of an empty one
        const auto at = std::upper_bound(ends_.begin(), ends_.end(), draw.below(ends_.back()));
        return values_[static_cast<std::size_t>(at - ends_.begin())];
    }

  private:
    std::vector<T> values_;
    std::vector<std::uint64_t> ends_;
};

struct Death {
    std::uint64_t when;
    std::uint64_t pointer; // also the order of birth
    std::uint32_t releaser;
    Op op;
    std::uint8_t alignment_log2;
    bool operator>(const Death& other) const {
        return when != other.when ? when > other.when : pointer > other.pointer;
    }
};

Op release_of(Op op) {
    return op == Op::op_new ? Op::op_delete : op == Op::op_new_aligned ? Op::op_delete_aligned : Op::free;
}

class Generator {
  public:
    explicit Generator(Model model) : model_(std::move(model)) {
        const std::size_t classes = model_.sizes.size();
        mixes_.resize(model_threads);
        releasers_.resize(model_threads);
        lifetimes_.resize(classes);
        makings_.resize(classes);
        for (std::uint32_t index = 0; index < classes; ++index) {
            any_class_.add(index, model_.sizes[index].count);
        }
        for (const auto& [at, count] : model_.mixes) {
            mixes_[at[0]].add(at[1], count);
        }
        for (const auto& [at, count] : model_.lifetimes) {
            lifetimes_[at[0]].add(at[1], count);
        }
        for (const auto& [making, count] : model_.makings) {
            makings_[making.size_class].add(making, count);
        }
        for (const auto& [at, count] : model_.releases) {
            releasers_[at[0]].add(at[1], count);
        }
        prepare_deaths();
        begin_segment(0);
    }

    // The events up to and with the next allocation; none at the end.
    void next(std::deque<Event>& out) {
        if (made_ > model_.allocations) {
            return;
        }
        due_.clear();
        while (!deaths_.empty() && deaths_.top().when <= made_) {
            due_.push_back(deaths_.top());
            deaths_.pop();
        }
        if (made_ == model_.allocations) {
            release_due(out);
            ++made_;
            return;
        }
        const Life life = next_life();
        if (life.op != Op::realloc_to) {
            release_due(out);
            put(out, life.op, life.maker, made_ + 1, life.size, extra_of(life.op, life.alignment_log2));
        } else {
            const auto old = std::find_if(due_.begin(), due_.end(), [&](const Death& death) {
                return death.releaser == life.maker && release_of(death.op) == Op::free;
            });
            const std::uint64_t from = old == due_.end() ? 0 : old->pointer;
            if (old != due_.end()) {
                due_.erase(old);
            }
            release_due(out);
            put(out, Op::realloc_from, life.maker, from, 0, 0);
            put(out, Op::realloc_to, life.maker, made_ + 1, life.size, 0);
        }
        ++made_;
        if (life.ends()) {
            deaths_.push({std::min(life.dead, model_.allocations), made_, life.releaser, life.op,
                          life.alignment_log2});
        }
    }

  private:
    void prepare_deaths() {
        auto dead = model_.moments;
        std::uint32_t segment = 0;
        deaths_in_.resize(model_segments);
        for (const auto& [when, count] : model_.drops) {
            while (segment + 1 < model_segments && when > model_.segment_begin(segment + 1)) {
                ++segment;
            }
            deaths_in_[segment].add({when, when}, count);
            std::uint64_t& rest = dead[{segment, part_of(model_, segment, when - 1)}].dead;
            rest -= std::min(rest, count);
        }
        for (const auto& [at, moment] : dead) {
            deaths_in_[at[0]].add({model_.part_begin(at[0], at[1]) + 1, model_.part_begin(at[0], at[1] + 1)},
                                  moment.dead);
        }
    }

    static std::uint64_t extra_of(Op op, std::uint8_t alignment_log2) {
        return op == Op::calloc ? 1 : has_alignment(op) ? std::uint64_t{1} << alignment_log2 : 0;
    }
    void put(std::deque<Event>& out, Op op, std::uint32_t thread, std::uint64_t pointer, std::uint64_t size,
             std::uint64_t extra) {
        Event event;
        event.op = op;
        event.thread = thread;
        event.pointer = pointer;
        event.size = size;
        event.extra = extra;
        event.position = made_;
        time_ = std::max(time_ + 1, model_.timed ? time_of(made_) : 0); // no two events at a time
        event.time = time_;
        out.push_back(event);
    }
    void release_due(std::deque<Event>& out) {
        for (const Death& death : due_) {
            const Op op = release_of(death.op);
            put(out, op, death.releaser, death.pointer, 0, extra_of(op, death.alignment_log2));
        }
    }
    std::uint64_t time_of(std::uint64_t index) const {
        const std::uint64_t begin = segment_ == 0 ? 0 : model_.segment_end_ns[segment_ - 1];
        const std::uint64_t length = segment_end_ - model_.segment_begin(segment_);
        const std::uint64_t into = index - model_.segment_begin(segment_);
        const std::uint64_t spent = model_.segment_end_ns[segment_] - begin;
        return begin + (length == 0 ? 0
                                    : static_cast<std::uint64_t>(static_cast<unsigned __int128>(spent) *
                                                                 into / length));
    }

    void begin_segment(std::uint32_t segment) {
        segment_ = segment;
        segment_end_ = model_.segment_begin(segment + 1);
        left_.assign(model_threads, {});
        for (auto at = model_.loads.lower_bound({segment, 0});
             at != model_.loads.end() && at->first[0] == segment; ++at) {
            left_[at->first[1]] = at->second;
        }
        long_ones_.clear();
        for (auto at = model_.long_ones.lower_bound({segment, 0, 0});
             at != model_.long_ones.end() && at->first.born == segment; ++at) {
            long_ones_.insert(long_ones_.end(), std::min<std::uint64_t>(at->second, segment_end_), at->first);
        }
        draw_.shuffle(long_ones_);
        owed_ = 0;
        begin_part(0);
    }

    Life next_life() {
        while (made_ >= segment_end_ && segment_ + 1 < model_segments) {
            begin_segment(segment_ + 1);
        }
        if (next_block_ < model_.blocks.size() && model_.blocks[next_block_].born == made_) {
            return model_.blocks[next_block_++];
        }
        const std::uint32_t thread = next_thread();
        Load& left = left_[thread];
        const std::uint64_t all = left.short_lived + left.long_lived;
        const bool lives_long = is_long(left) && !long_ones_.empty();
        Life life;
        life.born = made_;
        life.maker = thread;
        life.releaser = releasers_[thread].empty() ? thread : releasers_[thread].draw(draw_);
        std::uint32_t size_class = 0;
        if (lives_long) {
            left.long_lived -= 1;
            size_class = long_ones_.back().size_class;
            life.dead = death_in(long_ones_.back().dead);
            long_ones_.pop_back();
        } else {
            (left.short_lived > 0 ? left.short_lived : left.long_lived) -= all > 0 ? 1 : 0;
            size_class = (mixes_[thread].empty() ? any_class_ : mixes_[thread]).draw(draw_);
            life.dead = made_ + 1 + short_lifetime(size_class);
        }
        life.size = draw_size(model_.sizes[size_class]);
        if (!makings_[size_class].empty()) {
            const Making& making = makings_[size_class].draw(draw_);
            life.op = making.op;
            life.alignment_log2 = making.alignment_log2;
        }
        return life;
    }

    // As many in each part of the segment as there were; what falls to a thread that has none left waits for another.
    bool is_long(const Load& left) {
        while (part_ + 1 < model_parts && made_ >= model_.part_begin(segment_, part_ + 1)) {
            begin_part(part_ + 1);
        }
        const std::uint64_t end = model_.part_begin(segment_, part_ + 1);
        if (draw_.below(end - std::min(made_, end - 1)) < born_left_) {
            --born_left_;
            ++owed_;
        }
        if (left.long_lived == 0 || (owed_ == 0 && left.short_lived > 0)) {
            return false;
        }
        owed_ -= owed_ > 0 ? 1 : 0;
        return true;
    }
    void begin_part(std::uint32_t part) {
        part_ = part;
        const auto moment = model_.moments.find({segment_, part});
        born_left_ = moment == model_.moments.end() ? 0 : moment->second.born;
    }

    // Threads come in runs, each as often in a segment as it did in the trace.
    std::uint32_t next_thread() {
        const auto all_of = [&](std::uint32_t thread) {
            return left_[thread].short_lived + left_[thread].long_lived;
        };
        if (all_of(thread_) > 0 && draw_.below(model_.mean_run) != 0) {
            return thread_;
        }
        std::uint64_t all = 0;
        for (std::uint32_t thread = 0; thread < model_threads; ++thread) {
            all += all_of(thread);
        }
        std::uint64_t at = draw_.below(all);
        for (std::uint32_t thread = 0; thread < model_threads; ++thread) {
            if (at < all_of(thread)) {
                return thread_ = thread;
            }
            at -= all_of(thread);
        }
        return thread_;
    }

    std::uint64_t short_lifetime(std::uint32_t size_class) {
        if (lifetimes_[size_class].empty()) {
            return 0;
        }
        const std::uint32_t bin = lifetimes_[size_class].draw(draw_);
        const std::uint64_t begin = lifetime_bin_begin(bin);
        return draw_.between(begin, std::max(lifetime_bin_begin(bin + 1), begin + 1) - 1);
    }

    // Not before a part's length is over: the block would be a short-lived one.
    std::uint64_t death_in(std::uint32_t segment) {
        if (segment >= model_segments) {
            return never;
        }
        const std::uint64_t part_length = (segment_end_ - model_.segment_begin(segment_)) / model_parts;
        const std::uint64_t end = std::max(model_.segment_begin(segment + 1), made_ + 1);
        const std::uint64_t least =
            std::min(std::max(made_ + part_length, model_.segment_begin(segment)), end - 1);
        for (int attempt = 0; attempt < 16 && !deaths_in_[segment].empty(); ++attempt) {
            const auto& [from, to] = deaths_in_[segment].draw(draw_);
            const std::uint64_t when = from + draw_.below(std::max(to, from) - from + 1);
            if (when > least) {
                return when;
            }
        }
        return least + draw_.below(end - least) + 1;
    }

    // Uniform on either side of the mean, as often on each as gives that mean.
    std::uint64_t draw_size(const SizeClass& size) {
        if (size.low == size.high) {
            return size.low;
        }
        const std::uint64_t mean = size.bytes / size.count;
        const std::uint64_t below_mean = size.high - mean;
        return draw_.below(size.high - size.low) < below_mean ? draw_.between(size.low, mean)
                                                              : draw_.between(mean, size.high);
    }

    Model model_;
    Draw draw_;
    std::vector<Weighted<std::uint32_t>> mixes_;     // by thread
    std::vector<Weighted<std::uint32_t>> releasers_; // by maker
    std::vector<Weighted<std::uint32_t>> lifetimes_; // by size class
    std::vector<Weighted<Making>> makings_;          // by size class
    Weighted<std::uint32_t> any_class_;
    std::vector<Weighted<std::pair<std::uint64_t, std::uint64_t>>> deaths_in_; // of longer ones, by segment
    std::vector<Load> left_;                                                   // of this segment, by thread
    std::vector<LongLived> long_ones_;
    std::priority_queue<Death, std::vector<Death>, std::greater<>> deaths_;
    std::vector<Death> due_;
    std::uint64_t made_ = 0;
    std::uint64_t time_ = 0;
    std::uint64_t segment_end_ = 0;
    std::uint32_t segment_ = 0;
    std::uint32_t part_ = 0;
    std::uint64_t born_left_ = 0; // longer ones, in this part
    std::uint64_t owed_ = 0;      // and those that are due
    std::uint32_t thread_ = 0;
    std::size_t next_block_ = 0;
};

class ModelSource final : public EventSource {
  public:
    explicit ModelSource(LineReader input) : input_(std::move(input)) { info_.format = "faultline model"; }
    explicit ModelSource(Model model) {
        info_.format = "faultline model";
        start(std::move(model));
    }

    Result<std::size_t> read(std::span<Event> out) override {
        if (!generator_) {
            Result<Model> model = read_model(*input_);
            if (!model) {
                return tl::unexpected(model.error());
            }
            start(*std::move(model));
        }
        std::size_t count = 0;
        while (count < out.size()) {
            if (waiting_.empty()) {
                generator_->next(waiting_);
            }
            if (waiting_.empty()) { // every call gives an allocation until there are no more
                break;
            }
            while (count < out.size() && !waiting_.empty()) {
                out[count++] = waiting_.front();
                waiting_.pop_front();
            }
        }
        return count;
    }
    const TraceInfo& info() const override { return info_; }
    std::string place(const Event& event) const override {
        return "allocation " + std::to_string(event.position) + " of the model";
    }

  private:
    void start(Model model) {
        info_.timed = model.timed;
        generator_ = std::make_unique<Generator>(std::move(model));
    }
    std::optional<LineReader> input_;
    TraceInfo info_;
    std::unique_ptr<Generator> generator_;
    std::deque<Event> waiting_;
};

} // namespace

std::unique_ptr<EventSource> generate(Model model) {
    return std::make_unique<ModelSource>(std::move(model));
}

std::unique_ptr<EventSource> make_model_source(LineReader input) {
    return std::make_unique<ModelSource>(std::move(input));
}

} // namespace faultline::trace
