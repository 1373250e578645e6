/* One function for each kind of argument, each calling the next; the last one aborts. */
#include "frames.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <complex.h>

enum colour { RED, GREEN = 5, BLUE };
enum flags { FLAG_NONE = 0, FLAG_A = 1, FLAG_B = 2, FLAG_C = 4, FLAG_WIDE = 0x30 };
enum negative { MINUS = -3, ZERO = 0, PLUS = 3 };

typedef int (*operation)(int, long);
typedef unsigned long size_of_things;
typedef struct { int x, y; } point;

struct empty {};

struct bits {
    unsigned a : 3;
    int b : 5;
    bool c : 1;
    enum colour d : 4;
    unsigned long long e : 40;
};

struct nested {
    point corner;
    struct {
        int inner;
        double weight;
    } named;
    union {
        int as_int;
        float as_float;
        unsigned char bytes[4];
    };
    struct {
        short in_anonymous;
    };
    const char *name;
    operation call;
    struct nested *self;
    enum colour colour;
};

union either {
    long number;
    double real;
    char text[8];
};

struct flexible {
    int count;
    int items[];
};

struct big {
    char name[16];
    int numbers[300];
    point points[3];
    int matrix[2][3];
};

static char long_text[400];
static char repeated_text[300];
static int repeated_numbers[250];
static struct nested nested;
static struct big big;

FRAME static int twice(int a, long b) { return a * 2 + (int)b; }

FRAME static void the_end(void)
{
    abort();
}

FRAME static int arrays(int (*row)[4], int numbers[], point (*points)[2], const int *empty)
{
    int local[5] = {1, 2, 3, 4, 5};
    int same[250];
    int mixed[20] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 7, 8, 8, 8, 9, 9, 9, 9};
    char matrix[2][3] = {"ab", "cd"};
    char unterminated[4] = {'w', 'x', 'y', 'z'};
    char padded[12] = "pad";
    unsigned char octets[6] = {0, 1, 127, 128, 255, '\\'};
    int three[2][2][2] = {{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}};
    const char *names[3] = {"one", NULL, "three"};
    double reals[4] = {0.0, 0.5, 1e100, -1.0 / 3};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        same[i] = 6;
    the_end();
    KEEP(local);
    KEEP(same);
    KEEP(mixed);
    KEEP(matrix);
    KEEP(unterminated);
    KEEP(padded);
    KEEP(octets);
    KEEP(three);
    KEEP(names);
    KEEP(reals);
    return row[0][0] + numbers[0] + (*points)[0].x + (empty == NULL);
}

FRAME static int unions_and_flexible(union either either, struct flexible *flexible, struct empty nothing, struct big *large)
{
    struct big copy = *large;
    int row[2][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}};
    point points[2] = {{1, 2}, {3, 4}};
    int result = arrays(row, repeated_numbers, &points, NULL);
    KEEP(&copy);
    (void)nothing;
    return result + (int)either.number + flexible->count;
}

FRAME static int structs(point place, struct nested by_value, struct bits bits, struct nested *by_pointer, const point *const nowhere)
{
    struct flexible *flexible = malloc(sizeof *flexible + 3 * sizeof(int));
    union either either = {.number = 0x4142434445464748};
    struct empty nothing;

    flexible->count = 3;
    flexible->items[0] = 10;
    flexible->items[1] = 11;
    flexible->items[2] = 12;
    int result = unions_and_flexible(either, flexible, nothing, &big);
    KEEP(flexible);
    return result + place.x + by_value.corner.y + (int)bits.a + by_pointer->corner.x + (nowhere == NULL);
}

FRAME static int functions(operation call, operation none, void *anything, void (*to_data)(void), int **indirect, const volatile int *qualified, const int *restrict only)
{
    point place = {3, -4};
    struct bits bits = {.a = 5, .b = -7, .c = true, .d = BLUE, .e = 0xabcdef0123};
    int result = structs(place, nested, bits, &nested, NULL);
    KEEP(&bits);
    (void)none;
    (void)anything;
    (void)to_data;
    return result + call(1, 2) + **indirect + *qualified + *only;
}

