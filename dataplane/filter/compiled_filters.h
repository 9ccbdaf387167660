// What has been compiled of the configuration's filters, each once for a link type: libpcap takes seconds for
// an expression of a thousand hosts, and each queue, file and check would take them again. Kept for the life
// of the process; the configuration bounds how many there are. Any thread.
#pragma once

#include <memory>
#include <string>

#include "core/result.h"
#include "dataplane/filter/packet_filter.h"
#include "dataplane/packet_headers.h"

namespace weir {

// As PacketFilter::compile() where it was not compiled before. Waits for no other thread's compiling.
Result<std::shared_ptr<const PacketFilter>> compiled_filter(const std::string& expression, LinkType link);

}  // namespace weir
