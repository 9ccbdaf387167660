#include "src/config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_set>
#include <utility>

namespace weir {
namespace {

constexpr size_t kDeepest = 12;
constexpr size_t kMostNodes = 20'000;
constexpr size_t kLongestText = 1'024;
constexpr size_t kLongestName = 64;

// Ends the parse: thrown through yaml-cpp, caught in parse_yaml.
struct Refused {
  int line;
  std::string why;
};

int line_of(const YAML::Mark& mark) { return mark.line + 1; }

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kLongestName && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

YamlNode node_at(YamlNode::Kind kind, const YAML::Mark& mark, std::string text = {}) {
  YamlNode node;
  node.kind = kind;
  node.line = line_of(mark);
  node.text = std::move(text);
  return node;
}

class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(ConfigFaults& faults) : faults_(faults) {}

  YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ != 0) throw Refused{line_of(mark), "a second document starts here; expected one"};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    put(node_at(YamlNode::Kind::null, mark), {}, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override { refuse_anchor(line_of(mark)); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_text(line_of(mark), value);
    put(node_at(YamlNode::Kind::scalar, mark, value), tag, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(node_at(YamlNode::Kind::list, mark), tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(node_at(YamlNode::Kind::map, mark), tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode node;
    std::unordered_set<std::string> keys;
    std::string key;  // of a map: read, its value is next
    int key_line = 0;
    bool has_key = false;
  };

  [[noreturn]] static void refuse_anchor(int line) {
    throw Refused{line, "anchors and aliases (&name, *name) are not taken; write the value out"};
  }

  // What no key takes, and no message should print.
  static void check_text(int line, const std::string& text) {
    if (text.size() > kLongestText)
      throw Refused{line, "a text of more than " + std::to_string(kLongestText) +
                              " bytes; this is no Weir configuration"};
    // yaml-cpp takes the end of the file for a missing quote.
    if (!text.empty() && (text.back() == ' ' || text.back() == '\n'))
      throw Refused{line, "a value that starts here ends with a blank; close its quote"};
    if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }))
      throw Refused{line, "a text with control characters; expected plain text"};
  }

  void check(const YamlNode& node, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) refuse_anchor(node.line);
    // yaml-cpp gives "?" for a plain and "!" for a quoted value.
    if (tag.size() > 1) throw Refused{node.line, "tags (" + tag + ") are not taken; write the plain value"};
    if (++nodes_ > kMostNodes)
      throw Refused{node.line,
                    "more than " + std::to_string(kMostNodes) + " values; this is no Weir configuration"};
  }

  void open(YamlNode node, const std::string& tag, YAML::anchor_t anchor) {
    check(node, tag, anchor);
    if (stack_.size() >= kDeepest)
      throw Refused{node.line, "nested deeper than " + std::to_string(kDeepest) +
                                   " levels; this is no Weir configuration"};
    if (key_is_next()) throw Refused{node.line, "a list or map stands as a key; expected a name"};
    stack_.emplace_back().node = std::move(node);
  }

  void close() {
    Open done = std::move(stack_.back());
    stack_.pop_back();
    attach(std::move(done.node));
  }

  void put(YamlNode node, const std::string& tag, YAML::anchor_t anchor) {
    check(node, tag, anchor);
    if (!key_is_next()) {
      attach(std::move(node));
      return;
    }
    Open& map = stack_.back();
    // What is no name is not printed either: the path may be that of some other file, which others may not
    // read.
    if (!is_name(node.text)) throw Refused{node.line, "no key's name stands here; expected NAME: VALUE"};
    map.key_line = node.line;
    map.key = std::move(node.text);
    map.has_key = true;
  }

  [[nodiscard]] bool key_is_next() const {
    return !stack_.empty() && stack_.back().node.is_map() && !stack_.back().has_key;
  }

  void attach(YamlNode node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = stack_.back();
    if (parent.node.is_list()) {
      parent.node.items.push_back(std::move(node));
      return;
    }
    parent.has_key = false;
    if (!parent.keys.insert(parent.key).second) {
      faults_.add(parent.key_line, parent.key + ": stands twice in the same place; keep one of them");
      return;
    }
    parent.node.entries.push_back({parent.key, parent.key_line, std::move(node)});
  }

  ConfigFaults& faults_;
  YamlNode root_;
  std::vector<Open> stack_;
  size_t nodes_ = 0;
  int documents_ = 0;
};

}  // namespace

YamlNode parse_yaml(std::string_view text, ConfigFaults& faults) {
  if (text.size() > kMostYamlBytes) {
    faults.add(0, "is longer than " + std::to_string(kMostYamlBytes >> 10U) +
                      " KiB; this is no Weir configuration: check the path");
    return {};
  }
  if (text.find('\0') != std::string_view::npos) {
    faults.add(0, "is not text; expected YAML as in docs/configuration.md");
    return {};
  }
  TreeBuilder builder(faults);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refused& refused) {
    faults.add(refused.line, refused.why);
  } catch (const YAML::Exception& error) {
    faults.add(error.mark.is_null() ? 0 : line_of(error.mark),
               "is not YAML here: " + error.msg +
                   "; check indentation, quotes and brackets on this line and before it");
  }
  return builder.take();
}

}  // namespace weir