FRAME static int strings(const char *plain, const char *empty, char *null, const char *escapes, const char *lengthy, const char *repeats, const unsigned char *bytes, const signed char *signs, const char *unreadable, const wchar_t *wide, const char *utf8)
{
    int number = 42, *pointer = &number;
    int result = functions(twice, NULL, &number, the_end, &pointer, &number, repeated_numbers);
    KEEP(pointer);
    KEEP(number);
    return result + plain[0] + empty[0] + (null == NULL) + escapes[0] + lengthy[0] + repeats[0] + bytes[0] + signs[0] + (unreadable == NULL) + (int)wide[0] + utf8[0];
}

FRAME static int enumerations(enum colour known, enum colour unknown, enum flags one, enum flags several, enum flags none, enum flags unknown_bits, enum negative negative)
{
    static const unsigned char bytes[] = "bytes\xff\x80";
    static const signed char signs[] = {'s', -1, 0};
    int result = strings("plain", "", NULL, "tab\t quote\" backslash\\ bell\a escape\033 newline\n octal\001" "2 high\xe9", long_text, repeated_text, bytes, signs, (const char *)0x10, L"wide \u00e9", "caf\u00e9 \u6f22");
    KEEP(result);
    return result + (int)known + (int)unknown + (int)one + (int)several + (int)none + (int)unknown_bits + negative;
}

FRAME static int reals(float simple, double twice_as_long, long double longest, double zero, double minus_zero, double infinite, double not_a_number, float tiny, float third, double huge, double integral, double _Complex complex_number)
{
    int result = enumerations(GREEN, (enum colour)77, FLAG_B, FLAG_A | FLAG_C, FLAG_NONE, (enum flags)(FLAG_A | 64), MINUS);
    KEEP(result);
    return result + (int)(simple + twice_as_long + (double)longest + zero + minus_zero + tiny + third + integral + creal(complex_number)) + (infinite > huge) + (not_a_number > 0);
}

FRAME static int integers(char letter, char control, char high, signed char small, unsigned char octet, bool yes, bool no, short half, unsigned short word, int number, unsigned int natural, long big_number, unsigned long huge, long long longest, unsigned long long all_ones, __int128 enormous, size_of_things renamed)
{
    int result = reals(1.5f, -2.25, 3.125L, 0.0, -0.0, __builtin_inf(), __builtin_nan(""), 1e-40f, 1.0f / 3, 1.7976931348623157e308, 1e15, 1.0 + 2.0 * I);
    KEEP(result);
    return result + letter + control + high + small + octet + yes + no + half + word + number + (int)natural + (int)big_number + (int)huge + (int)longest + (int)all_ones + (int)enormous + (int)renamed;
}

FRAME static int many(int a, int b, int c, int d, int e, int f, int on_stack, point also_on_stack, int last)
{
    int result = integers('A', '\n', '\xe9', -128, 200, true, false, -32768, 65535, -1, 4294967295u, -9223372036854775807l - 1, 18446744073709551615ul, 1234567890123456789ll, 18446744073709551615ull, ((__int128)1 << 100) + 5, 42);
    KEEP(result);
    return result + a + b + c + d + e + f + on_stack + also_on_stack.x + last;
}

int main(void)
{
    point place = {8, 9};

    for (size_t i = 0; i < sizeof long_text - 1; i++)
        long_text[i] = (char)('a' + i % 26);
    memset(repeated_text, 'r', sizeof repeated_text - 1);
    memcpy(repeated_text, "start", 5);
    memcpy(repeated_text + 100, "middle", 6);
    for (size_t i = 0; i < sizeof repeated_numbers / sizeof *repeated_numbers; i++)
        repeated_numbers[i] = i < 220 ? 4 : (int)i;
    nested = (struct nested){{1, 2}, {3, 4.5}, {.as_int = 0x3f800000}, {6}, "nested", twice, &nested, GREEN};
    strcpy(big.name, "big");
    for (int i = 0; i < 300; i++)
        big.numbers[i] = i;
    big.points[1] = (point){5, 6};
    big.matrix[1][2] = 9;
    return many(1, 2, 3, 4, 5, 6, 7, place, 10);
}
