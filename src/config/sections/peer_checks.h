// What is checked alike of all that connect, listen or write files.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "core/addr.h"
#include "core/net/tls.h"
#include "exporters/output_options.h"
#include "src/config/sections/sections.h"

namespace weir {

void check_tls(const TlsOptions& tls, const Target& at, bool listens, Faults& faults);
void check_rotation(const FileRotation& rotation, const Target* to, Faults& faults);
void check_compression(const Compression& compression, const Target* to, Faults& faults);
void check_delivery(const Delivery& delivery, Faults& faults);
// to: absent for outputs that name their destination otherwise; those are peers.
void check_waiting(const Waiting& waiting, const std::optional<Target>& to, Faults& faults);

// listen: absent where Weir connects. A mode that is the default's is not known to be given.
template <class Options>
void check_socket_file(const Options& options, Faults& faults) {
  const std::string& owner = options.socket_owner;
  const std::optional<Target>& listen = options.listen;
  if (!listen || listen->scheme != Target::Scheme::unix_stream) {
    for (const auto& [key, given] : {std::pair{"socket_mode", options.socket_mode != Options{}.socket_mode},
                                     std::pair{"socket_owner", !owner.empty()}})
      if (given)
        faults.push_back({key, "is for UNIX sockets that Weir makes" +
                                   (listen ? ", but listen is " + to_string(*listen) : std::string()) +
                                   "; remove it or listen on unix:///PATH"});
  }
  if (owner.empty()) return;
  const size_t colon = owner.find(':');
  if (colon == 0 || colon + 1 == owner.size())
    faults.push_back({"socket_owner", "'" + owner + "' is not valid; expected USER or USER:GROUP"});
}

}  // namespace weir
