/// Sources for the programs that tests compile.
enum SamplePrograms {
  static let c = """
    #include <stddef.h>
    #include "inline.h"
    struct list { struct list *next, **back; };
    enum colour { RED, GREEN = 7, BLUE = -1 };
    union either { int whole; char parts[4]; };
    typedef int (*callback)(void *opaque, long);
    struct record {
      const char *const name;
      callback run;
      char text[16];
      struct { int low; union { int first; float second; }; } inner;
      struct { int hidden; };
      enum colour colour;
      unsigned bits : 3, more : 7;
      struct list links;
      volatile int *restrict pointer;
      int matrix[2][3];
      int flexible[];
    };
    struct record *records;
    _Thread_local long counter = 5;
    static int hidden_table[4] = {1, 2, 3, 4};
    int (*handlers[2])(int, ...);
    int (*array_pointer)[3];
    void (*nothing)(void);
    int (*old_style)();
    const volatile long steady = 3;
    char const *const *volatile words[4];
    int (*(*maker)(int))(char);
    union either *chosen;
    struct opaque *unknown;
    unsigned long long wide;
    __attribute__((noinline)) int callee(int number, const char *text, long unused) {
      static int calls;
      calls += number;
      return number + text[0] + calls;
    }
    static __attribute__((noinline)) int part(struct record *record, int depth) {
      int total = 0;
      for (int index = 0; index < depth; index++) {
        int square = index * index;
        if (square > 20) {
          int extra = twice(square);
          total += extra + callee(5, record->name, 9);
        }
        total += twice(index);
      }
      return total + hidden_table[depth & 3];
    }
    __attribute__((noinline)) int indirect(callback run, void *opaque) {
      return run(opaque, 3) + 1;
    }
    static int plain(void *opaque, long amount) { return opaque != NULL ? (int)amount : 0; }
    __attribute__((noinline)) int variable(int length) {
      int numbers[length];
      for (int index = 0; index < length; index++) numbers[index] = twice(index);
      return callee(numbers[length - 1], "x", 0);
    }
    int main(int argc, char **argv) {
      struct record record = {.name = argv[0]};
      records = &record;
      counter += argc;
      return part(&record, argc) + indirect(plain, argv) + variable(argc + 1);
    }
    """

  static let functions = ["callee", "part", "indirect", "plain", "variable", "main"]

  static let cPlusPlus = """
    #include "inline.h"
    namespace ns {
    template <typename T> struct Class {
      T value;
      struct Inner { long z; explicit Inner(int x); };
      __attribute__((noinline)) int method(int a) const { return a * value + count; }
      __attribute__((noinline)) int operator()(int q) const { return value + q; }
      operator bool() const { return value != 0; }
      template <class U> __attribute__((noinline)) U convert(U u) { return u + value; }
      ~Class() { count--; }
      static int count;
    };
    template <typename T> int Class<T>::count = 3;
    template <typename T> __attribute__((noinline)) Class<T>::Inner::Inner(int x) : z(x * 2) {}
    inline namespace v1 {
    __attribute__((noinline)) int variadic(const char *text, ...) { return text[0]; }
    }
    namespace {
    struct Hidden { int h; __attribute__((noinline)) int get() const volatile { return h; } };
    __attribute__((noinline)) int unnamed(const Hidden &a, int *&b, Hidden &&c, unsigned long d) {
      return a.h + *b + c.h + d;
    }
    }
    enum class Level : unsigned char { low, high };
    }
    struct Base { virtual int f(int) = 0; virtual ~Base() {} int a = 1; };
    struct Derived : Base { int f(int x) override; int b; };
    __attribute__((noinline)) int Derived::f(int x) { return x + b + twice(a); }
    extern "C" __attribute__((noinline)) int plain(int x, char *y) { return x + *y; }
    static __attribute__((noinline)) int local(ns::Level level, bool (*test)(int)) {
      return level == ns::Level::high && test(3);
    }
    typedef int (*function)(int, void *);
    __attribute__((noinline)) function choose(int x) { return x ? nullptr : (function)1; }
    int ns::Class<int>::*member = &ns::Class<int>::value;
    int main(int argc, char **argv) {
      ns::Class<int> object{argc};
      ns::Class<int>::Inner inner(argc);
      ns::Hidden hidden{argc};
      int *pointer = &argc;
      Derived derived;
      derived.b = argc;
      Base *base = &derived;
      return object.method(argc) + object(4) + object.convert<long>(3) + inner.z
        + ns::variadic(argv[0]) + hidden.get() + ns::unnamed(hidden, pointer, {2}, 4)
        + base->f(argc) + plain(1, argv[0]) + local(ns::Level::high, nullptr)
        + (choose(argc) != nullptr) + (object ? 1 : 2);
    }
    """
}
