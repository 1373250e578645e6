// C++: references, classes, templates, namespaces, lambdas, exceptions' frames, operators, members, inheritance.
#include "frames.h"
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace outer {
namespace inner {

enum class Scoped : unsigned char { Left = 1, Right = 2 };

struct Base {
    virtual ~Base() = default;
    virtual int area(int scale) const = 0;
    int tag = 17;
};

class Shape final : public Base {
public:
    explicit Shape(double width) : width_(width) {}
    int area(int scale) const override;
    FRAME int operator()(const Shape &other, int &&moved);
    FRAME static int make(Scoped side, const std::string &name);

private:
    double width_;
    static int count_;
};

int Shape::count_ = 3;

FRAME static void the_end(std::nullptr_t nothing)
{
    KEEP(nothing);
    abort();
}

template <typename T, int N>
struct Box {
    T items[N];
    FRAME T first(const T &fallback) const;
};

template <typename T, int N>
FRAME T Box<T, N>::first(const T &fallback) const
{
    the_end(nullptr);
    return N > 0 ? items[0] : fallback;
}

template <typename T>
FRAME T pass(T value, const T &reference, T *pointer)
{
    Box<T, 3> box = {{value, reference, *pointer}};
    T result = box.first(value);
    KEEP(&box);
    return result;
}

FRAME int Shape::area(int scale) const
{
    auto shape = [this, scale](int extra) {
        int value = scale + extra + tag;
        int result = pass<int>(value, scale, &value);
        KEEP(&value);
        return result;
    };
    std::function<int(int)> call = shape;
    return call(4) + 1;
}

int Shape::operator()(const Shape &other, int &&moved)
{
    const Base &base = other;
    int result = base.area(moved);
    KEEP(&moved);
    return result + count_;
}

int Shape::make(Scoped side, const std::string &name)
{
    Shape one(1.5), two(2.5);
    int result = one(two, static_cast<int>(name.size()));
    KEEP(&one);
    return result + static_cast<int>(side);
}

} // namespace inner

struct Derived : virtual inner::Base {
    int area(int scale) const override { return scale; }
    int (inner::Base::*method)(int) const = &inner::Base::area;
    int inner::Base::*member = &inner::Base::tag;
};
} // namespace outer

namespace {
FRAME int anonymous(const std::vector<int> &numbers, std::unique_ptr<outer::Derived> owner, std::map<int, int> *table)
{
    int result = 0;
    try {
        result = outer::inner::Shape::make(outer::inner::Scoped::Right, "a name that is long enough for the heap");
    } catch (const std::exception &) {
        result = 1;
    }
    KEEP(owner.get());
    return result + static_cast<int>(numbers.size() + table->size());
}
} // namespace

int main()
{
    std::map<int, int> table = {{1, 2}};
    return anonymous({1, 2, 3}, std::make_unique<outer::Derived>(), &table);
}
