#ifndef INLINES_H
#define INLINES_H
static inline __attribute__((always_inline)) void stop_if(int condition)
{
    if (condition)
        abort();
}
#endif
