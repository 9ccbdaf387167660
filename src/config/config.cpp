#include "src/config/config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "src/config/config_faults.h"
#include "src/config/config_reader.h"
#include "src/config/yaml_tree.h"

namespace weir {
namespace {

Error cannot_read(const std::string& path, int error) {
  std::string message = path + ": cannot be read: " + std::strerror(error);
  if (error == ENOENT) message += "; check the path, or start from docs/weir.example.yaml";
  if (error == EACCES) message += "; change the file's owner or mode, or the user that Weir runs as";
  if (error == EISDIR) message += "; name the configuration file in it";
  return Error{message};
}

// At most one byte more than a configuration may have, whatever the path names.
Result<std::string> read_text(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return cannot_read(path, errno);
  std::string text(kMostYamlBytes + 1, '\0');
  size_t length = 0;
  ssize_t got = 0;
  while (length < text.size()) {
    got = read(fd, text.data() + length, text.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    length += static_cast<size_t>(got);
  }
  const int error = errno;
  close(fd);
  if (got < 0) return cannot_read(path, error);
  text.resize(length);
  return text;
}

}  // namespace

const PacketOptions* packet_options(const InputConfig& input) {
  if (const auto* mirror = std::get_if<MirrorOptions>(&input)) return &mirror->packets;
  if (const auto* file = std::get_if<FileOptions>(&input)) return &file->packets;
  if (const auto* directory = std::get_if<DirectoryOptions>(&input)) return &directory->packets;
  return nullptr;
}

PacketOptions* packet_options(InputConfig& input) {
  return const_cast<PacketOptions*>(packet_options(std::as_const(input)));
}

const Delivery* delivery_of(const OutputConfig& output) {
  return std::visit(
      [](const auto& options) -> const Delivery* {
        if constexpr (requires { options.delivery; })
          return &options.delivery;
        else
          return nullptr;
      },
      output);
}

const Waiting* waiting_of(const OutputConfig& output) {
  return std::visit(
      [](const auto& options) -> const Waiting* {
        if constexpr (requires { options.waiting; })
          return &options.waiting;
        else
          return nullptr;
      },
      output);
}

Result<Config> parse_config(const std::string& yaml, const std::string& file_name, ConfigPart part) {
  ConfigFaults faults;
  const YamlNode root = parse_yaml(yaml, faults);
  // A text that is no YAML is not read further: what follows from that would hide it.
  if (!faults.empty()) return faults.error(file_name);
  Config config = ConfigReader(faults, part).read(root);
  if (!faults.empty()) return faults.error(file_name);
  return config;
}

Result<Config> load_config(const std::string& path, ConfigPart part) {
  auto text = read_text(path);
  if (!text) return text.error();
  return parse_config(*text, path, part);
}

std::string embedded_default_config() {
  return R"(inputs:
  - dnstap: { listen: "tcp://127.0.0.1:6000" }
outputs:
  - json: { to: "-" }
metrics: { listen: "127.0.0.1:9953" }
)";
}

}  // namespace weir
