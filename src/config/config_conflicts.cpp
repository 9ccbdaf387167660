#include "src/config/config_conflicts.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/clock.h"
#include "dataplane/directory/wanted_name.h"
#include "exporters/files/file_rotation.h"
#include "src/config/address_overlap.h"

namespace weir {
namespace {

using Faults = std::vector<KeyFault>;

// An address or file of the configuration and the key that names it.
struct Named {
  Target target;
  std::string key;
  FileRotation rotate = {};
};

std::vector<Named> input_targets(const Config& config, std::optional<Target> DnstapInputOptions::*which,
                                 const char* key) {
  std::vector<Named> found;
  for (size_t i = 0; i < config.inputs.size(); ++i)
    if (const auto* dnstap = std::get_if<DnstapInputOptions>(&config.inputs[i]); dnstap && dnstap->*which)
      found.push_back({*(dnstap->*which), input_path(config, i) + key});
  return found;
}

std::vector<Named> output_listens(const Config& config) {
  std::vector<Named> found;
  for (size_t i = 0; i < config.outputs.size(); ++i)
    if (const auto* dnstap = std::get_if<DnstapOptions>(&config.outputs[i]); dnstap && dnstap->listen)
      found.push_back({*dnstap->listen, output_path(config, i) + ".listen"});
  return found;
}

std::vector<Named> destinations(const Config& config) {
  std::vector<Named> found;
  for (size_t i = 0; i < config.outputs.size(); ++i) {
    const Delivery* delivery = delivery_of(config.outputs[i]);
    if (delivery == nullptr || !delivery->to) continue;
    const std::string path = output_path(config, i);
    Target to = *delivery->to;
    if (to.scheme == Target::Scheme::file) to.path = name_at(to.path, read_clock().wall_ns);
    found.push_back({std::move(to), path + ".to", delivery->rotate});
    for (const Target& other : delivery->alternatives) found.push_back({other, path + ".alternatives"});
  }
  return found;
}

std::string real_path(const std::string& path) {
  std::error_code error;
  std::string real = std::filesystem::weakly_canonical(path, error).string();
  if (error) return path;
  if (real.size() > 1 && real.ends_with('/')) real.pop_back();
  return real;
}

// What two parts of a configuration may not both use.
class Claims {
 public:
  explicit Claims(Faults& faults) : faults_(faults) {}
  void claim(const std::string& thing, const std::string& key, const std::string& remedy) {
    claim(thing, thing, key, remedy);
  }
  // identity: what makes two of them the same thing.
  void claim(const std::string& identity, const std::string& thing, const std::string& key,
             const std::string& remedy) {
    const auto [other, is_new] = owner_.emplace(identity, key);
    if (!is_new) faults_.push_back({key, thing + " is already used by " + other->second + "; " + remedy});
  }

