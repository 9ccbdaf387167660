#include "core/secret_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace weir {
namespace {

struct SecretFileTest : testing::Test {
  ~SecretFileTest() override { std::filesystem::remove(path); }
  void write(const std::string& text, mode_t mode) {
    std::ofstream(path) << text;
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
  }
  const std::string path = testing::TempDir() + "/weir-secret-" + std::to_string(getpid());
};

TEST_F(SecretFileTest, GivesItsFirstLine) {
  write("let me in\r\nmore\n", 0640);
  const auto secret = read_secret_file("password_file", path);
  ASSERT_TRUE(secret.ok()) << secret.error().message;
  EXPECT_EQ(*secret, "let me in");
}

TEST_F(SecretFileTest, IsRefusedWhereOthersMayReadIt) {
  for (const mode_t mode : {0604, 0644, 0602}) {
    write("let me in\n", mode);
    const auto secret = read_secret_file("password_file", path);
    ASSERT_FALSE(secret.ok());
    EXPECT_TRUE(secret.error().message.starts_with("password_file: ")) << secret.error().message;
    EXPECT_NE(secret.error().message.find("chmod o-rwx"), std::string::npos) << secret.error().message;
    EXPECT_EQ(secret.error().message.find("let me in"), std::string::npos);
    EXPECT_FALSE(check_secret_file("password_file", path).ok());
  }
}

TEST_F(SecretFileTest, MustBeThereAndHoldSomething) {
  EXPECT_FALSE(read_secret_file("password_file", path + "-none").ok());
  EXPECT_FALSE(read_secret_file("password_file", testing::TempDir()).ok());
  write("\nlet me in\n", 0600);
  EXPECT_FALSE(read_secret_file("password_file", path).ok());
}

}  // namespace
}  // namespace weir
