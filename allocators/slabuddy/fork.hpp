// fork(): the parent takes every lock in rank order, so that the child's copy of the heap is whole. The child
// has one thread: it makes the locks anew and takes over the sheaves of the threads it does not have.
#pragma once

namespace sb {

void fork_start(); // registers the handlers; once, at load

} // namespace sb
