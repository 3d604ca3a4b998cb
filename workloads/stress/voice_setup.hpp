// The other side of voice.hpp, for the program that runs a check.
#pragma once

namespace faultline::stress {

void set_report_fd(int fd);
int report_fd();
void say_loaded(const char* path);
bool end_is_postponed();

} // namespace faultline::stress