 private:
  Faults& faults_;
  std::map<std::string, std::string> owner_;
};

void check_listens(const Config& config, Faults& faults) {
  std::vector<Named> listens = input_targets(config, &DnstapInputOptions::listen, ".listen");
  for (Named& output : output_listens(config)) listens.push_back(std::move(output));
  if (config.metrics.listen) listens.push_back({*config.metrics.listen, "metrics.listen"});
  for (size_t i = 1; i < listens.size(); ++i) {
    for (size_t before = 0; before < i; ++before) {
      const Target& other = listens[before].target;
      if (!listens_overlap(listens[i].target, other)) continue;
      const std::string with = listens[i].target == other ? "" : " (" + to_string(other) + ")";
      faults.push_back({listens[i].key, to_string(listens[i].target) + " is already used by " +
                                            listens[before].key + with +
                                            "; give each listener an address of its own"});
      break;
    }
  }
}

// What goes out and comes in again is written again, without end.
void check_address_loops(const Config& config, Faults& faults) {
  for (const Named& from : destinations(config))
    for (const Named& listen : input_targets(config, &DnstapInputOptions::listen, ".listen"))
      if (reaches(from.target, listen.target))
        faults.push_back({from.key, to_string(from.target) + " is this Weir's own " + listen.key +
                                        ", so that what goes out would come in again; send to another "
                                        "address, or remove one of them"});
  for (const Named& connect : input_targets(config, &DnstapInputOptions::connect, ".connect"))
    for (const Named& listen : output_listens(config))
      if (reaches(connect.target, listen.target))
        faults.push_back({connect.key, to_string(connect.target) + " is this Weir's own " + listen.key +
                                           ", so that what goes out would come in again; connect to "
                                           "another address, or remove one of them"});
}

// The name that the directory would take: the file's own or, with rotation, such as it is renamed to.
std::string taken_name(const DirectoryOptions& directory, const Named& file) {
  std::vector<std::string> names = {file.target.path};
  if (file.rotate.bytes != 0 || file.rotate.every_ms != 0)
    for (const unsigned attempt : {1U, 2U})
      names.push_back(rotated_path(file.target.path, read_clock().wall_ns, attempt));
  for (const std::string& path : names) {
    std::string name = std::filesystem::path(path).filename().string();
    if (is_wanted_name(name, directory.pattern)) return name;
  }
  return {};
}

void check_directory_loops(const Config& config, Faults& faults) {
  for (size_t i = 0; i < config.inputs.size(); ++i) {
    const auto* directory = std::get_if<DirectoryOptions>(&config.inputs[i]);
    if (directory == nullptr) continue;
    const std::string path = real_path(directory->path);
    for (const Named& file : destinations(config)) {
      if (file.target.scheme != Target::Scheme::file ||
          std::filesystem::path(real_path(file.target.path)).parent_path() != path)
        continue;
      if (const std::string name = taken_name(*directory, file); !name.empty())
        faults.push_back({file.key, "'" + name + "' would be taken by " + input_path(config, i) +
                                        ".path, so that what goes out would come in again; write to "
                                        "another directory, or narrow " +
                                        input_path(config, i) + ".pattern"});
    }
  }
}

void check_ports(const Config& config, Faults& faults) {
  Claims ports(faults);
  for (size_t i = 0; i < config.inputs.size(); ++i) {
    const auto* mirror = std::get_if<MirrorOptions>(&config.inputs[i]);
    if (mirror == nullptr) continue;
    const bool by_interface = !mirror->interface.empty();
    ports.claim(by_interface ? mirror->interface : mirror->port,
                input_path(config, i) + (by_interface ? ".interface" : ".port"),
                "keep one of them and give it more queues");
  }
}

void check_directories(const Config& config, Faults& faults) {
  Claims claims(faults);
  for (size_t i = 0; i < config.inputs.size(); ++i) {
    const auto* directory = std::get_if<DirectoryOptions>(&config.inputs[i]);
    if (directory == nullptr) continue;
    const auto claim = [&](const std::string& path, const char* key, const char* remedy) {
      claims.claim(real_path(path), path, input_path(config, i) + key, remedy);
    };
    claim(directory->path, ".path", "keep one of them");
    claim(directory->below_path(directory->state), ".state", "give each directory a state file of its own");
  }
}

// What is moved into a directory that is taken from comes in again.
void check_moves(const Config& config, Faults& faults) {
  const auto check = [&](const std::string& to, const std::string& key) {
    for (size_t i = 0; i < config.inputs.size(); ++i) {
      const auto* other = std::get_if<DirectoryOptions>(&config.inputs[i]);
      if (other != nullptr && real_path(to) == real_path(other->path))
        faults.push_back(
            {key, "'" + to + "' is " + input_path(config, i) +
                      ".path, so that what is moved there would be taken again; name another directory"});
    }
  };
  for (size_t i = 0; i < config.inputs.size(); ++i) {
    const auto* directory = std::get_if<DirectoryOptions>(&config.inputs[i]);
    if (directory == nullptr) continue;
    for (const auto& [to, key] :
         {std::pair{directory->move_to(), ".after"}, std::pair{directory->failed_to(), ".failed"}})
      if (!to.empty()) check(directory->below_path(to), input_path(config, i) + key);
  }
}

void check_standard_input(const Config& config, Faults& faults) {
  Claims claims(faults);
  for (size_t i = 0; i < config.inputs.size(); ++i) {
    const auto* file = std::get_if<FileOptions>(&config.inputs[i]);
    if (file != nullptr && std::find(file->paths.begin(), file->paths.end(), "-") != file->paths.end())
      claims.claim("standard input (\"-\")", input_path(config, i) + ".paths", "keep one of them");
  }
}

// The file that is written in the end: "-", /dev/stdout and the file that standard output leads to are one,
// and so are the many ways to write a path.
bool look_at(const Target& to, struct stat& st) {
  return (to.scheme == Target::Scheme::stdio ? fstat(STDOUT_FILENO, &st) : stat(to.path.c_str(), &st)) == 0;
}
std::string file_of(const Target& to) {
  struct stat st {};
  return look_at(to, st) ? std::to_string(st.st_dev) + ":" + std::to_string(st.st_ino) : real_path(to.path);
}
std::string file_of(const std::string& path) {
  return file_of(Target{.scheme = Target::Scheme::file, .host = {}, .port = 0, .path = path});
}
bool is_written(const Target& to) {
  return to.scheme == Target::Scheme::file || to.scheme == Target::Scheme::stdio;
}

void check_destinations(const Config& config, Faults& faults) {
  Claims claims(faults);
  for (size_t i = 0; i < config.inputs.size(); ++i)
    if (const auto* directory = std::get_if<DirectoryOptions>(&config.inputs[i])) {
      const std::string state = directory->below_path(directory->state);
      claims.claim(file_of(state), state, input_path(config, i) + ".state",
                   "give each directory a state file of its own");
    }
  for (const Named& to : destinations(config)) {
    if (!is_written(to.target)) continue;
    claims.claim(file_of(to.target),
                 to.target.scheme == Target::Scheme::stdio ? "standard output (\"-\")" : to_string(to.target),
                 to.key, "two outputs would mix what they write; give each its own file");
  }
  for (size_t i = 0; i < config.outputs.size(); ++i)
    if (const Waiting* waiting = waiting_of(config.outputs[i]);
        waiting != nullptr && !waiting->spool.path.empty())
      claims.claim(real_path(waiting->spool.path), waiting->spool.path, output_path(config, i) + ".spool",
                   "give each output a directory of its own");
}

// Devices such as /dev/null are read and written at once without harm.
bool is_device(const Target& to) {
  struct stat st {};
  return look_at(to, st) && !S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode);
}

void check_file_loops(const Config& config, Faults& faults) {
  for (size_t i = 0; i < config.inputs.size(); ++i) {
    const auto* input = std::get_if<FileOptions>(&config.inputs[i]);
    if (input == nullptr) continue;
    for (const Named& to : destinations(config)) {
      if (!is_written(to.target) || is_device(to.target)) continue;
      const std::string file = file_of(to.target);
      for (const std::string& path : input->paths)
        if (path != "-" && file_of(path) == file)
          faults.push_back(
              {to.key, "'" + path + "' is read by " + input_path(config, i) +
                           ", so that what goes out would come in again; write to another file"});
    }
  }
}

}  // namespace

void check_conflicts(const Config& config, std::vector<KeyFault>& faults) {
  check_listens(config, faults);
  check_address_loops(config, faults);
  check_ports(config, faults);
  check_directories(config, faults);
  check_moves(config, faults);
  check_directory_loops(config, faults);
  check_standard_input(config, faults);
  check_destinations(config, faults);
  check_file_loops(config, faults);
}

}  // namespace weir
