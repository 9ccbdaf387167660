// DirectoryPlaces: where the files of a watched directory go when they are done or have failed. Owner: the
// directory's keeper, on its thread.
#pragma once

#include <string>

#include "core/result.h"
#include "dataplane/input_options.h"

namespace weir {

class DirectoryPlaces {
 public:
  explicit DirectoryPlaces(const DirectoryOptions& options);

  // Makes the directories that files go to where they are missing. Error: files could not go there, or not
  // be taken away; names the key and the remedy.
  [[nodiscard]] Status check(int directory) const;
  // Whether a file that is done, or failed, does not stay.
  [[nodiscard]] bool takes_away(bool failed) const noexcept;
  // By what `after` says. A name that is taken there gets a number behind it. Error: it stays.
  [[nodiscard]] Status take_away(int directory, const std::string& name) const;
  // Goes to `failed`, and NAME.reason with the sentence beside it.
  [[nodiscard]] Status set_aside(int directory, const std::string& name, const std::string& reason) const;

 private:
  [[nodiscard]] Status check_target(int directory, const std::string& key, const std::string& target) const;
  // The name that it has there.
  [[nodiscard]] Result<std::string> move(int directory, const std::string& name,
                                         const std::string& target) const;

  std::string path_;
  bool deletes_;
  std::string move_to_;  // empty: nowhere
  std::string failed_to_;
};

}  // namespace weir
