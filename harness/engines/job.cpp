#include "harness/engines/job.hpp"

#include "base/file.hpp"
#include "harness/process/observe.hpp"

#include <fmt/format.h>

namespace faultline::engines {

std::string shell_quoted(std::string_view word) {
    std::string text = "'";
    for (const char c : word) {
        text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return text + "'";
}

std::filesystem::path Job::document(unsigned shard) const {
    return folder / fmt::format("shard-{}.json", shard);
}

std::filesystem::path Job::log(unsigned shard) const {
    return folder / fmt::format("shard-{}.log", shard);
}

Result<void> prepare(const Job& job, const std::vector<std::string>& command) {
    std::error_code error;
    std::filesystem::create_directories(job.folder, error);
    if (error) {
        return fail(Exit::cannot_create, job.folder.string(), "cannot be created: " + error.message(),
                    "name a place with -o that you may write to");
    }
    std::string words;
    for (const std::string& word : command) {
        words += shell_quoted(word) + " ";
    }
    // A scheduler may start a shard again while a lost node still runs it: each writes a file of its own, and whole
    // documents replace each other. 76: some trials were invalid, which the document tells.
    const std::string script =
        fmt::format(R"(#!/bin/sh
# Runs shard $1 of {shards}. Written by `faultline run --engine`.
cd {directory} || exit 71
folder={folder}
part=$folder/part-$1-$(uname -n)-$$.json
trap 'rm -f "$part"' EXIT
trap 'exit 143' TERM INT # once the command ended, which is told to end, too
{words}--shard "$1/{shards}" -o "$part"
status=$?
case $status in 0 | 76) mv -f "$part" "$folder/shard-$1.json" ;; *) exit $status ;; esac
)",
                    fmt::arg("shards", job.shards),
                    fmt::arg("directory", shell_quoted(std::filesystem::current_path(error).string())),
                    fmt::arg("folder", shell_quoted(job.folder.string())), fmt::arg("words", words));
    if (auto written = write_file_atomically(job.script(), script); !written) {
        return written;
    }
    std::filesystem::permissions(job.script(), std::filesystem::perms::owner_all, error);
    return {};
}

std::string last_word(const Job& job, unsigned shard) {
    return process::last_line(read_file(job.log(shard)).value_or(""));
}

} // namespace faultline::engines
