// The invariants of all layers, from the buddy up. Exact only while no other thread allocates.
#pragma once

namespace sb {

// NULL when all holds, else one line without a newline that says what does not.
const char* check_all();

} // namespace sb
