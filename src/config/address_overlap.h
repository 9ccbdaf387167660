// Whether two addresses of a configuration meet, as far as their text tells: numbers in every spelling,
// localhost, and "all addresses"; no name is looked up. tcp:// and tls:// of one port are one address.
#pragma once

#include "core/addr.h"

namespace weir {

// Both cannot be listened on at once.
[[nodiscard]] bool listens_overlap(const Target& one, const Target& other);
// Who connects to `to` on this machine comes to `listen`; by the addresses that its interfaces have now.
[[nodiscard]] bool reaches(const Target& to, const Target& listen);

}  // namespace weir
