// LazyArray: a fixed number of zeroed elements in memory that is only backed by pages once they are touched,
// so that a table sized for the worst hour costs little in a quiet one. Owner: whoever owns the table.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <type_traits>

namespace weir {

template <class T>
class LazyArray {
  static_assert(std::is_trivially_copyable_v<T>, "elements start as zero bytes");

 public:
  explicit LazyArray(size_t size) : size_(size) {
    void* memory = mmap(nullptr, size * sizeof(T), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<T*>(memory);
  }
  ~LazyArray() { munmap(data_, size_ * sizeof(T)); }
  LazyArray(const LazyArray&) = delete;
  LazyArray& operator=(const LazyArray&) = delete;

  T& operator[](size_t i) noexcept { return data_[i]; }
  const T& operator[](size_t i) const noexcept { return data_[i]; }
  [[nodiscard]] size_t size() const noexcept { return size_; }
  [[nodiscard]] size_t index_of(const T& element) const noexcept {
    return static_cast<size_t>(&element - data_);
  }

 private:
  T* data_ = nullptr;
  size_t size_;
};

}  // namespace weir
