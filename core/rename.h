// rename(2) that never puts a file in another's place.
#pragma once

#include <string>

namespace weir {

// Folders are descriptors, or AT_FDCWD for paths. 0, or errno: EEXIST where the new name is taken. Where the
// file system cannot do it by itself (NFS), a look before has to do, which leaves an instant. Any thread.
int rename_to_new(int from_folder, const std::string& from, int to_folder, const std::string& to);

}  // namespace weir
